import TideColumns

/// A column of a file as a tree: one leaf, or groups around leaves. Nodes are in preorder, the column itself first.
///
/// Levels are Dremel's (Melnik et al. 2010, "Dremel: Interactive Analysis of Web-Scale Datasets"), as the Parquet
/// format defines them: a definition level says how much of a leaf's path is there, a repetition level at which list
/// a value continues. Entries of a list or map whose definition level is d have the level d + 1.
struct ColumnShape: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case leaf, list, map, structure }

    struct Node: Hashable, Sendable {
        var kind: Kind
        /// As a field of a struct; empty for elements, keys and values.
        var name: String
        var type: DataType
        /// The definition level from which on the value is there.
        var definition: Int
        /// Of a list or map the repetition level of its entries, else that of what encloses it.
        var repetition: Int
        /// Nodes: the element; key and value; the fields.
        var children: [Int] = []
        /// Leaves under it.
        var leaves: Range<Int>
    }
    struct Leaf: Hashable, Sendable {
        var type: LeafType
        var definition: Int
        var repetition: Int
    }
    var nodes: [Node] = []
    var leaves: [Leaf] = []
    /// Per leaf the names from the column to the leaf. Files may differ in them and still store alike.
    var paths: [[String]] = []

    /// Types within types; neither schemas of files nor types to write go deeper.
    static let depthMax = 32

    /// Neither repeated nor within a group: rows and values correspond.
    var isFlat: Bool { nodes[0].kind == .leaf }

    /// The same levels and the same leaves, so that pages of one are pages of the other.
    func storesLike(_ other: ColumnShape) -> Bool { nodes == other.nodes && leaves == other.leaves }

    mutating func addLeaf(name: String, _ type: LeafType, path: [String], definition: Int, repetition: Int) -> Int {
        leaves.append(Leaf(type: type, definition: definition, repetition: repetition))
        paths.append(path)
        nodes.append(
            Node(
                kind: .leaf, name: name, type: type.type, definition: definition, repetition: repetition,
                leaves: (leaves.count - 1)..<leaves.count))
        return nodes.count - 1
    }

    /// Starts a group; `close` gives it its children.
    mutating func open(_ kind: Kind, name: String, definition: Int, repetition: Int) -> Int {
        nodes.append(
            Node(
                kind: kind, name: name, type: .null, definition: definition, repetition: repetition,
                leaves: leaves.count..<leaves.count))
        return nodes.count - 1
    }

    mutating func close(_ node: Int, children: [Int]) {
        nodes[node].children = children
        nodes[node].leaves = nodes[node].leaves.lowerBound..<leaves.count
        let types = children.map { nodes[$0].type }
        switch nodes[node].kind {
        case .leaf: preconditionFailure("a leaf has no children")
        case .list: nodes[node].type = .array(types[0])
        case .map: nodes[node].type = .map(key: types[0], value: types[1])
        case .structure:
            nodes[node].type = .structure(zip(children, types).map { Field(nodes[$0].name, $1) })
        }
    }
}

extension ColumnShape {
    /// How a column is written, as Spark does it: lists and maps in three levels, everything inside optional but the
    /// keys of maps.
    /// - Returns: nil if the type, or one in it, cannot be stored.
    static func forWriting(_ field: Field) -> (shape: ColumnShape, elements: [SchemaElement])? {
        var shape = ColumnShape()
        var elements: [SchemaElement] = []
        let added = shape.add(
            field, name: field.name, path: [], definition: 0, repetition: 0, depth: 0, to: &elements)
        return added == nil ? nil : (shape, elements)
    }

    private mutating func add(
        _ field: Field, name: String, path: [String], definition: Int, repetition: Int, depth: Int,
        to elements: inout [SchemaElement]
    ) -> Int? {
        guard depth <= ColumnShape.depthMax else { return nil }
        let path = path + [field.name]
        let definition = definition + (field.nullable ? 1 : 0)
        guard field.type.isNested else {
            guard let leaf = LeafType.forWriting(field.type) else { return nil }
            elements.append(leaf.element(field))
            return addLeaf(name: name, leaf, path: path, definition: definition, repetition: repetition)
        }
        var group = SchemaElement(name: field.name)
        group.repetition = field.nullable ? .optional : .required
        func child(
            _ shape: inout ColumnShape, _ field: Field, name: String = "", in inner: String? = nil
        ) -> Int? {
            let levels = inner == nil ? 0 : 1
            return shape.add(
                field, name: name, path: path + (inner.map { [$0] } ?? []), definition: definition + levels,
                repetition: repetition + levels, depth: depth + 1, to: &elements)
        }
        switch field.type {
        case .array(let element):
            group.converted = ConvertedType.list
            group.logical = .list
            group.childCount = 1
            elements += [group, SchemaElement(repeated: "list", childCount: 1)]
            let node = open(.list, name: name, definition: definition, repetition: repetition + 1)
            guard let element = child(&self, Field("element", element), in: "list") else { return nil }
            close(node, children: [element])
            return node
        case .map(let key, let value):
            group.converted = ConvertedType.map
            group.logical = .map
            group.childCount = 1
            elements += [group, SchemaElement(repeated: "key_value", childCount: 2)]
            let node = open(.map, name: name, definition: definition, repetition: repetition + 1)
            guard let key = child(&self, Field("key", key, nullable: false), in: "key_value"),
                let value = child(&self, Field("value", value), in: "key_value")
            else { return nil }
            close(node, children: [key, value])
            return node
        case .structure(let fields):
            if fields.isEmpty { return nil }
            group.childCount = Int32(fields.count)
            elements.append(group)
            let node = open(.structure, name: name, definition: definition, repetition: repetition)
            var children: [Int] = []
            for field in fields {
                guard let added = child(&self, Field(field.name, field.type), name: field.name) else { return nil }
                children.append(added)
            }
            close(node, children: children)
            return node
        default: preconditionFailure("not a nested type")
        }
    }
}

extension SchemaElement {
    fileprivate init(repeated name: String, childCount: Int32) {
        self.init(name: name)
        repetition = .repeated
        self.childCount = childCount
    }
}
