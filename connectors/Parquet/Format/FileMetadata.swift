import TideColumns

// The structures of parquet.thrift (Apache Parquet format 2.11) that Tidemill uses, under the names used there.

enum PhysicalKind: Int32, Sendable {
    case boolean = 0
    case int32, int64, int96, float, double, byteArray, fixedLengthByteArray

    /// Bytes per value, nil where the schema or the value says.
    var width: Int? {
        switch self {
        case .int32, .float: 4
        case .int64, .double: 8
        case .int96: 12
        case .boolean, .byteArray, .fixedLengthByteArray: nil
        }
    }
}

enum Repetition: Int32, Sendable {
    case required = 0
    case optional, repeated
}

enum ConvertedType {
    static let utf8: Int32 = 0
    static let map: Int32 = 1
    static let mapKeyValue: Int32 = 2
    static let list: Int32 = 3
    static let enumeration: Int32 = 4
    static let decimal: Int32 = 5
    static let date: Int32 = 6
    static let timeMillis: Int32 = 7
    static let timeMicros: Int32 = 8
    static let timestampMillis: Int32 = 9
    static let timestampMicros: Int32 = 10
    static let uint8: Int32 = 11
    static let uint16: Int32 = 12
    static let uint32: Int32 = 13
    static let uint64: Int32 = 14
    static let int8: Int32 = 15
    static let int16: Int32 = 16
    static let int32: Int32 = 17
    static let int64: Int32 = 18
    static let json: Int32 = 19
    static let bson: Int32 = 20
    static let interval: Int32 = 21
}

enum TimeUnit: Hashable, Sendable { case millis, micros, nanos }

enum LogicalType: Hashable, Sendable {
    case string, enumeration, json, bson, uuid, float16, date, null, interval, list, map
    case decimal(precision: Int, scale: Int)
    case integer(bits: Int, signed: Bool)
    case time
    case timestamp(utc: Bool, unit: TimeUnit)
    /// A type this version does not know: the physical type is read as it is.
    case other
}

enum PageKind: Int32, Sendable {
    case data = 0
    case index, dictionary, dataV2
}

enum PageEncoding: Int32, Sendable {
    case plain = 0
    case plainDictionary = 2
    case rle = 3
    case bitPacked = 4
    case deltaBinaryPacked = 5
    case deltaLengthByteArray = 6
    case deltaByteArray = 7
    case rleDictionary = 8
    case byteStreamSplit = 9
}

enum Codec: Int32, Sendable {
    case uncompressed = 0
    case snappy, gzip, lzo, brotli, lz4Hadoop, zstd, lz4Raw
}

struct SchemaElement: Sendable {
    var name = ""
    var kind: PhysicalKind?
    var typeLength: Int32 = 0
    var repetition: Repetition?
    var childCount: Int32 = 0
    var converted: Int32?
    var scale: Int32 = 0
    var precision: Int32 = 0
    var logical: LogicalType?
}

struct Statistics: Sendable {
    var legacyMax: [UInt8]?
    var legacyMin: [UInt8]?
    var nullCount: Int64?
    var max: [UInt8]?
    var min: [UInt8]?
    var isMaxExact: Bool?
    var isMinExact: Bool?
}

struct EncodingStats: Sendable {
    var page: Int32 = 0
    var encoding: Int32 = 0
    var count: Int32 = 0
}

struct ColumnMetadata: Sendable {
    var kind: Int32 = -1
    var encodings: [Int32] = []
    var path: [String] = []
    var codec: Int32 = -1
    var valueCount: Int64 = -1
    var uncompressedBytes: Int64 = 0
    var compressedBytes: Int64 = -1
    var dataPageOffset: Int64 = -1
    var dictionaryPageOffset: Int64?
    var statistics: Statistics?
    var encodingStats: [EncodingStats] = []
    var bloomFilterOffset: Int64?
    var bloomFilterLength: Int32?

    /// Where the chunk's first page lies. Some writers state a dictionary page at 0 when there is none.
    var startOffset: Int64 {
        if let dictionary = dictionaryPageOffset, dictionary > 0, dictionary < dataPageOffset { return dictionary }
        return dataPageOffset
    }
}

struct ColumnChunk: Sendable {
    var filePath: String?
    var metadata: ColumnMetadata?
    var isEncrypted = false
    /// CRC-32C of the chunk as stored, in files of ours.
    var checksum: UInt32?
}

struct RowGroupMetadata: Sendable {
    var columns: [ColumnChunk] = []
    var totalBytes: Int64 = 0
    var rowCount: Int64 = -1
}

struct FileMetadata: Sendable {
    var version: Int32 = 1
    var schema: [SchemaElement] = []
    var rowCount: Int64 = -1
    var rowGroups: [RowGroupMetadata] = []
    var keyValues: [(String, String?)] = []
    var createdBy: String?
    /// Per leaf: whether min and max follow the order that the type defines.
    var hasTypeOrder: [Bool] = []
}

struct PageHeader: Sendable {
    var kind: PageKind = .data
    var uncompressedBytes: Int32 = -1
    var compressedBytes: Int32 = -1
    var crc: Int32?
    /// Values with NULLs; for a dictionary page its entries.
    var valueCount: Int32 = -1
    var encoding: Int32 = -1
    /// Of definition levels.
    var levelEncoding: Int32 = PageEncoding.rle.rawValue
    var repetitionEncoding: Int32 = PageEncoding.rle.rawValue
    // Version 2 only.
    var definitionBytes: Int32 = 0
    var repetitionBytes: Int32 = 0
    var isCompressed = true
}
