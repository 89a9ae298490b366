"""What a query is drawn from: relations with their columns, sources, and rows for them.

`Draw` holds the program while it grows. A `Relation` is the text of a FROM item without its alias; `times` are the
columns that carry a watermark.
"""
import dataclasses
import decimal
import random

from program import Duplicates, Input, Step

PLAIN = [("k", "STRING"), ("v", "INT"), ("ts", "TIMESTAMP"), ("d", "DECIMAL(8,2)"), ("x", "DOUBLE"), ("b", "BOOLEAN")]
NESTED = PLAIN + [("a", "ARRAY<INT>"), ("n", "STRUCT<p: INT, q: STRING>")]
FORMATS = ["json", "csv", "parquet"]
SECOND = 1_000_000
NUMBERS = ("INT", "BIGINT", "DOUBLE", "DECIMAL")


@dataclasses.dataclass
class Relation:
    text: str
    columns: list                       # (name, type)
    times: list = dataclasses.field(default_factory=list)
    marks: int = 0                      # watermarks in it
    grows: bool = True                  # False: its rows are an aggregation's

    def of(self, *kinds):
        return [name for name, kind in self.columns if kind.split("(")[0].split("<")[0] in kinds]

    def kind(self, name):
        return dict(self.columns)[name]

    @property
    def windows(self):
        return [name for name in self.times if self.kind(name) == "WINDOW"]

    @property
    def instants(self):
        return [name for name in self.times if self.kind(name) == "TIMESTAMP"]


class Draw:
    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.inputs, self.duplicates = [], []
        self.aliases = 0
        self.has_order = False          # the result depends on the order of rows: one file a step
        self.capped = set()

    # -- chance
    def maybe(self, share):
        return self.chance.random() < share

    def one(self, *choices):
        return self.chance.choice(choices)

    def some(self, choices, least, most):
        most = min(most, len(choices))
        return self.chance.sample(choices, self.chance.randint(min(least, most), most))

    def alias(self):
        self.aliases += 1
        return f"t{self.aliases}"

    # -- relations
    def delay(self):
        return self.one("0 SECONDS", "3 SECONDS", "10 SECONDS", "10 SECONDS", "1500 MILLISECONDS", "1 MINUTE")

    def source(self, watermark=0.9):
        """A stream, now and then one that is read already."""
        streams = [each for each in self.inputs if not each.static]
        if streams and self.maybe(0.15):
            each = self.chance.choice(streams)
        else:
            form = self.chance.choice(FORMATS)
            columns = PLAIN if form == "csv" or self.maybe(0.5) else NESTED
            each = Input(f"s{len(self.inputs) + 1}", columns, form)
            self.inputs.append(each)
            if self.maybe(0.2):
                self.capped.add(each.name)
        text = f"STREAM {each.name}"
        if each.name in self.capped:
            text += " WITH (maxFilesPerTrigger = 1)"
        times = []
        if self.maybe(watermark):
            times = ["ts"]
            if self.maybe(0.1):
                # A column of its own, which Spark does not know under the relation's alias.
                text += f" WATERMARK ts + INTERVAL 2 SECONDS AS late DELAY OF INTERVAL {self.delay()}"
                text = f"(SELECT * FROM {text} AS {self.alias()})"
                return Relation(text, each.columns + [("late", "TIMESTAMP")], ["late"], 1)
            text += f" WATERMARK ts DELAY OF INTERVAL {self.delay()}"
        return Relation(text, list(each.columns), times, len(times))

    def static(self):
        each = Input(f"w{len(self.inputs) + 1}", [("k", "STRING"), ("v", "INT"), ("word", "STRING")],
                     self.chance.choice(FORMATS), static=True)
        each.rows = [self.row(each.columns, 0) for _ in range(self.chance.randint(1, 6))]
        self.inputs.append(each)
        return Relation(each.name, each.columns)

    def query(self, text, columns, times, below, grows=None):
        """The query `text` as a relation over those in `below`."""
        if grows is None:
            grows = all(each.grows for each in below)
        times = [name for name in times if name in dict(columns)]
        return Relation(f"({text})", columns, times, sum(each.marks for each in below), grows)

    def without(self, method, relation, keys, alias="t"):
        name = f"dedup_{len(self.duplicates) + 1}"
        self.duplicates.append(Duplicates(name, f"SELECT * FROM {relation.text} AS {alias}", method, keys))
        return Relation(name, relation.columns, relation.times, relation.marks, relation.grows)

    # -- rows
    def value(self, kind, base):
        if self.maybe(0.12):
            return None
        draw = self.chance
        if kind == "TIMESTAMP":
            at = base * SECOND + draw.randint(-12, 22) * SECOND
            if self.maybe(0.1):
                at -= draw.randint(20, 120) * SECOND
            if self.maybe(0.2):
                at += draw.choice([1, 999, 1000, 500_000, 999_999, 250_000])
            return at
        if kind.startswith("DECIMAL"):
            return decimal.Decimal(draw.randint(-500, 500)) / 100
        if kind.startswith("ARRAY"):
            return [self.value("INT", base) for _ in range(draw.randint(0, 3))]
        if kind.startswith("STRUCT"):
            return (self.value("INT", base), self.value("STRING", base))
        return {"INT": lambda: draw.randint(0, 9), "STRING": lambda: draw.choice("abc"),
                "DOUBLE": lambda: draw.choice([0.5, -1.25, 2.0, 3.75, 0.0]),
                "BOOLEAN": lambda: draw.random() < 0.5}[kind]()

    def row(self, columns, base):
        return tuple(self.value(kind, base) for _, kind in columns)

    def steps(self, restarts):
        streams = [each for each in self.inputs if not each.static]
        base = self.one(0, 0, 20, 100, -40, 1_700_000_000)
        pace = self.one(5, 15, 30, 60)
        steps = []
        for number in range(self.chance.randint(3, 6)):
            files = []
            for each in streams:
                for _ in range(1 if self.has_order and each.name not in self.capped else self.one(0, 1, 1, 1, 2, 3)):
                    count = self.one(0, 1, 2, 3, 4, 6, 9)
                    files.append((each.name, [self.row(each.columns, base) for _ in range(count)]))
            steps.append(Step(files, restart=restarts and number > 0 and self.maybe(0.2)))
            base += pace if self.maybe(0.85) else self.one(0, 200)
        return steps
