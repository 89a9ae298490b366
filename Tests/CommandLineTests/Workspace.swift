import Foundation
import Testing

/// A folder of one test, gone with it. Its files are written and read by path relative to it.
final class Workspace {
    let directory: URL

    init() throws {
        try TidemillBinary.require()
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("tidemill-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func url(_ path: String) -> URL { directory.appendingPathComponent(path) }
    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url(path).path) }

    func write(_ path: String, _ text: String) throws {
        let file = url(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }

    func createDirectory(_ path: String) throws {
        try FileManager.default.createDirectory(at: url(path), withIntermediateDirectories: true)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(at: url(path)) }
    func copy(_ from: String, _ to: String) throws { try FileManager.default.copyItem(at: url(from), to: url(to)) }

    /// Regular files below `path`, relative to it, sorted.
    func files(_ path: String) -> [String] {
        let found = FileManager.default.enumerator(atPath: url(path).path)?.compactMap { $0 as? String } ?? []
        return found.filter { name in
            var isDirectory: ObjCBool = false
            let path = url(path).appendingPathComponent(name).path
            return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
        }.sorted()
    }

    func tidemill(_ arguments: String...) throws -> Outcome { try RunningTidemill(arguments, in: directory).finish() }

    /// A command line of bash; `$0` is the binary.
    func bash(_ script: String) throws -> Outcome {
        try RunningTidemill(
            ["-c", "set -o pipefail; " + script, TidemillBinary.path], in: directory,
            executable: "/bin/bash"
        ).finish()
    }

    /// The answer as CSV lines without the header.
    func rows(_ query: String, _ project: String = "p.sql") throws -> [String] {
        let outcome = try tidemill("sql", "-e", query, "--format", "csv", project)
        outcome.expectSuccess()
        return Array(outcome.outLines.dropFirst())
    }
}

/// The pipeline most tests run: orders by customer.
enum Orders {
    private static let totalsView = """
        CREATE MATERIALIZED VIEW totals AS
        SELECT customer, count(*) AS n, sum(amount) AS amount FROM orders GROUP BY customer;
        """

    static func sql(
        columns: String = "id INT, customer STRING, amount DOUBLE", options: String = "", view: String? = nil
    ) -> String {
        """
        CREATE TABLE orders (\(columns))
        USING csv OPTIONS (path 'in', header 'true', maxFilesPerTrigger '1'\(options));

        CREATE STREAMING TABLE big AS SELECT * FROM STREAM orders WHERE amount >= 10;

        \(view ?? totalsView)
        """
    }

    static let header = "id,customer,amount\n"

    /// Three files of three orders each.
    static func write(to workspace: Workspace, sql: String = Orders.sql()) throws {
        try workspace.write("p.sql", sql)
        try workspace.write("in/1.csv", header + "1,ann,10\n2,bob,20\n3,cid,5\n")
        try workspace.write("in/2.csv", header + "4,ann,1\n5,bob,2\n6,dan,40\n")
        try workspace.write("in/3.csv", header + "7,ann,100\n8,eve,0.5\n9,dan,-40\n")
    }

    static let totals = ["ann,3,111.0", "bob,2,22.0", "cid,1,5.0", "dan,2,0.0", "eve,1,0.5"]
    static let big = ["1", "2", "6", "7"]

    /// A good run completes and the tables are exactly right: nothing was lost by what happened before.
    static func expectComplete(
        _ workspace: Workspace, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try workspace.tidemill("run", "p.sql").expectSuccess(sourceLocation: sourceLocation)
        try expectTables(workspace, sourceLocation: sourceLocation)
    }

    static func expectTables(_ workspace: Workspace, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(
            try workspace.rows("SELECT * FROM totals ORDER BY customer") == totals, sourceLocation: sourceLocation)
        #expect(try workspace.rows("SELECT id FROM big ORDER BY id") == big, sourceLocation: sourceLocation)
    }
}
