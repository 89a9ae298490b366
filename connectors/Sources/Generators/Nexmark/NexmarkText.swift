/// The texts that events are made of, made once per process. Columns point into them, so a text costs an event 16
/// bytes and no copy.
final class NexmarkText: Sendable {
    static let shared = NexmarkText()

    /// Random letters; item names, descriptions and paddings are pieces of them.
    let letters: Buffer
    static let letterCount: Int64 = 1 << 20

    static let channelCount: Int64 = 10_000
    static let hotChannels = ["Google", "Facebook", "Baidu", "Apple"]
    /// Hot ones, then `channel-0`…
    let channels: Column
    /// The URL of each channel; nine of ten that are not hot say their number.
    let urls: Column
    /// Given and family names, every pair.
    let names: Column
    let cities: Column
    let states: Column

    /// Prices 100 · 10^(6 i / 4096).
    let prices: Buffer
    static let priceSteps = 4096

    private static let givenNames = [
        "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
    ]
    private static let familyNames = [
        "Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris",
    ]
    private static let cityNames = [
        "Phoenix", "Los Angeles", "Portland", "Bend", "Seattle", "Kent", "Boise", "Cheyenne", "Redmond", "Tucson",
    ]
    private static let stateNames = ["AZ", "CA", "ID", "OR", "WA", "WY"]

    private init() {
        let events = NexmarkEvents()
        letters = Buffer(byteCount: Int(NexmarkText.letterCount))
        let words = letters.pointer(UInt64.self)
        for word in 0..<(letters.byteCount / 8) {
            words[word] = NexmarkText.eightLetters(events.draw(Int64(word), 0)).littleEndian
        }
        let hot = NexmarkText.hotChannels.count
        let count = hot + Int(NexmarkText.channelCount)
        var channels: [String] = NexmarkText.hotChannels
        channels += (0..<count - hot).map { "channel-\($0)" }
        let urls = (0..<count).map { number in
            var url = "https://www.nexmark.com/"
            for part in 0..<3 {
                let draw = events.draw(Int64(number), UInt64(1 + part))
                let length = 3 + Int(NexmarkEvents.below(3, draw))
                url += withUnsafeBytes(of: NexmarkText.eightLetters(draw &* 0x9E37_79B9_7F4A_7C15).littleEndian) {
                    String(decoding: $0.prefix(length), as: UTF8.self) + "/"
                }
            }
            url += "item.htm?query=1"
            let says = number >= hot && NexmarkEvents.below(10, events.draw(Int64(number), 4)) > 0
            return says ? url + "&channel_id=\(number - hot)" : url
        }
        self.channels = NexmarkText.column(channels)
        self.urls = NexmarkText.column(urls)
        names = NexmarkText.column(
            NexmarkText.givenNames.flatMap { given in NexmarkText.familyNames.map { "\(given) \($0)" } })
        cities = NexmarkText.column(NexmarkText.cityNames)
        states = NexmarkText.column(NexmarkText.stateNames)
        prices = NexmarkText.priceTable()
    }

    private static func column(_ texts: [String]) -> Column {
        var builder = StringColumnBuilder(type: .string, capacity: texts.count)
        for text in texts { Array(text.utf8).withUnsafeBytes { builder.append($0) } }
        return builder.finish()
    }

    /// A lower-case letter from each byte of a draw.
    static func eightLetters(_ draw: UInt64) -> UInt64 {
        let mask: UInt64 = 0x00FF_00FF_00FF_00FF
        let even = ((draw & mask) &* 26) >> 8 & mask
        let odd = (((draw >> 8) & mask) &* 26) & ~mask
        return (even | odd) &+ 0x6161_6161_6161_6161
    }

    /// By square roots and products alone, which every machine rounds alike; a power function would not be.
    private static func priceTable() -> Buffer {
        var factors: [Double] = []
        var factor = 1e6
        for _ in 0..<12 {
            factor = factor.squareRoot()
            factors.append(factor)
        }
        let table = Buffer(byteCount: (priceSteps + 1) * 8)
        for step in 0..<priceSteps {
            var value = 100.0
            for bit in 0..<12 where step & (1 << (11 - bit)) != 0 { value *= factors[bit] }
            table.pointer(Double.self)[step] = value
        }
        table.pointer(Double.self)[priceSteps] = 1e8
        return table
    }
}
