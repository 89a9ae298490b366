/// Which number in the checkpoint belongs to which part of the pipeline, and what each flow's query was: the memory
/// that lets a restart tell unchanged flows from changed and new ones. Travels in every epoch record.
struct PlanRegistry: Sendable, Hashable {
    struct FlowEntry: Sendable, Hashable {
        var dataset: String
        var fingerprint: String
        /// Owners of the flow's stateful operators, by their position.
        var operators: [UInt32]
        /// Of the operators, in the same order; missing for those of an older checkpoint.
        var descriptions: [OperatorDescription] = []
    }
    /// What an operator was when its state was written, so that a changed query can be compared with it and its state
    /// be read without it.
    struct OperatorDescription: Sendable, Hashable {
        /// aggregate, join, …
        var name: String
        /// Its keys, functions and types in words.
        var signature: String
        var parts: [Part]
        struct Part: Sendable, Hashable {
            /// Empty if there is only one.
            var name: String
            /// Of the state's columns, the hash first, then the live mark.
            var columns: [String]
            var types: [DataType]
            /// As what the columns are read: a sum of decimals has their scale.
            var readTypes: [DataType]
            /// Which columns tell two rows with one hash apart.
            var keyColumns: [Int]

            init(name: String, columns: [String], types: [DataType], readTypes: [DataType], keyColumns: [Int]) {
                self.name = name
                self.columns = columns
                self.types = types
                self.readTypes = readTypes
                self.keyColumns = keyColumns
            }
            init(_ part: StatePart, names: GraphBuilder.StateNames?) {
                let known = [Field("hash", .bigint), Field("live", .boolean)] + (names?.columns ?? [])
                let fields = part.types.enumerated().map { index, type in
                    guard index < known.count else { return Field("column\(index - 1)", type) }
                    let isSameForm = known[index].type.physical == type.physical
                    return isSameForm ? known[index] : Field(known[index].name, type)
                }
                columns = fields.map(\.name)
                readTypes = fields.map(\.type)
                name = names?.name ?? ""
                types = part.types
                keyColumns = part.keyColumns
            }
        }
        /// What has to be the same for state to be of use: not the names of columns.
        func hasForm(of other: OperatorDescription) -> Bool {
            name == other.name && parts.map(\.types) == other.parts.map(\.types)
        }
    }
    var nextOwner: UInt32 = 1
    var flows: [String: FlowEntry] = [:]
    /// By scan id.
    var sources: [String: UInt32] = [:]
    /// By dataset name in lower case.
    var tables: [String: UInt32] = [:]

    static let entryID = "@plan"

    mutating func newOwner() -> UInt32 {
        defer { nextOwner += 1 }
        return nextOwner
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.u8(2)
        writer.u32(nextOwner)
        writer.varint(UInt64(flows.count))
        for (name, flow) in flows.sorted(by: { $0.key < $1.key }) {
            writer.string(name)
            writer.string(flow.dataset)
            writer.string(flow.fingerprint)
            writer.varint(UInt64(flow.operators.count))
            for owner in flow.operators { writer.u32(owner) }
            writer.varint(UInt64(flow.descriptions.count))
            for description in flow.descriptions { description.encode(into: &writer) }
        }
        for map in [sources, tables] {
            writer.varint(UInt64(map.count))
            for (name, owner) in map.sorted(by: { $0.key < $1.key }) {
                writer.string(name)
                writer.u32(owner)
            }
        }
        return writer.bytes
    }

    init() {}

    init(decoding bytes: [UInt8]) throws(TidemillError) {
        var reader = ByteReader(bytes, file: "epoch record")
        let version = try reader.u8()
        guard version == 1 || version == 2 else { throw reader.corruption("plan registry of no known version") }
        nextOwner = try reader.u32()
        for _ in 0..<(try reader.count(elementBytesMin: 4)) {
            let name = try reader.string()
            let dataset = try reader.string()
            let fingerprint = try reader.string()
            var operators: [UInt32] = []
            for _ in 0..<(try reader.count(elementBytesMin: 4)) { operators.append(try reader.u32()) }
            var entry = FlowEntry(dataset: dataset, fingerprint: fingerprint, operators: operators)
            if version >= 2 {
                for _ in 0..<(try reader.count(elementBytesMin: 3)) {
                    entry.descriptions.append(try OperatorDescription.decode(from: &reader))
                }
            }
            flows[name] = entry
        }
        for _ in 0..<(try reader.count(elementBytesMin: 5)) {
            let name = try reader.string()
            sources[name] = try reader.u32()
        }
        for _ in 0..<(try reader.count(elementBytesMin: 5)) {
            let name = try reader.string()
            tables[name] = try reader.u32()
        }
        try reader.expectEnd()
    }
}

extension PlanRegistry.OperatorDescription {
    func encode(into writer: inout ByteWriter) {
        writer.string(name)
        writer.string(signature)
        writer.varint(UInt64(parts.count))
        for part in parts {
            writer.string(part.name)
            writer.varint(UInt64(part.keyColumns.count))
            for column in part.keyColumns { writer.varint(UInt64(column)) }
            writer.varint(UInt64(part.types.count))
            for index in part.types.indices {
                writer.string(part.columns[index])
                part.types[index].encode(into: &writer)
                part.readTypes[index].encode(into: &writer)
            }
        }
    }

    static func decode(from reader: inout ByteReader) throws(TidemillError) -> Self {
        var description = Self(name: try reader.string(), signature: try reader.string(), parts: [])
        for _ in 0..<(try reader.count(elementBytesMin: 3)) {
            let name = try reader.string()
            var part = Part(name: name, columns: [], types: [], readTypes: [], keyColumns: [])
            for _ in 0..<(try reader.count()) { part.keyColumns.append(Int(clamping: try reader.varint())) }
            for _ in 0..<(try reader.count(elementBytesMin: 3)) {
                part.columns.append(try reader.string())
                let type = try DataType.decode(from: &reader)
                let readType = try DataType.decode(from: &reader)
                guard type.physical == readType.physical else {
                    throw reader.corruption("a state's column is read as another form")
                }
                part.types.append(type)
                part.readTypes.append(readType)
            }
            guard part.keyColumns.allSatisfy({ $0 < part.types.count }) else {
                throw reader.corruption("key column of a state that has none such")
            }
            description.parts.append(part)
        }
        return description
    }
}
