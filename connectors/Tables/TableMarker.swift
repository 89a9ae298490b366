/// The file `_tidemill` in a table's directory: whose table it is, which epoch a reader sees, and the data files.
///
///     "TMTB" | version u32 | kind u8 | table id | generation u64 | epoch i64 (-1: none)
///     | schema | key | files | partition columns varint (version 2) | CRC32C u32
///
/// Version 1 is written unless the table is partitioned; then names of files contain their directories.
///
/// The marker is durable together with what it lists: in place it is replaced after the data files and their names are
/// durable, in a replacement directory it is written before the exchange. So a redo that finds its epoch here has
/// nothing left to do.
package struct TableMarker: Sendable, Hashable {
    package static let name = "_tidemill"
    package enum Kind: UInt8, Sendable { case append = 1, keyed = 2, copy = 3 }

    package var kind: Kind
    var identity: TableIdentity
    /// nil: created, nothing published.
    package var epoch: Epoch?
    var schema: Schema
    var key: TableKey?
    /// Oldest first.
    package var files: [DataFile]
    /// How many of the last columns name directories.
    var partitionColumnCount = 0

    private static let magic: UInt32 = 0x4254_4D54
    private static let version: UInt32 = 2

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256 + files.count * 96)
        writer.u32(TableMarker.magic)
        writer.u32(partitionColumnCount == 0 ? 1 : TableMarker.version)
        writer.u8(kind.rawValue)
        writer.string(identity.table)
        writer.u64(identity.generation)
        writer.i64(epoch?.rawValue ?? -1)
        schema.encode(into: &writer)
        switch key {
        case nil: writer.u8(0)
        case .bag: writer.u8(1)
        case .columns(let columns):
            writer.u8(2)
            writer.varint(UInt64(columns.count))
            for column in columns { writer.varint(UInt64(column)) }
        }
        writer.varint(UInt64(files.count))
        for file in files { file.encode(into: &writer) }
        if partitionColumnCount > 0 { writer.varint(UInt64(partitionColumnCount)) }
        writer.u32(CRC32C.checksum(writer.bytes))
        return writer.bytes
    }

    init(
        kind: Kind, identity: TableIdentity, epoch: Epoch?, schema: Schema, key: TableKey? = nil,
        files: [DataFile] = [],
        partitionColumnCount: Int = 0
    ) {
        self.partitionColumnCount = partitionColumnCount
        self.kind = kind
        self.identity = identity
        self.epoch = epoch
        self.schema = schema
        self.key = key
        self.files = files
    }

    package init(decoding bytes: [UInt8], file: String) throws(TidemillError) {
        var reader = ByteReader(bytes.dropLast(4), file: file)
        guard bytes.count > 12, try reader.u32() == TableMarker.magic else {
            throw reader.corruption("not a table marker")
        }
        let version = try reader.u32()
        guard (1...TableMarker.version).contains(version) else {
            throw reader.corruption("unknown table marker version \(version)")
        }
        var trailer = ByteReader(bytes.suffix(4), file: file)
        guard CRC32C.checksum(bytes.dropLast(4)) == (try trailer.u32()) else {
            throw reader.corruption("table marker checksum differs")
        }
        guard let kind = Kind(rawValue: try reader.u8()) else { throw reader.corruption("unknown kind of table") }
        self.kind = kind
        let table = try reader.string()
        identity = TableIdentity(table: table, generation: try reader.u64())
        let number = try reader.i64()
        epoch = number < 0 ? nil : Epoch(number)
        schema = try Schema.decode(from: &reader)
        var keyColumns: [Int] = []
        switch try reader.u8() {
        case 0: key = nil
        case 1:
            key = .bag
            keyColumns = Array(0..<schema.count)
        case 2:
            for _ in 0..<(try reader.count()) {
                let column = try reader.varint()
                guard column < UInt64(schema.count) else {
                    throw reader.corruption("key column \(column) of \(schema.count)")
                }
                keyColumns.append(Int(column))
            }
            key = .columns(keyColumns)
        case let other: throw reader.corruption("unknown kind of key \(other)")
        }
        var files: [DataFile] = []
        let keyTypes = keyColumns.map { [schema] in schema[$0].type }
        for _ in 0..<(try reader.count(elementBytesMin: 4)) {
            files.append(try DataFile.decode(keyTypes: keyTypes, from: &reader))
        }
        self.files = files
        if version >= 2 {
            let count = try reader.varint()
            guard count <= UInt64(schema.count) else { throw reader.corruption("\(count) partition columns") }
            partitionColumnCount = Int(count)
        }
        try reader.expectEnd()
    }
}

/// Whose table a directory is. The same pipeline under a new checkpoint has another generation: its epochs start anew.
public struct TableIdentity: Sendable, Hashable {
    /// Stable name of the table within its pipeline.
    public var table: String
    public var generation: UInt64
    public init(table: String, generation: UInt64) {
        self.table = table
        self.generation = generation
    }
}

/// One data file of a table.
package struct DataFile: Sendable, Hashable {
    package var name: String
    var rows: Int
    var bytes: Int64
    var rowGroups: Int
    /// One per key column; empty for append tables.
    var ranges: [KeyRange]
    package var hasBloom: Bool

    /// Tools skip names that start with an underscore.
    package var bloomName: String {
        let base = TableDirectory.baseName(name)
        return "\(name[..<base.startIndex])_\(base).bloom"
    }

    func encode(into writer: inout ByteWriter) {
        writer.string(name)
        writer.varint(UInt64(rows))
        writer.varint(UInt64(bytes))
        writer.varint(UInt64(rowGroups))
        writer.bool(hasBloom)
        writer.bool(!ranges.isEmpty)
        for range in ranges { range.encode(into: &writer) }
    }
    static func decode(keyTypes: [DataType], from reader: inout ByteReader) throws(TidemillError) -> DataFile {
        let name = try reader.string()
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
            parts.dropLast().allSatisfy({ PartitionDirectories.isPartition(String($0)) })
        else {
            throw reader.corruption("impossible file name in a table marker")
        }
        let rows = Int(truncatingIfNeeded: try reader.varint())
        let bytes = Int64(truncatingIfNeeded: try reader.varint())
        let rowGroups = Int(truncatingIfNeeded: try reader.varint())
        let hasBloom = try reader.bool()
        var ranges: [KeyRange] = []
        if try reader.bool() {
            for type in keyTypes { ranges.append(try KeyRange.decode(type, from: &reader)) }
        }
        return DataFile(
            name: name, rows: rows, bytes: bytes, rowGroups: rowGroups, ranges: ranges, hasBloom: hasBloom)
    }
}
