"""Runs the real program on a disk that is full, in every phase of its work.

usage: full_disk_check.py [tidemill binary] [--steps N]

Storage and warehouse lie on a small tmpfs (mounting one needs root). For each of N sizes of free space, from nothing up
to what an undisturbed run needs, a run starts with just that much room. It may end well; otherwise it must end with
exit status 1 and one error that says the disk is full. Then room is made, and the next run must end well with exactly
the tables of the undisturbed run. Input comes in three portions, so that first epochs, later epochs, publications of
both kinds of tables, flushes of state and recoveries all meet the full disk.

Exit status 1 if a check failed; 0 without a word about checks where no tmpfs can be mounted.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

import duckdb

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = ["kept", "per_item", "per_group", "joined"]
PORTIONS = 3

PROJECT = """
CREATE TABLE orders (id BIGINT, item BIGINT, note STRING, amount BIGINT)
  USING csv OPTIONS (path '{input}', header 'true', maxFilesPerTrigger '1');
CREATE TABLE items (item BIGINT, grp STRING) USING csv OPTIONS (path '{items}', header 'true');

CREATE STREAMING TABLE kept AS SELECT id, note FROM STREAM orders WHERE amount % 3 = 0;
CREATE MATERIALIZED VIEW per_item AS SELECT item, count(*) AS n, sum(amount) AS total FROM orders GROUP BY item;
CREATE MATERIALIZED VIEW per_group AS SELECT n, count(*) AS items FROM per_item GROUP BY n;
CREATE MATERIALIZED VIEW joined AS SELECT o.id, i.grp, o.amount FROM orders o JOIN items i ON o.item = i.item;
"""


class Disk:
    """A tmpfs of a given size with a filler file that leaves as much room as is wanted."""

    def __init__(self, path, megabytes):
        self.path = path
        self.size = megabytes << 20
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", path], check=True)

    def clear(self):
        for name in os.listdir(self.path):
            entry = os.path.join(self.path, name)
            shutil.rmtree(entry) if os.path.isdir(entry) else os.remove(entry)

    def used(self):
        state = os.statvfs(self.path)
        return (state.f_blocks - state.f_bfree) * state.f_frsize

    def leave(self, room):
        """Fills the disk up to `room` free bytes."""
        filler = os.path.join(self.path, "filler")
        state = os.statvfs(self.path)
        excess = state.f_bavail * state.f_frsize - room
        if excess > 0:
            with open(filler, "wb") as out:
                os.posix_fallocate(out.fileno(), 0, excess)

    def make_room(self):
        filler = os.path.join(self.path, "filler")
        if os.path.exists(filler):
            os.remove(filler)

    def unmount(self):
        subprocess.run(["umount", self.path], check=False)


def write_portion(directory, portion):
    for file in range(2):
        name = os.path.join(directory, f"{portion}-{file}.csv")
        with open(name, "w") as out:
            out.write("id,item,note,amount\n")
            for row in range(1500):
                number = (portion * 2 + file) * 1500 + row
                item = number * 7919 % 1000
                out.write(f"{number},{item},note number {number * 31 % 977} of a row,{number * 13 % 101}\n")
        stamp = 1_700_000_000 + portion * 2 + file
        os.utime(name, (stamp, stamp))


def contents(warehouse):
    answer = {}
    for table in TABLES:
        answer[table] = sorted(
            duckdb.execute(f"SELECT * FROM read_parquet('{warehouse}/{table}/*.parquet')").fetchall())
    return answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", nargs="?", default=os.environ.get("TIDEMILL_BINARY")
                        or os.path.join(HERE, "..", "..", ".build", "release", "tidemill"))
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    work = tempfile.mkdtemp(prefix="tidemill-full-")
    try:
        disk = Disk(os.path.join(work, "disk"), 64)
    except (subprocess.CalledProcessError, PermissionError, FileNotFoundError):
        shutil.rmtree(work)
        print("no tmpfs can be mounted here: nothing was checked")
        return 0
    failures = []
    refused = passed = 0
    try:
        inputs, items = os.path.join(work, "orders"), os.path.join(work, "items")
        for directory in (inputs, items):
            os.makedirs(directory)
        with open(os.path.join(items, "items.csv"), "w") as out:
            out.write("item,grp\n" + "".join(f"{item},group {item % 11}\n" for item in range(0, 1000, 2)))
        project = os.path.join(work, "full.sql")
        with open(project, "w") as out:
            out.write(PROJECT.format(input=inputs, items=items))

        def run():
            return subprocess.run(
                [binary, "run", project, "--storage", os.path.join(disk.path, "storage"), "--warehouse",
                 os.path.join(disk.path, "warehouse"), "--progress", "none", "--set", "tidemill.publishInterval=0 ms",
                 "--set", "tidemill.flushBytes=30000", "--set",
                 "tidemill.readerGrace=0 s"],
                capture_output=True, text=True)

        expected = []
        needed = []
        for portion in range(PORTIONS):
            write_portion(inputs, portion)
            before = disk.used()
            result = run()
            if result.returncode != 0:
                sys.exit(f"the undisturbed run failed: {result.stderr}")
            # Old versions of tables are still there, so that this is close to the highest use.
            needed.append(disk.used() - before + (64 << 10))
            expected.append(contents(os.path.join(disk.path, "warehouse")))

        for step in range(options.steps):
            disk.clear()
            for name in os.listdir(inputs):
                os.remove(os.path.join(inputs, name))
            hit = step % PORTIONS
            for portion in range(hit + 1):
                write_portion(inputs, portion)
                if portion == hit:
                    room = needed[hit] * (step // PORTIONS) // max(1, options.steps // PORTIONS)
                    disk.leave(room // 4096 * 4096)
                result = run()
                if portion == hit and result.returncode != 0:
                    refused += 1
                    said = result.stderr.lower()
                    if result.returncode != 1 or "no space" not in said and "full" not in said:
                        failures.append(
                            f"{room} bytes free in portion {hit}: exit {result.returncode}, {result.stderr.strip()}")
                elif result.returncode != 0:
                    failures.append(f"portion {portion} with room: {result.stderr.strip()}")
            disk.make_room()
            result = run()
            got = contents(os.path.join(disk.path, "warehouse")) if result.returncode == 0 else None
            if result.returncode != 0:
                failures.append(f"after room was made ({room} bytes before): {result.stderr.strip()}")
            elif got != expected[hit]:
                wrong = [table for table in TABLES if got[table] != expected[hit][table]]
                failures.append(f"after {room} bytes free in portion {hit}, {', '.join(wrong)} differ")
            else:
                passed += 1
    finally:
        disk.unmount()
        shutil.rmtree(work, ignore_errors=True)
    print(f"{refused} of {options.steps} runs met the full disk and said so")
    if not failures and refused * 3 < options.steps:
        failures.append("too few runs met a full disk for this to be a check")
    for failure in failures[:10]:
        print(f"FAILED: {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
