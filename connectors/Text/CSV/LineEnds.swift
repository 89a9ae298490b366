/// Which byte ends the lines of a CSV file.
///
/// LF does, with a CR before it or not. In a file whose first line ends with a CR alone, as old spreadsheets write it,
/// CR does. What counts is the first of the two outside quotes, so the size of the window plays no part.
enum LineEnds {
    case undecided, lineFeed, carriageReturn

    /// Looks at the bytes of the file's first line, of which no record has been taken yet.
    static func decide(_ line: UnsafeRawBufferPointer, quote: UInt8?, isLast: Bool) -> LineEnds {
        var inQuotes = false
        for (i, byte) in line.enumerated() {
            if byte == quote {
                inQuotes.toggle()
            } else if byte == 0x0A {
                return .lineFeed
            } else if byte == 0x0D && !inQuotes {
                if i + 1 < line.count { return line[i + 1] == 0x0A ? .lineFeed : .carriageReturn }
                if isLast { return .carriageReturn }
            }
        }
        return .undecided
    }
}
