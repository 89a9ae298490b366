import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

/// Expected types and values are what Spark 4.3 finds in the same directories.
struct PartitionDirectoriesTests {
    private func inferred(_ directories: [String]) throws -> [String] {
        try PartitionDirectories.infer(directories.map { "/in/\($0)/f.json" }, below: "/in")
            .map { "\($0.name) \($0.type.sql)" }
    }

    @Test func infersTypes() throws {
        for (directories, expected) in [
            (["k=1", "k=2"], "INT"), (["k=1", "k=a"], "STRING"), (["k=1", "k=__HIVE_DEFAULT_PARTITION__"], "INT"),
            (["k=2024-01-02"], "DATE"), (["k=2024-01-02 03%3A04%3A05"], "TIMESTAMP"), (["k=1.5", "k=2"], "DOUBLE"),
            (["k=3000000000", "k=1"], "BIGINT"), (["k=true"], "STRING"), (["k=01", "k=1"], "INT"),
            (["k=a%2Fb"], "STRING"), (["k=12345678901234567890", "k=1"], "DECIMAL(20,0)"),
            (["k=2024-01-02", "k=5"], "STRING"), (["k=-1", "k=+2"], "INT"), (["k=10:30"], "STRING"),
            (["k=2024-01-02", "k=2024-01-02 03%3A04%3A05"], "TIMESTAMP"), (["k=1", "k=2.5", "k=a"], "STRING"),
            (["k=1.5", "k=3000000000"], "STRING"), (["k=1d"], "DOUBLE"), (["k=1L"], "STRING"),
        ] as [([String], String)] {
            #expect(try inferred(directories) == ["k \(expected)"])
        }
        #expect(try inferred(["k=1/j=a", "k=2/j=b"]) == ["k INT", "j STRING"])
        #expect(try inferred(["a/k=1"]) == ["k INT"])
    }

    @Test func refusesDirectoriesThatDisagree() throws {
        #expect(throws: TidemillError.self) { try inferred(["k=1", "j=2"]) }
        #expect(throws: TidemillError.self) { try inferred(["k="]) }
    }

    private func rows(_ source: any Source, _ columns: [Int]) throws -> [[String?]] {
        var all: [[String?]] = []
        let plan = try #require(try source.plan(limit: RateLimit(), until: nil))
        for split in plan.splits {
            let reader = try source.open(split, columns: columns)
            while let batch = try reader.next() {
                let texts = batch.columns.map { $0.formatted() }
                for row in 0..<batch.count { all.append(texts.map { $0.scalar(row).string }) }
            }
        }
        return all
    }

    @Test(arguments: ["json", "csv"]) func addsTheColumns(_ format: String) throws {
        let machine = Machine()
        for directory in ["/in", "/in/day=2024-01-02", "/in/day=__HIVE_DEFAULT_PARTITION__", "/in/other"] {
            try machine.disk.createDirectory(FilePath(directory))
        }
        let text = format == "json" ? "{\"a\":1}\n{\"a\":2}\n" : "1\n2\n"
        try machine.write("/in/day=2024-01-02/x", text)
        try machine.write("/in/day=__HIVE_DEFAULT_PARTITION__/y", text)
        try machine.write("/in/other/z", text)
        let declared = Schema([Field("Day", .date), Field("a", .int)])
        let source = try makeSource(
            format: format, path: "/in", options: [:], schema: declared, environment: machine.environment
        ).source
        #expect(
            try rows(source, [0, 1]) == [["2024-01-02", "1"], ["2024-01-02", "2"], [nil, "1"], [nil, "2"]])
        #expect(try rows(source, [0]) == [["2024-01-02"], ["2024-01-02"], [nil], [nil]])
        #expect(try rows(source, [1]) == [["1"], ["2"], ["1"], ["2"]])
        let wrong = try makeSource(
            format: format, path: "/in", options: [:], schema: Schema([Field("day", .int), Field("a", .int)]),
            environment: machine.environment
        ).source
        let error = #expect(throws: TidemillError.self) { try rows(wrong, [0]) }
        #expect(error?.code == "INVALID_PARTITION_VALUE")
    }

    @Test func infersThemBehindTheOthers() throws {
        let machine = Machine()
        for directory in ["/in", "/in/k=1", "/in/k=2"] { try machine.disk.createDirectory(FilePath(directory)) }
        try machine.write("/in/k=1/x", "{\"v\":1,\"b\":true}\n")
        try machine.write("/in/k=2/y", "{\"w\":1.5}\n")
        let source = try makeSource(
            format: "json", path: "/in", options: [:], schema: nil, environment: machine.environment
        ).source
        #expect(
            source.schema.fields.map { "\($0.name) \($0.type.sql)" } == ["b BOOLEAN", "v BIGINT", "w DOUBLE", "k INT"])
        #expect(try rows(source, [1, 3]) == [["1", "1"], [nil, "2"]])
    }

    /// A column that the table is partitioned by is never looked for in the files.
    @Test func declaredPartitionColumnsAreNullWithoutADirectory() throws {
        let machine = Machine()
        try machine.disk.createDirectory("/in")
        try machine.write("/in/x", "{\"v\":1,\"k\":7}\n")
        let source = try makeSource(
            format: "json", path: "/in", options: [:], schema: Schema([Field("v", .int), Field("k", .int)]),
            partitionedBy: ["k"], environment: machine.environment
        ).source
        #expect(try rows(source, [0, 1]) == [["1", nil]])
    }
}
