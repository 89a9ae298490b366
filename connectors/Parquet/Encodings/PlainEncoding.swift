import Glibc
import TideColumns

// PLAIN encoding of dense values. Unsafe: raw loops; room is reserved before.

/// Byte arrays: a 4-byte length before each value.
@inline(never)
func encodePlain(
    _ views: UnsafePointer<StringView>, _ bases: UnsafePointer<UnsafeRawPointer>, count: Int, to out: OutputBytes
) {
    var total = 0
    for i in 0..<count { total &+= views[i].length &+ 4 }
    // 12 bytes are stored for every short value, whatever its length.
    let target = out.reserve(total + 16)
    var position = 0
    for i in 0..<count {
        let view = views[i]
        let length = view.length
        target.storeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian, toByteOffset: position, as: UInt32.self)
        if view.isInline {
            target.storeBytes(
                of: UInt32(truncatingIfNeeded: view.low >> 32).littleEndian, toByteOffset: position &+ 4,
                as: UInt32.self)
            target.storeBytes(of: view.high.littleEndian, toByteOffset: position &+ 8, as: UInt64.self)
        } else {
            memcpy(target + position + 4, bases[view.bufferIndex] + view.offset, length)
        }
        position &+= length &+ 4
    }
    out.advance(total)
}

/// Decimals as big-endian two's complement of `width` ≤ 16 bytes.
@inline(never)
func encodePlain(_ values: UnsafePointer<Int128>, count: Int, width: Int, to out: OutputBytes) {
    let target = out.reserve(count * width)
    for i in 0..<count {
        let value = values[i].bigEndian
        withUnsafeBytes(of: value) { bytes in
            _ = memcpy(target + i * width, bytes.baseAddress! + (16 - width), width)
        }
    }
    out.advance(count * width)
}
