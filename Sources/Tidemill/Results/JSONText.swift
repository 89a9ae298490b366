import TideText

/// Builds JSON text for rows and progress lines. Writing only, so a few functions do; what is parsed goes elsewhere.
public struct JSONText {
    public private(set) var text = ""
    private var needsComma = false

    public init() {}

    public mutating func object(_ body: (inout JSONText) -> Void) { nested("{", "}", body) }
    public mutating func array(_ body: (inout JSONText) -> Void) { nested("[", "]", body) }
    public mutating func key(_ name: String) {
        comma()
        text += JSONText.quoted(name) + ":"
        needsComma = false
    }
    public mutating func string(_ value: String) { raw(JSONText.quoted(value)) }
    public mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }
    /// Not-a-number and infinities have no JSON form and become strings.
    public mutating func double(_ value: Double) {
        raw(
            value.isFinite
                ? value.description : JSONText.quoted(value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"))
    }
    public mutating func null() { raw("null") }
    public mutating func boolean(_ value: Bool) { raw(value ? "true" : "false") }
    /// JSON text that stands by itself.
    public mutating func raw(_ value: String) {
        comma()
        text += value
        needsComma = true
    }

    private mutating func comma() { if needsComma { text += "," } }
    private mutating func nested(_ open: String, _ close: String, _ body: (inout JSONText) -> Void) {
        comma()
        text += open
        needsComma = false
        body(&self)
        text += close
        needsComma = true
    }

    public static func quoted(_ value: String) -> String {
        var out = "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            default:
                if scalar.value < 0x20 {
                    let hex = String(scalar.value, radix: 16)
                    out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    out.unicodeScalars.append(scalar)
                }
            }
        }
        return out + "\""
    }
}

extension Pipeline.Answer {
    /// One JSON object per row and line.
    public func jsonLines() -> String {
        var text = ""
        for batch in batches {
            let formatted = batch.columns.map(\.asText)
            for row in 0..<batch.count {
                var json = JSONText()
                json.object { json in
                    for (index, field) in schema.fields.enumerated() {
                        json.key(field.name)
                        Pipeline.Answer.append(batch.columns[index], formatted[index], row, to: &json)
                    }
                }
                text += json.text + "\n"
            }
        }
        return text
    }

    private static func append(_ column: Column, _ formatted: Column, _ row: Int, to json: inout JSONText) {
        guard column.isValid(row) else { return json.null() }
        if column.type.isNested { return json.raw(JSONWriter.nestedText(column.type, column.bytes(row))) }
        let text = String(decoding: formatted.bytes(row), as: UTF8.self)
        switch column.type.physical {
        case .bit: json.raw(text)
        case .float64: json.double(column.pointer(Double.self)[row])
        case .float32: json.double(Double(column.pointer(Float.self)[row]))
        default:
            if column.type.isIntegral || column.type.isDecimal { json.raw(text) } else { json.string(text) }
        }
    }
}
