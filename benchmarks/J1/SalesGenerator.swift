import Tidemill

/// The input of J1: sales of a year in CSV files, deterministic for a seed. 5,000 products in 6 categories, 200,000
/// customers (few buy much), prices of two decimals from 1 to 1501, dates within two days of their file's place in the
/// year.
struct SalesGenerator {
    var rows: Int
    var files: Int

    /// What a correct result must add up to, computed while generating.
    struct Expected: Sendable {
        var groups = 0
        var rows = 0
        var quantity = 0
        /// Revenue in cents: integers, so exact.
        var revenueCents: Int64 = 0
    }

    private static let categories = ["Electronics", "Furniture", "Appliances", "Toys", "Books", "Garden"]
    private static let firstDay = 19723  // 2024-01-01

    /// splitmix64 (Steele, Lea, Flood 2014).
    private struct Generator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        /// 0..<bound
        mutating func below(_ bound: Int) -> Int { Int(next().multipliedFullWidth(by: UInt64(bound)).high) }
        /// [0, 1)
        mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
    }

    /// Writes `<directory>/sales/part-NNNNN.csv`.
    func generate(into directory: FilePath, files system: any FileSystem) throws(TidemillError) -> Expected {
        let folder = directory.appending("sales")
        try system.removeTree(folder)
        try system.createDirectories(folder)
        var expected = Expected()
        let days = 372
        var seen = [Bool](repeating: false, count: 5000 * days)
        var generator = Generator(state: 7)
        let perFile = rows / files
        for file in 0..<files {
            var bytes = Array(
                "transaction_id,customer_id,product_name,category,quantity,price,transaction_date\n".utf8)
            bytes.reserveCapacity(perFile * 62)
            for row in (file * perFile)..<((file + 1) * perFile) {
                let unit = generator.unit()
                let customer = Int(unit * unit * unit * 200_000)
                let product = generator.below(5000)
                let quantity = generator.below(5) + 1
                let cents = 100 + generator.below(150_000)
                let day = row * 365 / rows + generator.below(5) - 2
                bytes.append(contentsOf: String(row + 1000).utf8)
                bytes.append(contentsOf: ",C".utf8)
                digits(customer, 6, &bytes)
                bytes.append(contentsOf: ",Product ".utf8)
                digits(product, 4, &bytes)
                bytes.append(UInt8(ascii: ","))
                bytes.append(contentsOf: SalesGenerator.categories[product % 6].utf8)
                bytes.append(UInt8(ascii: ","))
                bytes.append(UInt8(ascii: "0") + UInt8(quantity))
                bytes.append(UInt8(ascii: ","))
                bytes.append(contentsOf: String(cents / 100).utf8)
                bytes.append(UInt8(ascii: "."))
                digits(cents % 100, 2, &bytes)
                bytes.append(UInt8(ascii: ","))
                bytes.append(contentsOf: date(SalesGenerator.firstDay + day).utf8)
                bytes.append(UInt8(ascii: "\n"))
                expected.rows += 1
                expected.quantity += quantity
                expected.revenueCents += Int64(quantity * cents)
                let group = product * days + day + 2
                if !seen[group] {
                    seen[group] = true
                    expected.groups += 1
                }
            }
            let number = String(file)
            let name = "part-" + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".csv"
            let out = try system.open(folder.appending(name), .createNew)
            try out.write(bytes, at: 0)
            out.close()
        }
        return expected
    }

    private func digits(_ value: Int, _ width: Int, _ out: inout [UInt8]) {
        let text = String(value)
        for _ in 0..<max(0, width - text.utf8.count) { out.append(UInt8(ascii: "0")) }
        out.append(contentsOf: text.utf8)
    }

    private func date(_ days: Int) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
            let n = FormatText.date(Int32(days), buffer.baseAddress!)
            return String(decoding: UnsafeBufferPointer(start: buffer.baseAddress, count: n), as: UTF8.self)
        }
    }
}
