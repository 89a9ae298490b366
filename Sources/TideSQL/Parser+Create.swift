import TideCore

extension Parser {
    /// From CREATE on.
    mutating func createStatement() throws(TidemillError) -> Statement.Kind {
        let start = position
        advance()
        if at(.or, .refresh) {
            throw unsupported(
                "CREATE OR REFRESH", hint: "write CREATE; every run refreshes, --full-refresh rebuilds",
                span(from: start).joined(to: span(of: position + 1)))
        }
        let orReplace = accept(.or, .replace)
        if at(.streaming) || at(.live, .table) || at(.materialized) || at(.flow) || at(.sink), orReplace {
            throw unsupported(
                "CREATE OR REPLACE of a pipeline's \(at(.flow) ? "flow" : at(.sink) ? "sink" : "table")",
                hint: "write CREATE; --full-refresh rebuilds a table", span(from: start))
        }
        if accept(.streaming) {
            try expect(.table)
            return .createStreamingTable(try streamingTable())
        }
        if at(.live) {
            throw unsupported("LIVE tables", hint: "write STREAMING TABLE or MATERIALIZED VIEW", span(of: position))
        }
        if accept(.materialized) {
            try expect(.view)
            return .createMaterializedView(try materializedView())
        }
        if accept(.external) {
            try expect(.table)
            return .createTable(try table(orReplace: orReplace))
        }
        if accept(.table) { return .createTable(try table(orReplace: orReplace)) }
        let isGlobal = accept(.global)
        let isTemporary = accept(.temporary) || accept(.temp)
        if isTemporary, at(.streaming) || at(.table) || at(.materialized) {
            throw unsupported(
                "a temporary table", hint: "write CREATE TEMPORARY VIEW; views are never stored", span(of: position))
        }
        if isTemporary || isGlobal || at(.view) {
            guard accept(.view) else { throw unexpected(expected: "VIEW", candidates: [.view]) }
            return .createView(try view(orReplace: orReplace, isTemporary: isTemporary, isGlobal: isGlobal))
        }
        if accept(.flow) { return .createFlow(try flow()) }
        if accept(.sink) { return .createSink(try sink()) }
        throw unexpected(
            expected: "TABLE, STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW, FLOW or SINK",
            candidates: [.table, .streaming, .materialized, .temporary, .view, .flow, .sink])
    }

    private mutating func ifNotExists() -> Bool { accept(.if, .not, .exists) }

    // MARK: Tables and views

    private mutating func table(orReplace: Bool) throws(TidemillError) -> CreateTable {
        let ifNotExists = ifNotExists()
        let name = try tableName()
        var columns = try columnDefinitions(typed: true)
        let clauses = try clauses(of: .externalTable, columns: &columns)
        let query = try optionalQuery()
        return CreateTable(
            name: name, orReplace: orReplace, ifNotExists: ifNotExists, columns: columns, clauses: clauses,
            query: query)
    }

    private mutating func streamingTable() throws(TidemillError) -> CreateStreamingTable {
        let ifNotExists = ifNotExists()
        let name = try tableName()
        var columns = try columnDefinitions(typed: true)
        let clauses = try clauses(of: .streamingTable, columns: &columns)
        var input = CreateStreamingTable.Input.none
        if accept(.flow) {
            try expect(.auto, .cdc)
            input = .autoCDC(try autoCDC())
        } else if let query = try optionalQuery() {
            input = .query(query)
        }
        return CreateStreamingTable(
            name: name, ifNotExists: ifNotExists, columns: columns, clauses: clauses, input: input)
    }

    private mutating func materializedView() throws(TidemillError) -> CreateMaterializedView {
        let ifNotExists = ifNotExists()
        let name = try tableName()
        var columns = try columnDefinitions(typed: true)
        let clauses = try clauses(of: .materializedView, columns: &columns)
        guard at(.as) || startsQuery() else { throw missingQuery("a materialized view needs its query", name) }
        _ = accept(.as)
        return CreateMaterializedView(
            name: name, ifNotExists: ifNotExists, columns: columns, clauses: clauses, query: try query())
    }

    private mutating func view(
        orReplace: Bool, isTemporary: Bool, isGlobal: Bool
    ) throws(TidemillError) -> CreateView {
        let ifNotExists = ifNotExists()
        let name = try tableName("a view name")
        var columns = try columnDefinitions(typed: false)
        if isTemporary, at(.using) {
            throw unsupported(
                "a temporary view over files", hint: "write CREATE TABLE … USING …, or read the path: csv.`/path`",
                span(of: position))
        }
        let clauses = try clauses(of: isTemporary ? .temporaryView : .view, columns: &columns)
        guard at(.as) else { throw missingQuery("a view needs its query", name) }
        advance()
        return CreateView(
            name: name, orReplace: orReplace, isTemporary: isTemporary, isGlobal: isGlobal, ifNotExists: ifNotExists,
            columns: columns, clauses: clauses, query: try query())
    }

    private mutating func sink() throws(TidemillError) -> CreateSink {
        let ifNotExists = ifNotExists()
        let name = try tableName("a sink name")
        var columns: [ColumnDefinition] = []
        let clauses = try clauses(of: .sink, columns: &columns)
        guard at(.as) else { throw missingQuery("a sink needs its query", name) }
        advance()
        return CreateSink(name: name, ifNotExists: ifNotExists, clauses: clauses, query: try query())
    }

    /// `[AS] query`, if one follows.
    private mutating func optionalQuery() throws(TidemillError) -> Query? {
        if accept(.as) { return try query() }
        return startsQuery() ? try query() : nil
    }

    private func missingQuery(_ message: String, _ name: QualifiedName) -> TidemillError {
        let error = unexpected(expected: "AS and a query", candidates: [.as])
        return atEnd || at(.semicolon)
            ? syntaxError("\(message): \(name.text)", hint: "add AS SELECT …", name.span) : error
    }

    // MARK: Columns

    /// `(name type [NOT NULL] [DEFAULT e] [COMMENT 'text'], …)`; a view's columns have only names and comments.
    private mutating func columnDefinitions(typed: Bool) throws(TidemillError) -> [ColumnDefinition] {
        guard at(.leftParenthesis), typed || !startsQuery(1) else { return [] }
        return try parenthesizedList { p throws(TidemillError) in try p.columnDefinition(typed: typed) }
    }

    mutating func columnDefinition(typed: Bool) throws(TidemillError) -> ColumnDefinition {
        try refuseConstraint()
        let start = position
        let name = try identifier("a column name")
        var type: TypeName?
        if typed {
            guard isName(), !at(.comment) else {
                throw unexpected(expected: "the type of column \(name.name)")
            }
            type = try typeName()
        }
        var isNotNull = false
        var defaultValue: Expression?
        var comment: String?
        while true {
            if typed, accept(.not, .null) {
                isNotNull = true
            } else if typed, accept(.default) {
                defaultValue = try expression()
            } else if let text = try optionalComment() {
                comment = text
            } else {
                break
            }
        }
        if at(.generated) {
            throw unsupported("generated columns", hint: "compute the column in the query", span(of: position))
        }
        try refuseConstraint()
        guard at(.comma) || at(.rightParenthesis) || atEnd else {
            throw unexpected(expected: typed ? "NOT NULL, DEFAULT, COMMENT, ',' or ')'" : "COMMENT, ',' or ')'")
        }
        return ColumnDefinition(
            name: name, type: type, isNotNull: isNotNull, defaultValue: defaultValue, comment: comment,
            span: span(from: start))
    }

    private func refuseConstraint() throws(TidemillError) {
        let isConstraint = at(.constraint) && isName(1)
        let isKey = at(.primary) && keyword(1) == .key
        guard isConstraint || isKey || at(.unique) || at(.check) && symbol(1) == .leftParenthesis else { return }
        if isConstraint, keyword(2) == .expect {
            let name = text(peek())
            throw unsupported(
                "expectations as constraints",
                hint: "write TBLPROPERTIES ('tidemill.expect.\(name)' = '<condition>', "
                    + "'tidemill.expect.\(name).action' = 'drop')", span(of: position))
        }
        throw unsupported(
            "constraints such as PRIMARY KEY",
            hint: "a table's key is the property 'tidemill.key' = 'a, b'; a check is 'tidemill.expect.<name>'",
            span(of: position))
    }

    // MARK: Flows

    private mutating func flow() throws(TidemillError) -> CreateFlow {
        _ = ifNotExists()
        let name = try tableName("a flow name")
        let comment = try optionalComment()
        guard accept(.as) else { throw unexpected(expected: "AS INSERT INTO or AS AUTO CDC INTO", candidates: [.as]) }
        if accept(.auto) {
            try expect(.cdc, .into)
            let target = try tableName()
            return CreateFlow(name: name, comment: comment, target: target, action: .autoCDC(try autoCDC()))
        }
        guard accept(.insert) else {
            throw unexpected(expected: "INSERT INTO or AUTO CDC INTO", candidates: [.insert, .auto])
        }
        try expect(.into)
        if at(.table), isName(1), !endsOperand(1) { advance() }
        let target = try tableName()
        let byName = accept(.by, .name)
        if at(.leftParenthesis), !startsQuery(1), isName(1) {
            throw unsupported(
                "a column list behind INSERT INTO",
                hint: "write INSERT INTO \(target.text) BY NAME SELECT … AS column", span(of: position))
        }
        return CreateFlow(
            name: name, comment: comment, target: target, action: .insert(byName: byName, query: try query()))
    }

    /// From the FROM of AUTO CDC on.
    private mutating func autoCDC() throws(TidemillError) -> AutoCDC {
        let start = position
        try expect(.from)
        let source = try relation()
        try expect(.keys)
        let keys = try parenthesizedList { p throws(TidemillError) in try p.qualifiedName("a column") }
        var deleteWhen: Expression?
        while accept(.apply, .as) {
            if at(.truncate) {
                throw unsupported(
                    "APPLY AS TRUNCATE", hint: "only APPLY AS DELETE WHEN is possible", span(of: position))
            }
            guard deleteWhen == nil else { throw duplicate("APPLY AS DELETE", span(of: position - 2)) }
            try expect(.delete, .when)
            deleteWhen = try expression()
        }
        guard accept(.sequence) else {
            throw unexpected(expected: "SEQUENCE BY", candidates: [.sequence, .apply])
        }
        try expect(.by)
        let sequenceBy = try expression()
        let columns = try cdcColumns()
        var history = AutoCDC.History.type1
        if accept(.stored) {
            try expect(.as, .scd, .type)
            if current.kind == .integer, text(current) == "1" || text(current) == "2" {
                history = text(current) == "1" ? .type1 : .type2
                advance()
            } else {
                throw unexpected(expected: "1 or 2")
            }
        }
        if at(.track) {
            throw unsupported(
                "TRACK HISTORY", hint: "every column of the table is tracked; choose them with COLUMNS",
                span(of: position))
        }
        return AutoCDC(
            source: source, keys: keys, deleteWhen: deleteWhen, sequenceBy: sequenceBy, columns: columns,
            history: history, span: span(from: start))
    }

    private mutating func cdcColumns() throws(TidemillError) -> AutoCDC.Columns {
        guard accept(.columns) else { return .all }
        if accept(.star) {
            guard accept(.except) else { return .all }
            return .allExcept(try parenthesizedList { p throws(TidemillError) in try p.qualifiedName("a column") })
        }
        return .only(try parenthesizedList { p throws(TidemillError) in try p.qualifiedName("a column") })
    }
}
