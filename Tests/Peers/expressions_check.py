"""Scalar expressions over columns, through `tidemill sql`, against Spark: type, text of the value, class of the error."""
import os
import re
import struct

from command_line import Failed, fresh

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = ("i INT, j INT, l BIGINT, h SMALLINT, y TINYINT, d DOUBLE, e DOUBLE, f FLOAT, m DECIMAL(12,3), k DECIMAL(6,1),"
           " s STRING, t STRING, n STRING, a DATE, c DATE, ts TIMESTAMP, tu TIMESTAMP, tn TIMESTAMP_NTZ, b BOOLEAN")
ROWS = """i,j,l,h,y,d,e,f,m,k,s,t,n,a,c,ts,tu,tn,b
7,3,100000000000,300,5,2.5,0.1,1.5,123.456,2.5,Hello World,lo,42,2024-02-29,2023-12-31,2024-02-29T12:34:56.789Z,2024-03-10T00:00:00Z,2024-02-29T12:34:56,true
-7,3,-100000000000,-300,-5,-2.5,1e10,-0.25,-123.455,-2.5,"  padded text ",text,-17,1969-12-31,1970-01-01,1969-12-31T23:59:59.5Z,1970-01-01T00:00:00Z,1969-12-31T23:59:59,false
0,1,0,0,0,0.0,-1.0,0.0,0.000,0.5,größe,ö,0,2000-01-01,2000-01-01,2000-01-01T00:00:00Z,2000-01-01T00:00:00Z,2000-01-01T00:00:00,true
2147483000,2,9007199254740993,32000,100,1e15,123456.789,3.4e10,999999999.999,99999.9,a.b.c,.,2147483647,2099-12-31,2100-01-01,2099-12-31T23:00:00Z,2024-02-29T12:34:56Z,2099-12-31T23:00:00,false
12,-5,1,1,1,0.285,3.0,0.1,1.005,0.1,ABCabc 日本語,b,1,2023-01-31,2023-02-28,2023-01-31T10:00:00.000001Z,2022-01-31T10:00:00Z,2023-01-31T10:00:00,true
,,,,,,,,,,,,,,,,,,
"""
# Where Tidemill knowingly differs: expression -> why.
KNOWN = {
    "lower(upper(s)) = lower(s)": "Spark's optimizer drops the inner upper(), which changes 'größe'; Tidemill computes it",
    "a - c": "interval types carry their family, not their fields",
    "SELECT i FROM v LIMIT j": "Spark resolves LIMIT without columns and so calls j unknown; ours says it is not constant",
    "SELECT round(i, 'x') FROM v": "Spark folds the cast of 'x'; ours says that the scale must be a constant INT",
}
# Java before 19 prints floats (JDK-4511638) with more digits than it takes to tell them apart: 3.3999999E10 for 3.4E10.
FLOAT_TEXT = {"CAST(f AS string)"}


def same_value(kind, left, right):
    """Equal as text. Floats may differ in how Java prints them, doubles in the last bit that libm and Java compute."""
    if left == right or left is None or right is None:
        return left == right
    if kind == "float":
        return float32(left) == float32(right)
    if kind == "double":
        return abs(float(left) - float(right)) <= 4e-16 * abs(float(right))
    return False


def float32(text):
    """The 32-bit float of this text."""
    return struct.pack("f", float(text))


def rows_of(spark, expressions):
    fields = [f"typeof({e}) AS t{i}, CAST({e} AS STRING) AS v{i}" for i, e in enumerate(expressions)]
    return [tuple(r) for r in spark.sql(f"SELECT {', '.join(fields)} FROM v ORDER BY i NULLS FIRST").collect()]


def spark_class(spark, query):
    try:
        spark.sql(query).collect()
    except Exception as error:
        found = re.search(r"\[([A-Z_0-9.]+)\]", str(error))
        return found.group(1) if found else str(error).splitlines()[0]
    return None


def read(name):
    with open(os.path.join(HERE, name)) as file:
        lines = [line.rstrip("\n") for line in file]
    return [line for line in lines if line and not line.startswith("#")]


def check(report, tidemill, spark, work):
    report.section("expressions against Spark")
    expressions, errors = read("expressions.txt"), read("errors.txt")
    if not spark:
        report.skip("expressions", "no Java", len(expressions) + len(errors))
        return
    project = fresh(work, "expressions")
    os.makedirs(f"{project}/v")
    with open(f"{project}/v/v.csv", "w") as file:
        file.write(ROWS)
    script = f"{project}/v.sql"
    with open(script, "w") as file:
        file.write(f"CREATE TABLE v ({COLUMNS}) USING csv OPTIONS (path 'v', header 'true');\n"
                   "CREATE MATERIALIZED VIEW w AS SELECT * FROM v;\n")
    spark.read.csv(f"{project}/v", header=True, schema=COLUMNS).createOrReplaceTempView("v")

    def ours(chosen):
        fields = [f"typeof({e}) AS t{i}, CAST({e} AS STRING) AS v{i}" for i, e in enumerate(chosen)]
        return tidemill.rows(f"SELECT {', '.join(fields)} FROM v ORDER BY i NULLS FIRST", script)[1]

    def batch_of(source, chosen):
        """Values of all, or None if one of them fails."""
        try:
            return source(chosen)
        except Exception:
            return None

    def one(expression, mine, theirs):
        if mine is None:
            mine = ours([expression])
        if theirs is None:
            found = batch_of(lambda chosen: rows_of(spark, chosen), [expression])
            if found is None:
                raise Failed("Spark refuses: " + str(spark_class(spark, f"SELECT {expression} FROM v")))
            theirs = found
        if expression in KNOWN:
            return
        for row, (left, right) in enumerate(zip(mine, theirs)):
            if left[0] != right[0]:
                raise Failed(f"type {left[0]}, Spark has {right[0]}")
            if not same_value("float" if expression in FLOAT_TEXT else left[0], left[1], right[1]):
                raise Failed(f"{left[1]!r} in row {row}, Spark has {right[1]!r}")

    size = 40
    for start in range(0, len(expressions), size):
        chosen = expressions[start : start + size]
        mine = batch_of(ours, chosen)
        theirs = batch_of(lambda chosen: rows_of(spark, chosen), chosen)
        for index, expression in enumerate(chosen):
            pick = lambda rows: rows and [row[2 * index : 2 * index + 2] for row in rows]
            report.check(expression, lambda: one(expression, pick(mine), pick(theirs)))

    def error(query):
        mine, theirs = tidemill.error_class(query, script), spark_class(spark, query)
        # What stands after the point says the same more precisely, in places differently.
        if (mine or "").split(".")[0] != (theirs or "").split(".")[0] and query not in KNOWN:
            raise Failed(f"{mine}, Spark has {theirs}")

    for query in errors:
        report.check(query, lambda: error(query))
