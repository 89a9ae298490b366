import TideColumns

/// One leaf of a nested column, decoded: its levels, and the values that are there without gaps.
struct DecodedLeaf {
    let levels: LeafLevels
    let values: Column
}

/// Puts the leaves of one column chunk together as images of values (`NestedImage`), in the type that is wanted: fields
/// of structs are found by name, those the file lacks are NULL, numbers are widened.
///
/// Levels come from untrusted bytes. They are walked once, every leaf with a cursor of its own, and at every list all
/// leaves under it must agree where it goes on; the bytes made are limited.
///
/// Unsafe: reads levels through raw pointers, always behind `at < count`.
struct NestedAssembler {
    private struct Step {
        var kind: ColumnShape.Kind
        var definition: UInt8
        var repetition: UInt8
        /// In `children`; -1 there is a field that the file lacks.
        var firstChild = 0
        var childCount = 0
        /// Cursors of the leaves under it; at least one.
        var cursors: Range<Int>
    }
    private struct Cursor {
        let definitions: UnsafePointer<UInt8>
        let repetitions: UnsafePointer<UInt8>
        let count: Int
        let definitionMax: UInt8
        let values: Column
        var at = 0
        var value = 0

        /// The repetition level that comes next; 0, as that of a new row, at the end.
        var next: UInt8 { at < count ? repetitions[at] : 0 }
    }
    private let file: String
    private let type: DataType
    private let root: Int
    private var steps: [Step] = []
    private var children: [Int] = []
    private var cursors: [Cursor] = []
    private var room: Int
    /// Keep the levels alive.
    private let leaves: [DecodedLeaf]

    /// More bytes of one column in one row group than any writer makes.
    static let bytesMax = 1 << 30

    /// - Parameter leaves: those of `plan.leaves`, in its order.
    init(_ plan: NestedPlan, _ leaves: [DecodedLeaf], file: String) {
        self.file = file
        self.leaves = leaves
        type = plan.type
        root = plan.root
        room = NestedAssembler.bytesMax
        for step in plan.steps {
            steps.append(
                Step(
                    kind: step.kind, definition: UInt8(step.definition), repetition: UInt8(step.repetition),
                    firstChild: children.count, childCount: step.children.count, cursors: step.leaves))
            children += step.children.map { $0 ?? -1 }
        }
        for (place, leaf) in zip(plan.leaves, leaves) {
            cursors.append(
                Cursor(
                    definitions: UnsafePointer(leaf.levels.definitions.pointer(UInt8.self)),
                    repetitions: UnsafePointer(leaf.levels.repetitions.pointer(UInt8.self)),
                    count: leaf.levels.count, definitionMax: UInt8(leaf.levels.definitionMax),
                    values: place.wanted.map { leaf.values.widened(to: $0) } ?? leaf.values))
        }
    }

    /// The column of `rowCount` rows.
    consuming func assemble(rowCount: Int) throws(TidemillError) -> Column {
        var builder = StringColumnBuilder(type: type, capacity: rowCount)
        let validity = Bitmap(repeating: true, count: rowCount)
        var hasNull = false
        var image: [UInt8] = []
        for row in 0..<rowCount {
            image.removeAll(keepingCapacity: true)
            for i in cursors.indices where cursors[i].at >= cursors[i].count || cursors[i].next != 0 {
                throw damage("levels do not hold \(rowCount) rows")
            }
            let isPresent = try appendRow(into: &image)
            room -= image.count
            guard room >= 0 else { throw tooLarge() }
            image.withUnsafeBytes { builder.append($0) }
            if !isPresent {
                hasNull = true
                validity.words[row >> 6] &= ~(1 << UInt64(row & 63))
            }
        }
        for cursor in cursors where cursor.at != cursor.count { throw damage("levels hold more rows than \(rowCount)") }
        return builder.finish(validity: hasNull ? validity : nil)
    }

    private func damage(_ message: String) -> TidemillError { .corruptParquet(message, file: file) }
    private func tooLarge() -> TidemillError {
        TidemillError(
            .limit, "TIDEMILL_ROW_GROUP_TOO_LARGE",
            "nested values of one column of a row group pass \(NestedAssembler.bytesMax) bytes", place: .file(file))
    }

    /// The image of the next row, which has no marker in front; false if it is NULL.
    private mutating func appendRow(into out: inout [UInt8]) throws(TidemillError) -> Bool {
        let step = steps[root]
        let level = try definition(step)
        if level < step.definition {
            try pass(step, level)
            return false
        }
        try appendValue(step, level, into: &out)
        return true
    }

    private func definition(_ step: Step) throws(TidemillError) -> UInt8 {
        let cursor = cursors[step.cursors.lowerBound]
        guard cursor.at < cursor.count else { throw damage("levels end within a row") }
        return cursor.definitions[cursor.at]
    }

    private mutating func append(_ index: Int, into out: inout [UInt8]) throws(TidemillError) {
        guard index >= 0 else { return NestedImage.appendNull(into: &out) }
        let step = steps[index]
        let level = try definition(step)
        if level < step.definition {
            try pass(step, level)
            return NestedImage.appendNull(into: &out)
        }
        NestedImage.appendMarker(into: &out)
        try appendValue(step, level, into: &out)
    }

    /// Passes one entry of every leaf: all say that the value ends at this level.
    private mutating func pass(_ step: Step, _ level: UInt8) throws(TidemillError) {
        for i in step.cursors {
            let at = cursors[i].at
            guard at < cursors[i].count, cursors[i].definitions[at] == level else {
                throw damage("definition levels of a nested column contradict each other")
            }
            cursors[i].at = at + 1
        }
    }

    private mutating func appendValue(
        _ step: Step, _ level: UInt8, into out: inout [UInt8]
    ) throws(TidemillError) {
        switch step.kind {
        case .leaf:
            let i = step.cursors.lowerBound
            NestedImage.appendValue(cursors[i].values, cursors[i].value, into: &out)
            cursors[i].value += 1
            cursors[i].at += 1
        case .structure:
            var isRead = false
            for place in step.firstChild..<(step.firstChild + step.childCount) {
                isRead = isRead || children[place] >= 0
                try append(children[place], into: &out)
            }
            if !isRead { skipWitness(step) }
        case .list, .map:
            if level == step.definition {
                try pass(step, level)
                return NestedImage.appendEnd(into: &out)
            }
            var next: UInt8
            repeat {
                try appendEntry(step, into: &out)
                guard out.count <= room else { throw tooLarge() }
                next = cursors[step.cursors.lowerBound].next
                for i in step.cursors where cursors[i].next != next {
                    throw damage("repetition levels of a nested column contradict each other")
                }
                guard next <= step.repetition else { throw damage("impossible repetition level \(next)") }
            } while next == step.repetition
            NestedImage.appendEnd(into: &out)
        }
    }

    private mutating func appendEntry(_ step: Step, into out: inout [UInt8]) throws(TidemillError) {
        if step.kind == .list { return try append(children[step.firstChild], into: &out) }
        let key = steps[children[step.firstChild]]
        guard try definition(key) >= key.definition else { throw damage("a map with a NULL key") }
        try append(children[step.firstChild], into: &out)
        try append(children[step.firstChild + 1], into: &out)
    }

    /// A struct of which no field is read is there because of one leaf, whose entries are passed.
    private mutating func skipWitness(_ step: Step) {
        let i = step.cursors.lowerBound
        repeat {
            if cursors[i].definitions[cursors[i].at] == cursors[i].definitionMax { cursors[i].value += 1 }
            cursors[i].at += 1
        } while cursors[i].next > step.repetition
    }
}
