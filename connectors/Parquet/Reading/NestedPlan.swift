import TideColumns

/// How a nested column of a file becomes a column of a type: which leaves are read, and what is made of them.
struct NestedPlan {
    struct Step {
        var kind: ColumnShape.Kind
        var definition: Int
        var repetition: Int
        /// Steps; nil: a field that the file lacks.
        var children: [Int?] = []
        /// In `leaves`.
        var leaves: Range<Int>
    }
    struct Leaf {
        /// Among the column's leaves.
        var index: Int
        /// nil: read for its levels alone.
        var wanted: DataType?
    }
    let type: DataType
    private(set) var steps: [Step] = []
    private(set) var leaves: [Leaf] = []
    private(set) var root = 0

    /// nil if the column cannot be read as `type`.
    init?(_ shape: ColumnShape, as type: DataType) {
        self.type = type
        guard let root = add(0, of: shape, as: type) else { return nil }
        self.root = root
    }

    private mutating func add(_ index: Int, of shape: ColumnShape, as type: DataType) -> Int? {
        let node = shape.nodes[index]
        let first = leaves.count
        var children: [Int?] = []
        switch (node.kind, type) {
        case (.leaf, _):
            guard node.type.isReadable(as: type) else { return nil }
            leaves.append(Leaf(index: node.leaves.lowerBound, wanted: type))
        case (.list, .array(let element)):
            guard let child = add(node.children[0], of: shape, as: element) else { return nil }
            children = [child]
        case (.map, .map(let key, let value)):
            guard let key = add(node.children[0], of: shape, as: key),
                let value = add(node.children[1], of: shape, as: value)
            else { return nil }
            children = [key, value]
        case (.structure, .structure(let fields)):
            for field in fields {
                let wanted = field.name.lowercased()
                guard let stored = node.children.first(where: { shape.nodes[$0].name.lowercased() == wanted }) else {
                    children.append(nil)
                    continue
                }
                guard let child = add(stored, of: shape, as: field.type) else { return nil }
                children.append(child)
            }
            if leaves.count == first { leaves.append(Leaf(index: node.leaves.lowerBound, wanted: nil)) }
        default: return nil
        }
        steps.append(
            Step(
                kind: node.kind, definition: node.definition, repetition: node.repetition, children: children,
                leaves: first..<leaves.count))
        return steps.count - 1
    }
}

extension DataType {
    /// Whether a column stored with this type can be read as another: the same memory under another name, a widening
    /// that Spark's reader does too, or nested types whose parts can.
    public func isReadable(as wanted: DataType) -> Bool {
        if self == wanted { return true }
        switch (self, wanted) {
        case (.binary, .string), (.string, .binary): return true
        case (.tinyint, .smallint), (.tinyint, .int), (.smallint, .int): return true
        case (.tinyint, .bigint), (.smallint, .bigint), (.int, .bigint): return true
        case (.float, .double): return true
        // As Spark: the stored microseconds are taken as they are, whatever the session's time zone.
        case (.timestamp, .timestampNTZ), (.timestampNTZ, .timestamp): return true
        // Intervals are stored as their numbers.
        case (.int, .yearMonthInterval), (.bigint, .dayTimeInterval): return true
        case (.array(let stored), .array(let element)): return stored.isReadable(as: element)
        case (.map(let storedKey, let storedValue), .map(let key, let value)):
            return storedKey.isReadable(as: key) && storedValue.isReadable(as: value)
        case (.structure(let stored), .structure(let fields)):
            return fields.allSatisfy { field in
                let name = field.name.lowercased()
                return stored.first { $0.name.lowercased() == name }?.type.isReadable(as: field.type) ?? true
            }
        default: return false
        }
    }
}

extension Column {
    /// A column of a type that is not nested, as another type it is readable as.
    public func widened(to type: DataType) -> Column {
        if self.type == type { return self }
        if self.type.physical == type.physical { return retyped(type) }
        let buffer = Buffer(byteCount: count * 8)
        if type == .double {
            let source = pointer(Float.self)
            let target = buffer.pointer(Double.self)
            for i in 0..<count { target[i] = Double(source[i]) }
        } else {
            let source = pointer(Int32.self)
            let target = buffer.pointer(Int64.self)
            for i in 0..<count { target[i] = Int64(source[i]) }
        }
        return Column(type: type, count: count, values: buffer, validity: validity)
    }
}
