import TideCore

/// One lexical unit. Its text is the source's bytes in `range`; values are decoded when the parser asks for them.
struct Token: Sendable {
    enum Kind: Equatable, Sendable {
        /// An unquoted name; the keyword if it spells one.
        case word(Keyword?)
        case quotedIdentifier
        case string
        /// r'…': no escapes.
        case rawString
        /// Digits only.
        case integer
        /// Everything else that is a number: point, exponent or type suffix.
        case number
        case symbol(Symbol)
        /// `/*+`
        case hintStart
        /// `*/` behind a hint
        case hintEnd
        /// Bytes that are no token; the index of the lexer's error. Reported when the parser gets here, so that the
        /// free text of SET may hold anything.
        case invalid(Int)
        case end
    }
    let kind: Kind
    let range: Range<Int>
}

enum Symbol: String, Sendable {
    case leftParenthesis = "("
    case rightParenthesis = ")"
    case leftBracket = "["
    case rightBracket = "]"
    case comma = ","
    case dot = "."
    case semicolon = ";"
    case colon = ":"
    case doubleColon = "::"
    case equal = "="
    case doubleEqual = "=="
    case nullSafeEqual = "<=>"
    case notEqual = "!="
    case lessGreater = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case notGreater = "!>"
    case greater = ">"
    case greaterOrEqual = ">="
    case notLess = "!<"
    case plus = "+"
    case minus = "-"
    case star = "*"
    case slash = "/"
    case percent = "%"
    case bar = "|"
    case doubleBar = "||"
    case pipe = "|>"
    case ampersand = "&"
    case caret = "^"
    case tilde = "~"
    case bang = "!"
    case arrow = "->"
    case fatArrow = "=>"

    /// Longest first where one is the start of another. `<<`, `>>` and `>>>` are put together by the parser, because
    /// `array<array<int>>` closes with two separate `>`.
    static let byLength: [(bytes: [UInt8], symbol: Symbol)] = [
        nullSafeEqual, doubleColon, doubleEqual, notEqual, lessGreater, lessOrEqual, notGreater, greaterOrEqual,
        notLess, doubleBar, pipe, arrow, fatArrow, leftParenthesis, rightParenthesis, leftBracket, rightBracket,
        comma, dot, semicolon, colon, equal, less, greater, plus, minus, star, slash, percent, bar, ampersand, caret,
        tilde, bang,
    ].map { (Array($0.rawValue.utf8), $0) }
}
