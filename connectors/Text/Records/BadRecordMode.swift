import TideColumns

/// What becomes of a record that does not fit the schema.
public enum BadRecordMode: String, Sendable, Hashable {
    /// Kept with NULL where a value is missing or wrong; left out if a NOT NULL column would be NULL.
    case permissive = "PERMISSIVE"
    case dropMalformed = "DROPMALFORMED"
    /// The first one is an error.
    case failFast = "FAILFAST"

    static func parse(_ name: String, _ value: String) throws(TidemillError) -> BadRecordMode {
        guard let mode = BadRecordMode(rawValue: value.uppercased()) else {
            throw OptionText.invalid(name, value, "PERMISSIVE, DROPMALFORMED or FAILFAST")
        }
        return mode
    }
}
