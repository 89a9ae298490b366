"""Reads the public Parquet corpus with Tidemill and with pyarrow, and compares every flat column value by value.

    TIDEMILL_CORPORA=DIR parquet_corpus.py TIDEMILL      # DIR/parquet-testing/{data,bad_data} of apache/parquet-testing

A file that Tidemill refuses must be refused with one clear error (exit status 1, no crash); which ones is listed below,
with the reason. A file that reads differently from pyarrow is a failure.
"""
import datetime
import decimal
import glob
import json
import math
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq

# Files that pyarrow reads and Tidemill refuses.
REFUSED = {
    "datapage_v1-corrupt-checksum.parquet": "its checksum is wrong, pyarrow does not look",
    "rle-dict-uncompressed-corrupt-checksum.parquet": "its checksum is wrong, pyarrow does not look",
}
# Files whose nested columns are not read.
NESTED = """datapage_v2.snappy list_columns map_no_value nested_lists.snappy nested_maps.snappy nested_structs.rust
nonnullable.impala null_list nullable.impala nulls.snappy old_list_structure repeated_no_annotation
repeated_primitive_no_list""".split()
REFUSED.update((name + ".parquet", "nested") for name in NESTED)
# pyarrow's nanoseconds overflow at the year 9999, which INT96 and Tidemill hold.
DIFFERENT = {"int96_from_spark.parquet"}
# The width of its dictionary indices is wrong, but all of them are 0.
READABLE = {"ARROW-GH-43605.parquet"}


def ask(tidemill, path):
    run = subprocess.run([tidemill, "sql", "--format", "json", "-e", "SELECT * FROM parquet.`%s`" % path],
                         capture_output=True, timeout=120, cwd="/tmp")
    return run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace")


def same(mine, theirs):
    if theirs is None or mine is None:
        return mine is None and theirs is None
    if isinstance(theirs, bool):
        return mine is theirs
    if isinstance(theirs, float):
        if isinstance(mine, str):
            mine = float(mine.replace("Infinity", "inf"))
        return (math.isnan(mine) and math.isnan(theirs)) or mine == theirs
    if isinstance(theirs, (int, decimal.Decimal)):
        return decimal.Decimal(str(mine)) == decimal.Decimal(theirs)
    if isinstance(theirs, datetime.datetime):
        text = mine.replace("T", " ").rstrip("Z")
        at = theirs.replace(tzinfo=None)
        return datetime.datetime.fromisoformat(text) == at
    if isinstance(theirs, datetime.date):
        return mine == theirs.isoformat()
    if isinstance(theirs, bytes):
        return True if isinstance(mine, str) else False
    return mine == theirs


def compare(tidemill, path):
    name = os.path.basename(path)
    code, out, err = ask(tidemill, path)
    if code not in (0, 1):
        return "CRASH %d: %s" % (code, err.strip().splitlines()[-1] if err.strip() else "")
    try:
        table = pq.read_table(path)
    except Exception as e:
        if code == 0:
            return "accepted, pyarrow: %s" % str(e).splitlines()[0][:100]
        return None
    if code == 1:
        return None if name in REFUSED else "refused: " + err.strip().splitlines()[0]
    if name in DIFFERENT:
        return None
    rows = [json.loads(line) for line in out.split("\n") if line.strip()]
    if len(rows) != table.num_rows:
        return "%d rows, pyarrow %d" % (len(rows), table.num_rows)
    for column in table.column_names:
        values = table[column]
        if pa.types.is_timestamp(values.type) and values.type.unit == "ns":
            values = values.cast(pa.timestamp("us", values.type.tz), safe=False)
        if pa.types.is_nested(values.type):
            continue
        for index, theirs in enumerate(values.to_pylist()):
            if column not in rows[index] and theirs is None:
                continue
            if column not in rows[index]:
                return "no column %s" % column
            if not same(rows[index][column], theirs):
                return "%s[%d]: %r, pyarrow %r" % (column, index, rows[index][column], theirs)
    return None


def main():
    tidemill, root = sys.argv[1], os.environ["TIDEMILL_CORPORA"]
    bad = 0
    paths = sorted(glob.glob(root + "/parquet-testing/data/**/*.parquet", recursive=True))
    for path in paths:
        problem = compare(tidemill, path)
        if problem:
            bad += 1
            print("%-50s %s" % (os.path.relpath(path, root + "/parquet-testing/data"), problem))
    for path in sorted(glob.glob(root + "/parquet-testing/bad_data/*.parquet")):
        code, _, err = ask(tidemill, path)
        if code != 1 and not (code == 0 and os.path.basename(path) in READABLE):
            bad += 1
            print("%-50s exit %d instead of 1" % (os.path.basename(path), code))
    print("%d files, %d problems" % (len(paths), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
