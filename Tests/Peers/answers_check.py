"""Asks Spark the questions of questions/*.sql and compares with answers/*.txt, or writes these files (--record).

Tidemill's side of the comparison is Tests/SparkAnswersTests, a part of `make test`: it needs no Spark.
"""
import answers
import questions
from command_line import Failed


def check(report, spark, topics=None, record=False):
    report.section("questions, asked of Spark again")
    everything = questions.read()
    if not spark:
        report.skip("questions", "no Java", sum(map(len, everything.values())))
        return
    for topic, asked in everything.items():
        if topics and topic not in topics:
            continue
        lines = [answers.ask(spark, question) for question in asked]
        if record:
            answers.write(topic, spark.version, lines)
            report.check(topic, lambda: None)
            continue
        known = answers.recorded(topic)
        for question, line in zip(asked, lines):
            report.check(question, lambda: same(line, known.get(question)))


def same(line, known):
    if known is None:
        raise Failed("no recorded answer: run check_peers.py --record")
    if line != known:
        raise Failed(f"Spark has {line.split(chr(9), 1)[1]}\nrecorded {known.split(chr(9), 1)[1]}")
