"""Rows as Python values, written as files and compared.

A timestamp is an int: microseconds since 1970. A decimal is a decimal.Decimal, an array a list, a struct a tuple.
"""
import datetime
import decimal
import json
import math
import os
import re
import time

EPOCH = datetime.datetime(1970, 1, 1)


def moment(micros):
    return EPOCH + datetime.timedelta(microseconds=micros)


def iso(micros):
    return moment(micros).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def struct_fields(kind):
    """(name, type) of the fields of STRUCT<a: INT, b: STRING>, or None."""
    found = re.fullmatch(r"STRUCT<(.*)>", kind)
    return [tuple(part.strip() for part in each.split(":")) for each in found.group(1).split(",")] if found else None


def as_json(value, kind):
    if value is None or isinstance(value, (bool, str, float)):
        return value
    if kind == "TIMESTAMP":
        return iso(value)
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, list):
        return [as_json(each, kind[6:-1]) for each in value]
    fields = struct_fields(kind)
    if fields:
        return {name: as_json(each, field) for each, (name, field) in zip(value, fields)}
    return value


def as_csv(value, kind):
    if value is None:
        return "NULL"
    if kind == "TIMESTAMP":
        return iso(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def lines(each, rows):
    """The file's text, but for Parquet."""
    kinds = [kind for _, kind in each.columns]
    if each.format == "csv":
        return "".join(",".join(map(as_csv, row, kinds)) + "\n" for row in rows)
    if each.format == "text":
        return "".join(row[0] + "\n" for row in rows)
    # A NULL field of a row is left out now and then, which must mean the same.
    out = []
    for number, row in enumerate(rows):
        fields = {name: as_json(value, kind) for value, (name, kind) in zip(row, each.columns)}
        if number % 2:
            fields = {name: value for name, value in fields.items() if value is not None}
        out.append(json.dumps(fields) + "\n")
    return "".join(out)


def arrow_type(kind):
    import pyarrow

    if kind.startswith("ARRAY<"):
        return pyarrow.list_(arrow_type(kind[6:-1]))
    if kind.startswith("DECIMAL"):
        return pyarrow.decimal128(*map(int, re.findall(r"\d+", kind)))
    fields = struct_fields(kind)
    if fields:
        return pyarrow.struct([(name, arrow_type(field)) for name, field in fields])
    return {"INT": pyarrow.int32(), "BIGINT": pyarrow.int64(), "STRING": pyarrow.string(), "DOUBLE": pyarrow.float64(),
            "BOOLEAN": pyarrow.bool_(), "TIMESTAMP": pyarrow.timestamp("us", "UTC")}[kind]


def write_parquet(each, rows, path):
    import pyarrow
    import pyarrow.parquet

    arrays = []
    for index, (_, kind) in enumerate(each.columns):
        column = [row[index] for row in rows]
        fields = struct_fields(kind)
        if fields:
            column = [value and {name: field for field, (name, _) in zip(value, fields)} for value in column]
        arrays.append(pyarrow.array(column, arrow_type(kind)))
    names = [name for name, _ in each.columns]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, names), path)


class Feeder:
    """Places files one after the other: hidden first, each with a later time of modification, then renamed."""

    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.clock = int(time.time()) - 100_000
        self.serial = 0
        for each in program.inputs:
            os.makedirs(os.path.join(directory, each.name))
        for each in program.inputs:
            if each.static:
                self.place(each, each.rows)

    def place(self, each, rows):
        self.serial += 1
        self.clock += 1
        folder = os.path.join(self.directory, each.name)
        hidden = os.path.join(folder, f".{self.serial:04}.tmp")
        if each.format == "parquet":
            write_parquet(each, rows, hidden)
        else:
            with open(hidden, "w", encoding="utf-8") as file:
                file.write(lines(each, rows))
        os.utime(hidden, (self.clock, self.clock))
        os.rename(hidden, os.path.join(folder, f"{self.serial:04}.{each.format}"))

    def add(self, step):
        for name, rows in step.files:
            self.place(self.program.input(name), rows)


def plain(value):
    """Values of both engines as one."""
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value)
    if isinstance(value, decimal.Decimal):
        return str(value)
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else float(f"{value:.9g}") if abs(value) > 1e-12 else 0.0
    if isinstance(value, dict):
        return [plain(each) for each in value.values()]
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return value


def row_text(row):
    return json.dumps(plain(list(row)))
