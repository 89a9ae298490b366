import TideColumns

/// What a block in the log or a run is for. The engine adds kinds; the checkpoint only keeps them apart.
public struct BlockKind: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static func < (a: BlockKind, b: BlockKind) -> Bool { a.rawValue < b.rawValue }

    /// State of an operator; rows start with the key's hash.
    public static let state = BlockKind(rawValue: 1)
    /// The keyed change set of a table, kept until it is published.
    public static let sinkChanges = BlockKind(rawValue: 2)
    /// Files a source has taken.
    public static let sourceFiles = BlockKind(rawValue: 3)
    /// The key index of a stored table.
    public static let keyIndex = BlockKind(rawValue: 4)
    /// Rows of replaceable input files, kept so that they can be retracted.
    public static let inputCopy = BlockKind(rawValue: 5)
    /// Timers of an operator.
    public static let timers = BlockKind(rawValue: 6)
}

/// What one commit makes durable, besides the blocks: everything small.
public struct EpochRecord: Sendable, Hashable {
    /// Bytes that only their owner understands, under the owner's name.
    public struct Entry: Sendable, Hashable {
        public var id: String
        public var bytes: [UInt8]
        public init(id: String, bytes: [UInt8]) {
            self.id = id
            self.bytes = bytes
        }
    }
    public struct Watermark: Sendable, Hashable {
        public var flow: String
        /// Microseconds since 1970-01-01T00:00:00Z.
        public var micros: Int64
        public init(flow: String, micros: Int64) {
            self.flow = flow
            self.micros = micros
        }
    }
    public struct Counter: Sendable, Hashable {
        public var name: String
        public var value: Int64
        public init(name: String, value: Int64) {
            self.name = name
            self.value = value
        }
    }

    public var epoch: Epoch
    /// The epoch's recorded time, microseconds since 1970-01-01T00:00:00Z.
    public var clockMicros: Int64
    /// Offset per source.
    public var sources: [Entry]
    /// Watermark per flow.
    public var watermarks: [Watermark]
    /// Version per relation that is read as a snapshot.
    public var statics: [Entry]
    /// Manifest per sink; may hold the bytes of small prepared files.
    public var sinks: [Entry]
    /// Totals that survive restarts (late rows, dropped rows, …).
    public var counters: [Counter]

    public init(
        epoch: Epoch, clockMicros: Int64, sources: [Entry] = [], watermarks: [Watermark] = [], statics: [Entry] = [],
        sinks: [Entry] = [], counters: [Counter] = []
    ) {
        self.epoch = epoch
        self.clockMicros = clockMicros
        self.sources = sources
        self.watermarks = watermarks
        self.statics = statics
        self.sinks = sinks
        self.counters = counters
    }
}

extension EpochRecord {
    static let formatVersion: UInt8 = 1

    func encode(into writer: inout ByteWriter) {
        writer.u8(EpochRecord.formatVersion)
        writer.i64(epoch.rawValue)
        writer.i64(clockMicros)
        for entries in [sources, statics, sinks] {
            writer.varint(UInt64(entries.count))
            for entry in entries {
                writer.string(entry.id)
                writer.blob(entry.bytes)
            }
        }
        writer.varint(UInt64(watermarks.count))
        for watermark in watermarks {
            writer.string(watermark.flow)
            writer.i64(watermark.micros)
        }
        writer.varint(UInt64(counters.count))
        for counter in counters {
            writer.string(counter.name)
            writer.i64(counter.value)
        }
    }

    static func decode(from reader: inout ByteReader, file: String) throws(TidemillError) -> EpochRecord {
        let version = try reader.u8()
        guard version <= formatVersion else { throw .newerFormat("epoch record", Int(version), file: file) }
        guard version == formatVersion else { throw reader.corruption("epoch record of no known version: \(version)") }
        var record = EpochRecord(epoch: Epoch(try reader.i64()), clockMicros: try reader.i64())
        record.sources = try entries(&reader)
        record.statics = try entries(&reader)
        record.sinks = try entries(&reader)
        for _ in 0..<(try reader.count(elementBytesMin: 9)) {
            let flow = try reader.string()
            record.watermarks.append(Watermark(flow: flow, micros: try reader.i64()))
        }
        for _ in 0..<(try reader.count(elementBytesMin: 9)) {
            let name = try reader.string()
            record.counters.append(Counter(name: name, value: try reader.i64()))
        }
        return record
    }

    private static func entries(_ reader: inout ByteReader) throws(TidemillError) -> [Entry] {
        var entries: [Entry] = []
        for _ in 0..<(try reader.count(elementBytesMin: 2)) {
            let id = try reader.string()
            entries.append(Entry(id: id, bytes: Array(try reader.blob())))
        }
        return entries
    }
}

/// Where a block of a committed epoch lies in the log.
public struct BlockReference: Sendable, Hashable {
    public var owner: UInt32
    public var kind: BlockKind
    public var part: UInt16
    public var segment: UInt64
    public var offset: Int64
    public var length: UInt32
    public var rows: UInt32
    /// The checksum in the block's header: binds the frame to exactly this block.
    public var crc: UInt32

    public var address: StateAddress { StateAddress(owner: owner, kind: kind, part: part) }
}

/// An epoch as the log holds it.
public struct CommittedEpoch: Sendable, Hashable {
    public var record: EpochRecord
    public var blocks: [BlockReference]
    public var epoch: Epoch { record.epoch }

    func encode(into writer: inout ByteWriter) {
        record.encode(into: &writer)
        writer.varint(UInt64(blocks.count))
        for block in blocks {
            writer.u32(block.owner)
            writer.u8(block.kind.rawValue)
            writer.integer(block.part)
            writer.i64(block.offset)
            writer.u32(block.length)
            writer.u32(block.rows)
            writer.u32(block.crc)
        }
    }

    /// `segment` is the segment that holds the frame: an epoch never spans two.
    static func decode(from reader: inout ByteReader, segment: UInt64, file: String) throws(TidemillError)
        -> CommittedEpoch
    {
        let record = try EpochRecord.decode(from: &reader, file: file)
        var blocks: [BlockReference] = []
        for _ in 0..<(try reader.count(elementBytesMin: 27)) {
            let owner = try reader.u32()
            let kind = BlockKind(rawValue: try reader.u8())
            let part: UInt16 = try reader.integer()
            let offset = try reader.i64()
            let length = try reader.u32()
            let rows = try reader.u32()
            blocks.append(
                BlockReference(
                    owner: owner, kind: kind, part: part, segment: segment, offset: offset, length: length,
                    rows: rows, crc: try reader.u32()))
        }
        try reader.expectEnd()
        return CommittedEpoch(record: record, blocks: blocks)
    }
}
