"""Streaming queries drawn at random: sources, then operators over them until it is enough.

Most of what is drawn Spark accepts; what it refuses is asked as well, since Tidemill should refuse it too.
"""
import aggregates
from program import NO_DATA, POLICY, Program
from relations import NUMBERS, Draw, Relation

KEYS = ("STRING", "INT", "BIGINT", "BOOLEAN")


def filtered(draw, below):
    text = f"SELECT * FROM {below.text} AS {draw.alias()} WHERE {aggregates.conditions(draw, below)}"
    return draw.query(text, below.columns, below.times, [below])


def projected(draw, below):
    columns, items = [], []
    for name, kind in below.columns:
        if name in below.times or draw.maybe(0.75) or (name, kind) == below.columns[-1] and not items:
            items.append(name)
            columns.append((name, kind))
    for name in draw.some(below.of("INT", "BIGINT"), 0, 1):
        items.append(f"{name} % 3 AS m{draw.aliases}")
        columns.append((f"m{draw.aliases}", "INT"))
    text = f"SELECT {', '.join(items)} FROM {below.text} AS {draw.alias()}"
    return draw.query(text, columns, below.times, [below])


def exploded(draw, below):
    arrays = below.of("ARRAY")
    name = f"e{draw.aliases}"
    what = draw.chance.choice(arrays) if arrays else "array(1, 2)"
    columns = [each for each in below.columns if each[1] != "ARRAY<INT>"] + [(name, "INT")]
    names = ", ".join(each for each, _ in columns[:-1])
    alias = draw.alias()
    text = draw.one(f"SELECT {names}, explode({what}) AS {name} FROM {below.text} AS {alias}",
                    f"SELECT {names}, {name} FROM {below.text} AS {alias} LATERAL VIEW explode({what}) g AS {name}")
    return draw.query(text, columns, below.times, [below])


def union(draw, below, other):
    """UNION ALL of the columns both have, by name and type."""
    there = dict(other.columns)
    columns = [(name, kind) for name, kind in below.columns if there.get(name) == kind]
    times = [name for name in below.times if name in other.times]
    names = ", ".join(name for name, _ in columns)
    if not columns or (below.times or other.times) and not times:
        return below
    text = (f"SELECT {names} FROM {below.text} AS {draw.alias()} UNION ALL "
            f"SELECT {names} FROM {other.text} AS {draw.alias()}")
    return draw.query(text, columns, times, [below, other])


def time_group(draw, below):
    """An expression over event time to group by, with (name, type) of what stands for it, or None."""
    size, slide = draw.one(("5", "5"), ("10", "10"), ("10", "5"), ("10", "3"), ("20", "20"), ("7", "2"))
    if below.windows and (not below.instants or draw.maybe(0.5)):
        name = draw.chance.choice(below.windows)
        return draw.one(name, f"window({name}, '20 seconds')", f"window({name}, '20 seconds')")
    if not below.instants:
        return None
    name = draw.chance.choice(below.instants)
    if size == slide:
        offset = draw.one("", "", f", '{size} seconds', '2 seconds'", f", '{size} seconds', '-1 seconds'")
        return draw.one(f"window({name}, '{size} seconds'{offset})", f"window({name}, '{size} seconds'{offset})", name)
    return f"window({name}, '{size} seconds', '{slide} seconds')"


def aggregated(draw, below, session=False):
    alias = draw.alias()
    group = time_group(draw, below) if draw.maybe(0.85) or session else None
    keys = draw.some([each for each in below.of(*KEYS) if each not in below.times], 0 if group else 1, 2)
    if session:
        times = below.instants
        if not times:
            return below
        gap = draw.one("'5 seconds'", "'10 seconds'", "'3 seconds'")
        if below.of("INT") and draw.maybe(0.3):
            gap = f"CASE WHEN {below.of('INT')[0]} < 4 THEN '3 seconds' ELSE '8 seconds' END"
        group = f"session_window({draw.chance.choice(times)}, {gap})"
        keys = keys or below.of(*KEYS)[:1] if draw.maybe(0.9) else keys
    items, columns, times = [], [], []
    if group:
        name = f"w{draw.aliases}"
        kind = below.kind(group) if group in dict(below.columns) else "WINDOW"
        if session:
            items.append(f"session_window AS {name}")
        elif group.startswith("window("):
            items.append(f"window AS {name}")
        else:
            items.append(f"{group} AS {name}")
        columns.append((name, kind))
        times.append(name)
    for key in keys:
        items.append(key)
        columns.append((key, below.kind(key)))
    for number in range(draw.chance.randint(1, 3)):
        text, kind = aggregates.call(draw, below)
        items.append(f"{text} AS g{draw.aliases}_{number}")
        columns.append((f"g{draw.aliases}_{number}", kind))
    by = ", ".join(([group] if group else []) + keys)
    text = f"SELECT {', '.join(items)} FROM {below.text} AS {alias}" + (f" GROUP BY {by}" if by else "")
    if draw.maybe(0.15):
        text += f" HAVING {draw.one('count(*) > 1', 'count(*) % 2 = 1')}"
    result = draw.query(text, columns, times, [below], grows=False)
    if result.windows and draw.maybe(0.3) and not session:
        name, alias = f"i{draw.aliases}", draw.alias()
        text = f"SELECT *, window_time({result.windows[0]}) AS {name} FROM {result.text} AS {alias}"
        return draw.query(text, columns + [(name, "TIMESTAMP")], times + [name], [result], grows=False)
    return result


def without_duplicates(draw, below):
    kinds = draw.chance.random()
    names = [name for name, kind in below.columns if kind.split("(")[0] in KEYS + ("TIMESTAMP", "WINDOW", "DECIMAL")]
    if kinds < 0.2:
        names = draw.some(names, 1, 2)
        for time in below.times[:1]:
            if time not in names and draw.maybe(0.8):
                names.append(time)
        columns = [(name, below.kind(name)) for name in names]
        text = f"SELECT DISTINCT {', '.join(names)} FROM {below.text} AS {draw.alias()}"
        return draw.query(text, columns, below.times, [below], grows=False)
    keys = draw.some([name for name in names if name not in below.times], 1, 2)
    if below.times and draw.maybe(0.4):
        keys.append(below.times[0])
    if not keys:
        return below
    # Spark takes a window's bytes for a time here.
    method = "drop_duplicates_within_watermark" if kinds > 0.6 and not below.windows else "drop_duplicates"
    if {name for name, _ in below.columns} - set(keys):
        # Which row is the first shows; behind these operators rows of an epoch have no order.
        if not below.grows or any(word in below.text for word in (" JOIN ", " UNION ", "dedup_")):
            return below
        draw.has_order = True
    return draw.without(method, below, keys, draw.alias())


def windowed(draw, below):
    """The rows with their window as a column, to join by."""
    if not below.instants:
        return None
    alias, size = draw.alias(), draw.one("10 seconds", "20 seconds")
    name = below.instants[0]
    columns = [each for each in below.columns if each[0] != name] + [("win", "WINDOW")]
    names = ", ".join(each for each, _ in columns[:-1])
    text = f"SELECT {names}, window({name}, '{size}') AS win FROM {below.text} AS {alias}"
    return draw.query(text, columns, ["win"], [below])


def joined(draw, below, other):
    """A join of two streams by a key and a range of time, or by equal windows or times."""
    if draw.maybe(0.3):
        left, right = windowed(draw, below), windowed(draw, other)
        below, other = left or below, right or other
    a, b = draw.alias(), draw.alias()
    equal = [(l, r) for l, lk in below.columns for r, rk in other.columns
             if lk == rk and lk in ("STRING", "INT", "BIGINT", "BOOLEAN")]
    parts = []
    for l, r in draw.some(equal, 1, 1 if draw.maybe(0.8) else 2):
        parts.append(f"{a}.{l} {draw.one('=', '=', '=', '=', '<=>')} {b}.{r}")
    both = [(l, r) for l in below.times for r in other.times if below.kind(l) == other.kind(r)]
    instants = [(l, r) for l in below.of("TIMESTAMP") for r in other.of("TIMESTAMP")
                if l in below.times or r in other.times]
    if both and (below.kind(both[0][0]) == "WINDOW" or draw.maybe(0.3)):
        l, r = both[0]
        parts.append(f"{a}.{l} = {b}.{r}")
    elif instants and draw.maybe(0.9):
        l, r = draw.chance.choice(instants)
        before, after = draw.one(0, 5, 10), draw.one(0, 5, 10)
        parts.append(draw.one(
            f"{a}.{l} BETWEEN {b}.{r} - INTERVAL {before} SECONDS AND {b}.{r} + INTERVAL {after} SECONDS",
            f"{b}.{r} >= {a}.{l} AND {b}.{r} <= {a}.{l} + INTERVAL {after + 5} SECONDS",
            f"{a}.{l} > {b}.{r} - INTERVAL {before} SECONDS AND {a}.{l} < {b}.{r} + INTERVAL {after + 1} SECONDS",
            f"{a}.{l} - {b}.{r} BETWEEN INTERVAL '-{before}' SECOND AND INTERVAL '{after}' SECOND",
            f"{a}.{l} >= {b}.{r} - INTERVAL {before} SECONDS"))
    if draw.maybe(0.15) and below.of("INT") and other.of("INT"):
        parts.append(draw.one(f"{a}.{below.of('INT')[0]} > 2", f"{b}.{other.of('INT')[0]} < 8",
                              f"{a}.{below.of('INT')[0]} <= {b}.{other.of('INT')[0]} + 3"))
    how = draw.one("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN")
    return output(draw, below, other, a, b, how, " AND ".join(parts) or "true", [below, other])


def output(draw, below, other, a, b, how, condition, sides):
    items, columns, times = [], [], []
    for side, alias, sign in ((below, a, "l"), (other, b, "r")):
        if how in ("LEFT SEMI JOIN", "LEFT ANTI JOIN") and sign == "r":
            continue
        for name, kind in side.columns:
            if name in side.times or draw.maybe(0.5) or not items:
                new = f"{sign}{draw.aliases}_{name}"
                items.append(f"{alias}.{name} AS {new}")
                columns.append((new, kind))
                if name in side.times:
                    times.append(new)
    text = f"SELECT {', '.join(items)} FROM {below.text} AS {a} {how} {other.text} AS {b} ON {condition}"
    return draw.query(text, columns, times, sides)


def joined_static(draw, below):
    other, a, b = draw.static(), draw.alias(), draw.alias()
    keys = [(l, r) for l in below.of("STRING", "INT") for r in ("k", "v") if below.kind(l) == other.kind(r)]
    if not keys:
        return below
    l, r = draw.chance.choice(keys)
    condition = f"{a}.{l} = {b}.{r}"
    if draw.maybe(0.2):
        return draw.query(f"SELECT * FROM {below.text} AS {a} WHERE {a}.{l} {draw.one('IN', 'IN', 'NOT IN')} "
                          f"(SELECT {r} FROM {other.text} WHERE {r} IS NOT NULL)", below.columns, below.times, [below])
    how = draw.one("JOIN", "JOIN", "LEFT JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN")
    if draw.maybe(0.2):
        how = draw.one("JOIN", "RIGHT JOIN", "RIGHT JOIN", "LEFT JOIN", "FULL JOIN")
        return output(draw, other, below, b, a, how, condition, [below])
    return output(draw, below, other, a, b, how, condition, [below])


def operator(draw, below, depth):
    """One more operator over `below`."""
    kind = draw.chance.random()
    if kind < 0.40:
        return aggregated(draw, below)
    if kind < 0.50:
        return aggregated(draw, below, session=True)
    if kind < 0.65:
        return without_duplicates(draw, below)
    if kind < 0.82 and depth < 2:
        other = stateless(draw, draw.source())
        if draw.maybe(0.15):
            other = aggregated(draw, other)
        return joined(draw, below, other)
    if kind < 0.92 and depth < 3:
        return union(draw, below, stateless(draw, draw.source()) if draw.maybe(0.8) else draw.source())
    return joined_static(draw, below)


def stateless(draw, below):
    for _ in range(draw.one(0, 0, 1, 1, 2)):
        below = draw.one(filtered, projected, projected, filtered, exploded)(draw, below)
    return below


def drawn(seed):
    """The program of this number; the same for ever."""
    draw = Draw(seed)
    relation = stateless(draw, draw.source(0.92))
    depth = draw.one(0, 1, 1, 1, 1, 2, 2, 2, 3)
    for level in range(depth):
        relation = operator(draw, relation, level)
        if draw.maybe(0.25):
            relation = draw.one(filtered, projected)(draw, relation)
    items = [name for name, kind in relation.columns if draw.maybe(0.95)] or [relation.columns[0][0]]
    text = f"SELECT {', '.join(items)} FROM {relation.text} AS {draw.alias()}"
    # Behind other operators rows of an epoch have no order.
    if depth == 0 and draw.maybe(0.1):
        text += f" LIMIT {draw.one(0, 3, 5)}"
        draw.has_order = True
    mode = draw.one("append", "append", "append", "update", "update", "complete")
    if relation.grows and draw.maybe(0.9):
        mode = "append"
    if not relation.grows and not relation.times and draw.maybe(0.9):
        mode = draw.one("update", "complete")
    settings = {}
    if draw.maybe(0.08):
        settings[NO_DATA] = "false"
    if relation.marks > 1 and draw.maybe(0.25):
        settings[POLICY] = "max"
    steps = draw.steps(restarts=relation.marks < 2)
    return Program(f"seed_{seed}", draw.inputs, text, len(items), mode, steps, draw.duplicates, settings)
