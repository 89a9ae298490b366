import Testing
import TideColumns
import TideSimulation

@testable import TideConnectors

private let schema = Schema([Field("a", .bigint), Field("b", .string)])

private func source(_ machine: Machine, _ path: String = "/in", options: [String: String] = [:]) throws -> any Source {
    try makeSource(
        format: "csv", path: FilePath(path), options: options, schema: schema, environment: machine.environment
    ).source
}
private func names(_ plan: SourcePlan?) -> [String] { plan?.splits.map(\.name) ?? [] }

@Suite struct DirectorySourceTests {
    let machine = Machine()
    init() throws {
        try machine.disk.createDirectory("/in")
        try machine.disk.createDirectory("/elsewhere")
    }

    @Test func takesFilesByTimeThenPath() throws {
        try machine.write("/elsewhere/old", "0,old\n")
        try machine.write("/in/b.csv", "1,b\n")
        try machine.write("/in/a.csv", "2,a\n")
        for hidden in [".x.csv", "_SUCCESS", "c.csv._COPYING_", "d.csv.tmp"] {
            try machine.write("/in/\(hidden)", "9,x\n")
        }
        let source = try source(machine)
        let first = try #require(try source.plan(limit: RateLimit(filesMax: 1), until: nil))
        #expect(names(first) == ["/in/b.csv"])
        #expect(first.hasMore)
        #expect(first.startOffset == #"{"logOffset":0}"# && first.endOffset == #"{"logOffset":1}"#)
        // Not committed: offered again.
        #expect(names(try source.plan(limit: RateLimit(filesMax: 1), until: nil)) == ["/in/b.csv"])
        try source.commit(first)
        // A late file with an older time is taken, and before the newer one.
        try machine.disk.rename("/elsewhere/old", to: "/in/late.csv")
        let second = try #require(try source.plan(limit: RateLimit(), until: nil))
        #expect(names(second) == ["/in/late.csv", "/in/a.csv"])
        #expect(!second.hasMore)
        try source.commit(second)
        #expect(try source.plan(limit: RateLimit(), until: nil) == nil)
    }

    @Test func readsTheColumnsAskedFor() throws {
        try machine.write("/in/a.csv", "1,x\nbad,y\n3,a string that is not inline\n")
        let source = try source(machine)
        let plan = try #require(try source.plan(limit: RateLimit(), until: nil))
        let reader = try source.open(plan.splits[0], columns: [1])
        var values: [String?] = []
        while let batch = try reader.next() {
            for row in 0..<batch.count { values.append(batch.columns[0].scalar(row).string) }
        }
        #expect(values == ["x", "y", "a string that is not inline"])
        #expect(reader.report.rows == 3)
        let all = try source.open(plan.splits[0], columns: [0, 1])
        while try all.next() != nil {}
        #expect(all.report.badRows == 1 && all.report.droppedRows == 0)
        #expect(all.report.samples.first?.line == 2 && all.report.samples.first?.file == "/in/a.csv")
    }

    @Test func limitsBytesButTakesOneFile() throws {
        for (name, bytes) in [("a", 100), ("b", 10), ("c", 10), ("d", 50)] {
            try machine.write("/in/\(name).csv", String(repeating: "1", count: bytes))
        }
        let source = try source(machine)
        var taken: [[String]] = []
        while let plan = try source.plan(limit: RateLimit(bytesMax: 25), until: nil) {
            taken.append(names(plan))
            try source.commit(plan)
        }
        #expect(taken == [["/in/a.csv"], ["/in/b.csv", "/in/c.csv"], ["/in/d.csv"]])
    }

    @Test func restoresFromItsLedger() throws {
        try machine.write("/in/a.csv", "1,a\n")
        try machine.write("/in/b.csv", "2,b\n")
        let before = try source(machine)
        let plan = try #require(try before.plan(limit: RateLimit(filesMax: 1), until: nil))
        try before.commit(plan)
        let after = try source(machine)
        try after.restore(ledger: plan.ledger)
        let next = try #require(try after.plan(limit: RateLimit(), until: nil))
        #expect(names(next) == ["/in/b.csv"])
        #expect(next.startOffset == #"{"logOffset":1}"#)
        try after.commit(next)
        let ledger = after.ledger()
        #expect(ledger.count == 2)
        #expect(ledger.columns[0].scalar(1).string == "/in/b.csv")
        #expect(ledger.columns[2].scalar(1).integer == 4)
        #expect(try after.replay().map(\.name) == ["/in/a.csv", "/in/b.csv"])
        try machine.disk.remove("/in/a.csv")
        #expect { try after.replay() } throws: { ($0 as? TidemillError)?.detail == "/in/a.csv" }
    }

    @Test func reportsChangedAndVanishedFilesOnce() throws {
        for name in ["a", "b", "c"] { try machine.write("/in/\(name).csv", "1,a\n") }
        let source = try source(machine)
        try source.commit(try #require(try source.plan(limit: RateLimit(), until: nil)))
        try machine.disk.open("/in/a.csv", .readWrite).write(Array("2,b\n3,c\n".utf8), at: 0)
        try machine.disk.remove("/in/b.csv")
        #expect(try source.plan(limit: RateLimit(), until: nil) == nil)
        #expect(try source.plan(limit: RateLimit(), until: nil) == nil)
        let warnings = source.takeWarnings().sorted()
        #expect(warnings.count == 2)
        #expect(warnings.first?.hasPrefix("file changed") == true && warnings.first?.hasSuffix("/in/a.csv") == true)
        #expect(warnings.last?.hasPrefix("file vanished") == true && warnings.last?.hasSuffix("/in/b.csv") == true)
        #expect(source.takeWarnings() == [])
    }

    @Test func horizonHidesLaterFiles() throws {
        for name in ["a", "b", "c"] { try machine.write("/in/\(name).csv", "1,a\n") }
        let source = try source(machine)
        let horizon = try source.horizon()
        try machine.write("/in/later.csv", "1,a\n")
        var taken: [String] = []
        while let plan = try source.plan(limit: RateLimit(filesMax: 2), until: horizon) {
            #expect(names(try source.plan(limit: RateLimit(filesMax: 2), until: horizon)) == names(plan))
            taken += names(plan)
            try source.commit(plan)
        }
        #expect(taken == ["/in/a.csv", "/in/b.csv", "/in/c.csv"])
        #expect(names(try source.plan(limit: RateLimit(), until: try source.horizon())) == ["/in/later.csv"])
    }

    @Test func findsWhatPatternsName() throws {
        for directory in ["/in/x", "/in/y", "/in/_z", "/in/x/deep"] {
            try machine.disk.createDirectory(FilePath(directory))
        }
        for file in ["x/1.csv", "x/2.txt", "y/1.csv", "_z/1.csv", "x/deep/3.csv", "top.csv"] {
            try machine.write("/in/\(file)", "1,a\n")
        }
        func found(_ path: String, _ options: [String: String] = [:]) throws -> [String] {
            names(try source(machine, path, options: options).plan(limit: RateLimit(), until: nil)).sorted()
        }
        #expect(try found("/in") == ["/in/top.csv"])
        #expect(try found("/in/*/1.csv") == ["/in/x/1.csv", "/in/y/1.csv"])
        #expect(try found("/in/{x,y}") == ["/in/x/1.csv", "/in/x/2.txt", "/in/y/1.csv"])
        #expect(try found("/in/x/1.csv") == ["/in/x/1.csv"])
        #expect(
            try found("/in", ["recursiveFileLookup": "true", "pathGlobFilter": "*.csv"])
                == ["/in/top.csv", "/in/x/1.csv", "/in/x/deep/3.csv", "/in/y/1.csv"])
        try machine.disk.createDirectory("/in/day=1")
        try machine.write("/in/day=1/4.csv", "4")
        #expect(try found("/in") == ["/in/day=1/4.csv", "/in/top.csv"])
    }

    @Test func refusesWhatItCannotDo() throws {
        #expect { try source(machine, "/nowhere") } throws: { ($0 as? TidemillError)?.code == "PATH_NOT_FOUND" }
        #expect { try source(machine, "/nowhere/*.csv") } throws: { ($0 as? TidemillError)?.code == "PATH_NOT_FOUND" }
        for option in ["fileNameOnly": "true", "modifiedBefore": "2050-01-01T00:00:00", "cleanSource": "delete"] {
            #expect { try source(machine, options: [option.key: option.value]) } throws: {
                ($0 as? TidemillError)?.kind == .unsupported
            }
        }
        for age in ["1 hour", "soon", ""] {
            #expect { try source(machine, options: ["maxFileAge": age]) } throws: {
                ($0 as? TidemillError)?.code == "TIDEMILL_BAD_OPTION"
            }
        }
        for age in ["7d", "90", "1500ms", "2h"] { _ = try source(machine, options: ["maxFileAge": age]) }
        #expect {
            try makeSource(format: "cvs", path: "/in", options: [:], schema: schema, environment: machine.environment)
        } throws: { ($0 as? TidemillError)?.hint == "did you mean csv?" }
        let connected = try makeSource(
            format: "CSV", path: "/in", options: ["Header": "true", "colour": "red", "maxfilespertrigger": "3"],
            schema: schema, environment: machine.environment)
        #expect(connected.unknownOptions == ["colour"])
        #expect(connected.limit == RateLimit(filesMax: 3))
    }

    @Test func snapshotVersionFollowsTheFiles() throws {
        try machine.write("/in/a.csv", "1,a\n")
        let source = try source(machine)
        let one = try source.snapshot()
        #expect(try source.snapshot().version == one.version)
        try machine.write("/in/b.csv", "1,a\n")
        let two = try source.snapshot()
        #expect(two.version != one.version && two.splits.count == 2)
        try machine.disk.remove("/in/b.csv")
        #expect(try source.snapshot().version == one.version)
        try machine.disk.open("/in/a.csv", .readWrite).write(Array("2".utf8), at: 0)
        #expect(try source.snapshot().version != one.version)
    }
}
