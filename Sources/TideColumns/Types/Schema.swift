@_exported import TideCore

/// A named, typed column of a relation.
public struct Field: Hashable, Sendable {
    public var name: String
    public var type: DataType
    public var nullable: Bool
    public init(_ name: String, _ type: DataType, nullable: Bool = true) {
        self.name = name
        self.type = type
        self.nullable = nullable
    }
}

public struct Schema: Hashable, Sendable {
    public var fields: [Field]
    public init(_ fields: [Field]) { self.fields = fields }

    public var count: Int { fields.count }
    public var types: [DataType] { fields.map(\.type) }
    public var names: [String] { fields.map(\.name) }
    public subscript(_ index: Int) -> Field { fields[index] }

    /// Index of the column with this name, compared without case as Spark does.
    public func index(of name: String) -> Int? {
        let wanted = name.lowercased()
        return fields.firstIndex { $0.name.lowercased() == wanted }
    }

    public func encode(into writer: inout ByteWriter) {
        writer.varint(UInt64(fields.count))
        for field in fields {
            writer.string(field.name)
            field.type.encode(into: &writer)
            writer.bool(field.nullable)
        }
    }
    public static func decode(from reader: inout ByteReader) throws(TidemillError) -> Schema {
        try decode(from: &reader, depth: 0)
    }

    static func decode(from reader: inout ByteReader, depth: Int) throws(TidemillError) -> Schema {
        var fields: [Field] = []
        for _ in 0..<(try reader.count(elementBytesMin: 3)) {
            let name = try reader.string()
            let type = try DataType.decode(from: &reader, depth: depth)
            fields.append(Field(name, type, nullable: try reader.bool()))
        }
        return Schema(fields)
    }
}
