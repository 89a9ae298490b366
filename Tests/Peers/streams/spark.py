"""A program on Apache Spark: one query through all steps, since Spark forgets what single sources promised when it
starts again; it is started again only where a step says so."""
import collections
import json
import os
import re

from program import NO_DATA, POLICY, Outcome, epoch
from values import Feeder, row_text

DEFAULTS = {NO_DATA: "true", POLICY: "min"}
METHODS = {"drop_duplicates": "dropDuplicates", "drop_duplicates_within_watermark": "dropDuplicatesWithinWatermark"}


SETTINGS = {
    # Short queries: compiling them would take longer than running them.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.streaming.noDataProgressEventInterval": "3600000",
    "spark.sql.streaming.numRecentProgressUpdates": "1000",
}


def message(error):
    text = str(error)
    found = re.findall(r"\[[A-Z_0-9.]+\][^\n]*", text)
    return found[-1][:300] if found else text[:300]


class Spark:
    def __init__(self, session):
        self.session = session

    def run(self, program, directory):
        outcome = Outcome()
        inputs = os.path.join(directory, "spark-input")
        feeder = Feeder(program, inputs)
        settings = DEFAULTS | program.settings
        try:
            for key, value in settings.items():
                self.session.conf.set(key, value)
            for each in program.inputs:
                self.session.sql(f"DROP TABLE IF EXISTS {each.name}")
                self.session.sql(each.statement(os.path.join(inputs, each.name)))
            self.steps(program, directory, feeder, outcome)
        finally:
            for query in self.session.streams.active:
                query.stop()
            for each in program.inputs:
                self.session.sql(f"DROP TABLE IF EXISTS {each.name}")
            for each in program.duplicates:
                self.session.catalog.dropTempView(each.name)
            for key, value in DEFAULTS.items():
                self.session.conf.set(key, value)
        return outcome

    def frame(self, program):
        for each in program.duplicates:
            frame = self.session.sql(each.query)
            method = getattr(frame, METHODS[each.method])
            (method(each.keys) if each.keys else method()).createOrReplaceTempView(each.name)
        return self.session.sql(program.stored)

    def start(self, program, directory, batches):
        def keep(frame, number):
            batches[number] = [row_text(row) for row in frame.collect()]

        writer = self.frame(program).writeStream.outputMode(program.mode)
        return writer.option("checkpointLocation", os.path.join(directory, "checkpoint")).foreachBatch(keep).start()

    def steps(self, program, directory, feeder, outcome):
        from pyspark.sql.pandas.types import to_arrow_type

        batches, done, table = {}, set(), collections.Counter()
        try:
            frame = self.frame(program)
            outcome.types = [str(to_arrow_type(field.dataType, timezone="UTC")) for field in frame.schema]
            query = self.start(program, directory, batches)
        except Exception as error:
            outcome.refusal = message(error)
            return
        for step in program.steps:
            try:
                if step.restart:
                    query.stop()
                    feeder.add(step)
                    query = self.start(program, directory, batches)
                else:
                    lock = query._jsq.streamingQuery().awaitProgressLock()
                    lock.lock()
                    try:
                        feeder.add(step)
                    finally:
                        lock.unlock()
                # Twice: a poll of the directory that began before the files came may answer the first call.
                query.processAllAvailable()
                query.processAllAvailable()
            except Exception as error:
                outcome.failure = message(error)
                return
            new = sorted(number for number in self.commits(directory) if number not in done)
            done |= set(new)
            rows = collections.Counter(line for number in new for line in batches.get(number, []))
            if program.mode == "complete":
                table = collections.Counter(batches[new[-1]]) if new and new[-1] in batches else table
                rows = table
            outcome.rows.append(rows)
            seen = {}
            for progress in query._jsq.recentProgress():
                progress = json.loads(progress.json())
                seen[progress["batchId"]] = progress
            outcome.epochs.append([epoch(seen[number]) for number in new if number in seen])

    @staticmethod
    def commits(directory):
        folder = os.path.join(directory, "checkpoint", "commits")
        return [int(name) for name in os.listdir(folder) if name.isdigit()] if os.path.isdir(folder) else []
