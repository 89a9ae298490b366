/// Numbers as people read them.
public enum Quantity {
    /// 1,234,567
    public static func count(_ value: Int) -> String {
        var digits = String(value.magnitude)
        var out = ""
        while digits.count > 3 {
            out = "," + digits.suffix(3) + out
            digits = String(digits.dropLast(3))
        }
        return (value < 0 ? "-" : "") + digits + out
    }
    /// 1 row; 1,234,567 rows
    public static func counted(_ value: Int, _ noun: String) -> String {
        "\(count(value)) \(noun)\(value == 1 ? "" : "s")"
    }
    /// 1.5 MB; powers of 1000.
    public static func bytes(_ value: Int64) -> String {
        var amount = Double(value)
        for unit in ["B", "kB", "MB", "GB"] {
            if amount < 1000 { return unit == "B" ? "\(value) B" : "\(fixed(amount, 1)) \(unit)" }
            amount /= 1000
        }
        return "\(fixed(amount, 1)) TB"
    }
    public static func seconds(_ value: Double) -> String {
        value < 10 ? "\(fixed(value, 2)) s" : "\(fixed(value, 1)) s"
    }

    private static func fixed(_ value: Double, _ digits: Int) -> String {
        let scale = digits == 1 ? 10.0 : 100.0
        let scaled = Int((value * scale).rounded())
        let rest = String(scaled % Int(scale))
        return "\(scaled / Int(scale))." + String(repeating: "0", count: digits - rest.count) + rest
    }
}
