"""Spark's answers to the questions: asked, written to answers/*.txt and read again.

One answer a line, fields parted by tabs: the question, the types, the rows.

    1 + 2 ⇥ int ⇥ 3
    SELECT x, y FROM … ⇥ ~ x int, y string ⇥ 1 ⇥ a ⇥⇥ 2 ⇥ b      (rows are parted by an empty field)
    1 / 0 ⇥ double ⇥ !DIVIDE_BY_ZERO
    nosuch(1) ⇥ ! ⇥ !UNRESOLVED_ROUTINE

Values are as CAST(… AS STRING) prints them, NULL as \\N, an empty text as \\E; `\\`, tabs, ends of lines and zero bytes
inside values are escaped. `~` marks rows without an order (they are sorted here), `=` rows with one.
"""
import os
import re

import questions

FOLDER = os.path.join(questions.HERE, "answers")


def text(value):
    if value is None:
        return "\\N"
    if value == "":
        return "\\E"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "\\0")


def error_class(error):
    found = re.search(r"\[([A-Z_0-9.]+)\]", str(error))
    return "!" + (found.group(1) if found else type(error).__name__)


def ask(spark, question):
    """The line of this question."""
    from pyspark.sql import functions

    query = questions.is_query(question)
    try:
        frame = spark.sql(question if query else f"SELECT {question} AS x")
    except Exception as error:
        return "\t".join([question, "!", error_class(error)])
    mark = "= " if questions.is_ordered(question) else "~ "
    if query:
        kinds = mark + ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in frame.schema)
    else:
        kinds = frame.schema[0].dataType.simpleString()
    try:
        names = [f"c{index}" for index in range(len(frame.columns))]
        rows = frame.toDF(*names).select([functions.col(name).cast("string") for name in names]).collect()
    except Exception as error:
        return "\t".join([question, kinds, error_class(error)])
    rows = ["\t".join(text(value) for value in row) for row in rows]
    return "\t".join([question, kinds, "\t\t".join(rows if mark == "= " else sorted(rows))])


def write(topic, version, lines):
    with open(os.path.join(FOLDER, topic + ".txt"), "w") as file:
        file.write(f"# Answers of Apache Spark {version}. Written by check_peers.py --record.\n")
        file.writelines(line + "\n" for line in lines)


def recorded(topic):
    """{question: line} of the committed file; without one, nothing."""
    try:
        with open(os.path.join(FOLDER, topic + ".txt")) as file:
            lines = [line.rstrip("\n") for line in file if not line.startswith("#")]
    except FileNotFoundError:
        return {}
    return {line.split("\t", 1)[0]: line for line in lines}
