import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

/// The calls of each publish as text, so that the order of syncs is reviewed by reading.
@Suite struct TraceTests {
    /// Random names become `#`, sizes disappear, consecutive writes to a file are one.
    private func calls(_ machine: Machine) -> String {
        var lines: [String] = []
        for line in machine.disk.trace {
            var words = line.split(separator: " ").map(String.init)
            if words[0] == "write" { words = Array(words[..<2]) }
            let text = words.map { (original: String) -> String in
                var word = original
                if let old = word.firstRange(of: ".old-") {
                    // Time and random of a version swapped out.
                    let rest = word[old.upperBound...].split(separator: "/", maxSplits: 1)
                    let epoch = rest[0].prefix { $0 != "-" }
                    word = word[..<old.upperBound] + epoch + "-*" + (rest.count > 1 ? "/" + rest[1] : "")
                }
                return word.split(separator: "-", omittingEmptySubsequences: false).map { part in
                    let hex = part.prefix(while: \.isHexDigit)
                    return hex.count == 16 ? "#" + part.dropFirst(16) : String(part)
                }.joined(separator: "-")
            }.joined(separator: " ")
            if lines.last != text { lines.append(text) }
        }
        machine.disk.clearTrace()
        return lines.joined(separator: "\n")
    }

    @Test func appendOfOneSmallFile() throws {
        let machine = Machine()
        let table = try AppendTable(
            location: "/w/t", identity: identity, schema: rowSchema, environment: machine.environment)
        #expect(
            calls(machine) == """
                mkdir /w
                syncdir /
                mkdir /w/.t.probe-a
                mkdir /w/.t.probe-b
                exchange /w/.t.probe-a <-> .t.probe-b
                rmdir /w/.t.probe-a
                rmdir /w/.t.probe-b
                mkdir /w/.t.next-create
                create /w/.t.next-create/part-empty-0-#.parquet
                write /w/.t.next-create/part-empty-0-#.parquet
                sync /w/.t.next-create/part-empty-0-#.parquet
                create /w/.t.next-create/_tidemill
                write /w/.t.next-create/_tidemill
                sync /w/.t.next-create/_tidemill
                syncdir /w/.t.next-create
                rename /w/.t.next-create -> t
                syncdir /w
                mkdir /w/.t.staging
                syncdir /w
                """)
        let writer = try table.begin(Epoch(0))
        try writer.append(batch([Row(name: "a", number: 1, value: 1)]))
        let manifest = try writer.prepare()
        // The rows travel inside the commit record.
        #expect(calls(machine) == "")
        _ = try table.publish(Epoch(0), manifest: manifest)
        #expect(
            calls(machine) == """
                create /w/.t.staging/part-000000000000-0-#.parquet
                write /w/.t.staging/part-000000000000-0-#.parquet
                sync /w/.t.staging/part-000000000000-0-#.parquet
                link /w/.t.staging/part-000000000000-0-#.parquet -> /w/t/part-000000000000-0-#.parquet
                syncdir /w/t
                create /w/t/._tidemill.new
                write /w/t/._tidemill.new
                sync /w/t/._tidemill.new
                rename /w/t/._tidemill.new -> _tidemill
                syncdir /w/t
                remove /w/.t.staging/part-000000000000-0-#.parquet
                remove /w/t/part-empty-0-#.parquet
                """)
    }

    @Test func appendOfLargeFiles() throws {
        let machine = Machine()
        var options = TableOptions()
        options.inlineBytesMax = 100
        options.fileBytesTarget = 1000
        options.rowGroupRows = 100
        let table = try AppendTable(
            location: "/w/t", identity: identity, schema: rowSchema, options: options, environment: machine.environment)
        machine.disk.clearTrace()
        let writer = try table.begin(Epoch(0))
        func row(_ i: Int) -> Row { Row(name: "\(i * 77)", number: Int64(i * i), value: Double(i) / 3) }
        try writer.append(batch((0..<150).map(row)))
        try writer.append(batch((150..<200).map(row)))
        try writer.append(batch([Row(name: "a", number: 1, value: 1)]))
        let manifest = try writer.prepare()
        #expect(
            calls(machine) == """
                create /w/.t.staging/part-000000000000-0-#.parquet
                write /w/.t.staging/part-000000000000-0-#.parquet
                sync /w/.t.staging/part-000000000000-0-#.parquet
                create /w/.t.staging/part-000000000000-1-#.parquet
                write /w/.t.staging/part-000000000000-1-#.parquet
                sync /w/.t.staging/part-000000000000-1-#.parquet
                syncdir /w/.t.staging
                """)
        _ = try table.publish(Epoch(0), manifest: manifest)
        #expect(
            calls(machine) == """
                mkdir /w/.t.next-0
                link /w/.t.staging/part-000000000000-0-#.parquet -> /w/.t.next-0/part-000000000000-0-#.parquet
                link /w/.t.staging/part-000000000000-1-#.parquet -> /w/.t.next-0/part-000000000000-1-#.parquet
                create /w/.t.next-0/_tidemill
                write /w/.t.next-0/_tidemill
                sync /w/.t.next-0/_tidemill
                syncdir /w/.t.next-0
                exchange /w/.t.next-0 <-> t
                syncdir /w
                rename /w/.t.next-0 -> .t.old-0-*
                remove /w/.t.staging/part-000000000000-0-#.parquet
                remove /w/.t.staging/part-000000000000-1-#.parquet
                """)
    }

    @Test func upsert() throws {
        let machine = Machine()
        let table = try keyedTable(machine, TableOptions())
        let rows = (0..<100).map { Row(name: "n", number: $0, value: 0) }
        _ = try table.publish([batch(rows)], through: Epoch(4))
        machine.disk.clearTrace()
        machine.clock.advance(micros: 60_000_000)
        _ = try table.publish([batch([Row(name: "n", number: 5, value: 1)])], through: Epoch(6))
        #expect(
            calls(machine) == """
                mkdir /w/.t.next-6
                create /w/.t.next-6/part-000000000006-0-#.parquet
                write /w/.t.next-6/part-000000000006-0-#.parquet
                sync /w/.t.next-6/part-000000000006-0-#.parquet
                create /w/.t.next-6/_tidemill
                write /w/.t.next-6/_tidemill
                sync /w/.t.next-6/_tidemill
                syncdir /w/.t.next-6
                exchange /w/.t.next-6 <-> t
                syncdir /w
                rename /w/.t.next-6 -> .t.old-6-*
                remove /w/.t.old-4-*/_tidemill
                remove /w/.t.old-4-*/part-empty-0-#.parquet
                rmdir /w/.t.old-4-*
                """)
    }
}
