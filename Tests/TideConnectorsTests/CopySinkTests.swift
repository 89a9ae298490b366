import Testing
import TideColumns
import TideSimulation
import TideText

@testable import TideConnectors

@Suite struct CopySinkTests {
    private func sink(_ machine: Machine) throws -> CopySink {
        try CopySink(
            location: "/out/report", identity: identity,
            format: .csv(CSVWriteOptions.parse(["header": "true"]).options),
            environment: machine.environment)
    }
    private func publish(_ sink: CopySink, _ epoch: Int64, _ batches: [Batch]) throws -> PublishReport {
        var rest = batches[...]
        return try sink.publish(Epoch(epoch), schema: rowSchema) { rest.popFirst() }
    }
    private func text(_ machine: Machine) throws -> String {
        let names = try machine.names("/out/report").filter { $0.hasPrefix("part-00000-") && $0.hasSuffix(".csv") }
        #expect(names.count == 1)
        let path = FilePath("/out/report").appending(names.first ?? "")
        return String(decoding: try machine.disk.contents(of: path), as: UTF8.self)
    }
    private let one = Row(name: "a,b", number: 1, value: 0.5)
    private let two = Row(name: nil, number: 2, value: -3)

    @Test func replacesTheCopyAtOnce() throws {
        let machine = Machine()
        let sink = try sink(machine)
        #expect(try !machine.disk.exists("/out/report"))
        #expect(try publish(sink, 0, [batch([one]), batch([two])]).rowsInserted == 2)
        #expect(try text(machine) == "name,number,value\n\"a,b\",1,0.5\n,2,-3.0\n")
        try machine.write("/out/report/notes.txt", "mine")
        _ = try publish(sink, 1, [batch([two])])
        #expect(try text(machine) == "name,number,value\n,2,-3.0\n")
        #expect(try machine.names("/out/report").contains("notes.txt"))
        #expect(try publish(sink, 1, [batch([one])]) == PublishReport())
        #expect(try publish(self.sink(machine), 1, [batch([one])]) == PublishReport())
        #expect(try text(machine) == "name,number,value\n,2,-3.0\n")
    }

    @Test func survivesAPowerCutAnywhere() throws {
        func run(_ machine: Machine) throws {
            let sink = try sink(machine)
            try sink.recover()
            let start = try sink.publishedEpoch().map { $0.rawValue } ?? 0
            for epoch in start..<3 { _ = try publish(sink, epoch, [batch([Row(name: "e", number: epoch, value: 0)])]) }
        }
        let whole = Machine()
        try run(whole)
        for cut in 0..<whole.disk.calls {
            let machine = Machine()
            machine.disk.cutPower(afterCalls: cut)
            #expect(throws: TidemillError.self) { try run(machine) }
            let after = Machine(machine.disk.crashed(seed: UInt64(cut)), seed: 2)
            if try after.disk.exists("/out/report") {
                let epochs = (0..<3).map { "name,number,value\ne,\($0),0.0\n" }
                #expect(epochs.contains(try text(after)))
            }
            try run(after)
            #expect(try text(after) == "name,number,value\ne,2,0.0\n")
            #expect(try after.names("/out").filter { $0 != "report" && !$0.hasPrefix(".report.old-") } == [])
        }
    }

    @Test func refusesForeignDirectories() throws {
        let machine = Machine()
        try machine.disk.createDirectories("/out/report")
        try machine.write("/out/report/precious.csv", "1")
        #expect { try sink(machine) } throws: { ($0 as? TidemillError)?.code == "TIDEMILL_FOREIGN_TABLE_DIRECTORY" }
    }
}
