"""Stored tables as other readers see them: pyarrow, DuckDB, polars and Spark read the same rows with the right types."""
import datetime
import decimal
import glob
import os

import duckdb
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

from command_line import Failed, compare, fresh, same

PIPELINE = """
CREATE TABLE input (
  id INT NOT NULL, b BOOLEAN, i8 TINYINT, i16 SMALLINT, i32 INT, i64 BIGINT, f32 FLOAT, f64 DOUBLE,
  d9 DECIMAL(9,2), d18 DECIMAL(18,4), d38 DECIMAL(38,10), s STRING, d DATE, ts TIMESTAMP, tn TIMESTAMP_NTZ)
USING csv OPTIONS (path 'input', header 'true', maxFilesPerTrigger '1');

CREATE STREAMING TABLE every_type AS SELECT *, CAST(s AS BINARY) AS bin FROM STREAM input;

CREATE MATERIALIZED VIEW by_id AS
SELECT id, count(*) AS n, max(b) AS b, max(i8) AS i8, max(i16) AS i16, max(i32) AS i32, max(i64) AS i64, max(f32) AS f32,
  max(f64) AS f64, max(d9) AS d9, max(d18) AS d18, max(d38) AS d38, max(s) AS s, max(d) AS d, max(ts) AS ts,
  max(tn) AS tn FROM input GROUP BY id;

CREATE MATERIALIZED VIEW empty AS SELECT id, s FROM input WHERE id < 0;
"""
UTC = datetime.timezone.utc
D = decimal.Decimal
# What the CSV below means; written by hand beside it.
CSV = {
    "a.csv": """id,b,i8,i16,i32,i64,f32,f64,d9,d18,d38,s,d,ts,tn
1,true,127,32767,2147483647,9223372036854775807,1.5,0.1,1234567.89,12345678901234.5678,1234567890123456789012345678.0123456789,abc,2024-02-29,2024-02-29T12:34:56.789012Z,2024-02-29T12:34:56.789012
2,false,-128,-32768,-2147483648,-9223372036854775808,-0.25,-1e300,-9999999.99,-0.0001,-0.0000000001,größe 日本 🌊,1969-12-31,1969-12-31T23:59:59.999999Z,1969-12-31T23:59:59.999999
3,,,,,,,,,,,,,,
""",
    "b.csv": """id,b,i8,i16,i32,i64,f32,f64,d9,d18,d38,s,d,ts,tn
4,true,0,0,0,0,0,0,0,0,0,"a \\"quoted\\", longer text",0001-01-01,0001-01-01T00:00:00Z,0001-01-01T00:00:00
5,false,1,1,1,1,NaN,Infinity,1,1,1,x,9999-12-31,9999-12-31T23:59:59.999999Z,9999-12-31T23:59:59.999999
""",
}


def moment(*parts, zone=True):
    return datetime.datetime(*parts, tzinfo=UTC if zone else None)


def row(id, b, i8, i16, i32, i64, f32, f64, d9, d18, d38, s, d, ts):
    return (id, b, i8, i16, i32, i64, f32, f64, d9, d18, d38, s, d, ts, ts and ts.replace(tzinfo=None),
            s and s.encode())


ROWS = [
    row(1, True, 127, 32767, 2**31 - 1, 2**63 - 1, 1.5, 0.1, D("1234567.89"), D("12345678901234.5678"),
        D("1234567890123456789012345678.0123456789"), "abc", datetime.date(2024, 2, 29),
        moment(2024, 2, 29, 12, 34, 56, 789012)),
    row(2, False, -128, -32768, -(2**31), -(2**63), -0.25, -1e300, D("-9999999.99"), D("-0.0001"),
        D("-0.0000000001"), "größe 日本 🌊", datetime.date(1969, 12, 31), moment(1969, 12, 31, 23, 59, 59, 999999)),
    row(3, *[None] * 13),
    row(4, True, 0, 0, 0, 0, 0.0, 0.0, D("0.00"), D("0.0000"), D("0E-10"), 'a "quoted", longer text',
        datetime.date(1, 1, 1), moment(1, 1, 1)),
    row(5, False, 1, 1, 1, 1, float("nan"), float("inf"), D("1.00"), D("1.0000"), D("1.0000000000"), "x",
        datetime.date(9999, 12, 31), moment(9999, 12, 31, 23, 59, 59, 999999)),
]
ARROW = dict(
    id="int32", b="bool", i8="int8", i16="int16", i32="int32", i64="int64", f32="float", f64="double",
    d9="decimal128(9, 2)", d18="decimal128(18, 4)", d38="decimal128(38, 10)", s="string", d="date32[day]",
    ts="timestamp[us, tz=UTC]", tn="timestamp[us]", bin="binary")
DUCKDB = dict(
    id="INTEGER", b="BOOLEAN", i8="TINYINT", i16="SMALLINT", i32="INTEGER", i64="BIGINT", f32="FLOAT", f64="DOUBLE",
    d9="DECIMAL(9,2)", d18="DECIMAL(18,4)", d38="DECIMAL(38,10)", s="VARCHAR", d="DATE",
    ts="TIMESTAMP WITH TIME ZONE", tn="TIMESTAMP", bin="BLOB")
SPARK = dict(
    id="int", b="boolean", i8="tinyint", i16="smallint", i32="int", i64="bigint", f32="float", f64="double",
    d9="decimal(9,2)", d18="decimal(18,4)", d38="decimal(38,10)", s="string", d="date", ts="timestamp",
    tn="timestamp_ntz", bin="binary")


def expect_types(found, wanted, who):
    for name, kind in wanted.items():
        if name in found and str(found[name]) != kind:
            raise Failed(f"{who} sees {name} as {found[name]}, expected {kind}")


def check_types(report, warehouse, spark):
    table = os.path.join(warehouse, "every_type")
    files = sorted(glob.glob(f"{table}/*.parquet"))

    def arrow():
        for where in (table, files):
            data = pyarrow.dataset.dataset(where, format="parquet").to_table()
            expect_types({f.name: f.type for f in data.schema}, ARROW, "pyarrow")
            compare([tuple(r.values()) for r in data.to_pylist()], ROWS, "the CSV")
        for file in files:
            if pyarrow.parquet.read_schema(file).field("id").nullable:
                raise Failed("the NOT NULL column id is nullable")
            if not pyarrow.parquet.read_schema(file).field("b").nullable:
                raise Failed("the nullable column b is required")

    def in_duckdb():
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        source = f"read_parquet('{table}/*.parquet')"
        expect_types({r[0]: r[1] for r in connection.execute(f"DESCRIBE FROM {source}").fetchall()}, DUCKDB, "DuckDB")
        compare(connection.execute(f"SELECT * REPLACE (ts AT TIME ZONE 'UTC' AS ts) FROM {source}").fetchall(),
                ROWS, "the CSV")

    def in_polars():
        frame = polars.scan_parquet(f"{table}/*.parquet").collect()
        if frame.schema["ts"] != polars.Datetime("us", "UTC") or frame.schema["d38"] != polars.Decimal(38, 10):
            raise Failed(f"polars sees {frame.schema}")
        compare(frame.rows(), ROWS, "the CSV")

    def in_spark():
        frame = spark.read.parquet(table)
        expect_types({f.name: f.dataType.simpleString() for f in frame.schema}, SPARK, "Spark")
        # As text: Python cannot hold every timestamp Spark has in the machine's zone.
        frame = frame.selectExpr("*", "cast(ts AS string) AS t").drop("ts")
        theirs = [r[:13] + (r[15],) + r[13:15] for r in map(tuple, frame.collect())]
        compare(theirs, ROWS, "the CSV")

    def keyed():
        rows = duckdb.execute(
            f"SELECT * EXCLUDE (n, ts), n FROM read_parquet('{warehouse}/by_id/*.parquet')").fetchall()
        compare(rows, [r[:13] + (r[14], 1) for r in ROWS], "the CSV")

    def nothing():
        schema = pyarrow.dataset.dataset(os.path.join(warehouse, "empty"), format="parquet").schema
        count = duckdb.execute(f"SELECT count(*) FROM read_parquet('{warehouse}/empty/*.parquet')").fetchone()[0]
        if count != 0 or schema.names != ["id", "s"]:
            raise Failed(f"{count} rows, columns {schema.names}")

    report.check("every type in pyarrow", arrow)
    report.check("every type in DuckDB", in_duckdb)
    report.check("every type in polars", in_polars)
    if spark:
        report.check("every type in Spark", in_spark)
    else:
        report.skip("every type in Spark", "no Java")
    report.check("every type through a keyed table", keyed)
    report.check("a table without rows has its columns", nothing)


def check_readers(report, warehouse, spark):
    """All tables of a warehouse: the same rows in every reader."""
    for table in sorted(os.listdir(warehouse)):
        path = os.path.join(warehouse, table)
        if table.startswith("."):
            continue

        def readers():
            first = [tuple(r.values()) for r in pyarrow.dataset.dataset(path, format="parquet").to_table().to_pylist()]
            others = {
                "DuckDB": duckdb.execute(f"FROM read_parquet('{path}/*.parquet')").fetchall(),
                "polars": polars.scan_parquet(f"{path}/*.parquet").collect().rows(),
            }
            if spark:
                others["Spark"] = [tuple(r) for r in spark.read.parquet(path).collect()]
            for who, rows in others.items():
                compare(first, rows, who)
                if not all(type(a) is type(b) for x, y in zip(sorted(first, key=str), sorted(rows, key=str))
                           for a, b in zip(x, y)):
                    raise Failed(f"types differ in {who}: {rows[0]}, pyarrow has {first[0]}")

        report.check(f"{table} in every reader", readers)


def check(report, tidemill, sales, spark, work):
    report.section("stored tables in pyarrow, DuckDB, polars, Spark")
    project = fresh(work, "types")
    os.makedirs(f"{project}/input")
    with open(f"{project}/types.sql", "w") as file:
        file.write(PIPELINE)
    for name, text in CSV.items():
        with open(f"{project}/input/{name}", "w") as file:
            file.write(text)
    ran = []

    def run():
        tidemill.run(f"{project}/types.sql")
        ran.append(True)

    report.check("a pipeline with every type runs", run)
    if ran:
        check_types(report, f"{project}/spark-warehouse", spark)
    check_readers(report, f"{sales}/spark-warehouse", spark)
