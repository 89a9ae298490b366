"""TPC-H's 22 queries (benchmarks/tpch): as batch queries, and as materialized views over data that arrives in several
epochs, both against DuckDB, digit by digit.

DuckDB gives averages and quotients of decimals as doubles; Spark gives decimals, rounded half up to a scale that
follows from the operands. Here DuckDB is asked for them in whole numbers, which are exact, rounded to Spark's scale:

    avg(DECIMAL(15,2))                     DECIMAL(19,6)   four digits more than the operand
    DECIMAL(38,4) / DECIMAL(38,4)   (q08)  DECIMAL(38,6)   too many digits: the scale falls to six
    DECIMAL(38,6) / DECIMAL(38,4)   (q14)  DECIMAL(38,6)   the same
    DECIMAL(25,2) / DECIMAL(2,1)    (q17)  DECIMAL(30,6)   max(6, 2 + 2 + 1) digits
"""
import glob
import os
import re
import shutil
import subprocess
import sys

import duckdb

from command_line import Failed, compare, fresh, shortened

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "..", "..", "benchmarks", "tpch")
TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]
SCALE, PARTS = "0.1", 10
# A quotient of numbers with at most six digits, none negative, with six digits, half up.
MACROS = """
CREATE MACRO whole(x) AS CAST(x * 1000000 AS HUGEINT);
CREATE MACRO quotient(a, b) AS
  CAST((2 * whole(a) * 1000000 + whole(b)) // (2 * whole(b)) AS DECIMAL(38,0)) * 0.000001;
CREATE MACRO average(x) AS quotient(sum(x), count(x));
"""
# Spark's divisions, spelled for these macros.
TRANSLATIONS = {
    "q08": [("sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / sum(volume)",
             "quotient(sum(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END), sum(volume))")],
    "q14": [("100.00 * sum(", "quotient(100.00 * sum("),
            ("END)\n  / sum(l_extendedprice * (1 - l_discount))", "END), sum(l_extendedprice * (1 - l_discount)))")],
    "q17": [("sum(l_extendedprice) / 7.0", "quotient(sum(l_extendedprice), 7.0)")],
}


def queries():
    """(name, SELECT …) of each file."""
    for path in sorted(glob.glob(os.path.join(FOLDER, "q*.sql"))):
        with open(path) as file:
            name, query = re.match(r"CREATE MATERIALIZED VIEW (\w+) AS\n(.*);", file.read(), re.S).groups()
        yield name, query


def generator():
    """tpchgen-cli (PyPI), beside the Python that runs this or in PATH."""
    beside = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
    return beside if os.path.exists(beside) else shutil.which("tpchgen-cli")


def check(report, tidemill, work, data=None):
    report.section(f"TPC-H at scale {SCALE} against DuckDB")
    folder = data or fresh(work, "tpch")
    if not data:
        command = generator()
        if not command:
            report.skip("TPC-H", "tpchgen-cli is not installed")
            return
        subprocess.run([command, "parquet", "-s", SCALE, f"--parts={PARTS}", f"--output-dir={folder}"], check=True,
                       capture_output=True)
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{folder}/{table}/*.parquet')")
    with open(os.path.join(FOLDER, "tables.sql")) as file:
        tables = file.read()
    with open(f"{folder}/batch.sql", "w") as file:
        file.write(tables)

    connection.execute(MACROS)
    answers = {}

    def expected(name, query):
        if name not in answers:
            for spark, duck in TRANSLATIONS.get(name, []):
                assert spark in query, f"{name} was changed: {spark}"
                query = query.replace(spark, duck)
            answers[name] = connection.execute(query.replace("avg(", "average(")).fetchall()
            if not answers[name]:
                raise Failed("the query has no rows: it proves nothing")
        return answers[name]

    def batch(name, query):
        _, rows = tidemill.rows(query, f"{folder}/batch.sql")
        compare(rows, expected(name, query), "DuckDB", tolerance=None)

    def view(name, query):
        shutil.rmtree(f"{folder}/{name}-warehouse", ignore_errors=True)
        shutil.rmtree(f"{folder}/.tidemill", ignore_errors=True)
        with open(f"{folder}/{name}.sql", "w") as file:
            file.write(tables.replace("')", "', maxFilesPerTrigger '1')"))
            file.write(f"CREATE MATERIALIZED VIEW {name} AS\n{query};\n")
        status, _, err = tidemill.call("run", f"{folder}/{name}.sql", "--warehouse", f"{folder}/{name}-warehouse")
        if status != 0:
            raise Failed(f"run ended with {status}: {shortened(err)}")
        rows = connection.execute(f"FROM read_parquet('{folder}/{name}-warehouse/{name}/*.parquet')").fetchall()
        compare(rows, expected(name, query), "DuckDB", tolerance=None)

    for name, query in queries():
        report.check(f"{name} as a batch query", lambda: batch(name, query))
        report.check(f"{name} as a view in {PARTS} epochs", lambda: view(name, query))
