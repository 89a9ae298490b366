import TideColumns

/// Reads the values of reader and writer options; the errors name the option and the value.
enum OptionText {
    static func invalid(_ name: String, _ value: String, _ expected: String) -> TidemillError {
        TidemillError(
            .user, "INVALID_PARAMETER_VALUE", "option '\(name)' expects \(expected), got '\(value)'")
    }

    static func boolean(_ name: String, _ value: String) throws(TidemillError) -> Bool {
        switch value.lowercased() {
        case "true": return true
        case "false": return false
        default: throw invalid(name, value, "true or false")
        }
    }

    static func count(_ name: String, _ value: String) throws(TidemillError) -> Int {
        guard let number = Int(value), number > 0 else { throw invalid(name, value, "a positive number") }
        return number
    }

    /// One byte, or nil for an empty value.
    static func byte(_ name: String, _ value: String) throws(TidemillError) -> UInt8? {
        if value.isEmpty || value == "\0" { return nil }
        let bytes = Array(value.utf8)
        guard bytes.count == 1 else {
            throw TidemillError(
                .user, "OPTION_VALUE_EXCEEDS_ONE_CHARACTER",
                "option '\(name)' takes one ASCII character, got '\(value)'")
        }
        guard bytes[0] != 0x0A && bytes[0] != 0x0D else { throw invalid(name, value, "no line end") }
        return bytes[0]
    }

    static func separator(_ name: String, _ value: String) throws(TidemillError) -> UInt8 {
        if value == "\\t" { return 0x09 }
        if value == "\\\\" { return UInt8(ascii: "\\") }
        guard let byte = try byte(name, value) else { throw invalid(name, value, "one ASCII character") }
        return byte
    }

    static func pattern(_ name: String, _ value: String) throws(TidemillError) -> String {
        _ = try DateTimePattern(value)
        return value
    }

    /// For options of which only Spark's default is supported.
    static func require(_ name: String, _ value: String, _ only: Bool) throws(TidemillError) {
        guard try boolean(name, value) == only else {
            throw TidemillError.unsupported("option '\(name)' is supported only as \(only)", hint: "leave it out")
        }
    }

    static func requireUTF8(_ name: String, _ value: String) throws(TidemillError) {
        guard ["utf-8", "utf8", "us-ascii", "ascii"].contains(value.lowercased()) else {
            throw TidemillError.unsupported(
                "option '\(name)' supports only UTF-8, not '\(value)'",
                hint: "convert the files, for example with iconv -t UTF-8")
        }
    }

    static func requireEnglish(_ name: String, _ value: String) throws(TidemillError) {
        guard ["en-us", "en_us", "en"].contains(value.lowercased()) else {
            throw TidemillError.unsupported(
                "option '\(name)' supports only en-US, not '\(value)'",
                hint: "declare such columns as STRING and convert them in the query, for example "
                    + "CAST(replace(replace(s, '.', ''), ',', '.') AS DECIMAL(12,2))")
        }
    }

    static func requireLineEnd(_ name: String, _ value: String) throws(TidemillError) {
        guard value == "\n" || value == "\r\n" else {
            throw TidemillError.unsupported("option '\(name)' supports only \\n and \\r\\n")
        }
    }
}

extension DateTimePattern {
    /// The pattern of a reader's option.
    static func parsing(_ option: String?) throws(TidemillError) -> DateTimePattern? {
        guard let option else { return nil }
        let pattern = try DateTimePattern(option)
        try pattern.requireParsable()
        return pattern
    }

    /// The pattern of a writer's option.
    static func writing(_ option: String?) throws(TidemillError) -> DateTimePattern? {
        guard let option else { return nil }
        return try DateTimePattern(option)
    }
}
