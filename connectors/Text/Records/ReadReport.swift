/// What a reader met so far.
public struct ReadReport: Sendable, Hashable {
    /// One bad record.
    public struct Sample: Sendable, Hashable {
        /// 1-based line on which the record begins.
        public var line: Int
        /// The column that did not convert, if it was one.
        public var column: String?
        public var reason: String
        /// The record's first `textBytesMax` bytes.
        public var text: String
    }
    public static let samplesMax = 20
    public static let textBytesMax = 200

    /// Records read, bad ones included; not the header, empty lines and comments.
    public var rows = 0
    public var badRows = 0
    /// The first bad records.
    public var samples: [Sample] = []
    /// One line per name in the file's header that differs from the schema's.
    public var headerMismatch: [String] = []
    /// What a person should know about the header: it has another number of names than the schema has columns, or a
    /// name stands where another column of the schema is read. Names that the schema does not know are just other ones.
    public var headerWarning: String?
}
