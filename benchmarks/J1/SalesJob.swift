import Tidemill

/// J1: 100 CSV files of sales are cleaned and grouped by product, category and day in ten epochs, each upserted into a
/// Parquet table.
struct SalesJob {
    let environment: Environment
    /// Holds `sales/`, the input.
    let data: FilePath
    let work: FilePath
    let filesPerEpoch: Int

    static let columns = """
        transaction_id STRING, customer_id STRING, product_name STRING, category STRING, quantity INT, price DOUBLE,
        transaction_date DATE
        """

    var sql: String {
        """
        CREATE TABLE sales (\(SalesJob.columns))
        USING csv OPTIONS (
          path '\(data.appending("sales").string)', header 'true', maxFilesPerTrigger '\(filesPerEpoch)');

        CREATE MATERIALIZED VIEW sales_by_day AS
        SELECT trim(product_name) AS product_name, upper(trim(category)) AS category, transaction_date,
          count(*) AS n, sum(quantity) AS quantity, sum(quantity * price) AS revenue, avg(price) AS average_price
        FROM sales
        GROUP BY trim(product_name), upper(trim(category)), transaction_date;
        """
    }

    struct Result {
        var seconds = 0.0
        var epochs = 0
        var rows = 0
        var bytesWritten: Int64 = 0
        var logBytes: Int64 = 0
        var groups = 0
        var count = 0
        var quantity = 0
        var revenue = 0.0
    }

    /// Runs from an empty checkpoint and reads the table back.
    func run() throws(TidemillError) -> Result {
        try environment.files.removeTree(work)
        try environment.files.createDirectories(work)
        let script = work.appending("sales_by_day.sql")
        try environment.files.createDurably(script, Array(sql.utf8))
        let pipeline = try Pipeline(
            try Project.load(script.string, files: environment.files), environment: environment)
        var result = Result()
        let start = environment.clock.elapsed()
        try pipeline.run { event in
            switch event {
            case .epoch(let progress):
                result.epochs += 1
                result.rows += progress.inputRows
                result.logBytes += progress.logBytes
                Report.line(
                    "  epoch \(progress.epoch): \(progress.inputRows) rows,"
                        + " run \(Int(progress.durations.executeMillis)) ms,"
                        + " commit \(Int(progress.durations.commitMillis)) ms")
            case .published(let tables):
                for table in tables {
                    result.bytesWritten += table.report.bytesWritten
                    Report.line(
                        "  published \(table.table) through epoch \(table.through): \(Int(table.millis)) ms,"
                            + " \(table.report.filesWritten) files written, \(table.report.filesKept) kept")
                }
            default: break
            }
        }
        result.seconds = Double(environment.clock.elapsed() - start) / 1e9
        let answer = try pipeline.query(
            SourceText(
                name: "check",
                text: "SELECT count(*), sum(n), sum(quantity), sum(revenue) FROM sales_by_day"))
        if let row = answer.batches.first(where: { $0.count > 0 }) {
            result.groups = Int(row.columns[0].scalar(0).integer ?? 0)
            result.count = Int(row.columns[1].scalar(0).integer ?? 0)
            result.quantity = Int(row.columns[2].scalar(0).integer ?? 0)
            if case .double(let value) = row.columns[3].scalar(0).value { result.revenue = value }
        }
        return result
    }
}
