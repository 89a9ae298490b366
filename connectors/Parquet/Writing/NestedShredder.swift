import TideColumns

/// The levels of one leaf of a nested column, for writing.
struct NestedLevels {
    var definitions: [UInt8] = []
    var repetitions: [UInt8] = []
    let definitionMax: Int
    let repetitionMax: Int

    var count: Int { definitions.count }
}

/// Takes images of nested values apart into the leaves of their column: the way back from `NestedAssembler`.
struct NestedShredder {
    struct Leaf {
        var levels: NestedLevels
        /// The values that are there.
        var values: NestedColumnBuilder
    }
    private let shape: ColumnShape
    private(set) var leaves: [Leaf]
    private(set) var rowCount = 0
    private(set) var nullCount = 0

    init(_ shape: ColumnShape) {
        precondition(!shape.isFlat)
        self.shape = shape
        leaves = shape.leaves.map { leaf in
            Leaf(
                levels: NestedLevels(definitionMax: leaf.definition, repetitionMax: leaf.repetition),
                values: NestedColumnBuilder(leaf.type.type))
        }
    }

    mutating func append(_ segment: ColumnSegment) {
        for row in segment.start..<(segment.start + segment.count) {
            rowCount += 1
            guard segment.column.isValid(row) else {
                nullCount += 1
                appendLevels(0, 0, 0)
                continue
            }
            var cursor = NestedCursor(segment.column.bytes(row))
            appendValue(0, 0, &cursor)
        }
    }

    /// One entry without a value in every leaf under a node.
    private mutating func appendLevels(_ node: Int, _ repetition: Int, _ definition: Int) {
        for leaf in shape.nodes[node].leaves {
            leaves[leaf].levels.repetitions.append(UInt8(repetition))
            leaves[leaf].levels.definitions.append(UInt8(definition))
        }
    }

    /// The value at the cursor, whose levels begin with `repetition`.
    private mutating func appendValue(_ index: Int, _ repetition: Int, _ cursor: inout NestedCursor) {
        let node = shape.nodes[index]
        switch node.kind {
        case .leaf:
            let leaf = node.leaves.lowerBound
            leaves[leaf].values.append(&cursor)
            appendLevels(index, repetition, node.definition)
        case .structure:
            for child in node.children { append(child, cursor.next(), repetition, node.definition, &cursor) }
        case .list, .map:
            var level = repetition
            var next = cursor.next()
            if next == .end { appendLevels(index, level, node.definition) }
            while next != .end {
                append(node.children[0], next, level, node.definition + 1, &cursor)
                if node.kind == .map { append(node.children[1], cursor.next(), level, node.definition + 1, &cursor) }
                level = node.repetition
                next = cursor.next()
            }
        }
    }

    private mutating func append(
        _ child: Int, _ next: NestedCursor.Next, _ repetition: Int, _ definition: Int, _ cursor: inout NestedCursor
    ) {
        if next == .value {
            appendValue(child, repetition, &cursor)
        } else {
            appendLevels(child, repetition, definition)
        }
    }
}
