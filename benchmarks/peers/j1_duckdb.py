"""J1 in DuckDB, two threads: per step read the next files, group them, merge into the table, copy it to Parquet."""
import glob
import os
import resource
import shutil
import sys
import time

import duckdb

data, work, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
shutil.rmtree(work, ignore_errors=True)
os.makedirs(work)
connection = duckdb.connect(os.path.join(work, "state.duckdb"))
connection.execute("SET threads = 2")
connection.execute(
    "CREATE TABLE totals (product_name VARCHAR, category VARCHAR, transaction_date DATE,"
    " n BIGINT, quantity BIGINT, revenue DOUBLE, price_sum DOUBLE)"
)
columns = (
    "{'transaction_id': 'VARCHAR', 'customer_id': 'VARCHAR', 'product_name': 'VARCHAR', 'category': 'VARCHAR',"
    " 'quantity': 'INT', 'price': 'DOUBLE', 'transaction_date': 'DATE'}"
)
files = sorted(glob.glob(os.path.join(data, "sales", "*.csv")))
start = time.time()
for first in range(0, len(files), step):
    batch = files[first : first + step]
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE news AS
        SELECT trim(product_name) AS product_name, upper(trim(category)) AS category, transaction_date,
          count(*) AS n, sum(quantity) AS quantity, sum(quantity * price) AS revenue, sum(price) AS price_sum
        FROM read_csv({batch}, header = true, auto_detect = false, columns = {columns}) GROUP BY ALL"""
    )
    connection.execute(
        """CREATE OR REPLACE TABLE totals AS
        SELECT product_name, category, transaction_date, sum(n) AS n, sum(quantity) AS quantity,
          sum(revenue) AS revenue, sum(price_sum) AS price_sum
        FROM (FROM totals UNION ALL FROM news) GROUP BY ALL"""
    )
    connection.execute(
        f"""COPY (SELECT product_name, category, transaction_date, n, quantity, revenue, price_sum / n AS average_price
        FROM totals) TO '{work}/sales_by_day.parquet' (FORMAT parquet)"""
    )
seconds = time.time() - start
usage = resource.getrusage(resource.RUSAGE_SELF)
groups, count, revenue = connection.execute("SELECT count(*), sum(n), round(sum(revenue), 2) FROM totals").fetchone()
print(
    f"duckdb    {seconds:.2f} s wall, {usage.ru_utime + usage.ru_stime:.2f} s CPU, {usage.ru_maxrss / 1000:.0f} MB peak;"
    f" {groups} groups, count {count}, revenue {revenue}"
)
