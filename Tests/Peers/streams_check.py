"""Streaming queries drawn at random, on Tidemill and on Apache Spark.

usage: streams_check.py [tidemill binary] [--first N] [--cases N | --written [NAME …]] [--keep DIR] [--golden DIR]
                        [--show]

Program N is the same for ever; `--written` takes those of streams/written.sql instead. Per step the rows are compared
as bags, and the watermarks, event times and counts of state that progress shows; so are types, and whether a query is
refused. `--keep` leaves what was run of programs that differ, `--golden` writes the programs as golden streams with
Spark's counts, `--show` prints them and runs nothing.
Needs Java and pyspark. Differences that docs/SEMANTICS.md explains are listed by name. Exit status 1 if a program
differs otherwise.
"""
import argparse
import logging
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "streams"))

import grammar
import written
from differences import differences, documented
from golden import golden
from spark import SETTINGS, Spark
from spark_session import start_session
from tidemill import Tidemill


def main():
    os.environ["TZ"] = "UTC"
    time.tzset()
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", nargs="?", default=os.environ.get("TIDEMILL_BINARY")
                        or os.path.join(HERE, "..", "..", ".build", "release", "tidemill"))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--written", nargs="*")
    parser.add_argument("--keep")
    parser.add_argument("--golden")
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    if arguments.written is None:
        seeds = range(arguments.first, arguments.first + arguments.cases)
        programs = ((grammar.drawn(seed), f"Program {seed} of those that Tests/Peers/streams draws.") for seed in seeds)
    else:
        programs = [each for each in written.programs() if not arguments.written or each[0].name in arguments.written]
    if arguments.show:
        for program, _ in programs:
            print(f"-- {program.name}\n{program.tidemill()}")
        return
    logging.disable(logging.CRITICAL)
    same = different = refused = on_purpose = 0
    with tempfile.TemporaryDirectory(prefix="tidemill-streams-") as work:
        session = start_session(work, SETTINGS)
        spark, tidemill = Spark(session), Tidemill(arguments.binary)
        for program, comment in programs:
            folder = os.path.join(work, program.name)
            os.makedirs(folder)
            theirs, ours = spark.run(program, folder), tidemill.run(program, folder)
            found = differences(program, ours, theirs)
            if arguments.golden and not theirs.refusal and not theirs.failure:
                with open(os.path.join(arguments.golden, program.name + ".tide"), "w") as file:
                    file.write(golden(program, theirs, comment))
            reason = documented(program, found) if found else None
            if reason:
                on_purpose += 1
                print(f"differs on purpose: {program.name}: {reason}", flush=True)
            elif found:
                different += 1
                print(f"DIFFERS {program.name}\n    " + program.query)
                for line in found:
                    print("        " + line.replace("\n", "\n        "), flush=True)
                if arguments.keep:
                    shutil.rmtree(os.path.join(arguments.keep, program.name), ignore_errors=True)
                    shutil.copytree(folder, os.path.join(arguments.keep, program.name))
            elif theirs.refusal or theirs.failure:
                refused += 1
            else:
                same += 1
            shutil.rmtree(folder, ignore_errors=True)
        session.stop()
    print(f"{same} programs the same, {refused} refused by both, {on_purpose} differ on purpose, {different} differ")
    sys.exit(1 if different else 0)


main()
