import Testing

@testable import TideParquet

@Suite struct EncodingTests {
    /// The example of parquet-format's Encodings.md: 0 to 7 in 3 bits are 88 C6 FA.
    @Test func bitPackingFollowsTheSpecification() {
        let values: [UInt32] = [0, 1, 2, 3, 4, 5, 6, 7]
        let out = OutputBytes()
        encodeHybrid(values, count: 8, bitWidth: 3, to: out)
        #expect(Array(out.bytes) == [0x03, 0x88, 0xC6, 0xFA])
        out.removeAll()
        // A run of 100 times 4: header 200, one byte.
        encodeHybrid([UInt32](repeating: 4, count: 100), count: 100, bitWidth: 3, to: out)
        #expect(Array(out.bytes) == [0xC8, 0x01, 0x04])
    }

    @Test func hybridRoundTrips() {
        var random = TestRandom(state: 9)
        for bitWidth in 1...32 {
            let mask = bitWidth == 32 ? UInt32.max : (1 << UInt32(bitWidth)) - 1
            for count in [1, 7, 8, 9, 63, 200] {
                var values: [UInt32] = []
                while values.count < count {
                    let value = UInt32(truncatingIfNeeded: random.next()) & mask
                    let run = random.next() % 4 == 0 ? Int(random.next() % 30) : 1
                    values += [UInt32](repeating: value, count: min(run, count - values.count))
                }
                let out = OutputBytes()
                encodeHybrid(values, count: count, bitWidth: bitWidth, to: out)
                let bytes = Buffer(copying: out.bytes)
                let result = Buffer(byteCount: count * 4)
                let whole = decodeHybrid(
                    bytes.base, bytes.byteCount, bitWidth: bitWidth, into: result.pointer(UInt32.self), count: count)
                #expect(whole && (0..<count).map { result.pointer(UInt32.self)[$0] } == values, "\(bitWidth) \(count)")
            }
        }
    }

    /// parquet-format's Encodings.md, DELTA_BINARY_PACKED example 2: 7, 5, 3, 1, 2, 3, 4, 5.
    @Test func deltaExample() {
        // Block of 128 in 4 miniblocks, 8 values, first 7 (zig-zag 14); min delta -2 (zig-zag 3), widths 2,0,0,0;
        // deltas over the minimum 0,0,0,3,3,3,3 in 2 bits: 11000000 00111111.
        let bytes: [UInt8] = [0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0xC0, 0x3F, 0, 0, 0, 0, 0, 0]
        let buffer = bytes.withUnsafeBytes { Buffer(copying: $0) }
        let out = Buffer(byteCount: 64)
        #expect(decodeDelta(buffer.base, bytes.count, into: out.pointer(Int64.self), count: 8) == bytes.count)
        #expect((0..<8).map { out.pointer(Int64.self)[$0] } == [7, 5, 3, 1, 2, 3, 4, 5])
    }

    /// DELTA_BYTE_ARRAY of "axis", "axle", "babble", "babyhood" (the example of Encodings.md).
    @Test func deltaByteArrays() {
        func deltas(_ first: UInt8, _ minimum: UInt8, _ packed: [UInt8], width: UInt8) -> [UInt8] {
            [0x80, 0x01, 4, 4, first, minimum, width, 0, 0, 0] + packed
                + [UInt8](repeating: 0, count: Int(width) * 4 - packed.count)
        }
        // Prefix lengths 0, 2, 0, 3: deltas 2, -2, 3 over -2 are 4, 0, 5 in 3 bits.
        let prefixes = deltas(0, 3, [0b0100_0100, 0b0000_0001], width: 3)
        // Suffix lengths 4, 2, 6, 5: deltas -2, 4, -1 over -2 are 0, 6, 1 in 3 bits.
        let suffixes = deltas(8, 3, [0b0111_0000, 0b0000_0000], width: 3)
        let bytes = prefixes + suffixes + Array("axislebabbleyhood".utf8)
        let buffer = bytes.withUnsafeBytes { Buffer(copying: $0) }
        let out = Buffer(byteCount: 64)
        let views = out.pointer(StringView.self)
        let decoded = decodeDeltaByteArrays(
            buffer.base, start: 0, end: bytes.count, bufferIndex: 0, bytesMax: 100, into: views, count: 4)
        #expect(decoded != nil)
        let heap = StringHeap(decoded.map { [$0.buffer] } ?? [])
        let texts = (0..<4).map { String(decoding: stringBytes(views, $0, heap.bases), as: UTF8.self) }
        #expect(texts == ["axis", "axle", "babble", "babyhood"])
    }

    @Test func bigEndianDecimals() {
        func value(_ bytes: [UInt8]) -> Int128? {
            let buffer = bytes.withUnsafeBytes { Buffer(copying: $0) }
            return decimal(bigEndian: buffer.base, bytes.count)
        }
        #expect(value([0xFF]) == -1)
        #expect(value([0x00, 0xFF]) == 255)
        #expect(value([0x80, 0x00]) == -32768)
        #expect(value([0xFF] + [UInt8](repeating: 0xFF, count: 16)) == -1)
        #expect(value([0x01] + [UInt8](repeating: 0, count: 16)) == nil)
        #expect(value([0x00, 0x80] + [UInt8](repeating: 0, count: 15)) == nil)
        #expect(value([]) == nil)
    }

    @Test func halfFloats() {
        #expect(floatOfHalf(0x3C00) == 1 && floatOfHalf(0xC000) == -2 && floatOfHalf(0x7BFF) == 65504)
        #expect(floatOfHalf(0x0001) == 5.960464477539063e-08 && floatOfHalf(0x7C00) == .infinity)
        #expect(floatOfHalf(0x8000).sign == .minus && floatOfHalf(0x7E00).isNaN)
    }
}
