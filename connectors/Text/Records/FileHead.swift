import TideColumns

/// What the first bytes of a file say that it is.
///
/// A Parquet file in a folder of CSV files, a packed file without its suffix, a file in UTF-16: read as UTF-8 text each
/// gives rows of garbage. No CSV or JSON record begins like these, so they are refused before a row is made of them.
enum FileHead {
    private static let marks: [(bytes: [UInt8], what: String, hint: String)] = [
        (
            // The word alone might be a value; the first page's header follows it.
            Array("PAR1\u{15}".utf8), "is a Parquet file",
            "read it USING parquet; option pathGlobFilter keeps files out by name"
        ),
        ([0x1F, 0x8B], "is packed with gzip, which its name does not say", "let its name end in .gz"),
        ([0x28, 0xB5, 0x2F, 0xFD], "is packed with zstd, which its name does not say", "let its name end in .zst"),
        ([0x04, 0x22, 0x4D, 0x18], "is packed with lz4, which its name does not say", "let its name end in .lz4"),
        ([0x50, 0x4B, 0x03, 0x04], "is a zip archive or a spreadsheet", "store what is in it as text"),
        ([0xFF, 0xFE], "is in UTF-16, and only UTF-8 is read", "iconv -f UTF-16 -t UTF-8 converts it"),
        ([0xFE, 0xFF], "is in UTF-16, and only UTF-8 is read", "iconv -f UTF-16 -t UTF-8 converts it"),
    ]

    /// - Parameter format: as messages name it.
    static func check(_ head: UnsafeRawBufferPointer, format: String, path: String) throws(TidemillError) {
        for mark in marks where head.starts(with: mark.bytes) {
            throw TidemillError(
                .data, "TIDEMILL_NOT_TEXT", "the file \(mark.what): it cannot be read as \(format)", hint: mark.hint,
                place: .file(path))
        }
    }
}
