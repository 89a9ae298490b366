/// A directory that tables of this pipeline were written to. While its table is in the pipeline the table itself tidies
/// the hidden siblings of the directory; afterwards a start does.
public struct TablePlace: Sendable, Hashable {
    /// Lower-case name of the table or sink; what the directory's marker says.
    public var table: String
    /// Below the warehouse relative to it, elsewhere absolute.
    public var path: String
    /// Of the checkpoint when the table was last written: what its marker says too.
    public var generation: UInt64
    /// The first epoch without the table; nil while it is in the pipeline.
    var left: Epoch?
    public init(table: String, path: String, generation: UInt64) {
        self.table = table
        self.path = path
        self.generation = generation
    }
}

/// Every place that has not been found clean since its table left. Travels in every epoch record.
///
///     version u8 (2) | count varint | per place: table string, path string, generation u64,
///     from version 2 on: epoch that was the first without it i64 (-1: in the pipeline)
struct TablePlaces: Sendable, Hashable {
    private(set) var current: Set<TablePlace> = []
    /// Of tables that left the pipeline, or moved.
    private(set) var abandoned: Set<TablePlace> = []

    static let entryID = "@places"

    init() {}

    /// - Parameter latest: the newest record; what it says and `current` does not have any more was abandoned.
    init(_ current: Set<TablePlace>, after latest: EpochRecord?) throws(TidemillError) {
        self.current = current
        guard let bytes = latest?.statics.first(where: { $0.id == TablePlaces.entryID })?.bytes else { return }
        let present = Set(current.map(\.path))
        for var place in try TablePlaces.decode(bytes) where !present.contains(place.path) {
            place.left = place.left ?? latest.map { $0.epoch.next }
            abandoned.insert(place)
        }
    }

    /// Nothing is left there that this pipeline would have to remove.
    mutating func forget(_ place: TablePlace) { abandoned.remove(place) }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(2)
        let all = current.union(abandoned).sorted { ($0.path, $0.table) < ($1.path, $1.table) }
        writer.varint(UInt64(all.count))
        for place in all {
            writer.string(place.table)
            writer.string(place.path)
            writer.u64(place.generation)
            writer.i64(place.left?.rawValue ?? -1)
        }
        return writer.bytes
    }

    static func decode(_ bytes: [UInt8]) throws(TidemillError) -> Set<TablePlace> {
        var reader = ByteReader(bytes, file: "epoch record")
        let version = try reader.u8()
        guard (1...2).contains(version) else { throw reader.corruption("places of tables of no known version") }
        var places: Set<TablePlace> = []
        for _ in 0..<(try reader.count(elementBytesMin: 10)) {
            let table = try reader.string()
            let path = try reader.string()
            var place = TablePlace(table: table, path: path, generation: try reader.u64())
            if version >= 2 {
                let left = try reader.i64()
                place.left = left < 0 ? nil : Epoch(left)
            }
            places.insert(place)
        }
        try reader.expectEnd()
        return places
    }
}
