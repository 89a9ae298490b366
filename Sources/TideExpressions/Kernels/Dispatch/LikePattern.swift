import Glibc

/// A compiled LIKE pattern. Most patterns are a word with % before or behind it and need no matching machine.
struct LikePattern {
    private enum Step {
        case byte(UInt8)
        /// `_`: one character.
        case one
        /// `%`: any characters.
        case any
    }
    private enum Shape { case exact, prefix, suffix, infix, general }

    private let steps: [Step]
    private let shape: Shape
    private let word: [UInt8]

    init(_ pattern: UnsafeRawBufferPointer, escape: UInt8) throws(TidemillError) {
        var steps: [Step] = []
        var i = 0
        while i < pattern.count {
            let byte = pattern[i]
            if byte == escape {
                guard i + 1 < pattern.count else {
                    throw LikePattern.invalid(
                        "INVALID_FORMAT.ESC_AT_THE_END", pattern, "ends with the escape character")
                }
                let next = pattern[i + 1]
                guard next == UInt8(ascii: "_") || next == UInt8(ascii: "%") || next == escape else {
                    throw LikePattern.invalid(
                        "INVALID_FORMAT.ESC_IN_THE_MIDDLE", pattern, "escapes a character that needs no escape")
                }
                steps.append(.byte(next))
                i += 2
                continue
            }
            switch byte {
            case UInt8(ascii: "%"):
                if case .any = steps.last {} else { steps.append(.any) }
            case UInt8(ascii: "_"): steps.append(.one)
            default: steps.append(.byte(byte))
            }
            i += 1
        }
        self.steps = steps
        (shape, word) = LikePattern.classified(steps)
    }

    private static func invalid(
        _ code: String, _ pattern: UnsafeRawBufferPointer, _ reason: String
    ) -> TidemillError {
        EvaluationError.invalidInput(
            code, "the LIKE pattern \(reason): '\(UTF8Text.text(pattern))'",
            hint: "the escape character stands before _, % or itself")
    }

    private static func classified(_ steps: [Step]) -> (Shape, [UInt8]) {
        var word: [UInt8] = []
        var anyAt: [Int] = []
        for (index, step) in steps.enumerated() {
            switch step {
            case .byte(let byte): word.append(byte)
            case .any: anyAt.append(index)
            case .one: return (.general, [])
            }
        }
        let last = steps.count - 1
        switch anyAt {
        case []: return (.exact, word)
        case [last]: return (.prefix, word)
        case [0]: return (.suffix, word)
        case [0, last]: return (.infix, word)
        default: return (.general, [])
        }
    }

    @inline(__always)
    func matches(_ bytes: UnsafeRawBufferPointer) -> Bool {
        word.withUnsafeBytes { word in
            switch shape {
            case .exact: bytes.count == word.count && LikePattern.equal(bytes, 0, word)
            case .prefix: bytes.count >= word.count && LikePattern.equal(bytes, 0, word)
            case .suffix: bytes.count >= word.count && LikePattern.equal(bytes, bytes.count - word.count, word)
            case .infix: UTF8Text.find(word, in: bytes) != nil
            case .general: matchesGeneral(bytes)
            }
        }
    }

    @inline(__always)
    private static func equal(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ word: UnsafeRawBufferPointer) -> Bool {
        word.count == 0 || memcmp(bytes.baseAddress! + start, word.baseAddress!, word.count) == 0
    }

    /// Greedy with one level of backtracking to the last %, which is enough for LIKE.
    @inline(never)
    private func matchesGeneral(_ bytes: UnsafeRawBufferPointer) -> Bool {
        steps.withUnsafeBufferPointer { steps in
            var step = 0
            var at = 0
            var retryStep = -1
            var retryAt = 0
            while true {
                if step < steps.count {
                    switch steps[step] {
                    case .any:
                        retryStep = step
                        retryAt = at
                        step += 1
                        continue
                    case .one:
                        if at < bytes.count {
                            at = min(at + UTF8Text.length(bytes[at]), bytes.count)
                            step += 1
                            continue
                        }
                    case .byte(let byte):
                        if at < bytes.count && bytes[at] == byte {
                            at += 1
                            step += 1
                            continue
                        }
                    }
                } else if at == bytes.count {
                    return true
                }
                if retryStep < 0 || retryAt >= bytes.count { return false }
                retryAt = min(retryAt + UTF8Text.length(bytes[retryAt]), bytes.count)
                at = retryAt
                step = retryStep + 1
            }
        }
    }
}
