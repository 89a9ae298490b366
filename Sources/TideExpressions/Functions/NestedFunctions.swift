/// Functions that make arrays, maps and structs, and take them apart.
enum NestedFunctions {
    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.nested)
        addConstructors(&list)
        addAccess(&list)
        addQuestions(&list)
        addOrder(&list)
        list.add(
            "split", usage: "split(s, pattern[, limit])",
            summary:
                "The parts of s between matches of the regular expression; at most limit of them if it is positive.",
            example: "split('a,b,c', ',')", result: "[a, b, c]", weight: 50, mayFail: ScalarDefinition.always,
            kernel: SplitKernel.run
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...3)
            var operands = [try request.coerced(0, to: .string), try request.coerced(1, to: .string)]
            operands.append(request.count == 3 ? try request.coerced(2, to: .int) : .literal(.int(-1)))
            return request.call(operands, .array(.string))
        }
        return list.definitions
    }()

    // MARK: Making

    private static func addConstructors(_ list: inout DefinitionList) {
        list.add(
            "array", usage: "array(x, …)", summary: "An array of the values, in their common type.",
            example: "array(1, 2, NULL)", result: "[1, 2, null]", nulls: .kernel, weight: 5,
            kernel: { (o, call) throws(TidemillError) in
                images(call) { row, out in
                    for operand in o { NestedImage.append(operand.column, row &* operand.step, into: &out) }
                    NestedImage.appendEnd(into: &out)
                }
            }
        ) { (request) throws(TidemillError) in
            if request.count == 0 { return .literal(Scalar(.array(.null), .bytes(NestedImage.emptyArray))) }
            let unified = try TypeCoercion.unified(request.arguments, in: "array", span: request.span)
            return request.total(unified, .array(unified[0].type))
        }
        list.add(
            "named_struct", usage: "named_struct(name, x, …)", summary: "A struct of the fields.",
            example: "named_struct('a', 1, 'b', 'x')", result: "{1, x}", nulls: .kernel, weight: 5,
            kernel: { (o, call) throws(TidemillError) in
                images(call) { row, out in
                    for operand in o { NestedImage.append(operand.column, row &* operand.step, into: &out) }
                }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...Int.max)
            guard request.count % 2 == 0 else {
                throw BindError.wrongArgumentCount(
                    request.name, expected: "2n (n > 0)", actual: request.count,
                    usage: "named_struct(name, x, …)", request.span)
            }
            var fields: [Field] = []
            var values: [BoundExpression] = []
            for index in stride(from: 0, to: request.count, by: 2) {
                guard request.types[index] == .string, let name = try request.constant(index, .string).string else {
                    throw BindError.invalidArgument(
                        "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
                        "the name of a field must be a constant text: \(request.arguments[index])", request.span)
                }
                let value = request.arguments[index + 1]
                fields.append(Field(name, value.type, nullable: value.nullable))
                values.append(value)
            }
            return request.total(values, .structure(fields))
        }
        list.add(
            "struct", usage: "struct(x, …)", summary: "A struct of the values, named as the columns or col1, col2, ….",
            example: "struct(1, 'x')", result: "{1, x}", kernel: nil
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...Int.max)
            var arguments: [BoundExpression] = []
            for (index, value) in request.arguments.enumerated() {
                arguments += [.string("col\(index + 1)"), value]
            }
            return try request.rebound("named_struct", arguments)
        }
        list.add(
            "map", usage: "map(key, value, …)", summary: "A map of the entries; a key may not be NULL or stand twice.",
            example: "map('a', 1, 'b', 2)", result: "{a -> 1, b -> 2}", nulls: .kernel, weight: 10,
            mayFail: ScalarDefinition.always, kernel: makeMap
        ) { (request) throws(TidemillError) in
            guard request.count > 0 else {
                return .literal(Scalar(.map(key: .null, value: .null), .bytes([0])))
            }
            guard request.count % 2 == 0 else {
                throw BindError.wrongArgumentCount(
                    request.name, expected: "2n (n > 0)", actual: request.count, usage: "map(key, value, …)",
                    request.span)
            }
            let even = stride(from: 0, to: request.count, by: 2)
            let keys = try TypeCoercion.unified(even.map { request.arguments[$0] }, in: "map", span: request.span)
            let values = try TypeCoercion.unified(
                even.map { request.arguments[$0 + 1] }, in: "map", span: request.span)
            guard keys[0].type.isOrdered else {
                throw BindError.invalidArgument(
                    "DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE", "the key of a map cannot be a \(keys[0].type.sql)",
                    request.span)
            }
            let operands = zip(keys, values).flatMap { [$0, $1] }
            return request.total(operands, .map(key: keys[0].type, value: values[0].type))
        }
    }

    private static func makeMap(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        var builder = StringColumnBuilder(type: call.resultType, capacity: call.rowCount)
        var image: [UInt8] = []
        for row in 0..<call.rowCount {
            image.removeAll(keepingCapacity: true)
            var keys: [Range<Int>] = []
            for index in stride(from: 0, to: o.count, by: 2) {
                let key = o[index]
                guard key.column.isValid(row &* key.step) else {
                    throw EvaluationError.invalidInput("NULL_MAP_KEY", "a key of a map is NULL")
                }
                let start = image.count
                NestedImage.append(key.column, row &* key.step, into: &image)
                let range = start..<image.count
                if keys.contains(where: { image[$0] == image[range] }) {
                    throw EvaluationError.invalidInput(
                        "DUPLICATED_MAP_KEY",
                        "the key \(key.column.scalar(row &* key.step).messageText) stands twice in a map")
                }
                keys.append(range)
                NestedImage.append(o[index + 1].column, row &* o[index + 1].step, into: &image)
            }
            NestedImage.appendEnd(into: &image)
            image.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish()
    }

    // MARK: Taking apart

    /// One field of every struct of an array, in order; NULL for structs that are NULL.
    private static func fieldOfEach(_ o: [Datum], _ fields: [Field], _ call: KernelCall) -> Column {
        let wanted = Int(o[1].column.scalar(0).integer ?? 0)
        return rebuilt(o[0], call) { cursor, _, out in
            var next = cursor.next()
            while next != .end {
                if next == .null { NestedImage.appendNull(into: &out) }
                for (index, field) in fields.enumerated() where next == .value {
                    let isThere = cursor.next() == .value
                    let start = cursor.at
                    if isThere { cursor.skip(field.type) }
                    guard index == wanted else { continue }
                    if isThere { NestedImage.appendMarker(into: &out) } else { NestedImage.appendNull(into: &out) }
                    out.append(contentsOf: cursor.image(from: start))
                }
                next = cursor.next()
            }
            NestedImage.appendEnd(into: &out)
        }
    }

    private static func addAccess(_ list: inout DefinitionList) {
        list.add(
            ".", usage: "s.field", summary: "The field of a struct, or of all structs of an array.",
            example: "named_struct('a', 1).a", result: "1",
            nulls: .kernel, weight: 5,
            kernel: { (o, call) throws(TidemillError) in
                if case .array(.structure(let fields)) = o[0].type { return fieldOfEach(o, fields, call) }
                guard case .structure(let fields) = o[0].type, let wanted = o[1].column.scalar(0).integer else {
                    throw .internal("a field of what is no struct")
                }
                return elements(o[0], call) { _, cursor in
                    for field in fields.prefix(Int(wanted)) where cursor.next() == .value { cursor.skip(field.type) }
                    return cursor.next() == .value
                }
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let fields: [Field]
            var isArray = false
            switch request.types[0] {
            case .structure(let own): fields = own
            case .array(.structure(let inner)): (fields, isArray) = (inner, true)
            default: throw request.unexpected(0, expected: "STRUCT")
            }
            let name = try request.constant(1, .string).string ?? ""
            let found = fields.indices.filter { fields[$0].name.lowercased() == name.lowercased() }
            guard found.count == 1 else {
                throw BindError.invalidArgument(
                    found.isEmpty ? "FIELD_NOT_FOUND" : "AMBIGUOUS_REFERENCE_TO_FIELDS",
                    found.isEmpty
                        ? "no such struct field `\(name)` in \(fields.map { "`\($0.name)`" }.joined(separator: ", "))"
                        : "the field `\(name)` stands \(counted(found.count, "time")) in the struct", request.span)
            }
            let field = fields[found[0]]
            return .call(
                request.function, [request.arguments[0], .literal(.int(Int32(found[0])))],
                type: isArray ? .array(field.type) : field.type,
                nullable: request.arguments[0].nullable || field.nullable && !isArray)
        }
        addElement(
            &list, "[]", usage: "a[i], m[k]",
            "Element of an array, from 0, or value of a key; NULL if there is no such key.",
            "array('x', 'y')[1]", "y", base: 0, outside: .error)
        addElement(
            &list, "element_at", usage: "element_at(a, i)",
            "Element from 1, or from the end if negative; value of a key.",
            "element_at(array('x', 'y'), -1)", "y", base: 1, outside: .error)
        addElement(
            &list, "try_element_at", usage: "try_element_at(a, i)", "element_at, but NULL outside the array.",
            "try_element_at(array('x', 'y'), 3)", "NULL", base: 1, outside: .null)
        addElement(
            &list, "get", usage: "get(a, i)", "Element from 0; NULL outside the array.", "get(array('x', 'y'), 2)",
            "NULL", base: 0, outside: .null)
        for (name, summary, result) in [
            ("map_keys", "The keys of a map.", "[a, b]"), ("map_values", "The values of a map.", "[1, 2]"),
        ] {
            let wantsKeys = name == "map_keys"
            list.add(
                name, usage: "\(name)(m)", summary: summary, example: "\(name)(map('a', 1, 'b', 2))", result: result,
                nulls: .kernel, weight: 10,
                kernel: { (o, call) throws(TidemillError) in
                    guard case .map(let key, let value) = o[0].type else { throw .internal("keys of what is no map") }
                    return rebuilt(o[0], call) { cursor, source, out in
                        while cursor.next() == .value {
                            let start = cursor.at
                            cursor.skip(key)
                            if wantsKeys {
                                NestedImage.appendMarker(into: &out)
                                out.append(contentsOf: source[start..<cursor.at])
                            }
                            let marker = cursor.at
                            if cursor.next() == .value { cursor.skip(value) }
                            if !wantsKeys { out.append(contentsOf: source[marker..<cursor.at]) }
                        }
                        NestedImage.appendEnd(into: &out)
                    }
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...1)
                guard case .map(let key, let value) = request.types[0] else {
                    throw request.unexpected(0, expected: "MAP")
                }
                return request.call(request.arguments, .array(wantsKeys ? key : value))
            }
        }
    }

    private enum Outside { case error, null }

    private static func addElement(
        _ list: inout DefinitionList, _ name: String, usage: String, _ summary: String, _ example: String,
        _ result: String, base: Int, outside: Outside
    ) {
        list.add(
            name, usage: usage, summary: summary, example: example, result: result, nulls: .kernel, weight: 8,
            mayFail: outside == .error || base == 1 ? ScalarDefinition.always : ScalarDefinition.never,
            kernel: { (o, call) throws(TidemillError) in
                try element(o, call, base: base, outside: outside)
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            switch request.types[0] {
            case .array(let element):
                let isUnknown = request.types[1] == .null && base == 0
                guard request.types[1].isIntegral || isUnknown else { throw request.unexpected(1, expected: "INT") }
                let index = try request.coerced(1, to: .int)
                return request.call([request.arguments[0], index], element, nullable: true)
            case .map(let key, let value) where name != "get":
                let given = request.types[1]
                guard base == 0 || given == .null || given == key || (given.isNumeric && key.isNumeric) else {
                    throw BindError.invalidArgument(
                        "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES",
                        "\(name) needs a key of the type \(key.sql), not \(given.sql)", hint: "cast the key",
                        request.span)
                }
                return request.call([request.arguments[0], try request.coerced(1, to: key)], value, nullable: true)
            default: throw request.unexpected(0, expected: "ARRAY or MAP")
            }
        }
    }

    private static func element(
        _ o: [Datum], _ call: KernelCall, base: Int, outside: Outside
    ) throws(TidemillError) -> Column {
        if case .map(_, let value) = o[0].type {
            var wanted: [UInt8] = []
            return elements(o[0], call) { row, cursor in
                let keyRow = row &* o[1].step
                guard o[1].column.isValid(keyRow), case .map(let key, _) = o[0].type else { return false }
                wanted.removeAll(keepingCapacity: true)
                NestedImage.appendValue(o[1].column, keyRow, into: &wanted)
                while cursor.next() == .value {
                    let start = cursor.at
                    cursor.skip(key)
                    let isFound = cursor.image(from: start).elementsEqual(wanted)
                    let next = cursor.next()
                    if isFound { return next == .value }
                    if next == .value { cursor.skip(value) }
                }
                return false
            }
        }
        guard case .array(let type) = o[0].type else { throw .internal("an element of what is no array") }
        let indices = o[1].column.pointer(Int32.self)
        var failure: (index: Int, count: Int)?
        let column = elements(o[0], call) { row, cursor in
            let indexRow = row &* o[1].step
            guard o[1].column.isValid(indexRow) else { return false }
            var index = Int(indices[indexRow]) - base
            let start = cursor
            if base == 1 && indices[indexRow] < 0 { index = count(type, start) + Int(indices[indexRow]) }
            if index >= 0 && !(base == 1 && indices[indexRow] == 0) {
                for _ in 0..<index {
                    let next = cursor.next()
                    if next == .end {
                        if failure == nil { failure = (Int(indices[indexRow]), count(type, start)) }
                        return false
                    }
                    if next == .value { cursor.skip(type) }
                }
                let next = cursor.next()
                if next != .end { return next == .value }
            }
            // No element is the 0th, which even a tolerant function says.
            if failure == nil || indices[indexRow] == 0 { failure = (Int(indices[indexRow]), count(type, start)) }
            return false
        }
        guard let failure else { return column }
        if base == 1 && failure.index == 0 {
            throw EvaluationError.invalidInput(
                "INVALID_INDEX_OF_ZERO", "the index 0 is invalid", hint: "an index is at least 1, or negative")
        }
        if outside == .null { return column }
        throw EvaluationError.invalidInput(
            base == 1 ? "INVALID_ARRAY_INDEX_IN_ELEMENT_AT" : "INVALID_ARRAY_INDEX",
            "the index \(failure.index) is out of bounds: the array has \(counted(failure.count, "element"))",
            hint: base == 1 ? "use try_element_at to get NULL instead" : "use get to get NULL instead")
    }

    // MARK: Questions

    private static func addQuestions(_ list: inout DefinitionList) {
        list.add(
            "size", "cardinality", "array_size", usage: "size(a)", summary: "How many elements or entries there are.",
            example: "size(array(1, 2))", result: "2", weight: 8,
            kernel: { (o, call) throws(TidemillError) in
                let buffer = Buffer(byteCount: call.rowCount * 4)
                let out = buffer.pointer(Int32.self)
                for row in 0..<call.rowCount {
                    let image = o[0].column.bytes(row &* o[0].step)
                    out[row] = image.isEmpty ? 0 : Int32(size(o[0].type, NestedCursor(image)))
                }
                return Column(type: .int, count: call.rowCount, values: buffer)
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...1)
            switch request.types[0] {
            case .array, .map: return request.call(request.arguments, .int)
            default: throw request.unexpected(0, expected: "ARRAY or MAP")
            }
        }
        list.add(
            "array_contains", usage: "array_contains(a, x)",
            summary: "Whether x is an element; NULL if it is not and an element is NULL.",
            example: "array_contains(array(1, 2), 2)", result: "true", nulls: .kernel, weight: 10, kernel: contains
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            guard case .array(let element) = request.types[0] else { throw request.unexpected(0, expected: "ARRAY") }
            guard request.types[1] != .null else {
                throw BindError.invalidArgument(
                    "DATATYPE_MISMATCH.NULL_TYPE", "a bare NULL is looked for in an array", request.span)
            }
            guard (element == .string) == (request.types[1] == .string) || element == .null,
                let common = TypeCoercion.commonType(of: [element, request.types[1]])
            else { throw BindError.dataDifferentTypes(request.arguments, in: request.name, request.span) }
            let array = TypeCoercion.cast(request.arguments[0], to: .array(common))
            return request.call(
                [array, TypeCoercion.cast(request.arguments[1], to: common)], .boolean, nullable: true)
        }
    }

    private static func contains(_ o: [Datum], _ call: KernelCall) throws(TidemillError) -> Column {
        guard case .array(let element) = o[0].type else { throw .internal("elements of what is no array") }
        let found = Bitmap(repeating: false, count: call.rowCount)
        let valid = Bitmap(repeating: false, count: call.rowCount)
        var wanted: [UInt8] = []
        for row in 0..<call.rowCount {
            let (arrayRow, valueRow) = (row &* o[0].step, row &* o[1].step)
            guard o[0].column.isValid(arrayRow), o[1].column.isValid(valueRow) else { continue }
            wanted.removeAll(keepingCapacity: true)
            NestedImage.appendValue(o[1].column, valueRow, into: &wanted)
            var cursor = NestedCursor(o[0].column.bytes(arrayRow))
            var hasNull = false
            var isFound = false
            walk: while !isFound {
                switch cursor.next() {
                case .end: break walk
                case .null: hasNull = true
                case .value:
                    let start = cursor.at
                    cursor.skip(element)
                    isFound = cursor.image(from: start).elementsEqual(wanted)
                }
            }
            let bit = UInt64(1) << UInt64(row & 63)
            if isFound { found.words[row >> 6] |= bit }
            if isFound || !hasNull { valid.words[row >> 6] |= bit }
        }
        return Column(boolean: found, validity: valid)
    }

    private static func count(_ element: DataType, _ cursor: NestedCursor) -> Int {
        size(.array(element), cursor)
    }

    private static func size(_ type: DataType, _ start: NestedCursor) -> Int {
        var cursor = start
        var count = 0
        switch type {
        case .array(let element):
            while true {
                let next = cursor.next()
                if next == .end { return count }
                if next == .value { cursor.skip(element) }
                count += 1
            }
        case .map(let key, let value):
            while cursor.next() == .value {
                cursor.skip(key)
                if cursor.next() == .value { cursor.skip(value) }
                count += 1
            }
            return count
        default: return 0
        }
    }

    // MARK: Loops

    /// One image per row.
    static func images(_ call: KernelCall, _ write: (Int, inout [UInt8]) -> Void) -> Column {
        var builder = StringColumnBuilder(type: call.resultType, capacity: call.rowCount)
        var image: [UInt8] = []
        for row in 0..<call.rowCount {
            image.removeAll(keepingCapacity: true)
            write(row, &image)
            image.withUnsafeBytes { builder.append($0) }
        }
        return builder.finish()
    }

    /// One image per row, made from another; NULL where that is.
    private static func rebuilt(
        _ source: Datum, _ call: KernelCall,
        _ write: (inout NestedCursor, UnsafeRawBufferPointer, inout [UInt8]) -> Void
    ) -> Column {
        let made = images(call) { row, out in
            guard source.column.isValid(row &* source.step) else { return }
            let bytes = source.column.bytes(row &* source.step)
            var cursor = NestedCursor(bytes)
            write(&cursor, bytes, &out)
        }
        return made.with(validity: source.validity(count: call.rowCount))
    }

    /// One value per row, taken out of an image: `find` leaves the cursor at it, or says that it is NULL.
    static func elements(
        _ source: Datum, _ call: KernelCall, _ find: (Int, inout NestedCursor) -> Bool
    ) -> Column {
        var builder = NestedColumnBuilder(call.resultType)
        for row in 0..<call.rowCount {
            let sourceRow = row &* source.step
            guard source.column.isValid(sourceRow) else {
                builder.appendNull()
                continue
            }
            var cursor = NestedCursor(source.column.bytes(sourceRow))
            if find(row, &cursor) { builder.append(&cursor) } else { builder.appendNull() }
        }
        return builder.finish()
    }
}
