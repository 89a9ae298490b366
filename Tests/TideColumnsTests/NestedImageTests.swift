import Testing
import TideColumns

/// A value of a random nested type, as Swift has it: the reference that images are held against.
private indirect enum Model: Equatable {
    case null
    case integer(Int64)
    case double(Double)
    case text(String)
    case list([Model])

    /// Spark's order: NULL first, NaN last, shorter arrays before longer ones that begin with them.
    static func < (a: Model, b: Model) -> Bool {
        switch (a, b) {
        case (.null, .null): return false
        case (.null, _): return true
        case (_, .null): return false
        case (.integer(let x), .integer(let y)): return x < y
        case (.double(let x), .double(let y)): return x.isNaN ? false : (y.isNaN || x < y)
        case (.text(let x), .text(let y)): return x.utf8.lexicographicallyPrecedes(y.utf8)
        case (.list(let x), .list(let y)): return x.lexicographicallyPrecedes(y) { $0 < $1 }
        default: return false
        }
    }
}

private struct Generator {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    mutating func value(_ type: DataType) -> Model {
        if next(5) == 0 { return .null }
        switch type {
        case .int: return .integer([0, -1, 1, Int64(Int32.min), Int64(Int32.max), 256, -256][next(7)])
        case .bigint: return .integer([0, -1, 1, .min, .max, 1 << 40, -(1 << 40)][next(7)])
        case .double:
            return .double([0, -1.5, 1.5, .infinity, -.infinity, .nan, 1e-300, -1e-300, 1e300][next(9)])
        case .string: return .text(["", "a", "ab", "a\u{0}", "a\u{0}b", "\u{FF}", "a\u{1}", "é"][next(8)])
        case .array(let element): return .list((0..<next(4)).map { _ in value(element) })
        case .structure(let fields): return .list(fields.map { value($0.type) })
        default: return .null
        }
    }
}

private func append(_ model: Model, _ type: DataType, _ image: inout [UInt8]) {
    guard model != .null else {
        NestedImage.appendNull(into: &image)
        return
    }
    NestedImage.appendMarker(into: &image)
    appendValue(model, type, &image)
}

private func appendValue(_ model: Model, _ type: DataType, _ image: inout [UInt8]) {
    switch (model, type) {
    case (.integer(let value), .int): NestedImage.append(Int32(value), into: &image)
    case (.integer(let value), _): NestedImage.append(value, into: &image)
    case (.double(let value), _): NestedImage.append(value, into: &image)
    case (.text(let text), _): Array(text.utf8).withUnsafeBytes { NestedImage.append(text: $0, into: &image) }
    case (.list(let parts), .array(let element)):
        for part in parts { append(part, element, &image) }
        NestedImage.appendEnd(into: &image)
    case (.list(let parts), .structure(let fields)):
        for (part, field) in zip(parts, fields) { append(part, field.type, &image) }
    default: break
    }
}

struct NestedImageTests {
    static let types: [DataType] = [
        .array(.int), .array(.string), .array(.double), .array(.array(.bigint)),
        .structure([Field("a", .int), Field("b", .string)]),
        .array(.structure([Field("s", .string), Field("l", .array(.string)), Field("d", .double)])),
    ]

    @Test(arguments: types) func imagesAreOrderedAsTheirValues(_ type: DataType) {
        var generator = Generator(state: 17)
        var values: [(model: Model, image: [UInt8])] = []
        while values.count < 120 {
            let model = generator.value(type)
            if model == .null { continue }
            var image: [UInt8] = []
            appendValue(model, type, &image)
            values.append((model, image))
        }
        for a in values {
            for b in values {
                let less = a.image.lexicographicallyPrecedes(b.image)
                #expect(less == (a.model < b.model), "\(a.model) and \(b.model)")
                #expect((a.image == b.image) == (!(a.model < b.model) && !(b.model < a.model)))
            }
        }
    }

    @Test func cursorPassesOverWhatItDoesNotRead() {
        var generator = Generator(state: 5)
        for type in NestedImageTests.types {
            for _ in 0..<200 {
                let model = generator.value(type)
                if model == .null { continue }
                var image: [UInt8] = []
                appendValue(model, type, &image)
                image.withUnsafeBytes { bytes in
                    var cursor = NestedCursor(bytes)
                    cursor.skip(type)
                    #expect(cursor.at == bytes.count)
                }
            }
        }
    }

    @Test func printsAsSparkCasts() {
        let list = DataType.array(.string)
        var image: [UInt8] = []
        for text in ["x", nil, "y z"] as [String?] { append(text.map { .text($0) } ?? .null, .string, &image) }
        NestedImage.appendEnd(into: &image)
        let column = Column(list, [Scalar(list, .bytes(image)), .null(list)])
        let text = column.formatted()
        #expect(text.scalar(0).string == "[x, null, y z]" && !text.isValid(1))
    }

    @Test func typesSurviveEncoding() throws {
        for type in NestedImageTests.types + [.map(key: .string, value: .array(.decimal(precision: 5, scale: 2)))] {
            var writer = ByteWriter()
            type.encode(into: &writer)
            var reader = ByteReader(writer.bytes, file: "t")
            #expect(try DataType.decode(from: &reader) == type)
        }
        #expect(DataType.map(key: .string, value: .array(.int)).sql == "MAP<STRING, ARRAY<INT>>")
        var deep = ByteWriter()
        for _ in 0..<10_000 { deep.u8(16) }
        var reader = ByteReader(deep.bytes, file: "t")
        #expect(throws: TidemillError.self) { try DataType.decode(from: &reader) }
    }
}
