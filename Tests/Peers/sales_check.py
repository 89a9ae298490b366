"""The sales example against the queries of its batch ancestor, run live in DuckDB over the same CSV files."""
import os
import shutil

import duckdb

from command_line import TODAY, Failed, compare, fresh

# The seed computes with Spark: trim/upper, inner join with customers, tenure from today, groups, round to cents.
ENRICHED = """
CREATE TABLE enriched AS
SELECT s.customer_id, transaction_id, trim(product_name) AS product_name, trim(upper(category)) AS category, quantity,
  price, quantity * price AS revenue, CAST(transaction_date AS DATE) AS transaction_date,
  trim(upper(customer_name)) AS customer_name, trim(email) AS email, trim(upper(city)) AS city,
  trim(upper(state)) AS state, CAST(registration_date AS DATE) AS registration_date,
  date_diff('day', CAST(registration_date AS DATE), DATE '{today}') AS tenure,
  CASE WHEN tenure >= 365 THEN 'Loyal' WHEN tenure >= 180 THEN 'Regular' ELSE 'New' END AS segment
FROM sales s JOIN customers c ON s.customer_id = c.customer_id
"""
TABLES = {
    "enriched_sales": "SELECT * FROM enriched",
    "customer_analytics": """SELECT customer_id, customer_name, city, state, segment, count(transaction_id),
        round(sum(revenue), 2), round(avg(revenue), 2), max(transaction_date), count(transaction_date)
        FROM enriched GROUP BY ALL""",
    "product_analytics": """SELECT product_name, category, sum(quantity), round(sum(revenue), 2),
        count(transaction_id), round(avg(price), 2) FROM enriched GROUP BY ALL""",
    "geographic_analytics": """SELECT state, city, count(customer_id), round(sum(revenue), 2), count(transaction_id)
        FROM enriched GROUP BY ALL""",
    "daily_trends": """SELECT transaction_date, count(transaction_id), round(sum(revenue), 2), count(customer_id)
        FROM enriched GROUP BY ALL""",
    "key_check": "SELECT count(*), count(*) - count(customer_id), 'PASS' FROM sales",
    "revenue_reconciliation": """SELECT round(a, 2), round(b, 2), CASE WHEN abs(a - b) < 0.01 THEN 'PASS' ELSE 'FAIL'
        END FROM (SELECT sum(quantity * price) a FROM sales), (SELECT sum(revenue) b FROM enriched)""",
    "segment_performance": """SELECT segment, round(sum(r), 2), count(*) FROM
        (SELECT customer_id, segment, round(sum(revenue), 2) r FROM enriched GROUP BY ALL) GROUP BY segment""",
    "executive_summary": """SELECT count(*), round(sum(r), 2), round(avg(r), 2) FROM
        (SELECT customer_id, segment, round(sum(revenue), 2) r FROM enriched GROUP BY ALL)""",
    "quality_report": "SELECT 0, 0, 'EXCELLENT'",
}


def expected(project):
    connection = duckdb.connect()
    for name, types in (
        ("sales", "{'transaction_id': 'VARCHAR', 'customer_id': 'VARCHAR', 'product_name': 'VARCHAR',"
                  " 'category': 'VARCHAR', 'quantity': 'INT', 'price': 'DOUBLE', 'transaction_date': 'VARCHAR'}"),
        ("customers", "{'customer_id': 'VARCHAR', 'customer_name': 'VARCHAR', 'email': 'VARCHAR', 'city': 'VARCHAR',"
                      " 'state': 'VARCHAR', 'registration_date': 'VARCHAR'}"),
    ):
        connection.execute(
            f"CREATE TABLE {name} AS FROM read_csv('{project}/input/{name}/*.csv', header = true,"
            f" auto_detect = false, columns = {types})")
    connection.execute(ENRICHED.format(today=TODAY))
    return {name: connection.execute(query).fetchall() for name, query in TABLES.items()}


def stored(project, table):
    return duckdb.execute(f"FROM read_parquet('{project}/spark-warehouse/{table}/*.parquet')").fetchall()


def copy(example, work):
    project = os.path.join(fresh(work), "sales")
    shutil.copytree(example, project, ignore=shutil.ignore_patterns(".tidemill", "spark-warehouse", "output"))
    return project


def compare_all(project):
    for table, rows in expected(project).items():
        try:
            compare(stored(project, table), rows, "DuckDB")
        except Failed as error:
            raise Failed(f"{table}: {error}") from None


def check(report, tidemill, example, work):
    """Returns a project that has been run, for the readers' checks."""
    report.section("sales example against DuckDB")
    whole = copy(example, os.path.join(work, "sales-whole"))
    steps = copy(example, os.path.join(work, "sales-steps"))
    late = sorted(os.listdir(f"{steps}/input/sales"))[2:]

    def one_run():
        tidemill.run(whole)
        compare_all(whole)

    def two_runs():
        os.makedirs(f"{steps}/later")
        for name in late:
            os.rename(f"{steps}/input/sales/{name}", f"{steps}/later/{name}")
        tidemill.run(steps)
        compare_all(steps)
        for name in late:
            os.rename(f"{steps}/later/{name}", f"{steps}/input/sales/{name}")
        tidemill.run(steps)
        compare_all(steps)

    def asked():
        for table, rows in expected(whole).items():
            compare(tidemill.rows(f"SELECT * FROM {table}", whole)[1], rows, "DuckDB")

    def copies():
        for table in ("customer_analytics", "product_analytics"):
            rows = duckdb.execute(
                f"FROM read_csv('{whole}/output/csv/{table}/*.csv', header = true)").fetchall()
            compare([tuple(map(str, r)) for r in rows], [tuple(map(str, r)) for r in stored(whole, table)], "Parquet")

    report.check("one run", one_run)
    report.check("two runs, with days that come in between", two_runs)
    report.check("tidemill sql over the tables", asked)
    report.check("csv copies hold what the tables hold", copies)
    return whole
