"""Aggregate calls over the columns of a relation, for the grammar of streams."""
from relations import NUMBERS


def conditions(draw, relation):
    """A condition over one row that Spark takes anywhere."""
    choices = ["true"]
    for name in relation.of("INT", "BIGINT"):
        choices += [f"{name} > 3", f"{name} % 2 = 0", f"{name} IS NOT NULL", f"{name} BETWEEN 2 AND 7"]
    for name in relation.of("STRING"):
        choices += [f"{name} <> 'a'", f"{name} IN ('a', 'b')", f"{name} IS NULL"]
    for name in relation.of("BOOLEAN"):
        choices += [name, f"NOT {name}"]
    for name in relation.of("TIMESTAMP"):
        choices += [f"{name} > TIMESTAMP '1970-01-01 00:00:20'", f"second({name}) % 3 <> 0"]
    return draw.chance.choice(choices)


def call(draw, relation):
    """(text, type) of an aggregate whose result does not depend on the order of rows."""
    integers, doubles = relation.of("INT", "BIGINT"), relation.of("DOUBLE")
    numbers, decimals = relation.of(*NUMBERS), relation.of("DECIMAL")
    strings, times, flags = relation.of("STRING"), relation.of("TIMESTAMP"), relation.of("BOOLEAN")
    anything = integers + doubles + decimals + strings + times + flags
    choices = [("count(*)", "BIGINT")] * 3
    pick = draw.chance.choice
    if numbers:
        name = pick(numbers)
        whole = relation.kind(name) in ("INT", "BIGINT")
        choices += [(f"sum({name})", "BIGINT" if whole else "DOUBLE" if name in doubles else "OTHER"),
                    (f"avg({name})", "OTHER"), (f"stddev({name})", "OTHER"), (f"var_pop({name})", "OTHER"),
                    (f"skewness({name})", "OTHER"), (f"kurtosis({name})", "OTHER"),
                    (f"median({name})", "OTHER"), (f"percentile({name}, 0.3)", "OTHER"),
                    (f"sum({name} * 2 + 1)", "OTHER"), (f"max({name}) - min({name})", "OTHER"),
                    (f"covar_samp({name}, {pick(numbers)})", "OTHER")]
    if integers:
        name = pick(integers)
        choices += [(f"bit_xor({name})", "OTHER"), (f"bit_or({name})", "OTHER"), (f"bit_and({name})", "OTHER"),
                    (f"count_if({name} > 3)", "BIGINT"),
                    (f"sum(CASE WHEN {name} > 3 THEN 1 END)", "BIGINT")]
    if anything:
        name = pick(anything)
        kind = relation.kind(name)
        choices += [(f"count({name})", "BIGINT"), (f"min({name})", kind), (f"max({name})", kind),
                    (f"sort_array(collect_list({name}))", "OTHER"), (f"sort_array(collect_set({name}))", "OTHER"),
                    (f"sort_array(array_agg({name}))", "OTHER"), (f"approx_count_distinct({name})", "BIGINT"),
                    (f"count({name}, {pick(anything)})", "BIGINT"), (f"size(collect_list({name}))", "OTHER"),
                    (f"max(struct({name}, {pick(anything)}))", "OTHER"),
                    (f"max_by({name}, struct({name}, {pick(anything)}))", "OTHER")]
        if draw.maybe(0.05):
            choices = [(f"count(DISTINCT {name})", "BIGINT"), (f"sum(DISTINCT {pick(integers or ['1'])})", "BIGINT")]
        if draw.maybe(0.08):
            draw.has_order = True
            choices = [(f"first({name})", kind), (f"last({name})", kind), (f"first_value({name}, true)", kind),
                       (f"last_value({name}) IGNORE NULLS", kind), (f"collect_list({name})", "OTHER")]
    if flags:
        choices += [(f"bool_and({flags[0]})", "BOOLEAN"), (f"some({flags[0]})", "BOOLEAN")]
    text, kind = draw.chance.choice(choices)
    if draw.maybe(0.2) and text[-1] == ")" and text.split("(")[0] in ("sum", "count", "min", "max", "avg", "bool_and"):
        if " - " not in text:
            text += f" FILTER (WHERE {conditions(draw, relation)})"
    return text, kind
