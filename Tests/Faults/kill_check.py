"""Kills the real program with SIGKILL at random moments while DuckDB and pyarrow read its tables.

usage: kill_check.py [tidemill binary] [--kills N] [--seed N] [--keep DIR]

The pipeline has an append streaming table, a small and a large upserted view, and a view over a join. Files keep
arriving while it is killed and started again; the last run is left in peace. Then

- every table equals, row for row, the table of a run over the same files that nobody disturbed;
- whatever a reader saw meanwhile was the table after some whole number of files, or a clean "not found": no key twice,
  no mixture of two versions. Counts and sums after every number of files are computed here, from the generated rows.

Exit status 1 if a check failed. The seed is printed; it fixes the input and the moments, not the machine's timing.
"""
import argparse
import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import duckdb
import numpy
import pyarrow
import pyarrow.compute
import pyarrow.parquet

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = 1_000_000
ROWS_PER_FILE = 20_000
CUSTOMERS = 5_000
TABLES = ["large_orders", "per_region", "per_key", "per_segment"]

PROJECT = """
CREATE TABLE orders (id BIGINT, item BIGINT, customer INT, region STRING, amount BIGINT)
  USING csv OPTIONS (path 'input/orders', header 'true', maxFilesPerTrigger '2');
CREATE TABLE customers (customer INT, segment STRING) USING csv OPTIONS (path 'input/customers', header 'true');

CREATE STREAMING TABLE large_orders AS SELECT id, item, amount FROM STREAM orders WHERE amount >= 500;
CREATE MATERIALIZED VIEW per_region AS
  SELECT region, count(*) AS n, sum(amount) AS total FROM orders GROUP BY region;
CREATE MATERIALIZED VIEW per_key AS SELECT item, count(*) AS n, sum(amount) AS total FROM orders GROUP BY item;
CREATE MATERIALIZED VIEW per_segment AS
  SELECT c.segment, count(*) AS n, sum(o.amount) AS total
  FROM orders o JOIN customers c ON o.customer = c.customer GROUP BY c.segment;
"""


class Input:
    """Files of orders, and what each table has to hold after every number of them."""

    def __init__(self, directory, seed):
        self.directory = directory
        self.random = numpy.random.default_rng(seed)
        self.files = 0
        self.rows = 0
        self.seen = numpy.zeros(KEYS, dtype=bool)
        # (rows, counted rows, sum) of each table after 0, 1, 2 … files.
        self.after = {table: {(0, 0, 0)} for table in TABLES}
        self.now = {table: [0, 0, 0] for table in TABLES}
        self.regions = set()
        self.segments = set()
        os.makedirs(os.path.join(directory, "orders"))
        os.makedirs(os.path.join(directory, "customers"))
        with open(os.path.join(directory, "customers", "all.csv"), "w") as out:
            out.write("customer,segment\n")
            for customer in range(CUSTOMERS):
                out.write(f"{customer},segment {customer % 7}\n")

    def add_file(self):
        n = ROWS_PER_FILE
        ids = numpy.arange(self.rows, self.rows + n)
        items = self.random.integers(0, KEYS, n)
        customers = self.random.integers(0, CUSTOMERS * 2, n)  # half of them have no row in customers
        regions = self.random.integers(0, 12, n)
        amounts = self.random.integers(1, 1000, n)
        name = f"{self.files:06}.csv"
        hidden = os.path.join(self.directory, "orders", "." + name)
        with open(hidden, "w") as out:
            out.write("id,item,customer,region,amount\n")
            out.writelines(
                f"{i},{k},{c},region {r},{a}\n" for i, k, c, r, a in zip(ids, items, customers, regions, amounts))
        self.rows += n
        self.files += 1
        # File order is (mtime, path): one second apart, so that every run takes them in the same order.
        stamp = 1_700_000_000 + self.files
        os.utime(hidden, (stamp, stamp))

        large = amounts[amounts >= 500]
        self.seen[items] = True
        self.regions.update(regions.tolist())
        joined = customers < CUSTOMERS
        self.segments.update((customers[joined] % 7).tolist())
        for table, rows, count, total in (
            ("large_orders", self.now["large_orders"][0] + len(large), len(large), large.sum()),
            ("per_region", len(self.regions), n, amounts.sum()),
            ("per_key", int(self.seen.sum()), n, amounts.sum()),
            ("per_segment", len(self.segments), joined.sum(), amounts[joined].sum()),
        ):
            state = self.now[table]
            self.now[table] = [rows, state[1] + int(count), state[2] + int(total)]
            self.after[table].add(tuple(self.now[table]))
        os.rename(hidden, os.path.join(self.directory, "orders", name))


class Readers(threading.Thread):
    """Reads every table again and again, by turns with DuckDB and pyarrow."""

    def __init__(self, warehouse, expected):
        super().__init__(daemon=True)
        self.warehouse = warehouse
        self.expected = expected
        self.stopping = threading.Event()
        self.reads = 0
        self.not_found = 0
        self.versions = {table: set() for table in TABLES}
        self.faults = []

    def run(self):
        turn = 0
        while not self.stopping.wait(0.01):
            table = TABLES[turn % len(TABLES)]
            with_duckdb = (turn // len(TABLES)) % 2 == 0
            turn += 1
            try:
                rows = self.read_duckdb(table) if with_duckdb else self.read_pyarrow(table)
            except Missing:
                self.not_found += 1
                continue
            self.reads += 1
            count, keys, counted, total = rows
            reader = "DuckDB" if with_duckdb else "pyarrow"
            if count != keys:
                self.faults.append(f"{reader} saw {count - keys} keys twice in {table}")
            elif (count, counted, total) not in self.expected[table]:
                self.faults.append(f"{reader} saw a mixture in {table}: {count} rows, {counted} counted, sum {total}")
            else:
                self.versions[table].add((count, counted, total))

    @staticmethod
    def columns(table):
        return {"large_orders": ("id", "1", "amount"), "per_region": ("region", "n", "total"),
                "per_key": ("item", "n", "total"), "per_segment": ("segment", "n", "total")}[table]

    def read_duckdb(self, table):
        key, count, total = self.columns(table)
        pattern = os.path.join(self.warehouse, table, "*.parquet")
        try:
            with duckdb.connect() as connection:
                connection.execute("SET threads = 1")
                return connection.execute(
                    f"SELECT count(*), count(DISTINCT {key}), coalesce(sum({count}), 0), coalesce(sum({total}), 0)"
                    f" FROM read_parquet('{pattern}')").fetchone()
        except duckdb.IOException as error:
            # No file, or one that was listed and is gone.
            if "No files found" in str(error) or "Cannot open file" in str(error):
                raise Missing from None
            raise

    def read_pyarrow(self, table):
        key, count, total = self.columns(table)
        try:
            rows = pyarrow.parquet.read_table(os.path.join(self.warehouse, table))
        except FileNotFoundError:
            raise Missing from None
        if rows.num_rows == 0:
            return 0, 0, 0, 0
        counted = rows.num_rows if count == "1" else pyarrow.compute.sum(rows[count]).as_py()
        return (rows.num_rows, pyarrow.compute.count_distinct(rows[key]).as_py(), counted,
                pyarrow.compute.sum(rows[total]).as_py())


class Missing(Exception):
    pass


def run(binary, project, storage, warehouse, kill_after=None):
    """The exit status; None if it was killed."""
    process = subprocess.Popen(
        [binary, "run", project, "--storage", storage, "--warehouse", warehouse, "--progress", "none", "--set",
         "tidemill.publishInterval=50 ms", "--set", "tidemill.flushBytes=400000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if kill_after is not None:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    stderr = process.communicate()[1]
    if process.returncode == -signal.SIGKILL:
        return None
    if process.returncode != 0:
        print(stderr, end="", flush=True)
    return process.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", default=os.environ.get("TIDEMILL_BINARY")
                        or os.path.join(HERE, "..", "..", ".build", "release", "tidemill"))
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", help="work here, and leave everything there")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    print(f"seed {options.seed}", flush=True)
    work = options.keep or tempfile.mkdtemp(prefix="tidemill-kill-")
    os.makedirs(work, exist_ok=True)
    project = os.path.join(work, "kill.sql")
    with open(project, "w") as out:
        out.write(PROJECT)
    moments = random.Random(options.seed)
    source = Input(os.path.join(work, "input"), options.seed)
    storage, warehouse = os.path.join(work, "storage"), os.path.join(work, "warehouse")
    readers = Readers(warehouse, source.after)
    failures = []

    # 50 files of 20,000 rows over a million keys, so that the large view is large from the start.
    for _ in range(50):
        source.add_file()
    readers.start()
    kills = runs = 0
    span = 0.3
    while kills < options.kills and not failures:
        started = time.monotonic()
        status = run(binary, project, storage, warehouse, kill_after=moments.uniform(0.01, span))
        runs += 1
        if status is None:
            kills += 1
            span = min(span * 1.02, 2.0)
            if kills % 20 == 0:
                print(f"{kills} kills, {source.files} files, {readers.reads} reads, "
                      f"{readers.not_found} not found", flush=True)
        elif status == 0:
            # It was through before its moment: there is too little to do.
            span = max(0.05, time.monotonic() - started)
            for _ in range(4):
                source.add_file()
        else:
            failures.append(f"a run ended with exit status {status}")
        if moments.random() < 0.5:
            source.add_file()
    if not failures and run(binary, project, storage, warehouse) != 0:
        failures.append("the last run failed")
    readers.stopping.set()
    readers.join()
    failures += readers.faults[:10]

    if not failures:
        quiet = os.path.join(work, "quiet")
        if run(binary, project, os.path.join(quiet, "storage"), os.path.join(quiet, "warehouse")) != 0:
            failures.append("the undisturbed run failed")
    if not failures:
        for table in TABLES:
            disturbed, calm = (f"read_parquet('{path}/{table}/*.parquet')"
                               for path in (warehouse, os.path.join(quiet, "warehouse")))
            differing = duckdb.execute(
                f"SELECT (SELECT count(*) FROM (FROM {disturbed} EXCEPT ALL FROM {calm}))"
                f" + (SELECT count(*) FROM (FROM {calm} EXCEPT ALL FROM {disturbed}))").fetchone()[0]
            if differing:
                failures.append(f"{table}: {differing} rows differ from those of the undisturbed run")
            key, count, total = Readers.columns(table)
            got = duckdb.execute(f"SELECT count(*), sum({count}), sum({total}) FROM {disturbed}").fetchone()
            if tuple(got) != tuple(source.now[table]):
                failures.append(f"{table} holds {got}, expected {source.now[table]}")
    hidden = glob.glob(os.path.join(warehouse, ".*.staging", "*"))
    if hidden:
        failures.append(f"{len(hidden)} prepared files were left behind: {hidden[:3]}")
    seen = ", ".join(f"{table} {len(versions)}" for table, versions in readers.versions.items())
    print(f"{kills} kills in {runs} runs over {source.files} files ({source.rows:,} rows); readers: {readers.reads} "
          f"reads, {readers.not_found} not found, versions seen: {seen}", flush=True)
    for failure in failures:
        print(f"FAILED: {failure}", flush=True)
    if not options.keep and not failures:
        shutil.rmtree(work)
    elif failures:
        print(f"everything is in {work}")
    print(f"{0 if failures else 1} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
