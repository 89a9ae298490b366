import TideColumns
import TideCore

// Functions that compare the elements of an array. The bytes of an image are in the order of its values, a missing
// element first, so that elements are compared where they lie.
extension NestedFunctions {
    static func addOrder(_ list: inout DefinitionList) {
        list.add(
            "sort_array", usage: "sort_array(a[, ascending])",
            summary: "The elements in ascending order, NULLs first; or in descending order, NULLs last.",
            example: "sort_array(array(2, NULL, 1))", result: "[null, 1, 2]", weight: 20,
            kernel: { (o, call) throws(TidemillError) in
                guard case .array(let element) = o[0].type else { throw .internal("sorting what is no array") }
                return images(call) { row, out in
                    let arrayRow = row &* o[0].step
                    guard o[0].column.isValid(arrayRow) else { return }
                    let found = slices(of: NestedCursor(o[0].column.bytes(arrayRow)), element)
                    let isAscending = o[1].column.bits[row &* o[1].step]
                    for slice in isAscending ? found : found.reversed() { out.append(contentsOf: slice) }
                    NestedImage.appendEnd(into: &out)
                }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...2)
            guard case .array(let element) = request.types[0] else { throw request.unexpected(0, expected: "ARRAY") }
            try requireOrder(of: element, request)
            guard request.count == 1 || [.boolean, .null].contains(request.types[1]) else {
                throw request.unexpected(1, expected: "BOOLEAN")
            }
            let ascending = request.count == 2 ? try request.coerced(1, to: .boolean) : .literal(.boolean(true))
            return request.call([request.arguments[0], ascending], .array(element))
        }
        for isMax in [false, true] {
            list.add(
                isMax ? "array_max" : "array_min", usage: isMax ? "array_max(a)" : "array_min(a)",
                summary: "The \(isMax ? "greatest" : "smallest") element; NULL if all are NULL or there is none.",
                example: isMax ? "array_max(array(2, NULL, 1))" : "array_min(array(2, NULL, 1))",
                result: isMax ? "2" : "1", weight: 10,
                kernel: { (o, call) throws(TidemillError) in
                    guard case .array(let element) = o[0].type else {
                        throw .internal("an element of what is no array")
                    }
                    return elements(o[0], call) { _, cursor in moveToExtreme(&cursor, element, isMax: isMax) }
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...1)
                guard case .array(let element) = request.types[0] else {
                    throw request.unexpected(0, expected: "ARRAY")
                }
                try requireOrder(of: element, request)
                return request.call(request.arguments, element, nullable: true)
            }
        }
    }

    private static func requireOrder(of element: DataType, _ request: BindRequest) throws(TidemillError) {
        guard element.isOrdered else {
            throw BindError.invalidArgument(
                "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "values of the type \(element.sql) cannot be compared",
                request.span)
        }
    }

    /// Marker and value of each element, in ascending order.
    private static func slices(of start: NestedCursor, _ element: DataType) -> [UnsafeRawBufferPointer] {
        var cursor = start
        var found: [UnsafeRawBufferPointer] = []
        while true {
            let from = cursor.at
            let next = cursor.next()
            if next == .end { break }
            if next == .value { cursor.skip(element) }
            found.append(cursor.image(from: from))
        }
        found.sort { $0.lexicographicallyPrecedes($1) }
        return found
    }

    /// Leaves the cursor at the extreme element, or says that there is none.
    private static func moveToExtreme(_ cursor: inout NestedCursor, _ element: DataType, isMax: Bool) -> Bool {
        var best: NestedCursor?
        var bestImage = UnsafeRawBufferPointer(start: nil, count: 0)
        while true {
            let next = cursor.next()
            if next == .end { break }
            if next == .null { continue }
            let here = cursor
            cursor.skip(element)
            let image = cursor.image(from: here.at)
            let isBetter =
                best == nil
                || (isMax ? bestImage.lexicographicallyPrecedes(image) : image.lexicographicallyPrecedes(bestImage))
            if isBetter { (best, bestImage) = (here, image) }
        }
        guard let best else { return false }
        cursor = best
        return true
    }
}
