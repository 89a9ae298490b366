import Testing

/// Exit 2 and usage for a wrong command line; help and version on standard output.
@Suite struct UsageTests {
    let workspace: Workspace

    init() throws { workspace = try Workspace() }

    @Test(arguments: [
        ["--nonsense"], ["nonsense"], ["run", "--nonsense"], ["run", "--max-epochs", "0"],
        ["run", "--max-epochs", "-1"], ["run", "--max-epochs", "x"], ["run", "a", "b"], ["run", "--set"],
        ["run", "--progress", "loud"], ["run", "--full-refresh-all", "--full-refresh", "t"], ["sql"],
        ["sql", "-e", "SELECT 1", "a", "b"], ["sql", "-e", "SELECT 1", "--format", "xml"],
    ])
    func wrongUsage(_ arguments: [String]) throws {
        let outcome = try RunningTidemill(arguments, in: workspace.directory).finish()
        #expect(outcome.status == 2, "\(outcome)")
        #expect(outcome.out.isEmpty, "\(outcome)")
        #expect(outcome.err.hasPrefix("Error: "), "\(outcome)")
        #expect(outcome.err.contains("Usage: tidemill"), "\(outcome)")
        #expect(outcome.err.contains("--help"), "\(outcome)")
    }

    @Test(arguments: ["novalue", "=x", ""])
    func badSetting(_ setting: String) throws {
        try Orders.write(to: workspace)
        let outcome = try workspace.tidemill("run", "p.sql", "--set", setting)
        #expect(outcome.status == 2, "\(outcome)")
        #expect(outcome.err.contains("--set needs key=value, not '\(setting)'"), "\(outcome)")
        #expect(!workspace.exists(".tidemill"))
    }

    @Test func settingWithABadValue() throws {
        try Orders.write(to: workspace)
        let workers = try workspace.tidemill("run", "p.sql", "--set", "tidemill.workers=none")
        #expect(workers.status == 2, "\(workers)")
        #expect(workers.err.contains("tidemill.workers is a number from 1 to 256"), "\(workers)")
        try workspace.tidemill("run", "p.sql", "--set", "tidemill.now=tomorrow")
            .expectError("tidemill.now", "tomorrow", "hint: for example")
        try workspace.tidemill("run", "p.sql", "--set", "spark.sql.session.timeZone=Mars/Base")
            .expectError("Mars/Base")
        try Orders.expectComplete(workspace)
    }

    @Test func helpAndVersion() throws {
        for arguments in [["--help"], ["-h"], ["help"], ["run", "--help"], ["help", "run"], ["sql", "--help"], []] {
            let outcome = try RunningTidemill(arguments, in: workspace.directory).finish()
            #expect(outcome.status == 0, "\(arguments): \(outcome)")
            #expect(outcome.out.contains("USAGE: tidemill"), "\(arguments): \(outcome)")
            #expect(outcome.err.isEmpty, "\(arguments): \(outcome)")
        }
        let version = try workspace.tidemill("--version")
        #expect(version.status == 0)
        #expect(version.out.wholeMatch(of: /tidemill \d+\.\d+\.\d+\n/) != nil, "\(version)")
    }

    @Test func noProject() throws {
        try workspace.tidemill("run").expectError("spark-pipeline.yml", "hint: name a .sql file")
        try workspace.tidemill("run", "nosuch.sql").expectError(
            "there is no such file or folder: ", "/nosuch.sql\n", "hint: ")
        try workspace.tidemill("dry-run", "nosuch").expectError(
            "there is no such file or folder: ", "/nosuch\n", "hint: ")
        try workspace.tidemill("sql", "-e", "SELECT 1", "nosuch").expectError(
            "there is no such file or folder: ", "/nosuch\n")
        try workspace.tidemill("sql", "SELECT 1").expectError("no such query file: SELECT 1", "hint: ", "-e")
    }

    @Test func dryRunDescribesWithoutTouching() throws {
        try Orders.write(to: workspace)
        let outcome = try workspace.tidemill("dry-run", "p.sql")
        outcome.expectSuccess()
        for part in ["orders", "totals", "big", "customer", "materialized view", "streaming table"] {
            #expect(outcome.out.contains(part), "no \(part) in \(outcome)")
        }
        #expect(!workspace.exists(".tidemill") && !workspace.exists("spark-warehouse"))
    }

    @Test func unknownOptionsAreNamedByDryRun() throws {
        try Orders.write(to: workspace, sql: Orders.sql(options: ", hedaer 'true'"))
        let outcome = try workspace.tidemill("dry-run", "p.sql")
        outcome.expectSuccess()
        #expect((outcome.out + outcome.err).contains("hedaer"), "\(outcome)")
        #expect((outcome.out + outcome.err).contains("did you mean header"), "\(outcome)")
    }
}
