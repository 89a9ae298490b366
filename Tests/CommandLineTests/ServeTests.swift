import Foundation
import Testing

/// `tidemill serve` as its user starts it: files come, rows appear, a signal ends it.
@Suite struct ServeTests {
    private static let sql = """
        CREATE TABLE orders (id INT, customer STRING, amount DOUBLE) USING csv OPTIONS (path 'in', header 'true');
        CREATE MATERIALIZED VIEW totals AS
        SELECT customer, count(*) AS n, sum(amount) AS amount FROM orders GROUP BY customer;
        """

    private func start(_ workspace: Workspace, _ arguments: String...) throws -> RunningTidemill {
        try RunningTidemill(["serve", "p.sql", "--progress", "jsonl"] + arguments, in: workspace.directory)
    }

    /// Reads progress lines up to one that read rows; gives how many. -1 if the process ends, or gives none in time.
    private func nextRows(_ serving: RunningTidemill) throws -> Int {
        let process = serving.process
        let limit = DispatchWorkItem { if process.isRunning { process.terminate() } }
        DispatchQueue.global().asyncAfter(deadline: .now() + 30, execute: limit)
        defer { limit.cancel() }
        while true {
            let line = serving.firstLine()
            guard !line.isEmpty,
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                let rows = object["numInputRows"] as? Int
            else { return -1 }
            if rows > 0 { return rows }
        }
    }

    /// Puts a file into place whole, as a program that means well does.
    private func move(_ workspace: Workspace, _ name: String, _ text: String) throws {
        try workspace.write("in/.\(name)", text)
        try FileManager.default.moveItem(at: workspace.url("in/.\(name)"), to: workspace.url("in/\(name)"))
    }

    @Test(arguments: ["0 ms", "50 ms"]) func takesFilesAsTheyCome(trigger: String) throws {
        let workspace = try Workspace()
        try workspace.write("p.sql", ServeTests.sql)
        try workspace.createDirectory("in")
        let serving = try start(workspace, "--trigger", trigger)
        try move(workspace, "1.csv", Orders.header + "1,ann,10\n2,bob,20\n")
        #expect(try nextRows(serving) == 2)
        try move(workspace, "2.csv", Orders.header + "3,ann,5\n")
        #expect(try nextRows(serving) == 1)
        // Closed after writing counts as much as moved.
        try workspace.write("in/3.csv", Orders.header + "4,cid,1\n")
        #expect(try nextRows(serving) == 1)
        serving.process.terminate()
        try serving.finish().expectSuccess()
        #expect(
            try workspace.rows("SELECT * FROM totals ORDER BY customer") == ["ann,2,15.0", "bob,1,20.0", "cid,1,1.0"])
        // The checkpoint is an ordinary one: nothing is left to do.
        let run = try workspace.tidemill("run", "p.sql")
        run.expectSuccess()
        #expect(run.err.contains("nothing new"))
    }

    /// Queries see each epoch as soon as it is committed, and all tables as of one, whatever is published meanwhile.
    @Test(arguments: ["1 h", "0 ms"]) func queriesSeeTheLastCommittedEpoch(publishInterval: String) throws {
        let workspace = try Workspace()
        try workspace.write(
            "p.sql",
            ServeTests.sql + """

                CREATE STREAMING TABLE big AS SELECT * FROM STREAM orders WHERE amount >= 5;
                CREATE MATERIALIZED VIEW listed USING json AS SELECT customer, n FROM totals WHERE n > 1;
                """)
        try workspace.createDirectory("in")
        let serving = try start(workspace, "--set", "tidemill.publishInterval=\(publishInterval)")
        let question = """
            SELECT (SELECT sum(n) FROM totals) AS n, (SELECT count(*) FROM big) AS b, (SELECT sum(n) FROM listed) AS l
            """
        for file in 1...12 {
            try move(workspace, "\(file).csv", Orders.header + "\(file),ann,10\n\(file + 100),bob,5\n")
            // Two flows read the file.
            for _ in 0..<2 { #expect(try nextRows(serving) == 2) }
            let listed = file == 1 ? "" : "\(2 * file)"
            #expect(try workspace.rows(question) == ["\(2 * file),\(2 * file),\(listed)"])
        }
        // Asked while epochs come, the three always agree.
        for file in 13...48 {
            try move(workspace, "\(file).csv", Orders.header + "\(file),ann,10\n\(file + 100),bob,5\n")
            let numbers = try #require(try workspace.rows(question).first).split(separator: ",")
            #expect(numbers.count == 3 && Set(numbers).count == 1, "\(numbers)")
        }
        var rows = 48
        while rows < 192 {
            let next = try nextRows(serving)
            try #require(next > 0)
            rows += next
        }
        serving.process.terminate()
        try serving.finish().expectSuccess()
        let end = try workspace.rows(question)
        #expect(end == ["96,96,96"])
    }

    /// A file whose writer has not closed it is left alone; so is it by the stop, and the next run takes it whole.
    @Test func waitsForWriters() throws {
        let workspace = try Workspace()
        try workspace.write("p.sql", ServeTests.sql)
        try workspace.createDirectory("in")
        let serving = try start(workspace)
        try move(workspace, "1.csv", Orders.header + "1,ann,10\n")
        #expect(try nextRows(serving) == 1)
        let descriptor = open(workspace.url("in/2.csv").path, O_CREAT | O_EXCL | O_WRONLY, 0o644)
        #expect(descriptor >= 0)
        let writer = FileHandle(fileDescriptor: descriptor)
        try writer.write(contentsOf: Data((Orders.header + "2,bob,").utf8))
        try move(workspace, "3.csv", Orders.header + "3,cid,3\n")
        #expect(try nextRows(serving) == 1)
        try writer.write(contentsOf: Data("20\n".utf8))
        try writer.close()
        #expect(try nextRows(serving) == 1)
        serving.process.interrupt()
        try serving.finish().expectSuccess()
        #expect(
            try workspace.rows("SELECT * FROM totals ORDER BY customer") == ["ann,1,10.0", "bob,1,20.0", "cid,1,3.0"])
    }

    @Test func killedWhileServing() throws {
        let workspace = try Workspace()
        try workspace.write("p.sql", ServeTests.sql)
        try workspace.createDirectory("in")
        let serving = try start(workspace)
        try move(workspace, "1.csv", Orders.header + "1,ann,10\n2,bob,20\n")
        #expect(try nextRows(serving) == 2)
        kill(serving.process.processIdentifier, SIGKILL)
        #expect(try serving.finish().status == nil)
        try move(workspace, "2.csv", Orders.header + "3,ann,5\n")
        try workspace.tidemill("run", "p.sql").expectSuccess()
        #expect(try workspace.rows("SELECT * FROM totals ORDER BY customer") == ["ann,2,15.0", "bob,1,20.0"])
    }

    @Test func badTrigger() throws {
        let workspace = try Workspace()
        try workspace.write("p.sql", ServeTests.sql)
        let outcome = try workspace.tidemill("serve", "p.sql", "--trigger", "often")
        #expect(outcome.status == 2)
        #expect(outcome.err.contains("'often'") && outcome.err.contains("500 ms"))
    }
}
