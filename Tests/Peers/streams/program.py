"""A streaming query with its inputs in steps, and its text for both engines.

Relations that no SQL of Spark names, the duplicates, stand in the text as `dedup_1`, `dedup_2`, …: in Tidemill a
function over TABLE(query), in Spark a temporary view over the DataFrame that the method of that name gives.
"""
import dataclasses
import os
import re

NO_DATA = "spark.sql.streaming.noDataMicroBatches.enabled"
POLICY = "spark.sql.streaming.multipleWatermarkPolicy"


@dataclasses.dataclass
class Input:
    """A directory of files. `static` ones are filled before the first step."""

    name: str
    columns: list                       # (name, SQL type)
    format: str = "json"
    static: bool = False
    rows: list = dataclasses.field(default_factory=list)

    def options(self, path):
        null = ", nullValue 'NULL'" if self.format == "csv" else ""
        return f"OPTIONS (path '{path}'{null})"

    def statement(self, path):
        columns = ", ".join(f"`{name}` {kind}" for name, kind in self.columns)
        return f"CREATE TABLE {self.name} ({columns}) USING {self.format} {self.options(path)}"


@dataclasses.dataclass
class Duplicates:
    name: str
    query: str
    method: str                         # drop_duplicates, drop_duplicates_within_watermark
    keys: list


@dataclasses.dataclass
class Step:
    """What appears before a run: files of rows by input. With `restart` Spark's query is stopped and started before."""

    files: list                         # (input name, rows)
    restart: bool = False


@dataclasses.dataclass
class Program:
    name: str
    inputs: list
    query: str
    width: int                          # number of columns of the result; None: they keep the query's names
    mode: str
    steps: list
    duplicates: list = dataclasses.field(default_factory=list)
    settings: dict = dataclasses.field(default_factory=dict)

    def input(self, name):
        return next(each for each in self.inputs if each.name == name)

    @property
    def stored(self):
        """The query with names for its columns."""
        if self.width is None:
            return self.query
        names = ", ".join(f"c{index}" for index in range(self.width))
        return f"SELECT * FROM (\n  {self.query}\n) AS q ({names})"

    def tidemill(self, directory="input"):
        """The project's text; inputs lie in folders of `directory`."""
        query = self.stored
        for each in reversed(self.duplicates):
            keys = "".join(f", '{key}'" for key in each.keys)
            query = re.sub(rf"\b{each.name}\b", lambda _: f"{each.method}(TABLE({each.query}){keys})", query)
        write = "overwrite" if self.mode == "complete" else "append"
        settings = "".join(f"SET {key} = {value};\n" for key, value in self.settings.items())
        tables = "".join(each.statement(os.path.join(directory, each.name)) + ";\n" for each in self.inputs)
        return (f"{settings}{tables}CREATE STREAMING TABLE out\n"
                f"  TBLPROPERTIES ('tidemill.outputMode' = '{self.mode}', 'tidemill.write' = '{write}') AS\n{query};\n")


@dataclasses.dataclass
class Epoch:
    """What progress says of one epoch."""

    watermark: str                      # the one it ran with, as ISO text; None without event time
    times: dict                         # max, min and avg of event time
    operators: list                     # per stateful operator: rows, updated, removed, dropped


@dataclasses.dataclass
class Outcome:
    """What an engine made of a program: a refusal, or per step its rows and epochs; `failure` ends the steps."""

    refusal: str = None
    failure: str = None
    types: list = None
    rows: list = dataclasses.field(default_factory=list)
    epochs: list = dataclasses.field(default_factory=list)


COUNTS = {"total": "numRowsTotal", "updated": "numRowsUpdated", "removed": "numRowsRemoved",
          "dropped": "numRowsDroppedByWatermark"}


def epoch(progress):
    """An object of progress as an Epoch."""
    times = dict(progress.get("eventTime") or {})
    watermark = times.pop("watermark", None)
    times = {key: times[key] for key in ("max", "min", "avg") if key in times}
    operators = [{name: each.get(key, 0) for name, key in COUNTS.items()} | {"name": each["operatorName"]}
                 for each in progress.get("stateOperators") or []]
    return Epoch(watermark, times, operators)
