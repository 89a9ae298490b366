/// What went wrong, and whose move it is.
public enum ErrorKind: String, Sendable, Hashable {
    /// SQL, types, options, command line: the user can change it.
    case user
    /// A bad input record; the reader's mode decides whether it stops the pipeline.
    case data
    /// Bytes that cannot be what was written. Never retried.
    case corruption
    /// The operating system refused.
    case io
    /// Another process owns what this one wants.
    case conflict
    /// A configured bound was reached.
    case limit
    /// Legal SQL that Tidemill does not run.
    case unsupported
    /// A broken invariant of ours.
    case `internal`
}

/// Where it went wrong.
public enum ErrorPlace: Sendable {
    /// A range of SQL text; the report prints the line with a caret.
    case sql(SourceSpan)
    /// A file, with a line (1-based) or a byte offset when known.
    case file(String, line: Int? = nil, offset: Int64? = nil)
    /// A table, operator or epoch of the running pipeline.
    case pipeline(String)
}

/// The one error type. `message` is lower case without a period and ends with the offending value; `code` is Spark's
/// error class where Spark has one, else starts with `TIDEMILL_`.
public struct TidemillError: Error, Sendable {
    final class Storage: Sendable {
        let kind: ErrorKind
        let code: String
        let message: String
        let detail: String?
        let hint: String?
        let place: ErrorPlace?
        let errno: Int32?
        let cause: TidemillError?
        let row: Int?
        init(
            kind: ErrorKind, code: String, message: String, detail: String?, hint: String?, place: ErrorPlace?,
            errno: Int32?, cause: TidemillError?, row: Int?
        ) {
            self.kind = kind
            self.code = code
            self.message = message
            self.detail = detail
            self.hint = hint
            self.place = place
            self.errno = errno
            self.cause = cause
            self.row = row
        }
    }
    // One reference: a thrown error travels in a register.
    let storage: Storage

    public init(
        _ kind: ErrorKind, _ code: String, _ message: String, detail: String? = nil, hint: String? = nil,
        place: ErrorPlace? = nil, errno: Int32? = nil, cause: TidemillError? = nil, row: Int? = nil
    ) {
        storage = Storage(
            kind: kind, code: code, message: message, detail: detail, hint: hint, place: place, errno: errno,
            cause: cause, row: row)
    }

    public var kind: ErrorKind { storage.kind }
    public var code: String { storage.code }
    public var message: String { storage.message }
    public var detail: String? { storage.detail }
    public var hint: String? { storage.hint }
    public var place: ErrorPlace? { storage.place }
    /// The operating system's number for `.io` errors.
    public var errno: Int32? { storage.errno }
    public var cause: TidemillError? { storage.cause }

    /// The row of the batch that was being worked on, from 0; nil if unknown. Meant for whoever gave the batch.
    public var row: Int? { storage.row }

    private func copy(
        detail: String?, hint: String?, place: ErrorPlace?, row: Int?
    ) -> TidemillError {
        TidemillError(
            kind, code, message, detail: detail, hint: hint, place: place, errno: errno, cause: cause, row: row)
    }

    /// The same error at `place`, unless it already has one.
    public func at(_ place: ErrorPlace) -> TidemillError {
        self.place != nil ? self : copy(detail: detail, hint: hint, place: place, row: row)
    }

    /// The same error with a hint, unless it already has one.
    public func hinting(_ hint: String) -> TidemillError {
        self.hint != nil ? self : copy(detail: detail, hint: hint, place: place, row: row)
    }

    /// The same error of a row of the batch at hand; nil: of no row that the giver of the batch knows.
    public func atRow(_ row: Int?) -> TidemillError {
        row == self.row ? self : copy(detail: detail, hint: hint, place: place, row: row)
    }

    /// The same error with more detail, behind what there is.
    public func detailing(_ text: String) -> TidemillError {
        copy(detail: detail.map { "\($0) \(text)" } ?? text, hint: hint, place: place, row: row)
    }
}

extension TidemillError: CustomStringConvertible {
    /// One line: `[CODE] message (place)`.
    public var description: String {
        var line = "[\(code)] \(message.printable)"
        switch place {
        case .sql(let span): line += " (\(span.source.name):\(span.start.line):\(span.start.column))"
        case .file(let path, let number, let offset):
            line += " (\(path.printable)"
            if let number { line += ":\(number)" }
            if let offset { line += " at byte \(offset)" }
            line += ")"
        case .pipeline(let name): line += " (\(name.printable))"
        case nil: break
        }
        return line
    }

    /// What a person reads: the line above, the SQL with a caret, detail, hint, causes.
    public func report() -> String {
        var text = "error: \(description)\n"
        if case .sql(let span) = place { text += span.excerpt() }
        if let detail { text += "  detail: \(TidemillError.lines(detail))\n" }
        if let hint { text += "  hint: \(TidemillError.lines(hint))\n" }
        var inner = cause
        while let error = inner {
            text += "  caused by: \(error.description)\n"
            inner = error.cause
        }
        return text
    }

    /// A text of several lines stays one.
    private static func lines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
            .joined(separator: "\n")
    }
}

extension TidemillError {
    public static func corruption(_ code: String, _ message: String, file: String, offset: Int64? = nil)
        -> TidemillError
    {
        let isCheckpoint = code.hasPrefix("TIDEMILL_CORRUPT_")
        return TidemillError(
            .corruption, code, message,
            hint: isCheckpoint ? "restore a copy of storage and warehouse, or start over: see docs/OPERATIONS.md" : nil,
            place: .file(file, offset: offset))
    }

    public static func `internal`(_ message: String, file: StaticString = #fileID, line: UInt = #line)
        -> TidemillError
    {
        TidemillError(
            .internal, "TIDEMILL_INTERNAL", message, detail: "\(file):\(line)",
            hint: "this is a defect of Tidemill; please report it with the SQL and this text")
    }

    public static func unsupported(_ message: String, hint: String? = nil, place: ErrorPlace? = nil) -> TidemillError {
        TidemillError(.unsupported, "UNSUPPORTED_FEATURE", message, hint: hint, place: place)
    }
}
