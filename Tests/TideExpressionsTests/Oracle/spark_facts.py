"""Computes the expected values of expressions.txt with Apache Spark.

Usage: python spark_facts.py < expressions.txt > facts.txt

Each line of the input is one SQL expression. Each line of the output is `expression TAB type TAB value`, where value is
the text of the value (cast to STRING), `NULL`, or `!CLASS` for an error of that class (a bind error has the type `!`).
Tabs and line ends inside values are escaped with a backslash. Needs pyspark 4.
"""
import re
import sys
from pyspark.sql import SparkSession

spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.ansi.enabled", "true")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("OFF")


def error_class(error):
    found = re.search(r"\[([A-Z_0-9.]+)\]", str(error))
    return "!" + (found.group(1) if found else "UNKNOWN")


for line in sys.stdin:
    expression = line.rstrip("\n")
    if not expression or expression.startswith("#"):
        continue
    try:
        frame = spark.sql("SELECT " + expression + " AS x")
    except Exception as error:
        print(expression, "!", error_class(error), sep="\t")
        continue
    kind = frame.schema[0].dataType.simpleString()
    try:
        value = frame.selectExpr("cast(x as string)").collect()[0][0]
        text = "NULL" if value is None else value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
    except Exception as error:
        text = error_class(error)
    print(expression, kind, text, sep="\t")
