import Testing
import TideColumns
import TideSimulation
import TideText

@testable import TideConnectors

/// Tables of more files than stay open.
@Suite struct OpenFilesTests {
    private func bytes(_ file: any File) throws -> [UInt8] {
        var found = [UInt8](repeating: 0, count: Int(try file.size()))
        let count = try found.withUnsafeMutableBytes { buffer throws(TidemillError) in
            try file.read(into: buffer, at: 0)
        }
        #expect(count == found.count)
        return found
    }

    @Test func lastUsedStayOpen() throws {
        let machine = Machine()
        try machine.disk.createDirectories("/w/t")
        for number in 0..<9 { try machine.write("/w/t/\(number)", "file \(number)") }
        let open = OpenFiles(files: machine.disk, table: "/w/t", openMax: 3)
        var files = try (0..<9).map { try open.file(FilePath("/w/t/\($0)")) }
        for round in 0..<20 {
            let number = round * 5 % 9
            #expect(try bytes(files[number]) == Array("file \(number)".utf8))
            #expect(open.openCount == 3)
            #expect(machine.disk.openFiles.count == 3)
        }
        files[8].close()
        files.removeAll()
        #expect(machine.disk.openFiles == [])
    }

    /// A version that was swapped out is kept for a while; then the reader is told.
    @Test func replacedWhileRead() throws {
        let machine = Machine()
        for path in ["/w/t/k=1", "/w/.t.old-5/k=1"] { try machine.disk.createDirectories(FilePath(path)) }
        try machine.write("/w/t/k=1/a", "first")
        try machine.write("/w/t/b", "second")
        let open = OpenFiles(files: machine.disk, table: "/w/t", openMax: 1)
        let first = try open.file("/w/t/k=1/a")
        let second = try open.file("/w/t/b")
        #expect(try bytes(second) == Array("second".utf8))
        try machine.disk.rename("/w/t/k=1/a", to: "/w/.t.old-5/k=1/a")
        #expect(try bytes(first) == Array("first".utf8))
        #expect(try bytes(second) == Array("second".utf8))
        try machine.disk.remove("/w/.t.old-5/k=1/a")
        let error = #expect(throws: TidemillError.self) { _ = try bytes(first) }
        #expect(error?.code == "TIDEMILL_TABLE_CHANGES_TOO_FAST")
    }

    /// 300 directories: what a reader and a publish hold open.
    @Test(arguments: [StoredFormat.parquet, .csv(CSVWriteOptions())])
    func manyPartitions(_ format: StoredFormat) throws {
        var machine = Machine()
        machine.format = format
        var options = smallOptions()
        options.format = format
        options.partitionColumnCount = 1
        let table = try AppendTable(
            location: "/w/t", identity: identity, schema: rowSchema, options: options,
            environment: machine.environment)
        let all = (0..<300).map { Row(name: "row", number: Int64($0), value: Double($0)) }
        let writer = try table.begin(.zero, replacingAll: false)
        try writer.append(batch(all))
        _ = try table.publish(.zero, manifest: try writer.prepare())
        #expect(try machine.stored("/w/t").sorted() == all)
        #expect(machine.disk.openFiles == [])
    }
}
