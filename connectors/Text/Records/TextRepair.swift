import CTideKernels
import TideColumns

/// Replaces what is not UTF-8 by U+FFFD, sequence by sequence as Java's decoder does: a truncated sequence is one
/// replacement, an encoded surrogate too, any other stray byte one each.
func repairingUTF8(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    let n = text.count
    guard n > 0, tide_utf8_valid(text.baseAddress!.assumingMemoryBound(to: UInt8.self), n) == 0 else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(n + 8)
    func continues(_ i: Int) -> Bool { i < n && text[i] & 0xC0 == 0x80 }
    var i = 0
    while i < n {
        let byte = text[i]
        // Length of the sequence if it is whole, else how many bytes one replacement stands for.
        var good = 0
        var bad = 1
        switch byte {
        case 0..<0x80: good = 1
        case 0xC2...0xDF:
            if continues(i + 1) { good = 2 }
        case 0xE0...0xEF:
            let second = i + 1 < n ? text[i + 1] : 0
            if continues(i + 1), !(byte == 0xE0 && second < 0xA0) {
                if continues(i + 2) {
                    if byte == 0xED && second > 0x9F { bad = 3 } else { good = 3 }
                } else {
                    bad = 2
                }
            }
        case 0xF0...0xF4:
            let second = i + 1 < n ? text[i + 1] : 0
            if continues(i + 1), !(byte == 0xF0 && second < 0x90), !(byte == 0xF4 && second > 0x8F) {
                if !continues(i + 2) {
                    bad = 2
                } else if !continues(i + 3) {
                    bad = 3
                } else {
                    good = 4
                }
            }
        default: break
        }
        if good > 0 {
            out.append(contentsOf: text[i..<(i + good)])
            i += good
        } else {
            out.append(contentsOf: [0xEF, 0xBF, 0xBD])
            i += bad
        }
    }
    return out
}
