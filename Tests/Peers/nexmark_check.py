"""Nexmark's queries (benchmarks/nexmark) as materialized views over events that arrive in one epoch, in five and in
fifty, from files and from the generator, with a restart in the middle, against one batch query in DuckDB."""
import datetime
import glob
import os
import re
import shutil
import subprocess

import duckdb

from command_line import Failed, compare, fresh, shortened

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "..", "..", "benchmarks", "nexmark")
# 100 seconds of event time: several of the queries' windows, and auctions that end.
EVENTS, FILES, PER_SECOND = 25_000, 50, 250
NOW = datetime.datetime(2024, 6, 1)
# What tables.sql becomes, and the runs: a restart after the second epoch.
RESTART = [["--max-epochs", "2"], []]
MODES = {
    "in one epoch": ("files", "", [[]]),
    "in 5 epochs": ("files", f", maxFilesPerTrigger '{FILES // 5}'", RESTART),
    "in 50 epochs": ("files", ", maxFilesPerTrigger '1'", RESTART),
    "generated, in 7 epochs": ("nexmark", f"eventsPerTrigger '{EVENTS // 7 + 1}'", RESTART),
}
# What DuckDB calls otherwise, or has no word for.
TRANSLATIONS = {
    "date_format(dateTime, 'yyyy-MM-dd')": "strftime(dateTime, '%Y-%m-%d')",
    "date_format(dateTime, 'HH:mm')": "strftime(dateTime, '%H:%M')",
}
# Sessions that touch are one, as in Spark.
OWN = {
    "q05": """WITH counts AS (
  SELECT auction, starttime, count(*) AS num
  FROM (SELECT auction, unnest([time_bucket(INTERVAL '2 seconds', dateTime) - to_seconds(2 * n) FOR n IN range(5)])
    AS starttime FROM bid)
  GROUP BY auction, starttime)
SELECT auction, num FROM counts QUALIFY num = max(num) OVER (PARTITION BY starttime)""",
    "q07": """SELECT auction, price, bidder, dateTime, extra FROM (
  SELECT b.*, w.windowend FROM bid AS b JOIN (
    SELECT max(price) AS maxprice, time_bucket(INTERVAL '10 seconds', dateTime) + INTERVAL 10 SECONDS AS windowend
    FROM bid GROUP BY windowend) AS w ON b.price = w.maxprice)
WHERE dateTime BETWEEN windowend - INTERVAL 10 SECONDS AND windowend""",
    "q08": """SELECT DISTINCT p.id, p.name, time_bucket(INTERVAL '10 seconds', p.dateTime) AS starttime
FROM person AS p JOIN auction AS a ON p.id = a.seller
  AND time_bucket(INTERVAL '10 seconds', p.dateTime) = time_bucket(INTERVAL '10 seconds', a.dateTime)""",
    "q11": """WITH marked AS (
  SELECT bidder, dateTime, coalesce(dateTime - lag(dateTime) OVER w > INTERVAL 10 SECONDS, true) AS starts
  FROM bid WINDOW w AS (PARTITION BY bidder ORDER BY dateTime)),
numbered AS (
  SELECT *, sum(starts::INT) OVER (PARTITION BY bidder ORDER BY dateTime RANGE UNBOUNDED PRECEDING) AS session
  FROM marked)
SELECT bidder, count(*), min(dateTime), max(dateTime) + INTERVAL 10 SECONDS FROM numbered GROUP BY bidder, session""",
    "q12": """SELECT bidder, count(*), TIMESTAMP '2024-06-01 00:00:00', TIMESTAMP '2024-06-01 00:00:10'
FROM bid GROUP BY bidder""",
}


def queries():
    """(name, SELECT …) of each file."""
    for path in sorted(glob.glob(os.path.join(FOLDER, "q*.sql"))):
        with open(path) as file:
            name, query = re.search(r"CREATE MATERIALIZED VIEW (\w+) AS\n(.*);", file.read(), re.S).groups()
        yield name, query


def without_zones(connection, files):
    """A query for all rows, instants as UTC times: Python has no time zones of its own."""
    described = connection.execute(f"DESCRIBE FROM read_parquet('{files}')").fetchall()
    columns = [f'"{name}"::TIMESTAMP' if kind == "TIMESTAMP WITH TIME ZONE" else f'"{name}"'
               for name, kind, *_ in described]
    return f"SELECT {', '.join(columns)} FROM read_parquet('{files}')"


def difference(connection, ours, theirs):
    """Rows of one query that the other lacks, as SQL compares them; None if there are none."""
    found = connection.execute(
        f"(({ours}) EXCEPT ALL ({theirs})) UNION ALL (({theirs}) EXCEPT ALL ({ours})) LIMIT 1").fetchone()
    return found


def check(report, tidemill, work):
    report.section(f"Nexmark, {EVENTS} events, against DuckDB")
    folder = fresh(work, "nexmark")
    if not tidemill.bench:
        report.skip("Nexmark", "tidemill-bench, which has the generator, is not built")
        return
    subprocess.run(
        [tidemill.bench, "generate", "nexmark", f"--events={EVENTS}", f"--epochs={FILES}",
         f"--events-per-second={PER_SECOND}", f"--out={folder}"], check=True, capture_output=True)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table in ["person", "auction", "bid"]:
        times = "dateTime::TIMESTAMP AS dateTime" + (", expires::TIMESTAMP AS expires" if table == "auction" else "")
        connection.execute(
            f"CREATE TABLE {table} AS SELECT * REPLACE ({times}) FROM read_parquet('{folder}/{table}/*.parquet')")
    connection.execute(f"CREATE TABLE side_input AS FROM read_csv('{folder}/side_input/side.csv')")
    with open(os.path.join(FOLDER, "tables.sql")) as file:
        tables = file.read()
    generated = f"USING nexmark OPTIONS (events '{EVENTS}', eventsPerSecond '{PER_SECOND}', "
    for name, query in queries():
        theirs = query
        for ours, other in TRANSLATIONS.items():
            theirs = theirs.replace(ours, other)
        connection.execute(f"CREATE TABLE expected_{name} AS {OWN.get(name, theirs)}")

    def view(name, query, kind, options, runs):
        warehouse = f"{folder}/{name}-warehouse"
        shutil.rmtree(warehouse, ignore_errors=True)
        shutil.rmtree(f"{folder}/.tidemill", ignore_errors=True)
        own = re.sub(r"\(path '(person|auction|bid)'\)", rf"(path '\1'{options})", tables)
        if kind == "nexmark":
            own = re.sub(r"USING parquet OPTIONS \(path '(person|auction|bid)'\)", f"{generated}{options})", tables)
        with open(f"{folder}/{name}.sql", "w") as file:
            file.write(own)
            file.write(f"CREATE MATERIALIZED VIEW {name} AS\n{query};\n")
        for arguments in runs:
            status, _, err = tidemill.call("run", f"{folder}/{name}.sql", "--warehouse", warehouse, "--set",
                                           f"tidemill.now={NOW.isoformat()}Z", *arguments)
            if status != 0:
                raise Failed(f"run ended with {status}: {shortened(err)}")
        found = without_zones(connection, f"{warehouse}/{name}/*.parquet")
        expected = f"FROM expected_{name}"
        if connection.execute(f"SELECT count(*) FROM ({expected})").fetchone()[0] == 0:
            raise Failed("the query has no rows: it proves nothing")
        if difference(connection, found, expected):
            # Averages may differ in the last bits.
            compare(connection.execute(found).fetchall(), connection.execute(expected).fetchall(), "DuckDB")

    for name, query in queries():
        for mode, (kind, options, runs) in MODES.items():
            report.check(f"{name} {mode}", lambda: view(name, query, kind, options, runs))
