import TideColumns

/// The file's schema tree as columns that can be read, and why the others cannot.
///
/// Lists and maps of every age are understood (LogicalTypes.md of the Parquet format, "Backward-compatibility rules"):
/// repeated fields without an annotation, lists of two levels, MAP_KEY_VALUE.
struct FileColumns {
    struct Column: Sendable {
        let field: Field
        /// Of its first leaf among all leaves of the file.
        let firstLeaf: Int
        let shape: ColumnShape
    }
    private(set) var columns: [Column] = []
    private(set) var unreadable: [UnreadableColumn] = []
    private(set) var leafCount = 0

    init(_ elements: [SchemaElement], file: String) throws(TidemillError) {
        let root = elements[0]
        var position = 1
        for _ in 0..<root.childCount {
            guard position < elements.count else { throw .corruptParquet("schema ends early", file: file) }
            let element = elements[position]
            let start = position
            let firstLeaf = leafCount
            // The extent comes first, without recursion: a schema may nest as deep as its bytes allow.
            try skip(elements, &position, file: file)
            var parser = ShapeParser(elements: elements, position: start)
            do throws(ShapeRefusal) {
                _ = try parser.field(name: element.name, path: [], definition: 0, repetition: 0, depth: 0)
            } catch {
                unreadable.append(UnreadableColumn(name: element.name, reason: error.reason))
                continue
            }
            let shape = parser.shape
            let field = Field(element.name, shape.nodes[0].type, nullable: element.repetition == .optional)
            columns.append(Column(field: field, firstLeaf: firstLeaf, shape: shape))
        }
        guard position == elements.count else { throw .corruptParquet("schema has stray elements", file: file) }
    }

    private mutating func skip(
        _ elements: [SchemaElement], _ position: inout Int, file: String
    ) throws(TidemillError) {
        var open = 1
        while open > 0 {
            guard position < elements.count else { throw .corruptParquet("schema ends early", file: file) }
            let element = elements[position]
            guard element.kind == nil || element.childCount == 0 else {
                throw .corruptParquet("column \(element.name) has both a type and children", file: file)
            }
            position += 1
            open += Int(element.childCount) - 1
            if element.kind != nil { leafCount += 1 }
        }
    }
}

private struct ShapeRefusal: Error {
    let reason: String
}

/// Builds the shape of one column. The elements are known to be complete.
private struct ShapeParser {
    let elements: [SchemaElement]
    var position: Int
    var shape = ColumnShape()

    private var next: SchemaElement { elements[position] }

    /// A field with its repetition: a repeated one is a list of values that are always there.
    mutating func field(
        name: String, path: [String], definition: Int, repetition: Int, depth: Int
    ) throws(ShapeRefusal) -> Int {
        if next.repetition == .repeated {
            let node = shape.open(.list, name: name, definition: definition, repetition: repetition + 1)
            let element = try value(
                name: "", path: path, definition: definition + 1, repetition: repetition + 1, depth: depth + 1)
            shape.close(node, children: [element])
            return node
        }
        return try value(
            name: name, path: path, definition: definition + (next.repetition == .optional ? 1 : 0),
            repetition: repetition, depth: depth)
    }

    /// The value of a field whose repetition is in the levels already.
    private mutating func value(
        name: String, path: [String], definition: Int, repetition: Int, depth: Int
    ) throws(ShapeRefusal) -> Int {
        guard depth <= ColumnShape.depthMax else {
            throw ShapeRefusal(reason: "types nested more than \(ColumnShape.depthMax) times")
        }
        let element = next
        let path = path + [element.name]
        position += 1
        if element.kind != nil {
            switch LeafMapping(element) {
            case .unreadable(let reason): throw ShapeRefusal(reason: reason)
            case .readable(let type):
                return shape.addLeaf(
                    name: name, type, path: path, definition: definition, repetition: repetition)
            }
        }
        if element.isList || element.isMap {
            let node = shape.open(
                element.isList ? .list : .map, name: name, definition: definition, repetition: repetition + 1)
            guard element.childCount == 1, next.repetition == .repeated else {
                throw ShapeRefusal(reason: "a \(element.isList ? "list" : "map") without one repeated field")
            }
            let children =
                element.isList
                ? [try self.element(of: element, path: path, definition + 1, repetition + 1, depth + 1)]
                : try entry(path: path, definition + 1, repetition + 1, depth + 1)
            shape.close(node, children: children)
            return node
        }
        guard element.childCount > 0 else { throw ShapeRefusal(reason: "a group without fields") }
        let node = shape.open(.structure, name: name, definition: definition, repetition: repetition)
        var children: [Int] = []
        for _ in 0..<element.childCount {
            let name = next.name
            children.append(
                try field(
                    name: name, path: path, definition: definition, repetition: repetition, depth: depth + 1))
        }
        shape.close(node, children: children)
        return node
    }

    /// The repeated field of a list is the element itself in old files, else a group around the element.
    private mutating func element(
        of list: SchemaElement, path: [String], _ definition: Int, _ repetition: Int, _ depth: Int
    ) throws(ShapeRefusal) -> Int {
        let repeated = next
        let isElement =
            repeated.kind != nil || repeated.childCount != 1 || repeated.isList || repeated.isMap
            || repeated.name == "array" || repeated.name == list.name + "_tuple"
            || elements[position + 1].repetition == .repeated
        if isElement {
            return try value(name: "", path: path, definition: definition, repetition: repetition, depth: depth)
        }
        position += 1
        return try field(
            name: "", path: path + [repeated.name], definition: definition, repetition: repetition, depth: depth)
    }

    private mutating func entry(
        path: [String], _ definition: Int, _ repetition: Int, _ depth: Int
    ) throws(ShapeRefusal) -> [Int] {
        let repeated = next
        guard repeated.kind == nil, repeated.childCount == 2 else {
            throw ShapeRefusal(reason: "a map whose entries are not a key and a value")
        }
        position += 1
        let path = path + [repeated.name]
        let key = try field(name: "", path: path, definition: definition, repetition: repetition, depth: depth)
        let value = try field(name: "", path: path, definition: definition, repetition: repetition, depth: depth)
        return [key, value]
    }
}

extension SchemaElement {
    fileprivate var isList: Bool { kind == nil && (logical == .list || converted == ConvertedType.list) }
    fileprivate var isMap: Bool {
        kind == nil
            && (logical == .map || converted == ConvertedType.map || converted == ConvertedType.mapKeyValue)
    }
}
