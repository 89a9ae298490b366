/// Candidates by edit distance to what was written, for "did you mean".
enum NameSuggestions {
    /// The nearest first; equal distances in alphabetical order.
    static func nearest(to name: String, among candidates: [String], limit: Int = 5) -> [String] {
        var seen = Set<String>()
        let unique = candidates.filter { seen.insert($0).inserted }
        let wanted = Array(name.lowercased().utf8)
        let ranked = unique.map { (name: $0, distance: distance(wanted, Array($0.lowercased().utf8))) }
        return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(limit).map(\.name)
    }

    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for i in 0..<a.count {
            var diagonal = row[0]
            row[0] = i + 1
            for j in 0..<b.count {
                let substitution = diagonal + (a[i] == b[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
