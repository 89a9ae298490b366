"""Compares Tidemill with other engines that run beside it: DuckDB, pyarrow, polars and, with Java, Apache Spark.

usage: check_peers.py [tidemill binary] [section …]
       check_peers.py --record [topic …]      writes answers/*.txt, all or some of them

Sections: answers sales tables expressions queries j1 tpch nexmark.
Without a binary it takes the one that TIDEMILL_BINARY names, else the package's release build.

Every expected value comes from the other engine, computed live. Known differences are listed with their reason in the
sections' files. Exit status 1 if a check failed.
"""
import logging
import os
import shutil
import sys
import tempfile
import time

import answers_check
import expressions_check
import j1_check
import nexmark_check
import queries_check
import sales_check
import tables_check
import tpch_check
from command_line import Report, Tidemill
from spark_session import start_session

HERE = os.path.dirname(os.path.abspath(__file__))
SECTIONS = ["answers", "sales", "tables", "expressions", "queries", "j1", "tpch", "nexmark"]


def start_spark(work):
    """A Spark session, or None where there is no Java."""
    if not shutil.which("java") and not os.environ.get("JAVA_HOME"):
        print("no java on the PATH: everything that needs Spark is skipped", flush=True)
        return None
    # Errors are expected here, and compared; their stack traces help nobody.
    logging.disable(logging.CRITICAL)
    return start_session(work)


def record(topics):
    with tempfile.TemporaryDirectory(prefix="tidemill-peers-") as work:
        spark = start_spark(work) or sys.exit("Spark needs Java")
        answers_check.check(Report(), spark, topics, record=True)
        spark.stop()


def main():
    os.environ["TZ"] = "UTC"
    time.tzset()
    arguments = sys.argv[1:]
    if arguments[:1] == ["--record"]:
        return record(arguments[1:])
    binary = os.environ.get("TIDEMILL_BINARY") or os.path.join(HERE, "..", "..", ".build", "release", "tidemill")
    if arguments and arguments[0] not in SECTIONS:
        binary = arguments.pop(0)
    if any(name not in SECTIONS for name in arguments) or not os.access(binary, os.X_OK):
        sys.exit(f"no tidemill binary at {binary}, or no such section\n\n{__doc__}")
    chosen = arguments or SECTIONS
    tidemill = Tidemill(binary)
    example = os.path.join(HERE, "..", "..", "examples", "sales")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tidemill-peers-") as work:
        spark = start_spark(work) if set(chosen) & {"answers", "tables", "expressions", "queries"} else None
        if "answers" in chosen:
            answers_check.check(report, spark)
        if set(chosen) & {"sales", "tables"}:
            sales = sales_check.check(report, tidemill, example, work)
            if "tables" in chosen:
                tables_check.check(report, tidemill, sales, spark, work)
        if "expressions" in chosen:
            expressions_check.check(report, tidemill, spark, work)
        if "queries" in chosen:
            queries_check.check(report, tidemill, spark, work)
        if "j1" in chosen:
            j1_check.check(report, tidemill, work)
        if "tpch" in chosen:
            tpch_check.check(report, tidemill, work)
        if "nexmark" in chosen:
            nexmark_check.check(report, tidemill, work)
        if spark:
            spark.stop()
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    sys.exit(1 if report.failed else 0)


main()
