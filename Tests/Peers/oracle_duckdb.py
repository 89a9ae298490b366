#!/usr/bin/env python3
"""The second judge of the grammar oracle: computes every case with DuckDB and compares it with what Tidemill stored.

    TIDE_ORACLE_OUT=DIR make test FILTER=GrammarOracleTests
    python3 Tests/Peers/oracle_duckdb.py DIR

Comments of the form /*, … */ in a query break ties the way Tidemill does; DuckDB is told by taking them for text.
/*1*/ours/*2theirs*/ says what DuckDB calls otherwise; NOT POSSIBLE what it has no word for.
"""
import datetime
import decimal
import glob
import json
import math
import os
import re
import sys

import duckdb

TABLES = {
    "l": "id BIGINT, k VARCHAR, g BIGINT, v BIGINT",
    "r": "k VARCHAR, g BIGINT, w BIGINT",
    "c": "id BIGINT, k VARCHAR, v BIGINT",
    "x": "k VARCHAR, d DOUBLE, m DECIMAL(20,2), a DATE, z TIMESTAMP",
}
FIRST_DAY = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


def encoded(value):
    """As the oracle writes values: decimals in hundredths, dates in days, times in microseconds; NaN by its name."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, decimal.Decimal):
        return int(value * 100)
    if isinstance(value, datetime.datetime):
        return (value - FIRST_DAY) // MICROSECOND
    if isinstance(value, datetime.date):
        return (value - FIRST_DAY.date()).days
    if isinstance(value, datetime.timedelta):
        return value // MICROSECOND
    if isinstance(value, float):
        return str(value) if not math.isfinite(value) else int(value) if value == int(value) else value
    return value


def decoded(row):
    """A row of x as DuckDB takes it."""
    k, d, m, a, z = row
    return [k, None if d is None else float(d), None if m is None else decimal.Decimal(m) / 100,
            None if a is None else FIRST_DAY.date() + datetime.timedelta(days=a),
            None if z is None else FIRST_DAY + z * MICROSECOND]


def to_duckdb(sql):
    sql = re.sub(r"/\*1\*/.*?/\*2(.*?)\*/", r"\1", sql, flags=re.S)
    sql = re.sub(r"/\*2?(.*?)\*/", lambda match: match.group(1), sql)
    sql = re.sub(r"\bLEFT (SEMI|ANTI) JOIN\b", r"\1 JOIN", sql)
    sql = sql.replace("INTERVAL DAY TO SECOND", "INTERVAL")
    return sql.replace("<=>", "IS NOT DISTINCT FROM").replace("AS STRING", "AS VARCHAR").replace(";", ",")


def order(row):
    return [(value is not None, str(type(value)), value if value is not None else 0) for value in row]


def main():
    failed = checked = refused = 0
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
        with open(path) as file:
            case = json.load(file)
        if any("NOT POSSIBLE" in text for text in [case["sql"], *(sql for _, sql in case["views"])]):
            refused += 1
            continue
        db = duckdb.connect()
        db.execute("SET default_null_order = 'NULLS_FIRST_ON_ASC_LAST_ON_DESC'")
        for name, columns in TABLES.items():
            db.execute(f"CREATE TABLE {name} ({columns})")
            if case[name]:
                marks = ", ".join("?" for _ in case[name][0])
                rows = [decoded(row) for row in case[name]] if name == "x" else case[name]
                db.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        try:
            for name, sql in case["views"]:
                db.execute(f"CREATE VIEW {name} AS {to_duckdb(sql)}")
            rows = db.execute(to_duckdb(case["sql"])).fetchall()
        except duckdb.NotImplementedException:
            refused += 1
            continue
        except duckdb.Error as error:
            failed += 1
            print(f"{path}: {to_duckdb(case['sql'])}\n  {error}")
            continue
        wanted = sorted([[encoded(v) for v in row] for row in rows], key=order)
        checked += 1
        if wanted != sorted(case["found"], key=order):
            failed += 1
            print(f"{path}: {case['sql']}\n  found  {case['found']}\n  duckdb {wanted}")
    print(f"{checked} results compared with DuckDB, {failed} differ, {refused} not possible there")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
