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
}
