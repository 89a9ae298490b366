import Glibc
import TideColumns

/// Who holds a checkpoint. Written into the lock file only for the message a second process prints; the lock itself is
/// the operating system's and goes away with the process.
///
///     token 7
///     host  mill-1
///     pid   4711
///     start 1732300000000000
public struct CheckpointHolder: Sendable, Hashable {
    public var host: String
    public var pid: Int32
    /// Microseconds since 1970-01-01T00:00:00Z.
    public var startMicros: Int64

    public init(host: String, pid: Int32, startMicros: Int64) {
        self.host = host
        self.pid = pid
        self.startMicros = startMicros
    }

    /// This process.
    public static func current(clock: any Clock) -> CheckpointHolder {
        let name = withUnsafeTemporaryAllocation(byteCount: 257, alignment: 1) { buffer in
            memset(buffer.baseAddress!, 0, 257)  // 257 bytes were asked for: the buffer has a base
            gethostname(buffer.baseAddress!.assumingMemoryBound(to: CChar.self), 256)
            return String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        return CheckpointHolder(host: name, pid: getpid(), startMicros: clock.now())
    }

    /// A moment as people read it: ISO 8601 to the second, in UTC.
    public static func utcText(_ micros: Int64) -> String { CheckpointLock.utc(micros) }

    func text(token: UInt64) -> String { "token \(token)\nhost  \(host)\npid   \(pid)\nstart \(startMicros)\n" }
}

/// The lock of a checkpoint: at most one process writes it.
final class CheckpointLock {
    static let fileName = "lock"

    private let lock: any FileLock
    private let path: FilePath
    private let files: any FileSystem

    /// - Throws: `.conflict` naming the holder, if another process has it. A dead process holds nothing.
    static func take(_ directory: FilePath, files: any FileSystem) throws(TidemillError) -> CheckpointLock {
        let path = directory.appending(fileName)
        if let lock = try files.lock(path) { return CheckpointLock(lock, path, files) }
        let fields = fields(String(decoding: (try? files.contents(of: path, limit: 4096)) ?? [], as: UTF8.self))
        let pid = fields["pid"] ?? "unknown"
        let host = fields["host"] ?? "unknown"
        let start = fields["start"].flatMap { Int64($0) }.map(CheckpointLock.utc) ?? "unknown"
        throw TidemillError(
            .conflict, "TIDEMILL_CHECKPOINT_LOCKED",
            "another process writes this checkpoint: pid \(pid) on host \(host), started \(start)",
            hint: "stop it first, or give this pipeline a storage directory of its own (--storage)",
            place: .file(directory.string))
    }

    private init(_ lock: any FileLock, _ path: FilePath, _ files: any FileSystem) {
        self.lock = lock
        self.path = path
        self.files = files
    }

    func write(_ holder: CheckpointHolder, token: UInt64) throws(TidemillError) {
        let file = try files.open(path, .readWrite)
        defer { file.close() }
        let text = Array(holder.text(token: token).utf8)
        try file.write(text, at: 0)
        try file.truncate(to: Int64(text.count))
    }

    func release() { lock.release() }

    private static func fields(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
            if words.count == 2 { fields[String(words[0])] = String(words[1].drop { $0 == " " }) }
        }
        return fields
    }

    /// ISO 8601 to the second, in UTC. Civil date from days as in Hinnant, "chrono-compatible low-level date
    /// algorithms".
    static func utc(_ micros: Int64) -> String {
        let seconds = Int64((Double(micros) / 1_000_000).rounded(.down))
        var days = seconds / 86400
        var rest = seconds % 86400
        if rest < 0 {
            rest += 86400
            days -= 1
        }
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let civilMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0)
        func two(_ n: Int64) -> String { n < 10 ? "0\(n)" : "\(n)" }
        return "\(year)-\(two(civilMonth))-\(two(day))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
