"""Running the tidemill binary, and what every check shares: counting, comparing rows."""
import datetime
import decimal
import json
import math
import os
import re
import shutil
import subprocess

NOW = "2024-06-01T00:00:00Z"
TODAY = datetime.date(2024, 6, 1)


class Failed(Exception):
    """A check that did not hold; the message says what differs."""


class Report:
    """Counts checks and prints one line for each that failed or was skipped."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, action):
        try:
            action()
        except Failed as error:
            self.failed += 1
            print(f"FAILED  {name}\n        " + str(error).replace("\n", "\n        "), flush=True)
        except Exception as error:  # the peer's own: it is reported as a failure, and the rest goes on
            self.failed += 1
            print(f"FAILED  {name}\n        {type(error).__name__}: {shortened(str(error))}", flush=True)
        else:
            self.passed += 1

    def skip(self, name, reason, count=1):
        self.skipped += count
        print(f"skipped {name}: {reason}", flush=True)

    def section(self, name):
        print(f"== {name}", flush=True)


class Tidemill:
    def __init__(self, binary):
        self.binary = os.path.abspath(binary)

    @property
    def bench(self):
        """tidemill-bench beside the binary, or None."""
        path = os.path.join(os.path.dirname(self.binary), "tidemill-bench")
        return path if os.path.exists(path) else None

    def call(self, *arguments, cwd=None):
        """(exit status, stdout, stderr)"""
        done = subprocess.run([self.binary, *arguments], cwd=cwd, capture_output=True, timeout=300)
        return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def run(self, project, *arguments):
        status, out, err = self.call("run", project, "--set", f"tidemill.now={NOW}", *arguments)
        if status != 0:
            raise Failed(f"run ended with {status}: {shortened(err)}")
        return out + err

    def rows(self, query, *project, cwd=None):
        """The answer as (names, rows); numbers with a fraction are Decimal, so that nothing is lost."""
        status, out, err = self.call("sql", "-e", query, "--format", "json", *project, cwd=cwd)
        if status != 0:
            raise Failed(f"exit {status}: {shortened(err)}")
        names, rows = [], []
        for line in out.splitlines():
            pairs = json.loads(line, object_pairs_hook=lambda pairs: pairs, parse_float=decimal.Decimal)
            names = [name for name, _ in pairs]
            rows.append(tuple(value for _, value in pairs))
        return names, rows

    def error_class(self, query, *project, cwd=None):
        """The class of the error that the query ends with, or None if it has an answer."""
        status, _, err = self.call("sql", "-e", query, *project, cwd=cwd)
        if status == 0:
            return None
        found = re.search(r"^error: \[([A-Z_0-9.]+)\]", err, re.M)
        if status != 1 or not found:
            raise Failed(f"exit {status}: {shortened(err)}")
        return found.group(1)


def shortened(text, limit=400):
    text = text.strip()
    return text if len(text) <= limit else text[:limit] + " …"


def fresh(*parts):
    """A new empty folder of this name."""
    path = os.path.join(*parts)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def plain(value):
    """Values of all engines as one: numbers as Decimal or float, dates and times as ISO text."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return decimal.Decimal(value)
    if isinstance(value, decimal.Decimal):
        return value
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        text = value.isoformat(sep=" ")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return str(value)


def number(value):
    if isinstance(value, float):
        return value
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    return None


def same(left, right, tolerance=1e-9):
    """Equal; doubles within the relative tolerance. Without one, everything to the last digit."""
    left, right = plain(left), plain(right)
    if tolerance is None:
        return left == right
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    a, b = number(left), number(right)
    if a is None or b is None:
        return left == right
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if left == right:
        return True
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-300) or abs(a - b) < 1e-12


def sort_key(row):
    key = []
    for value in row:
        value = plain(value)
        as_number = number(value)
        if value is None:
            key.append((0, 0.0, ""))
        elif isinstance(value, bool):
            key.append((1, float(value), ""))
        elif as_number is not None:
            key.append((2, math.inf if math.isnan(as_number) else float(f"{as_number:.8g}"), ""))
        else:
            key.append((3, 0.0, value))
    return key


def compare(ours, theirs, who, ordered=False, tolerance=1e-9):
    """Raises Failed unless the two lists of rows are the same (as bags, unless `ordered`)."""
    if len(ours) != len(theirs):
        raise Failed(f"{len(ours)} rows, {who} has {len(theirs)}\nours {ours[:3]}\n{who} {theirs[:3]}")
    if not ordered:
        ours, theirs = sorted(ours, key=sort_key), sorted(theirs, key=sort_key)
    for index, (left, right) in enumerate(zip(ours, theirs)):
        if len(left) != len(right):
            raise Failed(f"{len(left)} columns, {who} has {len(right)}")
        for a, b in zip(left, right):
            if not same(a, b, tolerance):
                raise Failed(f"row {index}: {a!r}, {who} has {b!r}\nours {left}\n{who} {right}")
