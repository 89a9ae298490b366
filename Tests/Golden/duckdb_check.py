#!/usr/bin/env python3
"""Computes the tables of golden streams with DuckDB and compares them with what the files expect.

    python3 Tests/Golden/duckdb_check.py [PART OF A PATH]

Looks at files that say "Expected: DuckDB". After every epoch block each query runs over all input so far; nothing here
knows about increments. Needs the Python package duckdb.
"""
import glob
import os
import re
import sys
import tempfile
from decimal import Decimal

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = {"STRING": "VARCHAR"}


def blocks_of(text):
    """(sql, [(input lines, expected sections)])"""
    head, *rest = re.split(r"(?m)^epoch\n", text)
    out = []
    for block in rest:
        steps, _, expected = block.partition("----\n")
        sections = []
        for section in expected.split("\n\n"):
            lines = [line for line in section.split("\n") if line]
            while lines and lines[0].startswith(("rows read", "bad rows")):
                lines.pop(0)
            if lines and lines[0].startswith("table "):
                sections.append((lines[0], lines[1:]))
        out.append((steps, sections))
    return head, out


def apply(steps, root, sql):
    lines = steps.split("\n")
    i = 0
    while i < len(lines):
        words = lines[i].split(" ", 2)
        i += 1
        if words[0] == "file" and len(words) == 2:
            content = []
            while i < len(lines) and lines[i]:
                content.append(lines[i])
                i += 1
            path = os.path.join(root, words[1])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write("".join(line + "\n" for line in content))
        elif words[0] == "sql":
            content = []
            while lines[i] != "end":
                content.append(lines[i])
                i += 1
            i += 1
            sql = "\n".join(content) + "\n"
    return sql


def to_duckdb(query):
    query = re.sub(r"\bSTREAM\s*\(\s*(\w+)\s*\)", r"\1", query)
    query = re.sub(r"\bSTREAM\s+(\w+)", r"\1", query)
    query = re.sub(r"\bWITH\s*\(maxFilesPerTrigger = \d+\)", "", query)
    query = re.sub(r"(\d\.\d+)D\b", r"\1", query)
    query = re.sub(r"\bLEFT (SEMI|ANTI) JOIN\b", r"\1 JOIN", query)
    query = query.replace("<=>", "IS NOT DISTINCT FROM")
    return query


def statements(sql):
    sql = re.sub(r"(?m)^--.*$", "", sql)
    return [part.strip() for part in sql.split(";") if part.strip()]


def evaluate(sql, root):
    """Every stored table as rows."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute("SET default_null_order = 'NULLS_FIRST_ON_ASC_LAST_ON_DESC'")
    db.execute("CREATE MACRO to_date(x, f) AS CAST(strptime(x, '%Y-%m-%d') AS DATE)")
    db.execute("CREATE MACRO count_if(x) AS count(CASE WHEN x THEN 1 END)")
    db.execute("CREATE MACRO date_add(d, n) AS CAST(d + CAST(n AS INTEGER) AS DATE)")
    db.execute("CREATE MACRO datediff(a, b) AS CAST(a - b AS BIGINT)")
    stored, flows = [], {}
    for statement in statements(sql):
        if match := re.match(r"CREATE TABLE (\w+) \((.*)\)\s+USING csv OPTIONS \((.*)\)$", statement, re.S):
            name, columns, options = match.groups()
            options = dict(re.findall(r"(\w+) '([^']*)'", options))
            fields = re.findall(r"(\w+) (\w+(?:\([\d,]+\))?)", columns)
            types = {field: TYPES.get(kind, kind) for field, kind in fields}
            db.execute(f"CREATE TABLE {name} ({', '.join(f'{f} {t}' for f, t in types.items())})")
            for path in sorted(glob.glob(os.path.join(root, options["path"], "*"))):
                if os.path.getsize(path) == 0:
                    continue
                null = options.get("nullValue", "")
                db.execute(
                    f"INSERT INTO {name} SELECT * FROM read_csv('{path}', columns = {types}, auto_detect = false, "
                    f"delim = ',', quote = '\"', escape = '\"', "
                    f"header = {options.get('header', 'false')}, nullstr = '{null}', null_padding = false)"
                )
        elif match := re.match(
            r"CREATE (MATERIALIZED VIEW|STREAMING TABLE|TEMPORARY VIEW) (\w+)(?:\s*\(.*?\))?\s+AS\s+(.*)$", statement, re.S
        ):
            kind, name, query = match.groups()
            if kind != "TEMPORARY VIEW":
                stored.append(name)
            flows[name] = [to_duckdb(query)]
        elif match := re.match(r"CREATE STREAMING TABLE (\w+) \((.*)\)$", statement, re.S):
            name, columns = match.groups()
            fields = re.findall(r"(\w+) (\w+)", columns)
            stored.append(name)
            flows[name] = [", ".join(f for f, _ in fields)]
        elif match := re.match(r"CREATE FLOW \w+ AS INSERT INTO (\w+)( BY NAME)? (.*)$", statement, re.S):
            name, by_name, query = match.groups()
            flows[name].append(f"SELECT {flows[name][0]} FROM ({to_duckdb(query)})")
        else:
            raise SystemExit(f"cannot read: {statement}")
    pending = list(flows.items())
    while pending:
        for item in list(pending):
            name, parts = item
            parts = parts[1:] if len(parts) > 1 else parts
            try:
                db.execute(f"CREATE VIEW {name} AS {' UNION ALL '.join(parts)}")
            except duckdb.CatalogException:
                continue
            pending.remove(item)
    return {name: db.execute(f"SELECT * FROM {name}").fetchall() for name in stored}


def parse(text, kind):
    if text == "NULL":
        return None
    if kind == "STRING":
        return "" if text == "''" else text.replace("\\p", "|")
    if kind == "DOUBLE":
        return float(text)
    if kind in ("INT", "BIGINT"):
        return int(text)
    return text


def canonical(value, kind):
    if value is None:
        return None
    if kind == "DOUBLE":
        return float(value)
    if kind in ("INT", "BIGINT"):
        return int(value)
    if kind == "BOOLEAN":
        return "true" if value else "false"
    if kind == "TIMESTAMP":
        text = str(value)
        return text.rstrip("0") if "." in text else text
    return str(value)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= 1e-12 * max(abs(a), abs(b)) or (a != a and b != b)
    return a == b


def check(path):
    head, blocks = blocks_of(open(path).read())
    problems = []
    with tempfile.TemporaryDirectory() as root:
        sql = head
        for number, (steps, sections) in enumerate(blocks):
            sql = apply(steps, root, sql)
            tables = evaluate(sql, root)
            if not sections:
                problems.append(f"block {number + 1}: nothing is expected")
            for title, lines in sections:
                match = re.match(r"table (\w+) \((.*)\)$", title)
                name, columns = match.groups()
                kinds = [c.rsplit(" ", 1)[1] for c in re.split(r", (?=\w+ )", columns)]
                want = [tuple(parse(v, k) for v, k in zip(line.split("|"), kinds)) for line in lines]
                have = [tuple(canonical(v, k) for v, k in zip(row, kinds)) for row in tables[name]]
                order = lambda row: [(v is not None, str(type(v)), v if v == v else 0) for v in row]
                want.sort(key=order)
                have.sort(key=order)
                if len(want) != len(have) or any(not same(a, b) for x, y in zip(want, have) for a, b in zip(x, y)):
                    problems.append(f"block {number + 1}, {name}:\n    file   {want}\n    DuckDB {have}")
    return problems


def main():
    part = sys.argv[1] if len(sys.argv) > 1 else ""
    failed = count = 0
    for path in sorted(glob.glob(os.path.join(HERE, "**", "*.tide"), recursive=True)):
        if part not in path or "Expected: DuckDB" not in open(path).read():
            continue
        count += 1
        try:
            problems = check(path)
        except duckdb.Error as error:
            problems = [f"{type(error).__name__}: {error}"]
        if problems:
            failed += 1
            print(os.path.relpath(path, HERE))
            for problem in problems:
                print("  " + problem)
    print(f"{count} files, {failed} failed")
    sys.exit(failed > 0)


main()
