/// What the configuration says to the engine. Keys are the pipeline's `configuration`, `SET` and `--set`.
public struct EngineSettings: Sendable, Hashable {
    /// `tidemill.now`: the clock of every epoch, microseconds since 1970-01-01T00:00:00Z.
    public var fixedClockMicros: Int64?
    /// `spark.sql.session.timeZone`.
    public var timeZone = "UTC"
    /// `tidemill.publishInterval`: keyed tables are replaced at most this often while epochs keep coming.
    public var publishInterval: Duration = .seconds(1)
    /// `tidemill.stabilityWindow`: while serving, a file younger than this is taken only when its writer was seen to
    /// close it or to move it into place.
    public var stabilityWindow: Duration = .seconds(1)
    /// `tidemill.flushBytes`: log bytes that call for writing state into runs; 0: after every epoch.
    public var flushBytes: Int64 = 32 << 20
    /// `tidemill.memory.limit`: bytes of state in memory above which rows are left to the runs; nil: no limit.
    public var memoryLimit: Int64?
    /// `tidemill.batchRows`: rows that travel together at most. Readers choose, unless a test wants them smaller.
    public var batchRowsMax = Int.max
    /// `spark.sql.streaming.noDataMicroBatches.enabled`: whether a watermark that moved gets an epoch without input.
    public var runsNoDataEpochs = true
    /// `spark.sql.streaming.multipleWatermarkPolicy`.
    var watermarkPolicy = WatermarkClock.Policy.min
    /// `tidemill.idleTimeout`: a source without rows for so long no longer holds watermarks back.
    public var idleTimeout: Duration?
    /// `tidemill.readerGrace`: how long a table's files that were replaced stay for readers in the middle of them; nil:
    /// the connectors' own.
    public var readerGrace: Duration?

    /// `tidemill.retain.epochs` and `tidemill.retain.bytes`: which published epochs can be gone back to.
    public var retention = RetentionPolicy()

    public init(_ configuration: [String: String]) throws(TidemillError) {
        for (key, value) in configuration {
            switch key.lowercased() {
            case "tidemill.now":
                guard let micros = Array(value.utf8).withUnsafeBytes({ ParseText.timestamp($0) }) else {
                    throw TidemillError(
                        .user, "INVALID_CONF_VALUE", "tidemill.now is not a timestamp: \(value)",
                        hint: "write it as 2024-06-01T00:00:00Z")
                }
                fixedClockMicros = micros
            case "spark.sql.session.timezone":
                guard ["utc", "z", "etc/utc", "gmt", "+00:00"].contains(value.lowercased()) else {
                    throw TidemillError.unsupported("the session time zone \(value)", hint: "use UTC")
                }
                timeZone = "UTC"
            case "tidemill.publishinterval":
                publishInterval = try EngineSettings.duration(key, value)
            case "tidemill.stabilitywindow":
                stabilityWindow = try EngineSettings.duration(key, value)
            case "tidemill.flushbytes":
                flushBytes = try EngineSettings.bytes(key, value)
            case "tidemill.memory.limit":
                memoryLimit = try EngineSettings.bytes(key, value)
            case "tidemill.batchrows":
                batchRowsMax = Int(try EngineSettings.number(key, value, from: 1))
            case "spark.sql.streaming.nodatamicrobatches.enabled":
                guard let flag = ["true": true, "false": false][value.trimmedASCII.lowercased()] else {
                    throw TidemillError(
                        .user, "INVALID_CONF_VALUE", "\(key) is neither true nor false: \(value)")
                }
                runsNoDataEpochs = flag
            case "spark.sql.streaming.multiplewatermarkpolicy":
                switch value.trimmedASCII.lowercased() {
                case "min": watermarkPolicy = .min
                case "max": watermarkPolicy = .max
                default:
                    throw TidemillError(
                        .user, "INVALID_CONF_VALUE", "\(key) is unknown: \(value)", hint: "min or max")
                }
            case "tidemill.idletimeout":
                idleTimeout = try EngineSettings.duration(key, value)
            case "tidemill.readergrace":
                readerGrace = try EngineSettings.duration(key, value)
            case "tidemill.retain.epochs":
                retention.epochs = Int(clamping: try EngineSettings.number(key, value, from: 1))
            case "tidemill.retain.bytes":
                retention.bytes = try EngineSettings.bytes(key, value)
            default: break
            }
        }
    }

    var idleMicros: Int64? {
        idleTimeout.map { $0.components.seconds * 1_000_000 + $0.components.attoseconds / 1_000_000_000_000 }
    }

    static func number(_ key: String, _ text: String, from least: Int64) throws(TidemillError) -> Int64 {
        guard let number = Int64(text.trimmedASCII), number >= least else {
            throw TidemillError(
                .user, "INVALID_CONF_VALUE", "\(key) is not a whole number of \(least) or more: \(text)")
        }
        return number
    }

    /// `512m`, `2g`, `64k`, or a bare number of bytes.
    static func bytes(_ key: String, _ text: String) throws(TidemillError) -> Int64 {
        let trimmed = text.trimmedASCII.lowercased()
        let digits = trimmed.prefix { $0.isNumber }
        let factors: [String: Int64] = [
            "": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30, "gb": 1 << 30,
            "t": 1 << 40, "tb": 1 << 40,
        ]
        guard let number = Int64(digits), let factor = factors[String(trimmed.dropFirst(digits.count)).trimmedASCII],
            number <= Int64.max / factor
        else {
            throw TidemillError(
                .user, "INVALID_CONF_VALUE", "\(key) is not a number of bytes: \(text)",
                hint: "write it as 512m or 2g")
        }
        return number * factor
    }

    /// `500 ms`, `1 s`, `2 minutes`, or a bare number of milliseconds.
    public static func duration(_ key: String, _ text: String) throws(TidemillError) -> Duration {
        let trimmed = text.trimmedASCII.lowercased()
        let digits = trimmed.prefix { $0.isNumber }
        let unit = String(trimmed.dropFirst(digits.count)).trimmedASCII
        let factors: [String: Int] = [
            "": 1, "ms": 1, "millisecond": 1, "milliseconds": 1, "s": 1000, "second": 1000, "seconds": 1000,
            "m": 60_000, "min": 60_000, "minute": 60_000, "minutes": 60_000, "h": 3_600_000, "hour": 3_600_000,
            "hours": 3_600_000,
        ]
        guard let number = Int(digits), number < 1 << 40, let factor = factors[unit] else {
            throw TidemillError(
                .user, "INVALID_CONF_VALUE", "\(key) is not a duration: \(text)", hint: "write it as 500 ms or 2 s")
        }
        return .milliseconds(number * factor)
    }
}
