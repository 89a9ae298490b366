#!/usr/bin/env python3
"""What an epoch that touches 100 groups costs, with 10 thousand and with 10 million groups in state.

    python3 benchmarks/epoch_cost.py TIDEMILL [FOLDER]

Loads the groups from CSV files, then gives 2,000 files of 100 keys, an epoch each, in the same process; publication is
put off. Prints the mean time from one epoch to the next (planning, reading, operators, commit with its sync) over the
last 1,000, and the ratio: during the first ones what the load left is still written into runs in the background.
"""
import datetime
import json
import os
import random
import shutil
import subprocess
import sys

SMALL, LARGE, EPOCHS, MEASURED, TOUCHED = 10_000, 10_000_000, 2000, 1000, 100
PIPELINE = """CREATE TABLE t (k BIGINT, v BIGINT) USING csv OPTIONS (path 'in', maxFilesPerTrigger '1');
CREATE MATERIALIZED VIEW g AS SELECT k, count(*) AS n, sum(v) AS s FROM t GROUP BY k;
"""


def write(path, keys, time):
    with open(path, "w") as file:
        file.writelines(f"{key},{key % 1000}\n" for key in keys)
    os.utime(path, (time, time))


def measured(tidemill, folder, groups):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(f"{folder}/in")
    step = min(groups, 1_000_000)
    for number, start in enumerate(range(0, groups, step)):
        write(f"{folder}/in/load{number:03}.csv", range(start, start + step), 1_700_000_000 + number)
    chance = random.Random(7)
    for number in range(EPOCHS):
        write(f"{folder}/in/touch{number:04}.csv", chance.sample(range(groups), TOUCHED), 1_700_001_000 + number)
    with open(f"{folder}/p.sql", "w") as file:
        file.write(PIPELINE)
    done = subprocess.run(
        [tidemill, "run", "p.sql", "--set", "tidemill.publishInterval=1h", "--progress", "jsonl"], cwd=folder,
        capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    epochs = [line for line in lines if line["numInputRows"] == TOUCHED]
    last = epochs[-1]["stateOperators"][0]["numRowsTotal"]
    if len(epochs) != EPOCHS or last != groups:
        sys.exit(f"{len(epochs)} epochs and {last} groups instead of {EPOCHS} and {groups}")
    first, *_, final = [datetime.datetime.fromisoformat(epoch["timestamp"]) for epoch in epochs[-MEASURED - 1 :]]
    logged = sum(epoch["logBytes"] for epoch in epochs[-MEASURED:]) / MEASURED
    return (final - first).total_seconds() * 1000 / MEASURED, logged


def main():
    tidemill = os.path.abspath(sys.argv[1])
    folder = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else ".bench/epoch-cost")
    found = []
    for groups in (SMALL, LARGE):
        cost, logged = measured(tidemill, folder, groups)
        found.append(cost)
        print(f"{groups:>10} groups: {cost:.2f} ms an epoch, {logged:.0f} bytes of log", flush=True)
    shutil.rmtree(folder)
    print(f"ratio {found[1] / max(found[0], 0.01):.2f}")


if __name__ == "__main__":
    main()
