// Text from data and file names on its way to a terminal: nothing in it may move the cursor, change colors or reorder
// what stands around it, and columns stay in line.

extension String {
    /// Control characters, line ends and marks of writing direction as escapes (`\n`, `\t`, `\u{1b}`); all else as it
    /// is.
    public var printable: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        var text = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.isControl: text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// Columns that a terminal takes for the text: two for wide characters, none for marks on the one before.
    public var displayWidth: Int { reduce(0) { $0 + $1.displayWidth } }

    /// The longest beginning that takes at most `width` columns.
    public func prefix(displayWidth width: Int) -> Substring {
        var used = 0
        return prefix {
            used += $0.displayWidth
            return used <= width
        }
    }
}

extension Character {
    /// Columns of a terminal: 0, 1 or 2.
    public var displayWidth: Int {
        guard let first = unicodeScalars.first else { return 0 }
        if first.value < 0x300 { return 1 }
        // An emoji in its colored form, and flags.
        if unicodeScalars.contains("\u{FE0F}") || first.properties.isEmojiPresentation { return 2 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return first.isWide ? 2 : 1
        }
    }
}

extension Unicode.Scalar {
    /// C0 and C1 controls, DEL, line and paragraph separators, and what turns the writing direction.
    fileprivate var isControl: Bool {
        switch value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0x61C: true
        default: false
        }
    }

    /// East Asian Width W or F (Unicode Standard Annex 11), by block.
    fileprivate var isWide: Bool {
        switch value {
        case 0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
            0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}

/// `1 row`, `2 rows`, `0 rows`: a count with its noun.
public func counted(_ count: some BinaryInteger, _ noun: String, plural: String? = nil) -> String {
    "\(count) \(count == 1 ? noun : plural ?? noun + "s")"
}
