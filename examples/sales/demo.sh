#!/usr/bin/env bash
# The sales pipeline, twice: first with the days that are there, then with the days that come in later.
# usage: demo.sh <tidemill binary> <work folder>
set -euo pipefail
tidemill=$1
work=$2
here=$(cd "$(dirname "$0")" && pwd)

rm -rf "$work"
mkdir -p "$work/input/sales" "$work/input/customers"
cp -r "$here/spark-pipeline.yml" "$here/tables.sql" "$here/transformations" "$work/"
cp "$here/input/customers/"*.csv "$work/input/customers/"
cp "$here/input/sales/2024-01-15.csv" "$here/input/sales/2024-01-16.csv" "$work/input/sales/"

# Tenure is measured from today; a fixed today makes the demo the same every day.
args=("$work" --storage "$work/checkpoint" --warehouse "$work/warehouse" --set tidemill.now=2024-06-01T00:00:00Z)
ask() {
  echo "-- $1"
  "$tidemill" sql -e "$1" "${args[@]}"
  echo
}

echo "== 15 and 16 January are there: tidemill run =="
"$tidemill" run "${args[@]}"
echo
ask "SELECT * FROM daily_trends ORDER BY transaction_date"
ask "SELECT product_name, total_quantity_sold, total_revenue FROM product_analytics ORDER BY total_revenue DESC LIMIT 5"

echo "== 17 and 18 January come in: tidemill run again =="
cp "$here/input/sales/2024-01-17.csv" "$here/input/sales/2024-01-18.csv" "$work/input/sales/"
"$tidemill" run "${args[@]}"
echo
echo "Only the new files were read, and of each table only the rows they touch were replaced."
echo
ask "SELECT * FROM daily_trends ORDER BY transaction_date"
ask "SELECT customer_name, city, customer_segment, total_transactions, total_revenue, last_purchase_date FROM customer_analytics ORDER BY total_revenue DESC LIMIT 5"
ask "SELECT * FROM geographic_analytics ORDER BY total_revenue DESC"

echo "== Executive summary =="
ask "SELECT * FROM executive_summary"
ask "SELECT * FROM segment_performance ORDER BY segment_revenue DESC"

echo "== Data quality =="
ask "SELECT * FROM key_check"
ask "SELECT * FROM revenue_reconciliation"
ask "SELECT * FROM quality_report"

echo "== Files =="
find "$work/warehouse" "$work/output" -type f \( -name '*.parquet' -o -name '*.csv' \) -not -path '*/.*' | sort | sed "s|^$work/|  |"
echo
echo "The tables are plain Parquet: DuckDB, pyarrow, polars and Spark read $work/warehouse/<table>."
echo "Once more with nothing new:"
"$tidemill" run "${args[@]}"
