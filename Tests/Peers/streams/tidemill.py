"""A program on Tidemill: one `tidemill run` per step, as the command line's users do."""
import collections
import json
import os
import subprocess

import pyarrow.parquet

from program import Outcome, epoch
from values import Feeder, row_text


class Tidemill:
    def __init__(self, binary):
        self.binary = os.path.abspath(binary)

    def call(self, *arguments):
        done = subprocess.run([self.binary, *arguments], capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def run(self, program, directory):
        outcome = Outcome()
        project = os.path.join(directory, "program.sql")
        inputs = os.path.join(directory, "tidemill-input")
        with open(project, "w", encoding="utf-8") as file:
            file.write(program.tidemill(inputs))
        feeder = Feeder(program, inputs)
        status, _, err = self.call("dry-run", project)
        if status:
            outcome.refusal = f"exit {status}: {err.strip()[:1000]}"
            return outcome
        before = collections.Counter()
        places = ["--storage", os.path.join(directory, "storage"), "--warehouse", os.path.join(directory, "warehouse")]
        for step in program.steps:
            feeder.add(step)
            status, out, err = self.call("run", project, *places, "--progress", "jsonl")
            if status:
                outcome.failure = f"exit {status}: {err.strip()[:1000]}"
                break
            rows = collections.Counter(self.rows(outcome, os.path.join(directory, "warehouse", "out")))
            if program.mode == "complete":
                outcome.rows.append(rows)
            else:
                if before - rows:
                    outcome.failure = f"rows vanished from the table: {before - rows}"
                    break
                outcome.rows.append(rows - before)
            before = rows
            lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
            outcome.epochs.append([epoch(each) for each in lines if "batchId" in each])
        return outcome

    @staticmethod
    def rows(outcome, folder):
        """The stored table as lines of text."""
        found = []
        for path in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if path.startswith(("_", ".")):
                continue
            table = pyarrow.parquet.ParquetFile(os.path.join(folder, path)).read()
            outcome.types = [str(field.type) for field in table.schema]
            found += [row_text(row) for row in zip(*[column.to_pylist() for column in table.columns])]
        return found
