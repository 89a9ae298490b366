import TideColumns

/// A run as the manifest lists it.
public struct ManifestRun: Sendable, Hashable {
    public var owner: UInt32
    public var kind: BlockKind
    public var part: UInt16
    public var number: UInt64
    public var rows: Int64
    public var bytes: Int64
    public var footerCRC: UInt32
    public var fileName: String { RunFormat.name(number) }
    public var address: StateAddress { StateAddress(owner: owner, kind: kind, part: part) }

    func encode(into writer: inout ByteWriter) {
        writer.u32(owner)
        writer.u8(kind.rawValue)
        writer.integer(part)
        writer.u64(number)
        writer.i64(rows)
        writer.i64(bytes)
        writer.u32(footerCRC)
    }

    static func decode(from reader: inout ByteReader) throws(TidemillError) -> ManifestRun {
        let owner = try reader.u32()
        let kind = BlockKind(rawValue: try reader.u8())
        let part: UInt16 = try reader.integer()
        let number = try reader.u64()
        let rows = try reader.i64()
        let bytes = try reader.i64()
        return ManifestRun(
            owner: owner, kind: kind, part: part, number: number, rows: rows, bytes: bytes,
            footerCRC: try reader.u32())
    }
}

/// What a checkpoint is. Replaced as a whole, by rename; the last four bytes are the CRC32C of all before them, in this
/// and every later format version.
///
///     u64 magic "TIDEMILL", u16 format version, string pipeline, u64 generation, u64 fencing token,
///     varint count and per setting: string key, string value (ordered by key),
///     u64 first log segment, u64 newest log segment, u64 next run number, i64 published through (-1 none),
///     u8 1 and blob: the snapshot's epoch record; u8 0: no snapshot yet
///     varint count and per run: u32 owner, u8 kind, u16 part, u64 number, i64 rows, i64 bytes, u32 footer CRC
///     from version 2 on: varint count and per retained epoch, see `RetainedEpoch`;
///     u8 1 and a rollback under way, see `PendingRollback`; u8 0: none
///     from version 3 on: varint count and per earlier generation: u64
///     u32 CRC32C
public struct Manifest: Sendable, Hashable {
    public static let formatVersion: UInt16 = 3
    static let magic: UInt64 = 0x4C4C_494D_4544_4954  // "TIDEMILL"
    static let fileName = "manifest"
    static let bytesMax: Int64 = 1 << 30

    public var pipeline: String
    /// Random, drawn when the checkpoint was made; tables repeat it in their markers.
    public var generation: UInt64
    /// One more at every start that writes.
    public var fencingToken: UInt64
    /// Settings that must stay as they were (time zone, ANSI mode, …).
    public var settings: [String: String]
    public var firstSegment: UInt64
    /// A segment that was there when the manifest was written: the log cannot end before it. 0 for none.
    public var newestSegment: UInt64
    /// Run numbers are never used twice.
    public var nextRun: UInt64
    public var publishedThrough: Epoch?
    /// The record of the epoch whose state the runs hold.
    public var snapshot: EpochRecord?
    /// Oldest first.
    public var runs: [ManifestRun]
    /// Epochs that can be gone back to. Published ones since the manifest was written are in the log.
    public var retained: [RetainedEpoch] = []
    /// Set while a rollback is made ready, and until its last table is reset.
    public var rollback: PendingRollback?
    /// Generations that rollbacks left, oldest first. Tables that were not in the pipeline since still carry them.
    public var earlierGenerations: [UInt64] = []

    public var snapshotEpoch: Epoch? { snapshot?.epoch }

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 1024)
        writer.u64(Manifest.magic)
        writer.integer(Manifest.formatVersion)
        writer.string(pipeline)
        writer.u64(generation)
        writer.u64(fencingToken)
        writer.varint(UInt64(settings.count))
        for (key, value) in settings.sorted(by: { $0.key < $1.key }) {
            writer.string(key)
            writer.string(value)
        }
        writer.u64(firstSegment)
        writer.u64(newestSegment)
        writer.u64(nextRun)
        writer.i64(publishedThrough?.rawValue ?? -1)
        writer.bool(snapshot != nil)
        if let snapshot {
            var record = ByteWriter()
            snapshot.encode(into: &record)
            writer.blob(record.bytes)
        }
        writer.varint(UInt64(runs.count))
        for run in runs { run.encode(into: &writer) }
        writer.varint(UInt64(retained.count))
        for entry in retained { entry.encode(into: &writer) }
        writer.bool(rollback != nil)
        rollback?.encode(into: &writer)
        writer.varint(UInt64(earlierGenerations.count))
        for generation in earlierGenerations { writer.u64(generation) }
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8], file: String) throws(TidemillError) -> Manifest {
        guard bytes.count > 14 else {
            throw .corruptManifest("the manifest is too short", file: file, offset: Int64(bytes.count))
        }
        var tail = ByteReader(bytes.suffix(4), file: file)
        guard try tail.u32() == CRC32C.checksum(bytes.dropLast(4)) else {
            throw .corruptManifest("checksum of the manifest does not match", file: file, offset: 0)
        }
        var reader = ByteReader(bytes.dropLast(4), file: file)
        guard try reader.u64() == magic else {
            throw .corruptManifest("the file is no manifest", file: file, offset: 0)
        }
        let version: UInt16 = try reader.integer()
        guard version <= formatVersion else { throw .newerFormat("manifest", Int(version), file: file, offset: 8) }
        guard version >= 1 else {
            throw .corruptManifest("manifest of no known version: \(version)", file: file, offset: 8)
        }
        let pipeline = try reader.string()
        let generation = try reader.u64()
        let token = try reader.u64()
        var settings: [String: String] = [:]
        for _ in 0..<(try reader.count(elementBytesMin: 2)) {
            let key = try reader.string()
            settings[key] = try reader.string()
        }
        let firstSegment = try reader.u64()
        let newestSegment = try reader.u64()
        let nextRun = try reader.u64()
        let published = try reader.i64()
        var snapshot: EpochRecord?
        if try reader.bool() {
            var record = ByteReader(try reader.blob(), file: file)
            snapshot = try EpochRecord.decode(from: &record, file: file)
            try record.expectEnd()
        }
        var runs: [ManifestRun] = []
        for _ in 0..<(try reader.count(elementBytesMin: 35)) { runs.append(try ManifestRun.decode(from: &reader)) }
        var retained: [RetainedEpoch] = []
        var rollback: PendingRollback?
        if version >= 2 {
            for _ in 0..<(try reader.count(elementBytesMin: 18)) {
                retained.append(try RetainedEpoch.decode(from: &reader, file: file))
            }
            if try reader.bool() { rollback = try PendingRollback.decode(from: &reader) }
        }
        var earlier: [UInt64] = []
        if version >= 3 {
            for _ in 0..<(try reader.count(elementBytesMin: 8)) { earlier.append(try reader.u64()) }
        }
        try reader.expectEnd()
        return Manifest(
            pipeline: pipeline, generation: generation, fencingToken: token, settings: settings,
            firstSegment: firstSegment, newestSegment: newestSegment, nextRun: nextRun,
            publishedThrough: published < 0 ? nil : Epoch(published), snapshot: snapshot, runs: runs,
            retained: retained, rollback: rollback, earlierGenerations: earlier)
    }
}

extension TidemillError {
    static func corruptManifest(_ message: String, file: String, offset: Int64) -> TidemillError {
        .corruption("TIDEMILL_CORRUPT_MANIFEST", message, file: file, offset: offset)
    }
}
