"""The benchmark job J1, small: 200,000 rows in ten epochs against one batch query in DuckDB."""
import os
import subprocess

import duckdb

from command_line import Failed, compare, fresh

PIPELINE = """
CREATE TABLE sales (transaction_id STRING, customer_id STRING, product_name STRING, category STRING, quantity INT,
  price DOUBLE, transaction_date DATE)
USING csv OPTIONS (path 'J1/sales', header 'true', maxFilesPerTrigger '2');

CREATE MATERIALIZED VIEW sales_by_day AS
SELECT trim(product_name) AS product_name, upper(trim(category)) AS category, transaction_date,
  count(*) AS n, sum(quantity) AS quantity, sum(quantity * price) AS revenue, avg(price) AS average_price
FROM sales GROUP BY trim(product_name), upper(trim(category)), transaction_date;

CREATE MATERIALIZED VIEW by_category AS
SELECT category, count(*) AS days, sum(n) AS n, min(revenue) AS least, max(average_price) AS most
FROM sales_by_day GROUP BY category;

CREATE MATERIALIZED VIEW products AS
SELECT category, count(DISTINCT product_name) AS products FROM sales_by_day GROUP BY category;
"""
BATCH = """
CREATE TABLE days AS
SELECT trim(product_name) AS product_name, upper(trim(category)) AS category, transaction_date,
  count(*) AS n, sum(quantity) AS quantity, sum(quantity * price) AS revenue, avg(price) AS average_price
FROM read_csv('{data}/*.csv', header = true, auto_detect = false, columns = {{'transaction_id': 'VARCHAR',
  'customer_id': 'VARCHAR', 'product_name': 'VARCHAR', 'category': 'VARCHAR', 'quantity': 'INT', 'price': 'DOUBLE',
  'transaction_date': 'DATE'}})
GROUP BY ALL
"""
CATEGORIES = """
SELECT category, count(*), sum(n), min(revenue), max(average_price) FROM days GROUP BY category
"""
PRODUCTS = "SELECT category, count(DISTINCT product_name) FROM days GROUP BY category"


def check(report, tidemill, work):
    report.section("J1 in ten epochs against DuckDB")
    if not tidemill.bench:
        report.skip("J1", "tidemill-bench does not lie beside the binary")
        return
    folder = fresh(work, "j1")
    subprocess.run([tidemill.bench, "generate", "J1", "--rows", "200000", "--files", "20", "--dir", folder],
                   check=True, capture_output=True)
    with open(f"{folder}/j1.sql", "w") as file:
        file.write(PIPELINE)
    connection = duckdb.connect()
    connection.execute(BATCH.format(data=f"{folder}/J1/sales"))

    def table(name):
        return connection.execute(f"FROM read_parquet('{folder}/spark-warehouse/{name}/*.parquet')").fetchall()

    def ten_epochs():
        for _ in range(3):
            tidemill.run(f"{folder}/j1.sql", "--max-epochs", "2")
        lines = tidemill.run(f"{folder}/j1.sql", "--progress", "jsonl").splitlines()
        last = max(int(line.split('"batchId":')[1].split(",")[0]) for line in lines if '"batchId"' in line)
        if last != 9:
            raise Failed(f"the last epoch is {last}, expected 9")
        compare(table("sales_by_day"), connection.execute("FROM days").fetchall(), "DuckDB")

    report.check("sales_by_day after ten epochs in four runs", ten_epochs)
    report.check("by_category, a view over the view",
                 lambda: compare(table("by_category"), connection.execute(CATEGORIES).fetchall(), "DuckDB"))
    report.check("products, distinct over the view",
                 lambda: compare(table("products"), connection.execute(PRODUCTS).fetchall(), "DuckDB"))
