"""A program as a golden stream (Tests/GoldenTests/GoldenFile.swift), with the watermarks and counts that Spark gave.

The rows are left out: where Tidemill has Spark's (that is what this check is for), `TIDE_UPDATE=1 make test
FILTER=GoldenTests` writes them, and must leave the other lines alone.
"""
import textwrap

from values import lines


def golden(program, outcome, comment):
    for each in program.inputs:
        each.format = "json" if any(">" in kind for _, kind in each.columns) else "csv"
    head = textwrap.fill(comment + " Expected: the rows, watermarks and counts that Apache Spark 4.3.0 gives step by"
                         " step, in one run.", 117)
    out = ["-- " + line for line in head.splitlines()] + ["-- staged", program.tidemill().rstrip("\n"), ""]
    serial = 0
    for number, (step, epochs) in enumerate(zip(program.steps, outcome.epochs)):
        out.append("epoch")
        if number == 0:
            out += [f"directory input/{each.name}" for each in program.inputs]
            for each in program.inputs:
                if each.static:
                    out += [f"file input/{each.name}/00.{each.format}", lines(each, each.rows)]
        for name, rows in step.files:
            serial += 1
            each = program.input(name)
            place = f"file input/{name}/{serial:02}.{each.format}"
            out += [place, lines(each, rows)] if rows else [place + ' ""', ""]
        out += ["----", "table out", ""]
        if epochs:
            if epochs[-1].watermark:
                out += [f"watermark out {epochs[-1].watermark}", ""]
            if epochs[-1].operators:
                out += [f"state rows {sum(each['total'] for each in epochs[-1].operators)}", ""]
                for title in ("updated", "dropped"):
                    count = sum(each[title] for epoch in epochs for each in epoch.operators)
                    out += [f"state {title} {count}", ""]
    return "\n".join(out) + "\n"
