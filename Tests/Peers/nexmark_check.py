"""Nexmark's queries (benchmarks/nexmark) as materialized views over events that arrive in one epoch and in five, against
one batch query in DuckDB."""
import datetime
import glob
import os
import random
import re
import shutil

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from command_line import Failed, compare, fresh, shortened

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "..", "..", "benchmarks", "nexmark")
EVENTS, FILES = 5000, 5
NOW = datetime.datetime(2024, 6, 1)
CHANNELS = ["Google", "Facebook", "Baidu", "Apple"] + [f"channel-{n}" for n in range(6)]
# What DuckDB calls otherwise, or has no word for.
TRANSLATIONS = {
    "date_format(dateTime, 'yyyy-MM-dd')": "strftime(dateTime, '%Y-%m-%d')",
    "date_format(dateTime, 'HH:mm')": "strftime(dateTime, '%H:%M')",
}
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
  SELECT bidder, dateTime, coalesce(dateTime - lag(dateTime) OVER w >= INTERVAL 10 SECONDS, true) AS starts
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


def generate(folder):
    """1 person, 3 auctions and 46 bids of 50 events; each stream in files that follow one another in time."""
    chance = random.Random(1)
    start = datetime.datetime(2024, 1, 1)
    streams = {"person": [], "auction": [], "bid": []}
    for event in range(EVENTS):
        time = start + datetime.timedelta(milliseconds=20 * event)
        extra = "".join(chance.choice("abcde") for _ in range(chance.randint(5, 20)))
        kind = event % 50
        if kind == 0:
            number = 1000 + len(streams["person"])
            streams["person"].append((number, f"name {number}", f"{number}@nexmark", f"{chance.randint(0, 10**16)}",
                                      chance.choice(["Boise", "Bend", "Kent"]),
                                      chance.choice(["OR", "ID", "CA", "WA"]), time, extra))
        elif kind < 4:
            number = 1000 + len(streams["auction"])
            seller = 1000 + max(0, len(streams["person"]) - 1 - chance.randint(0, 9))
            streams["auction"].append((number, f"item {number}", extra, chance.randint(1, 10**4),
                                       chance.randint(1, 10**5), time,
                                       time + datetime.timedelta(milliseconds=chance.randint(500, 20000)), seller,
                                       10 + chance.randint(0, 4), extra))
        else:
            auction = 1000 + max(0, len(streams["auction"]) - 1 - chance.randint(0, 19))
            url = f"https://www.nexmark.com/{extra[:3]}/{extra[1:4]}/{extra[2:5]}/item.htm?query=1"
            if chance.random() < 0.5:
                url += f"&channel_id={chance.randint(0, 9999)}"
            streams["bid"].append((auction, 1000 + chance.randint(0, 60), int(10 ** (chance.random() * 8)),
                                   chance.choice(CHANNELS), url, time, extra))
    names = {
        "person": ["id", "name", "emailAddress", "creditCard", "city", "state", "dateTime", "extra"],
        "auction": ["id", "itemName", "description", "initialBid", "reserve", "dateTime", "expires", "seller",
                    "category", "extra"],
        "bid": ["auction", "bidder", "price", "channel", "url", "dateTime", "extra"],
    }
    for stream, rows in streams.items():
        os.makedirs(f"{folder}/{stream}")
        for part in range(FILES):
            chosen = [row for index, row in enumerate(rows) if index * FILES // len(rows) == part]
            arrays = [pa.array(column) for column in zip(*chosen)]
            fields = [array.cast(pa.timestamp("us", "UTC")) if pa.types.is_timestamp(array.type) else array
                      for array in arrays]
            pq.write_table(pa.table(fields, names[stream]), f"{folder}/{stream}/{part}.parquet")
            os.utime(f"{folder}/{stream}/{part}.parquet", (1700000000 + part, 1700000000 + part))
    os.makedirs(f"{folder}/side_input")
    with open(f"{folder}/side_input/side.csv", "w") as file:
        file.write("key,value\n" + "".join(f"{n},value {n}\n" for n in range(1000, 1400, 3)))


def without_zones(connection, files):
    """A query for all rows, instants as UTC times: Python has no time zones of its own."""
    described = connection.execute(f"DESCRIBE FROM read_parquet('{files}')").fetchall()
    columns = [f'"{name}"::TIMESTAMP' if kind == "TIMESTAMP WITH TIME ZONE" else f'"{name}"'
               for name, kind, *_ in described]
    return f"SELECT {', '.join(columns)} FROM read_parquet('{files}')"


def check(report, tidemill, work):
    report.section(f"Nexmark, {EVENTS} events, against DuckDB")
    folder = fresh(work, "nexmark")
    generate(folder)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table in ["person", "auction", "bid"]:
        times = "dateTime::TIMESTAMP AS dateTime" + (", expires::TIMESTAMP AS expires" if table == "auction" else "")
        connection.execute(
            f"CREATE VIEW {table} AS SELECT * REPLACE ({times}) FROM read_parquet('{folder}/{table}/*.parquet')")
    connection.execute(f"CREATE VIEW side_input AS FROM read_csv('{folder}/side_input/side.csv')")
    with open(os.path.join(FOLDER, "tables.sql")) as file:
        tables = file.read()

    def view(name, query, options, runs):
        warehouse = f"{folder}/{name}-warehouse"
        shutil.rmtree(warehouse, ignore_errors=True)
        shutil.rmtree(f"{folder}/.tidemill", ignore_errors=True)
        with open(f"{folder}/{name}.sql", "w") as file:
            file.write(re.sub(r"\(path '(person|auction|bid)'\)", rf"(path '\1'{options})", tables))
            file.write(f"CREATE MATERIALIZED VIEW {name} AS\n{query};\n")
        for arguments in runs:
            status, _, err = tidemill.call("run", f"{folder}/{name}.sql", "--warehouse", warehouse, "--set",
                                           f"tidemill.now={NOW.isoformat()}Z", *arguments)
            if status != 0:
                raise Failed(f"run ended with {status}: {shortened(err)}")
        rows = connection.execute(without_zones(connection, f"{warehouse}/{name}/*.parquet")).fetchall()
        theirs = query
        for ours, other in TRANSLATIONS.items():
            theirs = theirs.replace(ours, other)
        compare(rows, connection.execute(OWN.get(name, theirs)).fetchall(), "DuckDB", tolerance=1e-6)

    for name, query in queries():
        report.check(f"{name} in one epoch", lambda: view(name, query, "", [[]]))
        # A restart in the middle.
        report.check(f"{name} in {FILES} epochs",
                     lambda: view(name, query, ", maxFilesPerTrigger '1'", [["--max-epochs", "2"], []]))
