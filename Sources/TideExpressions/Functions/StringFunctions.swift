import Glibc

/// Functions that make texts.
enum StringFunctions {
    /// One text may be at most this long, as in Spark.
    static let bytesMax = Int(Int32.max)

    static let definitions: [ScalarDefinition] = {
        var list = DefinitionList(.string)
        addCase(&list)
        addTrim(&list)
        addParts(&list)
        addConcatenation(&list)
        addRewriting(&list)
        addMeasures(&list)
        return list.definitions
    }()

    private static func addCase(_ list: inout DefinitionList) {
        list.addFixed(
            "upper", "ucase", parameters: [.string], returns: .string, usage: "upper(s)",
            summary: "All letters upper case.", example: "upper('tide')", result: "TIDE", weight: 4
        ) { (o, call) throws(TidemillError) in CaseMapping.map(o[0], call, upper: true) }
        list.addFixed(
            "lower", "lcase", parameters: [.string], returns: .string, usage: "lower(s)",
            summary: "All letters lower case.", example: "lower('TIDE')", result: "tide", weight: 4
        ) { (o, call) throws(TidemillError) in CaseMapping.map(o[0], call, upper: false) }
        list.addFixed(
            "initcap", parameters: [.string], returns: .string, usage: "initcap(s)",
            summary: "Each word with a capital letter.", example: "initcap('big tide')", result: "Big Tide", weight: 50
        ) { (o, call) throws(TidemillError) in
            let source = Strings(o[0])
            return composed(call) { row, out in CaseMapping.titled(source.bytes(row), &out) }
        }
    }

    private static func addTrim(_ list: inout DefinitionList) {
        func add(_ name: String, _ side: Trimming.Side, setFirst: Bool, _ summary: String) {
            let usage = setFirst ? "\(name)([characters, ]s)" : "\(name)(s[, characters])"
            list.add(
                name, usage: usage, summary: summary, example: "\(name)('  a  ')", result: sample(side), weight: 4,
                kernel: { (o, call) throws(TidemillError) in
                    o.count == 1 ? Trimming.spaces(o[0], call, side) : Trimming.characters(o, call, side)
                }
            ) { (request) throws(TidemillError) in
                try request.requireCount(1...2)
                if request.count == 1 { return request.call([try request.coerced(0, to: .string)], .string) }
                let first = try request.coerced(0, to: .string)
                let second = try request.coerced(1, to: .string)
                return request.call(setFirst ? [second, first] : [first, second], .string)
            }
        }
        add("trim", .both, setFirst: true, "Without spaces, or the given characters, at both ends.")
        add("ltrim", .leading, setFirst: true, "Without spaces, or the given characters, at the start.")
        add("rtrim", .trailing, setFirst: true, "Without spaces, or the given characters, at the end.")
        add("btrim", .both, setFirst: false, "Without spaces, or the given characters, at both ends.")
    }

    private static func sample(_ side: Trimming.Side) -> String {
        switch side {
        case .both: "a"
        case .leading: "a  "
        case .trailing: "  a"
        }
    }

    /// Text or binary; other types become text.
    static func textual(_ request: BindRequest, _ index: Int) throws(TidemillError) -> BoundExpression {
        request.types[index] == .binary ? request.arguments[index] : try request.coerced(index, to: .string)
    }

    private static func addParts(_ list: inout DefinitionList) {
        list.add(
            "substring", "substr", usage: "substring(s, start[, length])",
            summary: "Part of s; the first character is 1, a negative start counts from the end.",
            example: "substring('Tidemill', 5)", result: "mill", weight: 6, kernel: substring
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...3)
            let text = try textual(request, 0)
            let length = request.count == 3 ? try request.coerced(2, to: .int) : .literal(.int(.max))
            return request.call([text, try request.coerced(1, to: .int), length], text.type)
        }
        list.add(
            "left", usage: "left(s, n)", summary: "The first n characters.", example: "left('Tidemill', 4)",
            result: "Tide", weight: 6, kernel: substring
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...2)
            let text = try textual(request, 0)
            return request.call([text, .literal(.int(1)), try request.coerced(1, to: .int)], text.type)
        }
        list.addFixed(
            "right", parameters: [.string, .int], returns: .string, usage: "right(s, n)",
            summary: "The last n characters.", example: "right('Tidemill', 4)", result: "mill", weight: 6
        ) { (o, call) throws(TidemillError) in
            let lengths = Ints(o[1])
            return sliced(o[0], call) { row, bytes in
                let wanted = lengths[row]
                let total = UTF8Text.characterCount(bytes)
                return UTF8Text.slice(bytes, from: wanted <= 0 ? total : max(0, total - wanted), to: total)
            }
        }
        list.addFixed(
            "split_part", parameters: [.string, .string, .int], returns: .string,
            usage: "split_part(s, delimiter, n)", summary: "The n-th part, counted from the end if n is negative.",
            example: "split_part('a-b-c', '-', 2)", result: "b", weight: 8, mayFail: ScalarDefinition.always,
            kernel: splitPart)
        list.addFixed(
            "substring_index", parameters: [.string, .string, .int], returns: .string,
            usage: "substring_index(s, delimiter, n)",
            summary: "All before the n-th delimiter, or behind it if n is negative.",
            example: "substring_index('a.b.c', '.', 2)", result: "a.b", weight: 8
        ) { (o, call) throws(TidemillError) in
            let delimiters = Strings(o[1])
            let numbers = Ints(o[2])
            return sliced(o[0], call) { row, bytes in
                indexSlice(bytes, delimiters.bytes(row), numbers[row])
            }
        }
    }

    private static let substring: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
        let starts = Ints(o[1])
        let lengths = Ints(o[2])
        let isBinary = o[0].type == .binary
        return sliced(o[0], call) { row, bytes in
            let start = starts[row]
            let length = lengths[row]
            if length <= 0 { return ByteSlice(start: 0, count: 0) }
            // A position before the text still consumes the length, as in Spark.
            let isSimple = start > 0
            let total = isSimple ? 0 : (isBinary ? bytes.count : UTF8Text.characterCount(bytes))
            let from = isSimple ? start - 1 : start < 0 ? total + start : 0
            // As far as 32 bits go: from far in front of the text the greatest length does not reach its end.
            let to = min(from + length, Int(Int32.max))
            if to <= 0 { return ByteSlice(start: 0, count: 0) }
            if isBinary {
                let low = min(max(from, 0), bytes.count)
                return ByteSlice(start: low, count: min(max(to, low), bytes.count) - low)
            }
            return UTF8Text.slice(bytes, from: from, to: to)
        }
    }

    private static let splitPart: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
        let delimiters = Strings(o[1])
        let numbers = Ints(o[2])
        for row in 0..<call.rowCount where numbers[row] == 0 && call.validity?[row] ?? true {
            throw EvaluationError.invalidInput(
                "INVALID_INDEX_OF_ZERO", "the index 0 is invalid: an index is less than 0 or greater than 0",
                hint: "the first part has the index 1")
        }
        return sliced(o[0], call) { row, bytes in
            let delimiter = delimiters.bytes(row)
            let number = numbers[row]
            if delimiter.count == 0 {
                return number == 1 || number == -1
                    ? ByteSlice(start: 0, count: bytes.count) : ByteSlice(start: 0, count: 0)
            }
            var wanted = number - 1
            if number < 0 {
                var parts = 1
                var at = 0
                while let found = UTF8Text.find(delimiter, in: bytes, from: at) {
                    parts += 1
                    at = found + delimiter.count
                }
                wanted = parts + number
            }
            if wanted < 0 { return ByteSlice(start: 0, count: 0) }
            var start = 0
            while wanted > 0 {
                guard let found = UTF8Text.find(delimiter, in: bytes, from: start) else {
                    return ByteSlice(start: 0, count: 0)
                }
                start = found + delimiter.count
                wanted -= 1
            }
            let end = UTF8Text.find(delimiter, in: bytes, from: start) ?? bytes.count
            return ByteSlice(start: start, count: end - start)
        }
    }

    private static func indexSlice(
        _ bytes: UnsafeRawBufferPointer, _ delimiter: UnsafeRawBufferPointer, _ number: Int
    ) -> ByteSlice {
        if number == 0 || delimiter.count == 0 { return ByteSlice(start: 0, count: 0) }
        if number > 0 {
            var at = -1
            for _ in 0..<number {
                guard let found = UTF8Text.find(delimiter, in: bytes, from: at + 1) else {
                    return ByteSlice(start: 0, count: bytes.count)
                }
                at = found
            }
            return ByteSlice(start: 0, count: at)
        }
        // From the end, occurrences may overlap as in Spark's backward search.
        var at = bytes.count - delimiter.count + 1
        for _ in 0..<(-number) {
            at -= 1
            while at >= 0 && memcmp(bytes.baseAddress! + at, delimiter.baseAddress!, delimiter.count) != 0 { at -= 1 }
            if at < 0 { return ByteSlice(start: 0, count: bytes.count) }
        }
        let start = at + delimiter.count
        return ByteSlice(start: start, count: bytes.count - start)
    }

    private static func addConcatenation(_ list: inout DefinitionList) {
        let bindConcat: ScalarDefinition.Bind = { (request) throws(TidemillError) in
            if request.count == 0 { return .string("") }
            if let arrays = try ArrayConcatenation.bind(request) { return arrays }
            if request.types.allSatisfy({ $0 == .binary }) { return request.call(request.arguments, .binary) }
            var operands: [BoundExpression] = []
            for (index, argument) in request.arguments.enumerated() {
                operands.append(
                    argument.type == .binary
                        ? TypeCoercion.cast(argument, to: .string) : try request.coerced(index, to: .string))
            }
            // a || b || c is one call.
            var flat: [BoundExpression] = []
            for operand in operands {
                if case .call(let inner, let parts, .string, _, _) = operand, inner == FunctionTable.named("concat") {
                    flat += parts
                } else {
                    flat.append(operand)
                }
            }
            return .call(
                FunctionTable.named("concat"), flat, type: .string, nullable: flat.contains(where: \.nullable))
        }
        list.add(
            "concat", "||", usage: "concat(a, b, …), a || b", summary: "The texts, or the arrays, one after the other.",
            example: "concat('tide', 'mill')", result: "tidemill", weight: 8,
            kernel: { (o, call) throws(TidemillError) in
                let parts = o.map { Strings($0) }
                if case .array = call.resultType { return ArrayConcatenation.run(parts, call) }
                return parts.withUnsafeBufferPointer { parts in
                    composed(call) { row, out in
                        for part in parts { out.append(part.bytes(row)) }
                    }
                }
            }, bind: bindConcat)
        list.add(
            "concat_ws", usage: "concat_ws(separator, a, …)",
            summary: "The texts that are not NULL, with the separator between them.",
            example: "concat_ws('-', 'a', NULL, 'b')", result: "a-b", nulls: .kernel, weight: 8,
            kernel: { (o, call) throws(TidemillError) in
                let separators = Strings(o[0])
                let parts = o.dropFirst().map { (Strings($0), $0) }
                let column = composed(call) { row, out in
                    var isFirst = true
                    for (part, datum) in parts where datum.column.isValid(row &* datum.step) {
                        if !isFirst { out.append(separators.bytes(row)) }
                        out.append(part.bytes(row))
                        isFirst = false
                    }
                }
                return blankingNulls(column.with(validity: o[0].validity(count: call.rowCount)))
            }
        ) { (request) throws(TidemillError) in
            try request.requireCount(1...Int.max)
            var operands: [BoundExpression] = []
            for index in request.arguments.indices { operands.append(try request.coerced(index, to: .string)) }
            return .call(request.function, operands, type: .string, nullable: operands[0].nullable)
        }
    }

    private static func addRewriting(_ list: inout DefinitionList) {
        list.addFixed(
            "replace", parameters: [.string, .string, .string], optional: 1, returns: .string,
            usage: "replace(s, search[, replacement])", summary: "Every occurrence of search replaced.",
            example: "replace('tidetide', 'd', 'm')", result: "timetime", weight: 10
        ) { (o, call) throws(TidemillError) in
            let (source, wanted) = (Strings(o[0]), Strings(o[1]))
            let replacement = o.count == 3 ? Strings(o[2]) : nil
            return composed(call) { row, out in
                let bytes = source.bytes(row)
                let needle = wanted.bytes(row)
                var at = 0
                while needle.count > 0, let found = UTF8Text.find(needle, in: bytes, from: at) {
                    if found > at { out.append(bytes.baseAddress! + at, found - at) }
                    if let replacement { out.append(replacement.bytes(row)) }
                    at = found + needle.count
                }
                if at < bytes.count { out.append(bytes.baseAddress! + at, bytes.count - at) }
            }
        }
        list.addFixed(
            "reverse", parameters: [.string], returns: .string, usage: "reverse(s)",
            summary: "The characters backwards.", example: "reverse('abc')", result: "cba", weight: 8
        ) { (o, call) throws(TidemillError) in
            let source = Strings(o[0])
            return composed(call) { row, out in
                let bytes = source.bytes(row)
                var end = bytes.count
                while end > 0 {
                    var start = end - 1
                    while start > 0 && bytes[start] & 0xC0 == 0x80 { start -= 1 }
                    out.append(bytes.baseAddress! + start, end - start)
                    end = start
                }
            }
        }
        list.addFixed(
            "repeat", parameters: [.string, .int], returns: .string, usage: "repeat(s, n)", summary: "s, n times.",
            example: "repeat('ab', 2)", result: "abab", weight: 8, mayFail: ScalarDefinition.always
        ) { (o, call) throws(TidemillError) in
            let source = Strings(o[0])
            let numbers = Ints(o[1])
            try requireLength(call) { source.bytes($0).count * max(0, numbers[$0]) }
            return composed(call) { row, out in
                for _ in 0..<max(0, call.validity?[row] ?? true ? numbers[row] : 0) { out.append(source.bytes(row)) }
            }
        }
        addPadding(&list, "lpad", left: true)
        addPadding(&list, "rpad", left: false)
        list.addFixed(
            "translate", parameters: [.string, .string, .string], returns: .string, usage: "translate(s, from, to)",
            summary: "Characters of from replaced by those of to; without a partner they vanish.",
            example: "translate('tide', 'td', 'TD')", result: "TiDe", weight: 40
        ) { (o, call) throws(TidemillError) in
            let (source, from, to) = (Strings(o[0]), Strings(o[1]), Strings(o[2]))
            var map: [UnicodeScalar: UnicodeScalar?] = [:]
            var isKnown = false
            return composed(call) { row, out in
                if !isKnown || from.step != 0 || to.step != 0 {
                    map = translation(from.bytes(row), to.bytes(row))
                    isKnown = true
                }
                for scalar in String(decoding: source.bytes(row), as: UTF8.self).unicodeScalars {
                    if let target = map[scalar] {
                        if let target { out.append(String(target)) }
                    } else {
                        out.append(String(scalar))
                    }
                }
            }
        }
        list.addFixed(
            "chr", "char", parameters: [.bigint], returns: .string, usage: "chr(n)",
            summary: "The character of code n modulo 256.", example: "chr(65)", result: "A", weight: 4
        ) { (o, call) throws(TidemillError) in
            let codes = o[0].column.pointer(Int64.self)
            return composed(call) { row, out in
                let code = codes[row]
                if code >= 0 { out.append(String(UnicodeScalar(UInt8(truncatingIfNeeded: code)))) }
            }
        }
    }

    private static func translation(
        _ from: UnsafeRawBufferPointer, _ to: UnsafeRawBufferPointer
    ) -> [UnicodeScalar: UnicodeScalar?] {
        var map: [UnicodeScalar: UnicodeScalar?] = [:]
        var targets = String(decoding: to, as: UTF8.self).unicodeScalars.makeIterator()
        for scalar in String(decoding: from, as: UTF8.self).unicodeScalars {
            let target = targets.next()
            if map[scalar] == nil { map[scalar] = .some(target) }
        }
        return map
    }

    private static func requireLength(_ call: KernelCall, _ length: (Int) -> Int) throws(TidemillError) {
        for row in 0..<call.rowCount where call.validity?[row] ?? true && length(row) > bytesMax {
            throw TidemillError(
                .limit, "TIDEMILL_STRING_TOO_LONG", "a text would have \(length(row)) bytes",
                hint: "a text has at most \(bytesMax) bytes")
        }
    }

    private static func addPadding(_ list: inout DefinitionList, _ name: String, left: Bool) {
        list.add(
            name, usage: "\(name)(s, length[, pad])",
            summary: "s filled \(left ? "in front" : "behind") to the length, or cut to it; binary with zero bytes.",
            example: "\(name)('7', 3, '0')", result: left ? "007" : "700", weight: 10,
            mayFail: ScalarDefinition.always, kernel: padding(left: left)
        ) { (request) throws(TidemillError) in
            try request.requireCount(2...3)
            let type: DataType =
                request.types[0] == .binary && (request.count == 2 || request.types[2] == .binary) ? .binary : .string
            var arguments = [
                type == .binary ? request.arguments[0] : try request.coerced(0, to: .string),
                try request.coerced(1, to: .int),
            ]
            if request.count == 3 {
                arguments.append(type == .binary ? request.arguments[2] : try request.coerced(2, to: .string))
            }
            return request.call(arguments, type)
        }
    }

    private static func padding(left: Bool) -> ScalarDefinition.Kernel {
        { (o, call) throws(TidemillError) in
            let isBinary = o[0].type == .binary
            let source = Strings(o[0])
            let lengths = Ints(o[1])
            let pads = o.count == 3 ? Strings(o[2]) : nil
            // A character has at most four bytes.
            try requireLength(call) { max(0, lengths[$0]) * (isBinary ? 1 : 4) }
            let space: [UInt8] = [isBinary ? 0 : 0x20]
            return space.withUnsafeBytes { space in
                composed(call) { row, out in
                    guard call.validity?[row] ?? true else { return }
                    let bytes = source.bytes(row)
                    let pad = pads?.bytes(row) ?? space
                    let wanted = max(0, lengths[row])
                    // Characters, and of binary bytes.
                    func units(_ bytes: UnsafeRawBufferPointer) -> Int {
                        isBinary ? bytes.count : UTF8Text.characterCount(bytes)
                    }
                    func start(_ bytes: UnsafeRawBufferPointer, _ units: Int) -> UnsafeRawBufferPointer {
                        let count = isBinary ? units : UTF8Text.slice(bytes, from: 0, to: units).count
                        return UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
                    }
                    let have = units(bytes)
                    if have >= wanted || pad.count == 0 { return out.append(start(bytes, wanted)) }
                    if !left { out.append(bytes) }
                    let padUnits = units(pad)
                    var missing = wanted - have
                    while missing >= padUnits {
                        out.append(pad)
                        missing -= padUnits
                    }
                    out.append(start(pad, missing))
                    if left { out.append(bytes) }
                }
            }
        }
    }

    private static func addMeasures(_ list: inout DefinitionList) {
        func add(_ names: [String], _ summary: String, _ result: String, _ measure: @escaping Measure) {
            let kernel: ScalarDefinition.Kernel = { (o, call) throws(TidemillError) in
                let source = Strings(o[0])
                let isText = o[0].type == .string
                let buffer = Buffer(byteCount: call.rowCount * 4)
                let out = buffer.pointer(Int32.self)
                for row in 0..<call.rowCount {
                    out[row] = Int32(truncatingIfNeeded: measure(source, row, isText))
                }
                return Column(type: .int, count: call.rowCount, values: buffer)
            }
            let bind: ScalarDefinition.Bind = { (request) throws(TidemillError) in
                try request.requireCount(1...1)
                return request.call([try textual(request, 0)], .int)
            }
            let usage = "\(names[0])(s)"
            let example = "\(names[0])('Größe')"
            switch names.count {
            case 1:
                list.add(
                    names[0], usage: usage, summary: summary, example: example, result: result, weight: 3,
                    kernel: kernel, bind: bind)
            default:
                list.add(
                    names[0], names[1], names[2], names[3], usage: usage, summary: summary, example: example,
                    result: result, weight: 3, kernel: kernel, bind: bind)
            }
        }
        add(
            ["length", "char_length", "character_length", "len"], "Number of characters, or of bytes of a binary.", "5"
        ) { texts, row, isText in isText ? characterCount(texts, row) : texts.bytes(row).count }
        add(["octet_length"], "Number of bytes.", "7") { texts, row, _ in texts.bytes(row).count }
        add(["bit_length"], "Number of bits.", "56") { texts, row, _ in texts.bytes(row).count * 8 }
        list.addFixed(
            "ascii", parameters: [.string], returns: .int, usage: "ascii(s)",
            summary: "Code point of the first character, 0 for an empty text.", example: "ascii('A')", result: "65",
            weight: 3
        ) { (o, call) throws(TidemillError) in
            let source = Strings(o[0])
            let buffer = Buffer(byteCount: call.rowCount * 4)
            let out = buffer.pointer(Int32.self)
            for row in 0..<call.rowCount {
                let bytes = source.bytes(row)
                guard let first = bytes.first else {
                    out[row] = 0
                    continue
                }
                let character = UnsafeRawBufferPointer(rebasing: bytes.prefix(UTF8Text.length(first)))
                let scalar = String(decoding: character, as: UTF8.self).unicodeScalars.first
                out[row] = Int32(truncatingIfNeeded: scalar?.value ?? 0)
            }
            return Column(type: .int, count: call.rowCount, values: buffer)
        }
    }

    private typealias Measure = @Sendable (Strings, Int, Bool) -> Int
}
