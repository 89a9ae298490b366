/// Columns of events from their numbers. Each kernel is one loop over plain memory: `numbers` holds `count` event
/// numbers, and the result is a new buffer of as many values.
struct NexmarkKernels {
    let events: NexmarkEvents
    private let pool = NexmarkText.shared

    init(_ events: NexmarkEvents) { self.events = events }

    /// Event numbers of a stream's rows.
    static func eventNumbers(_ places: Range<Int64>, _ rows: Range<Int64>) -> Buffer {
        let buffer = Buffer(byteCount: rows.count * 8)
        let out = buffer.pointer(Int64.self)
        var (cycle, place) = rows.lowerBound.quotientAndRemainder(dividingBy: Int64(places.count))
        for i in 0..<rows.count {
            out[i] = cycle * 50 + places.lowerBound + place
            place += 1
            if place == Int64(places.count) {
                place = 0
                cycle += 1
            }
        }
        return buffer
    }

    static func ids(_ rows: Range<Int64>) -> Column {
        let buffer = Buffer(byteCount: rows.count * 8)
        let out = buffer.pointer(Int64.self)
        for i in 0..<rows.count { out[i] = NexmarkEvents.firstID + rows.lowerBound + Int64(i) }
        return Column(type: .bigint, count: rows.count, values: buffer)
    }

    // MARK: Numbers

    @inline(__always) private func integers(
        _ numbers: Buffer, _ count: Int, _ type: DataType = .bigint, _ value: (Int64) -> Int64
    ) -> Column {
        let buffer = Buffer(byteCount: count * 8)
        let out = buffer.pointer(Int64.self)
        let number = numbers.pointer(Int64.self)
        for i in 0..<count { out[i] = value(number[i]) }
        return Column(type: type, count: count, values: buffer)
    }

    func times(_ numbers: Buffer, _ count: Int) -> Column {
        integers(numbers, count, .timestamp) { events.time($0) }
    }
    func expirations(_ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        integers(numbers, count, .timestamp) { events.time($0) + events.duration($0, events.draw($0, purpose)) }
    }
    func auctions(_ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        integers(numbers, count) { NexmarkEvents.bidAuction($0, events.draw($0, purpose)) }
    }
    func persons(_ numbers: Buffer, _ count: Int, hotOffset: Int64, purpose: UInt64) -> Column {
        integers(numbers, count) { NexmarkEvents.person($0, events.draw($0, purpose), hotOffset: hotOffset) }
    }
    func categories(_ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        integers(numbers, count) { 10 + NexmarkEvents.below(5, events.draw($0, purpose)) }
    }
    func prices(_ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        let table = UnsafePointer(pool.prices.pointer(Double.self))
        return integers(numbers, count) { NexmarkKernels.price(table, events.draw($0, purpose)) }
    }
    func sumOfPrices(_ numbers: Buffer, _ count: Int, purposes: (UInt64, UInt64)) -> Column {
        let table = UnsafePointer(pool.prices.pointer(Double.self))
        return integers(numbers, count) {
            NexmarkKernels.price(table, events.draw($0, purposes.0))
                + NexmarkKernels.price(table, events.draw($0, purposes.1))
        }
    }

    /// The upper 12 bits choose a step, the next 40 a point on the line to the next step.
    @inline(__always) private static func price(_ table: UnsafePointer<Double>, _ draw: UInt64) -> Int64 {
        let step = Int(truncatingIfNeeded: draw >> 52)
        let part = Double(Int64(truncatingIfNeeded: draw >> 12 & 0xFF_FFFF_FFFF)) * 0x1p-40
        return Int64((table[step] + (table[step + 1] - table[step]) * part).rounded(.down))
    }

    // MARK: Texts

    func choice(of column: Column, _ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        let bound = Int64(column.count)
        return views(column.views, column.heap, numbers, count) { NexmarkEvents.below(bound, events.draw($0, purpose)) }
    }

    /// Half of the bids come through one of the hot channels.
    func channels(_ column: Column, _ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        let hot = Int64(NexmarkText.hotChannels.count)
        return views(column.views, column.heap, numbers, count) { number in
            let draw = events.draw(number, purpose)
            if draw & 1 == 0 { return NexmarkEvents.below(hot, draw) }
            return hot + NexmarkEvents.below(NexmarkText.channelCount, draw)
        }
    }

    @inline(__always) private func views(
        _ source: UnsafePointer<StringView>, _ heap: StringHeap, _ numbers: Buffer, _ count: Int,
        _ index: (Int64) -> Int64
    ) -> Column {
        let buffer = Buffer(byteCount: count * 16)
        let out = buffer.pointer(StringView.self)
        let number = numbers.pointer(Int64.self)
        for i in 0..<count { out[i] = source[Int(truncatingIfNeeded: index(number[i]))] }
        return Column(type: .string, count: count, values: buffer, heap: heap)
    }

    /// Pieces of the letters.
    func letters(_ lengths: Range<Int64>, _ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        let buffer = Buffer(byteCount: count * 16)
        let out = buffer.pointer(StringView.self)
        let number = numbers.pointer(Int64.self)
        let base = UnsafeRawPointer(pool.letters.base)
        let (shortest, choices) = (lengths.lowerBound, Int64(lengths.count))
        let starts = UInt64(NexmarkText.letterCount - lengths.upperBound)
        for i in 0..<count {
            let draw = events.draw(number[i], purpose)
            let length = Int(truncatingIfNeeded: shortest + NexmarkEvents.below(choices, draw))
            let start = Int(truncatingIfNeeded: ((draw & 0xFFFF_FFFF) &* starts) >> 32)
            if length <= StringView.inlineBytesMax {
                out[i] = StringView(inlineLoading: base + start, length: length)
            } else {
                out[i] = StringView(bytes: base + start, length: length, bufferIndex: 0, offset: start)
            }
        }
        return Column(type: .string, count: count, values: buffer, heap: StringHeap([pool.letters]))
    }

    /// Seven letters, @, five letters, `.com`.
    func emails(_ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        texts(of: 17, numbers, count) { (number, target) in
            let draw = events.draw(number, purpose)
            target.storeBytes(of: NexmarkText.eightLetters(draw).littleEndian, as: UInt64.self)
            target.storeBytes(
                of: NexmarkText.eightLetters(draw &* 0x9E37_79B9_7F4A_7C15).littleEndian, toByteOffset: 8,
                as: UInt64.self)
            target.storeBytes(of: UInt8(ascii: "@"), toByteOffset: 7, as: UInt8.self)
            for (i, byte) in ".com".utf8.enumerated() {
                target.storeBytes(of: byte, toByteOffset: 13 + i, as: UInt8.self)
            }
        }
    }

    /// Four times four digits, blanks between.
    func creditCards(_ numbers: Buffer, _ count: Int, purpose: UInt64) -> Column {
        texts(of: 19, numbers, count) { (number, target) in
            var draw = events.draw(number, purpose)
            for place in 0..<19 {
                var byte = UInt8(ascii: " ")
                if place % 5 != 4 {
                    byte = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: draw % 10)
                    draw /= 10
                }
                target.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
            }
        }
    }

    /// Texts of one length above 12, each written by `write` to memory with room behind it.
    @inline(__always) private func texts(
        of length: Int, _ numbers: Buffer, _ count: Int, _ write: (Int64, UnsafeMutableRawPointer) -> Void
    ) -> Column {
        let buffer = Buffer(byteCount: count * 16)
        let heap = Buffer(byteCount: count * length)
        let out = buffer.pointer(StringView.self)
        let number = numbers.pointer(Int64.self)
        for i in 0..<count {
            let target = heap.base + i * length
            write(number[i], target)
            out[i] = StringView(bytes: target, length: length, bufferIndex: 0, offset: i * length)
        }
        return Column(type: .string, count: count, values: buffer, heap: StringHeap([heap]))
    }
}
