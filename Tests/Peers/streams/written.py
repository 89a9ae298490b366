"""Programs written by hand (written.sql), over rows drawn for them.

A block is `-- name: what it shows`, then settings and the query. `a`, `b` and `c` are streams of k, v, ts, d, x and b;
`n` has an array and a struct besides; `w` is a table that stands still, of k, v and word. Behind the name may stand
`(update)` or `(complete)`.
"""
import os
import re
import zlib

from program import Program
from relations import NESTED, PLAIN, Draw
from program import Duplicates, Input

HERE = os.path.dirname(os.path.abspath(__file__))
STILL = [("k", "STRING"), ("v", "INT"), ("word", "STRING")]
HEAD = re.compile(r"^-- (\w+)(?: \((update|complete)\))?: ", re.M)


def without_duplicates(text, found):
    """The text with `drop_duplicates…(TABLE(q), 'k')` taken out, innermost first."""
    while True:
        starts = list(re.finditer(r"\b(drop_duplicates(?:_within_watermark)?)\s*\(\s*TABLE\s*\(", text))
        if not starts:
            return text
        start = starts[-1]
        depth, at = 1, start.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        query, tail = text[start.end():at - 1], re.match(r"([^)]*)\)", text[at:])
        name = f"dedup_{len(found) + 1}"
        found.append(Duplicates(name, query, start.group(1), re.findall(r"'([^']*)'", tail.group(1))))
        text = text[:start.start()] + name + text[at + tail.end():]


def program(name, mode, text):
    draw = Draw(zlib.crc32(name.encode()))
    settings = dict(re.findall(r"^SET (\S+) = (\S+);$", text, re.M))
    query = re.sub(r"^SET .*\n", "", text, flags=re.M).strip().rstrip(";")
    for each in ("a", "b", "c", "n", "w"):
        if re.search(rf"\b(STREAM|FROM|JOIN) {each}\b", query, re.I):
            static = each == "w"
            columns = {"n": NESTED, "w": STILL}.get(each, PLAIN)
            made = Input(each, columns, "json", static)
            made.rows = [draw.row(columns, 0) for _ in range(4)] if static else []
            draw.inputs.append(made)
    # One file a step: within a batch Spark reads files by size, so that order would say nothing.
    draw.has_order = True
    found = []
    outer = without_duplicates(query, found)
    width = None
    marks = query.upper().count(" WATERMARK ")
    return Program(name, draw.inputs, outer, width, mode or "append", draw.steps(marks < 2), found, settings)


def programs():
    """(program, what it shows)"""
    with open(os.path.join(HERE, "written.sql"), encoding="utf-8") as file:
        text = file.read()
    found = []
    heads = list(HEAD.finditer(text))
    for head, following in zip(heads, heads[1:] + [None]):
        block = text[head.end():following.start() if following else len(text)]
        # The comment ends with the first line that is none.
        comment, query = [], []
        for line in block.splitlines():
            if query or comment and not line.startswith("-- "):
                query.append(line)
            else:
                comment.append(line.removeprefix("-- "))
        found.append((program(head.group(1), head.group(2), "\n".join(query)), " ".join(comment)))
    return found
