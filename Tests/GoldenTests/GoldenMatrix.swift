/// One way to run a golden stream. The tables must not depend on it.
struct GoldenWay: Sendable {
    enum Course: Sendable {
        /// A run per `epoch`, as written.
        case stepwise
        /// All files at once, in one epoch. Only the last tables count.
        case atOnce
        /// All files at once, one file per epoch, in one run. Only the last tables count.
        case fileByFile
    }
    var name: String
    var course = Course.stepwise
    /// Of the runs in turn.
    var workers = [2]
    var settings: [String: String] = [:]
    /// On the machine's own disk; otherwise on a simulated one.
    var isOnDisk = false
    /// Every run is first tried with a power cut in the middle.
    var crashes = false

    static let all = [
        GoldenWay(name: "on disk", isOnDisk: true),
        GoldenWay(name: "one worker", workers: [1]),
        GoldenWay(
            name: "batches of 1 row, snapshots", workers: [4],
            settings: ["tidemill.batchRows": "1", "tidemill.flushBytes": "0"]),
        GoldenWay(
            name: "batches of 3 rows, other workers each time", workers: [1, 4, 2],
            settings: ["tidemill.batchRows": "3"]),
        GoldenWay(name: "power cuts", workers: [2], crashes: true),
        GoldenWay(
            name: "power cuts, snapshots", workers: [1, 2],
            settings: ["tidemill.flushBytes": "0", "tidemill.batchRows": "4096"], crashes: true),

        GoldenWay(
            name: "no memory for state", workers: [2, 1, 4], settings: ["tidemill.memory.limit": "1"]),
        GoldenWay(
            name: "no memory for state, power cuts", workers: [4, 2],
            settings: ["tidemill.memory.limit": "1", "tidemill.flushBytes": "0"], crashes: true),
        GoldenWay(
            name: "no memory for state, file by file", course: .fileByFile, workers: [2],
            settings: ["tidemill.memory.limit": "1", "tidemill.publishInterval": "1 h"]),
        GoldenWay(name: "at once", course: .atOnce, workers: [4]),
        GoldenWay(
            name: "file by file", course: .fileByFile, workers: [2], settings: ["tidemill.publishInterval": "0 ms"]),
        GoldenWay(
            name: "file by file, published at the end", course: .fileByFile, workers: [4],
            settings: ["tidemill.publishInterval": "1 h", "tidemill.flushBytes": "0"]),
    ]
}
