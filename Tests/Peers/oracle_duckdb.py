#!/usr/bin/env python3
"""The second judge of the grammar oracle: computes every case with DuckDB and compares it with what Tidemill stored.

    TIDE_ORACLE_OUT=DIR make test FILTER=GrammarOracleTests
    python3 Tests/Peers/oracle_duckdb.py DIR

Comments of the form /*, … */ in a query break ties the way Tidemill does; DuckDB is told by taking them for text.
"""
import glob
import json
import os
import re
import sys

import duckdb

TABLES = {
    "l": "id BIGINT, k VARCHAR, g BIGINT, v BIGINT",
    "r": "k VARCHAR, g BIGINT, w BIGINT",
    "c": "id BIGINT, k VARCHAR, v BIGINT",
}


def to_duckdb(sql):
    sql = re.sub(r"/\*(.*?)\*/", lambda match: match.group(1).replace(";", ","), sql)
    sql = re.sub(r"\bLEFT (SEMI|ANTI) JOIN\b", r"\1 JOIN", sql)
    return sql.replace("<=>", "IS NOT DISTINCT FROM").replace("AS STRING", "AS VARCHAR")


def order(row):
    return [(value is not None, str(type(value)), value if value is not None else 0) for value in row]


def main():
    failed = checked = refused = 0
    for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.json"))):
        with open(path) as file:
            case = json.load(file)
        # Generators and collected arrays are spelled too differently there.
        if "explode" in case["sql"] or "array_agg" in case["sql"] or "collect_" in case["sql"]:
            refused += 1
            continue
        db = duckdb.connect()
        db.execute("SET default_null_order = 'NULLS_FIRST_ON_ASC_LAST_ON_DESC'")
        for name, columns in TABLES.items():
            db.execute(f"CREATE TABLE {name} ({columns})")
            if case[name]:
                marks = ", ".join("?" for _ in case[name][0])
                db.executemany(f"INSERT INTO {name} VALUES ({marks})", case[name])
        try:
            rows = db.execute(to_duckdb(case["sql"])).fetchall()
        except duckdb.NotImplementedException:
            refused += 1
            continue
        wanted = sorted([[int(v) if isinstance(v, int) else v for v in row] for row in rows], key=order)
        checked += 1
        if wanted != sorted(case["found"], key=order):
            failed += 1
            print(f"{path}: {case['sql']}\n  found  {case['found']}\n  duckdb {wanted}")
    print(f"{checked} results compared with DuckDB, {failed} differ, {refused} not possible there")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
