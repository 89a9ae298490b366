import Testing
import TideCore
import TideSQL

private func statement(_ sql: String) throws -> Statement.Kind {
    let statements = try parseScript(SourceText(name: "q", text: sql))
    try #require(statements.count == 1)
    return statements[0].kind
}

/// The statements of a pipeline, each with all its parts.
@Suite struct StatementTests {
    @Test func externalTable() throws {
        guard
            case .createTable(let table) = try statement(
                """
                CREATE TABLE IF NOT EXISTS db.sales (
                    transaction_id STRING NOT NULL COMMENT 'key', price DOUBLE DEFAULT 0.0, tags ARRAY<STRUCT<k: INT>>
                ) USING csv OPTIONS (path 'input/sales', header true, `max x` = '3', a.b-c.d 1.5, sep = ',', n -1)
                TBLPROPERTIES ('p' = 'q') COMMENT 'all sales' PARTITIONED BY (d DATE) LOCATION '/data'
                """)
        else { throw Surprise("no table") }
        #expect(table.name.text == "db.sales")
        #expect(table.ifNotExists && !table.orReplace)
        #expect(table.columns.map(\.name.name) == ["transaction_id", "price", "tags", "d"])
        #expect(table.columns.map { $0.type?.sql } == ["STRING", "DOUBLE", "ARRAY<STRUCT<k: INT>>", "DATE"])
        #expect(table.columns[0].isNotNull && table.columns[0].comment == "key")
        #expect(table.columns[1].defaultValue?.sql == "0.0")
        let clauses = table.clauses
        #expect(clauses.format?.text == "csv")
        #expect(clauses.options.map(\.key) == ["path", "header", "max x", "a.b-c.d", "sep", "n"])
        #expect(clauses.options.map(\.value) == ["input/sales", "true", "3", "1.5", ",", "-1"])
        #expect(clauses.properties.map(\.key) == ["p"] && clauses.properties.map(\.value) == ["q"])
        #expect(clauses.comment == "all sales" && clauses.location == "/data")
        #expect(clauses.partitionedBy.map(\.sql) == ["d"])
        #expect(table.query == nil)
    }

    @Test func streamingTable() throws {
        guard
            case .createStreamingTable(let table) = try statement(
                """
                CREATE STREAMING TABLE clean USING parquet TBLPROPERTIES ('tidemill.outputMode' = 'update') AS
                SELECT window(ts, '1 minute') AS w, count(*) AS n
                FROM STREAM sales WITH (maxFilesPerTrigger = 10) WATERMARK ts DELAY OF INTERVAL 10 MINUTES AS s
                GROUP BY window(ts, '1 minute')
                """), case .query(let query) = table.input, case .select(let select) = query.body.kind,
            case .table(let source) = select.from[0].kind
        else { throw Surprise("no streaming table") }
        #expect(source.isStream && source.name.text == "sales")
        #expect(source.options.map(\.key) == ["maxFilesPerTrigger"] && source.options.map(\.value) == ["10"])
        #expect(select.from[0].watermark?.expression.sql == "ts")
        #expect(select.from[0].watermark?.delay.microseconds == 600_000_000)
        #expect(select.from[0].alias?.name.name == "s")
        #expect(select.items.map(\.columnName) == ["w", "n"])
        #expect(select.groupBy?.elements.count == 1)
    }

    @Test func materializedViewAndTemporaryView() throws {
        guard
            case .createMaterializedView(let view) = try statement(
                "CREATE MATERIALIZED VIEW daily USING parquet PARTITIONED BY (d) AS SELECT 1 AS d")
        else { throw Surprise("no view") }
        #expect(view.clauses.partitionedBy.map(\.sql) == ["d"])
        guard
            case .createView(let temporary) = try statement(
                "CREATE OR REPLACE TEMPORARY VIEW v (a COMMENT 'x', b) AS SELECT 1, 2")
        else { throw Surprise("no temporary view") }
        #expect(temporary.isTemporary && temporary.orReplace)
        #expect(temporary.columns.map(\.name.name) == ["a", "b"] && temporary.columns[0].comment == "x")
        guard case .createView(let plain) = try statement("CREATE VIEW v AS FROM t") else { return }
        #expect(!plain.isTemporary)
    }

    @Test func autoCDC() throws {
        guard
            case .createFlow(let flow) = try statement(
                """
                CREATE FLOW f COMMENT 'c' AS AUTO CDC INTO customers FROM STREAM(changes)
                  KEYS (customer_id, region) APPLY AS DELETE WHEN op = 'D' SEQUENCE BY updated_at
                  COLUMNS * EXCEPT (op) STORED AS SCD TYPE 2
                """), case .autoCDC(let cdc) = flow.action, case .table(let source) = cdc.source.kind
        else { throw Surprise("no flow") }
        #expect(flow.name.text == "f" && flow.comment == "c" && flow.target.text == "customers")
        #expect(source.isStream && source.name.text == "changes")
        #expect(cdc.keys.map(\.text) == ["customer_id", "region"])
        #expect(cdc.deleteWhen?.sql == "(op = D)")
        #expect(cdc.sequenceBy.sql == "updated_at")
        #expect(cdc.history == .type2)
        guard case .allExcept(let columns) = cdc.columns else { throw Surprise("no EXCEPT") }
        #expect(columns.map(\.text) == ["op"])
    }

    @Test func autoCDCInsideATable() throws {
        guard
            case .createStreamingTable(let table) = try statement(
                "CREATE STREAMING TABLE t FLOW AUTO CDC FROM STREAM s KEYS (a) SEQUENCE BY b COLUMNS (a, c)"),
            case .autoCDC(let cdc) = table.input, case .only(let columns) = cdc.columns
        else { throw Surprise("no AUTO CDC") }
        #expect(cdc.source.alias == nil)
        #expect(columns.map(\.text) == ["a", "c"])
        #expect(cdc.history == .type1)
    }

    @Test func insertFlow() throws {
        guard
            case .createFlow(let flow) = try statement(
                "CREATE FLOW g AS INSERT INTO db.clean BY NAME SELECT * FROM STREAM other"),
            case .insert(let byName, _) = flow.action
        else { throw Surprise("no flow") }
        #expect(byName && flow.target.text == "db.clean")
    }

    @Test func sink() throws {
        guard
            case .createSink(let sink) = try statement(
                "CREATE SINK report USING csv OPTIONS (path 'out/report', header 'true') AS FROM daily"),
            case .select(let select) = sink.query.body.kind
        else { throw Surprise("no sink") }
        #expect(sink.clauses.options.map(\.value) == ["out/report", "true"])
        #expect(select.items.map(\.columnName) == ["*"])
    }

    @Test func setTakesFreeText() throws {
        let script = """
            SET spark.sql.shuffle.partitions = 4;
            set tidemill.path=/a/b?c#d{e}; SET x.y = it's; -- a comment
            SET `k k` = v = w;
            """
        // The quote of it's stays open: everything behind it is the value.
        let statements = try parseScript(SourceText(name: "q", text: script))
        let sets = statements.compactMap { statement in
            if case .set(let set) = statement.kind { set } else { SetStatement?.none }
        }
        #expect(sets.map { $0.key ?? "" }.prefix(3) == ["spark.sql.shuffle.partitions", "tidemill.path", "x.y"])
        #expect(sets.map { $0.value ?? "" }.prefix(2) == ["4", "/a/b?c#d{e}"])
    }

    @Test func useAndExplain() throws {
        guard case .use(let use) = try statement("USE SCHEMA a.b") else { throw Surprise("no USE") }
        #expect(use.target == .schema && use.name.text == "a.b")
        guard case .use(let catalog) = try statement("USE CATALOG c") else { throw Surprise("no USE") }
        #expect(catalog.target == .catalog)
        guard case .explain(true, let inner) = try statement("EXPLAIN EXTENDED SELECT 1") else {
            throw Surprise("no EXPLAIN")
        }
        #expect(inner.span.text == "SELECT 1")
    }

    @Test func scriptsSplitAtSemicolons() throws {
        let script = ";;SELECT ';' ; /* ; */ VALUES (1) -- ;\n; FROM t;"
        let statements = try parseScript(SourceText(name: "q", text: script))
        #expect(statements.map(\.span.text) == ["SELECT ';'", "VALUES (1)", "FROM t"])
        #expect(try parseScript(SourceText(name: "q", text: " -- nothing\n ;")).isEmpty)
    }
}
