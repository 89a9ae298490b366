"""What differs between two outcomes of a program, apart from what docs/SEMANTICS.md says differs on purpose."""
import re

SLIDING = r"window\(\w+, '(\d+) seconds', '(?!\1 )"


def differences(program, ours, theirs):
    if theirs.refusal or ours.refusal:
        if theirs.refusal and ours.refusal:
            return []
        if "Distinct aggregations are not supported" in (theirs.refusal or ""):
            return []  # They are, here.
        if (ours.refusal and "TWO_EVENT_TIMES" in ours.refusal) or "EVENT_TIME_COLUMNS" in (theirs.refusal or ""):
            return []  # Spark notices some of them when it starts, others at the first row, or never.
        if ours.refusal and "without watermark on streaming" in ours.refusal and program.mode == "append":
            return []  # Spark looks at one of several aggregations.
        if ours.refusal and program.mode != "append" and "for an operator with state over" in ours.refusal:
            return []  # Spark runs some of these, with results that are neither updates nor complete.
        if ours.refusal:
            return ["refused by Tidemill alone: " + ours.refusal]
        return ["refused by Spark alone: " + theirs.refusal]
    if not program.steps[0].files and ours.epochs and not theirs.epochs[:1] == [ours.epochs[0]]:
        ours.epochs[0] = []  # The epoch that creates the table; Spark has none without input.
    # Beyond Spark: joins that have two event times, and sessions without another key.
    if re.search("EVENT_TIME_COLUMNS|Global aggregation with session", theirs.failure or ""):
        return []
    found = []
    if bool(ours.failure) != bool(theirs.failure):
        found.append(f"fails: ours {ours.failure}, Spark {theirs.failure}")
    if ours.types and ours.types != theirs.types:
        found += [f"type of c{index}: {mine}, Spark {other}" for index, (mine, other)
                  in enumerate(zip(map(type_text, ours.types), map(type_text, theirs.types))) if mine != other]
    for number, (mine, other) in enumerate(zip(ours.rows, theirs.rows), 1):
        if mine != other:
            found.append(f"step {number}: missing {sorted((other - mine).elements())}, "
                         f"extra {sorted((mine - other).elements())}")
    for number, (mine, other) in enumerate(zip(ours.epochs, theirs.epochs), 1):
        found += [f"step {number}: {text}" for text in epoch_differences(mine, other, facts(program))]
    return found


def documented(program, found):
    """Why a program may differ like this, as docs/SEMANTICS.md has it; None if it may not."""
    extra = all(re.match(r"step \d+: missing \[\], extra ", line) for line in found)
    if program.mode == "complete" and " UNION ALL " in program.query and extra:
        return "complete mode keeps rows beside an aggregation"
    return None


def facts(program):
    """Which facts of progress mean the same in both engines.

    Spark counts an event time that is NULL as 1970 in the statistics, shows those of one source alone, and reads no
    further than a LIMIT needs."""
    streams = [each for each in program.inputs if not each.static]
    texts = [program.query] + [each.query for each in program.duplicates]
    limited = any(" LIMIT " in text for text in texts)
    marks = sum(text.count(" WATERMARK ") for text in texts)
    nulls = any(row[2] is None for step in program.steps for _, rows in step.files for row in rows)
    # A semi join with a relation that stands still moves below aggregates there, which hold fewer groups then.
    moved = any(re.search(r"(SEMI|ANTI) JOIN w|IN \(SELECT", text) for text in texts)
    panes = program.mode == "complete" and any(re.search(SLIDING, text) for text in texts)
    return {"watermark": not limited, "times": not limited and marks == 1 and not nulls,
            "operators": not moved and not panes and not re.search("LIMIT 0|SELECT DISTINCT", " ".join(texts))}


def type_text(text):
    text = re.sub(r"\b(element|list|item): ", "item: ", text).replace(" not null", "")
    return text.replace("large_string", "string").replace("timestamp[us, tz=UTC]", "timestamp")


def epoch_differences(ours, theirs, compared):
    if len(ours) != len(theirs):
        return [f"{len(ours)} epochs, Spark {len(theirs)}"]
    found = []
    for number, (mine, other) in enumerate(zip(ours, theirs)):
        if compared["watermark"] and mine.watermark != other.watermark:
            found.append(f"epoch {number}: watermark {mine.watermark}, Spark {other.watermark}")
        if compared["times"] and mine.times != other.times:
            found.append(f"epoch {number}: times {mine.times}, Spark {other.times}")
        if compared["operators"] and of_spark(mine.operators) != of_spark(other.operators):
            found.append(f"epoch {number}: operators\n  {mine.operators}\n  Spark {other.operators}")
    return found


def of_spark(operators):
    """Without those that keep no state in Spark."""
    return [counts(each) for each in operators if each["name"] != "top-n"]


def counts(operator):
    return [operator[name] for name in ("total", "updated", "removed", "dropped")]
