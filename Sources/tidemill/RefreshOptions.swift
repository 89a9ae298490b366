import ArgumentParser
import Tidemill

/// Which tables start over.
struct RefreshOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Rebuild these tables from everything read so far.", valueName: "table,…"))
    var fullRefresh: String?

    @Flag(help: "Rebuild every table.")
    var fullRefreshAll = false

    @Option(help: ArgumentHelp("Accepted as in Spark; all tables move together.", valueName: "table,…"))
    var refresh: String?

    func validate() throws {
        if fullRefreshAll && (fullRefresh != nil || refresh != nil) {
            throw ValidationError("--full-refresh-all goes without --full-refresh and --refresh")
        }
    }

    /// The tables to rebuild.
    func tables(of pipeline: Pipeline) throws -> Set<String> {
        var refreshed = Set<String>()
        if fullRefreshAll { refreshed = Set(pipeline.definition.datasets.map(\.name)) }
        for name in (fullRefresh ?? "").split(separator: ",") {
            refreshed.insert(name.trimmingPrefix { $0 == " " }.description)
        }
        // All tables move anyway; a name that does not exist is still a mistake.
        for name in (refresh ?? "").split(separator: ",") {
            try pipeline.requireTable(name.trimmingPrefix { $0 == " " }.description)
        }
        return refreshed
    }
}
