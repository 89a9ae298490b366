/// Rows of a batch that stand for all rows: each key once, or a few times, with the summed weight of its rows.
public struct ReducedRows: Sendable {
    /// Row numbers in the batch, ascending.
    public let rows: [UInt32]
    /// As long as the batch; of meaning at `rows`.
    public let weights: Column
}

extension KeyImages {
    /// Keys are looked for in a table that stays in the first levels of the cache, two places for each: what finds both
    /// taken throws the older one out, and that key gets another row when it comes again. So the work per row does not
    /// grow with the keys, and a batch of distinct keys costs one failed look each.
    ///
    /// Keys are compared by their images: equal long strings in different places of a heap count as different here, and
    /// of two keys with the same 32 leading bits one may.
    /// - Parameter weights: bigint, not NULL; nil: 1 for each row.
    public func reduced(weights: Column?) -> ReducedRows {
        let sums = Buffer(byteCount: count * 8)
        let sum = sums.pointer(Int64.self)
        let weight = weights.map { UnsafePointer($0.pointer(Int64.self)) }
        let hash = UnsafePointer(hashes.pointer(UInt64.self))
        let (base, stride) = (UnsafeRawPointer(images.base), layout.imageBytes)
        let rows = [UInt32](unsafeUninitializedCapacity: count) { out, found in
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: KeyImages.placeCount) { places in
                places.initialize(repeating: 0)
                let place = places.baseAddress.unsafelyUnwrapped
                for row in 0..<count {
                    let h = hash[row]
                    let at = Int(truncatingIfNeeded: h) & (KeyImages.placeCount - 2)
                    let image = base + row &* stride
                    let own = weight.map { $0[row] } ?? 1
                    let (first, second) = (place[at], place[at &+ 1])
                    // Which of the two it is is nothing to guess; a key is there more often than not.
                    let candidate = (first ^ h) &>> 32 == 0 ? first : second
                    let other = Int(truncatingIfNeeded: candidate & 0xFFFF_FFFF) &- 1
                    if (candidate ^ h) &>> 32 == 0 && other >= 0
                        && KeyImages.isSame(base + other &* stride, image, stride)
                    {
                        sum[other] &+= own
                    } else {
                        place[at &+ 1] = first
                        place[at] = h & ~0xFFFF_FFFF | UInt64(row &+ 1)
                        sum[row] = own
                        out[found] = UInt32(truncatingIfNeeded: row)
                        found += 1
                    }
                }
            }
        }
        return ReducedRows(rows: rows, weights: Column(type: .bigint, count: count, values: sums))
    }

    /// 64 KiB: 32 leading bits of the hash, 32 bits for row number + 1; 0 is empty.
    private static let placeCount = 8192

    @inline(__always) private static func isSame(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ bytes: Int) -> Bool {
        var different: UInt64 = 0
        var at = 0
        while at < bytes {
            different |= a.load(fromByteOffset: at, as: UInt64.self) ^ b.load(fromByteOffset: at, as: UInt64.self)
            at &+= 8
        }
        return different == 0
    }
}
