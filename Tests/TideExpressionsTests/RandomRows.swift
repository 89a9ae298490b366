import TideExpressions

/// Rows for tests, drawn from a seed: eight columns of common types with small and with extreme values.
struct RandomRows {
    static let schema = Schema([
        Field("i", .int), Field("j", .int), Field("l", .bigint), Field("d", .double),
        Field("m", .decimal(precision: 12, scale: 3)),
        Field("s", .string), Field("t", .string), Field("day", .date), Field("ts", .timestamp), Field("b", .boolean),
    ])

    enum Nulls: CaseIterable { case none, all, alternating, random }

    private var state: UInt64
    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    static let words = [
        "", " ", "a", "tide", " mill ", "  Both Sides  ", "ALL CAPS", "exactly12byt", "thirteen bytes", "größe",
        "ÄÖÜ äöü ß", "a longer text that lies in the heap of the column", "   long with spaces around it          ",
        "日本語テキスト",
        "12", "-7", "2024-02-29", "%", "a_b",
    ]

    mutating func scalar(_ type: DataType) -> Scalar {
        switch type {
        case .int:
            let extremes: [Int64] = [0, 1, -1, 2, 7, -13, 1000, Int64(Int32.max), Int64(Int32.min)]
            return Scalar(type, .integer(below(8) == 0 ? extremes[below(9)] : Int64(below(200)) - 100))
        case .bigint:
            let extremes: [Int64] = [0, 1, -1, .max, .min, 1 << 40]
            return Scalar(type, .integer(below(8) == 0 ? extremes[below(6)] : Int64(below(20000)) - 10000))
        case .double:
            let extremes: [Double] = [0, -0.0, 1.5, -2.5, .nan, .infinity, 1e300, 1e-300]
            return .double(below(8) == 0 ? extremes[below(8)] : Double(below(100_000)) / 64 - 700)
        case .decimal: return Scalar(type, .decimal(Int128(below(2_000_000)) - 1_000_000))
        case .string: return .string(Self.words[below(Self.words.count)])
        case .date: return Scalar(type, .integer(Int64(below(40_000)) - 10_000))
        case .timestamp: return Scalar(type, .integer(Int64(below(4_000_000_000)) * 1_000_003 - 1_000_000_000_000_000))
        default: return .boolean(below(2) == 0)
        }
    }

    mutating func column(_ type: DataType, _ count: Int, _ nulls: Nulls) -> Column {
        var scalars: [Scalar] = []
        for row in 0..<count {
            let isNull =
                switch nulls {
                case .none: false
                case .all: true
                case .alternating: row % 2 == 0
                case .random: below(4) == 0
                }
            scalars.append(isNull ? .null(type) : scalar(type))
        }
        return Column(type, scalars)
    }

    mutating func batch(_ count: Int, _ nulls: Nulls) -> Batch {
        var columns: [Column] = []
        for field in Self.schema.fields { columns.append(column(field.type, count, nulls)) }
        return Batch(columns: columns, count: count)
    }
}

extension Scalar {
    /// Equal as SQL values: NaN is itself, and the sign of zero does not matter.
    func isSame(_ other: Scalar) -> Bool {
        if case .double(let x) = value, case .double(let y) = other.value {
            return type == other.type && (x == y || x.isNaN && y.isNaN)
        }
        return self == other
    }
}
