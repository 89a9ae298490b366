import TideText

/// Sources that compute their rows.
public let generatorFormats = ["rate", "nexmark"]

/// Makes the source of a table whose rows are computed.
/// - Parameters:
///   - name: of the table; `nexmark` has three streams, and their names stand for them.
///   - schema: nil or without columns if the table was declared without.
public func makeGeneratorSource(
    format: String, name: String, options: [String: String], schema: Schema?, environment: Environment
) throws(TidemillError) -> ConnectedSource {
    var set = OptionSet(options)
    let generator: any RowGenerator
    let limit = RateLimit(rowsMax: try set.positive("eventsPerTrigger", atMost: GeneratorSource.positionMax))
    switch format.lowercased() {
    case "rate": generator = try rate(&set)
    case "nexmark": generator = try nexmark(&set, table: name)
    default: throw TidemillError.internal("no generator \(format)")
    }
    return ConnectedSource(
        source: try GeneratorSource(generator, schema: schema, clock: environment.clock), limit: limit,
        unknownOptions: set.unused)
}

private func rate(_ set: inout OptionSet) throws(TidemillError) -> RateGenerator {
    // Splits are cut by rows.
    set.markUsed(["numPartitions"])
    let rows = try set.positive("rowsPerSecond", atMost: RateGenerator.rowsPerSecondMax) ?? 1
    let ramp = try set.seconds("rampUpTime", atMost: RateGenerator.rampUpSecondsMax) ?? 0
    return RateGenerator(rowsPerSecond: rows, rampUpSeconds: ramp)
}

private func nexmark(_ set: inout OptionSet, table: String) throws(TidemillError) -> NexmarkGenerator {
    let written = set.string("stream")
    let wanted = (written ?? table.split(separator: ".").last.map(String.init) ?? table).lowercased()
    guard let stream = NexmarkStream(rawValue: wanted) else {
        throw TidemillError(
            .user, "TIDEMILL_BAD_OPTION", "nexmark has no stream \(written ?? table)",
            hint: "name the table person, auction or bid, or add OPTIONS (stream 'bid')")
    }
    var events = NexmarkEvents()
    if let rate = try set.positive("eventsPerSecond", atMost: 1_000_000_000) { events.perSecond = rate }
    if let text = set.string("startTime") {
        guard let time = Array(text.utf8).withUnsafeBytes({ ParseText.timestamp($0) }), time.magnitude < 1 << 58
        else {
            throw set.bad("startTime", "is not a time such as 2015-07-15 00:00:00", text)
        }
        events.startMicros = time
    }
    if let text = set.string("seed") {
        guard let seed = Int64(text) else { throw set.bad("seed", "is not a whole number", text) }
        events.seed = UInt64(bitPattern: seed)
    }
    return NexmarkGenerator(
        stream: stream, events: events, eventsMax: try set.positive("events", atMost: GeneratorSource.positionMax))
}

extension OptionSet {
    fileprivate mutating func positive(_ name: String, atMost limit: Int64) throws(TidemillError) -> Int64? {
        guard let value = try count(name) else { return nil }
        guard value <= limit else { throw bad(name, "is more than \(limit)", String(value)) }
        return Int64(value)
    }

    /// A time in Spark's short form (`90`, `5s`, `2m`, `1h`, `1d`), in whole seconds.
    fileprivate mutating func seconds(_ name: String, atMost limit: Int64) throws(TidemillError) -> Int64? {
        guard let text = string(name) else { return nil }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let units: [String: Int64] = [
            "": 1000, "ms": 1, "s": 1000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000,
        ]
        let unit = text.dropFirst(digits.count).lowercased()
        guard let number = Int64(digits), number <= limit * 1000, let millis = units[unit] else {
            throw bad(name, "is not a time such as 5s", text)
        }
        let value = number * millis / 1000
        guard value <= limit else { throw bad(name, "is more than \(limit) s", text) }
        return value
    }
}
