import TideText

/// What a source does about a file that changes or vanishes after it was read.
public enum ChangedFiles: String, Sendable, CaseIterable {
    /// Its rows stay as they were read; a person is told once.
    case immutable
    /// A plan takes its rows back and reads it anew. Whoever drives the source keeps what was read.
    case replace
    /// A plan names it as disturbed. Whoever drives the source reads everything again where it matters.
    case rebuild

    /// - Throws: UNSUPPORTED for another policy.
    init(_ options: inout OptionSet) throws(TidemillError) {
        guard let text = options.string("tidemill.changedFiles") else {
            self = .immutable
            return
        }
        guard let policy = ChangedFiles(rawValue: text.lowercased()) else {
            throw TidemillError.unsupported(
                "the policy for changed files is not supported: \(text)", hint: "rebuild, replace or immutable")
        }
        self = policy
    }
}
