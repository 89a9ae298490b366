import TideCore

extension Parser {
    /// What a CREATE statement makes; it decides which clauses may stand there.
    enum Created {
        case externalTable, streamingTable, materializedView, view, temporaryView, sink

        var text: String {
            switch self {
            case .externalTable: "a table"
            case .streamingTable: "a streaming table"
            case .materializedView: "a materialized view"
            case .view: "a view"
            case .temporaryView: "a temporary view"
            case .sink: "a sink"
            }
        }

        var isView: Bool { self == .view || self == .temporaryView }
        var isPipelineTable: Bool { self == .streamingTable || self == .materializedView }
    }

    /// USING, OPTIONS, PARTITIONED BY, CLUSTER BY, COMMENT, LOCATION, TBLPROPERTIES in any order, each once.
    mutating func clauses(
        of created: Created, columns: inout [ColumnDefinition]
    ) throws(TidemillError) -> TableClauses {
        var clauses = TableClauses()
        var seen: [Keyword] = []
        while let word = keyword() {
            let start = position
            switch word {
            case .using, .options, .partitioned, .location: break
            case .tblproperties, .comment: break
            case .cluster where keyword(1) == .by: break
            case .clustered:
                throw unsupported("bucketed tables", hint: "write PARTITIONED BY", span(of: position))
            case .row where keyword(1) == .format:
                throw unsupported("Hive formats", hint: "write USING and OPTIONS", span(of: position))
            default: return clauses
            }
            try refuse(word, for: created)
            guard !seen.contains(word) else { throw duplicate(word.text, span(of: position)) }
            seen.append(word)
            advance()
            switch word {
            case .using: clauses.format = try qualifiedName("a format")
            case .options: clauses.options = try properties()
            case .partitioned:
                try expect(.by)
                clauses.partitionedBy = try partitioning(&columns)
            case .cluster:
                try expect(.by)
                clauses.clusterBy = try parenthesizedList { p throws(TidemillError) in try p.qualifiedName("a column") }
            case .comment: clauses.comment = try string()
            case .location:
                clauses.location = try string()
                clauses.locationSpan = span(from: start)
            default: clauses.properties = try properties()
            }
        }
        return clauses
    }

    /// Clauses that Spark refuses for this kind of statement, with what to write instead.
    private func refuse(_ clause: Keyword, for created: Created) throws(TidemillError) {
        let here = span(of: position)
        switch clause {
        case .location where created != .externalTable:
            throw unsupported(
                "LOCATION for \(created.text)",
                hint: created == .sink
                    ? "write OPTIONS (path '…')" : "write TBLPROPERTIES ('tidemill.location' = '…')", here)
        case .options where created.isPipelineTable:
            throw unsupported(
                "OPTIONS for \(created.text)",
                hint: "options of the reader stand behind the source: STREAM t WITH (…); "
                    + "those of the table are TBLPROPERTIES", here)
        case .using where created.isView, .options where created.isView, .partitioned where created.isView,
            .cluster where created.isView:
            throw unsupported(
                "\(clause.text) for \(created.text)",
                hint: "views are not stored; write CREATE MATERIALIZED VIEW", here)
        case .tblproperties where created == .temporaryView:
            throw unsupported(
                "TBLPROPERTIES for a temporary view", hint: "set them on the tables that read the view", here)
        case .partitioned where created == .sink, .cluster where created == .sink:
            throw unsupported("\(clause.text) for a sink", hint: "write OPTIONS", here)
        default: return
        }
    }

    func duplicate(_ clause: String, _ span: SourceSpan) -> TidemillError {
        syntaxError("the clause stands twice: \(clause)", code: "DUPLICATE_CLAUSES", span)
    }

    /// Columns and transforms, or in Hive's form definitions of further columns.
    private mutating func partitioning(_ columns: inout [ColumnDefinition]) throws(TidemillError) -> [Expression] {
        var added: [ColumnDefinition] = []
        let list = try parenthesizedList { parser throws(TidemillError) in
            guard parser.isName(), parser.isName(1) else { return try parser.valueExpression() }
            let column = try parser.columnDefinition(typed: true)
            added.append(column)
            let name = QualifiedName(parts: [column.name], span: column.name.span)
            return Expression(.column(name), span: column.name.span)
        }
        columns += added
        return list
    }

    // MARK: Properties

    /// `(key [=] value, …)`
    mutating func properties() throws(TidemillError) -> [Property] {
        let properties = try parenthesizedList { p throws(TidemillError) in try p.property() }
        var keys: Set<String> = []
        for property in properties where !keys.insert(property.key).inserted {
            throw syntaxError("the key stands twice: \(property.key)", code: "DUPLICATE_KEY", property.keySpan)
        }
        return properties
    }

    private mutating func property() throws(TidemillError) -> Property {
        let start = position
        let key = isString() ? try string() : try propertyKey()
        let keySpan = span(from: start)
        _ = accept(.equal) || accept(.doubleEqual)
        let value = try propertyValue(of: key, keySpan)
        return Property(key: key, value: value, keySpan: keySpan, span: span(from: start))
    }

    /// `a.b.c`, also with hyphens or digits inside as in `a.b-c.1`.
    private mutating func propertyKey() throws(TidemillError) -> String {
        var key = try identifier("a key").name
        while tokens[position].range.lowerBound == tokens[position - 1].range.upperBound {
            if at(.dot), isName(1) {
                advance()
                key += "." + (try identifier().name)
            } else if at(.minus), isName(1) {
                advance()
                key += "-" + (try identifier().name)
            } else {
                break
            }
        }
        return key
    }

    private mutating func propertyValue(of key: String, _ keySpan: SourceSpan) throws(TidemillError) -> String {
        if isString() { return try string() }
        let start = position
        if accept(.true) { return "true" }
        if accept(.false) { return "false" }
        _ = accept(.minus) || accept(.plus)
        if isNumber() {
            advance()
            return span(from: start).text
        }
        if at(.comma) || at(.rightParenthesis) {
            throw syntaxError("the key has no value: \(key)", hint: "write \(key) = '…'", keySpan)
        }
        let error = unexpected(expected: "a value in quotes, a number, true or false")
        throw isName() ? error.hinting("write '\(text(current))'") : error
    }
}
