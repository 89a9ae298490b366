/// What a streaming table's query writes in an epoch, with Spark's meaning: `tidemill.outputMode`.
public enum OutputMode: String, Hashable, Sendable {
    /// Rows that are final, each once.
    case append
    /// Rows that changed.
    case update
    /// The whole result.
    case complete
}

/// How a stored table takes what is written: `tidemill.write`.
public enum WriteMode: String, Hashable, Sendable {
    /// New rows beside the old ones.
    case append
    /// A row replaces the one with its key.
    case upsert
    /// All rows are replaced.
    case overwrite
}

extension OutputMode {
    /// The way of writing where none is asked for.
    public var write: WriteMode {
        switch self {
        case .append: .append
        case .update: .upsert
        case .complete: .overwrite
        }
    }
}
