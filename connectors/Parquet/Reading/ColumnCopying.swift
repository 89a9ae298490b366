import Glibc
import TideColumns

extension Column {
    /// Rows `start..<start + count` as a column of their own; long strings stay in the shared heap.
    func copyingRows(_ start: Int, _ count: Int) -> Column {
        precondition(start >= 0 && count >= 0 && start + count <= self.count)
        let width = type.physical.width
        let target: Buffer
        if width == 0 {
            target = bits.copyingBits(start, count).buffer
        } else {
            target = Buffer(byteCount: count * width)
            memcpy(target.base, values.base + start * width, count * width)
        }
        return Column(
            type: type, count: count, values: target, validity: validity?.copyingBits(start, count), heap: heap)
    }
}

extension Bitmap {
    func copyingBits(_ start: Int, _ count: Int) -> Bitmap {
        let result = Bitmap(repeating: false, count: count)
        let target = result.words
        for word in 0..<result.wordCount {
            let taken = min(64, count - word * 64)
            target[word] = bits(at: start + word * 64, count: taken)
        }
        return result
    }

    /// Up to 64 bits from `start` on.
    func bits(at start: Int, count: Int) -> UInt64 {
        let source = words
        let shift = UInt64(start & 63)
        var value = source[start >> 6] >> shift
        if shift != 0, (start >> 6) + 1 < wordCount { value |= source[(start >> 6) + 1] << (64 - shift) }
        return count == 64 ? value : value & ((1 << UInt64(count)) &- 1)
    }
}
