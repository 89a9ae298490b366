"""TPC-H's 22 queries (benchmarks/tpch) at a small scale: as batch queries, and as materialized views over data that
arrives in several epochs, both against DuckDB."""
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
# Spark rounds averages and quotients of decimals to a scale; DuckDB computes them as doubles.
TOLERANCE = 1e-4
SCALE, PARTS = "0.01", 5


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

    def expected(query):
        return connection.execute(query).fetchall()

    def batch(query):
        _, rows = tidemill.rows(query, f"{folder}/batch.sql")
        compare(rows, expected(query), "DuckDB", tolerance=TOLERANCE)

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
        compare(rows, expected(query), "DuckDB", tolerance=TOLERANCE)

    for name, query in queries():
        report.check(f"{name} as a batch query", lambda: batch(query))
        report.check(f"{name} as a view in {PARTS} epochs", lambda: view(name, query))
