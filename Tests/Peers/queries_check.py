"""Batch queries over CSV tables: `tidemill sql` against DuckDB and Spark."""
import os
import random
import re

import duckdb

from command_line import Failed, compare, fresh

HERE = os.path.dirname(os.path.abspath(__file__))
SALES = ("id INT, customer_id STRING, product STRING, category STRING, quantity INT, price DOUBLE,"
         " discount DECIMAL(5,2), sold DATE, moment TIMESTAMP")
CUSTOMERS = "customer_id STRING, name STRING, city STRING, state STRING, since DATE, credit DECIMAL(12,2)"


def write_data(folder):
    """3,000 sales with missing values, unknown customers and ties; 120 customers, some without a sale."""
    chance = random.Random(11)
    os.makedirs(f"{folder}/sales")
    os.makedirs(f"{folder}/customers")
    maybe = lambda text, share=0.04: "" if chance.random() < share else text
    for part in range(3):
        with open(f"{folder}/sales/{part}.csv", "w") as file:
            file.write("id,customer_id,product,category,quantity,price,discount,sold,moment\n")
            for id in range(part * 1000, part * 1000 + 1000):
                day = f"2024-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
                file.write(",".join([
                    str(id), maybe(f"C{chance.randint(1, 140):03}"), f"Product {chance.randint(1, 40):02}",
                    maybe(chance.choice(["Toys", "Books", "Garden", "toys ", "Möbel"])),
                    maybe(str(chance.randint(1, 9))), maybe(f"{chance.randint(100, 50000) / 100}"),
                    maybe(f"{chance.randint(0, 3000) / 100:.2f}", 0.3), day,
                    f"{day}T{chance.randint(0, 23):02}:{chance.randint(0, 59):02}:00Z",
                ]) + "\n")
    with open(f"{folder}/customers/c.csv", "w") as file:
        file.write("customer_id,name,city,state,since,credit\n")
        for id in range(1, 121):
            file.write(",".join([
                f"C{id:03}", f"Name {id}", maybe(chance.choice(["Wien", "Graz", "Linz", "Köln", "Bonn"])),
                chance.choice(["AT", "DE"]), f"20{chance.randint(10, 23)}-{chance.randint(1, 12):02}-01",
                maybe(f"{chance.randint(-10000, 1000000) / 100:.2f}", 0.1),
            ]) + "\n")


def queries():
    """(name, sql, DuckDB's sql) of queries.sql: blocks that begin with `-- name`; a block `-- duckdb` follows the one
    that DuckDB writes differently, `-- duckdb: none` one that it cannot say. What Tidemill refuses as not supported is
    marked `(not yet)`; once it is supported it is compared."""
    with open(os.path.join(HERE, "queries.sql")) as file:
        blocks = re.split(r"^-- ", file.read(), flags=re.M)[1:]
    found = []
    for block in blocks:
        name, _, sql = block.partition("\n")
        sql = sql.strip().rstrip(";")
        if name.startswith("duckdb"):
            found[-1][2] = None if "none" in name else sql
        elif sql:
            found.append([name, sql, sql])
    return found


def check(report, tidemill, spark, work):
    report.section("queries against DuckDB and Spark")
    project = fresh(work, "queries")
    write_data(project)
    script = f"{project}/shop.sql"
    with open(script, "w") as file:
        file.write(f"CREATE TABLE sales ({SALES}) USING csv OPTIONS (path 'sales', header 'true');\n"
                   f"CREATE TABLE customers ({CUSTOMERS}) USING csv OPTIONS (path 'customers', header 'true');\n"
                   "CREATE MATERIALIZED VIEW days AS SELECT sold, count(*) AS n FROM sales GROUP BY sold;\n")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'; SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
    for name, columns in (("sales", SALES), ("customers", CUSTOMERS)):
        types = {c.split(" ", 1)[0]: c.split(" ", 1)[1].replace("STRING", "VARCHAR")
                 for c in re.split(r", (?=[a-z])", columns)}
        connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{project}/{name}/*.csv', header = true,"
                           f" auto_detect = false, columns = {types})")
        if spark:
            spark.read.csv(f"{project}/{name}", header=True, schema=columns).createOrReplaceTempView(name)

    def one(sql, theirs):
        ordered = re.search(r"\bORDER BY\b[^)]*$", sql) is not None
        mine = tidemill.rows(sql, script)[1]
        if theirs:
            compare(mine, connection.execute(theirs).fetchall(), "DuckDB", ordered)
        if spark:
            frame = spark.sql(sql)
            compare(mine, [tuple(r) for r in frame.collect()], "Spark", ordered)
            names = tidemill.rows(sql, script)[0]
            if mine and names != frame.columns:
                raise Failed(f"columns {names}, Spark has {frame.columns}")

    for name, sql, theirs in queries():
        if name.endswith("(not yet)") and tidemill.error_class(sql, script) == "UNSUPPORTED_FEATURE":
            report.skip(name, "refused as not supported")
        else:
            report.check(name, lambda: one(sql, theirs))
    if not spark:
        report.skip("the same queries in Spark", "no Java", len(queries()))
