"""The questions that Spark and Tidemill are both asked, read from questions/*.sql.

One question a line; a line that begins with a blank goes on with the one before it; `#` begins a comment. A question that
begins with SELECT, WITH, VALUES, FROM or `(` is a query, any other an expression.

    $int := 0 ; -1 ; 2147483647        values of a name; they may use other names
    $int + $int                        a question for each combination of values
    40: $any = $any                    40 questions that are drawn from the combinations

What is drawn depends on the line alone. A question that stands in several places is asked once, in the first file.
"""
import glob
import itertools
import os
import random
import re

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = re.compile(r"\$([a-z_]+)")
QUERY = re.compile(r"(SELECT|WITH|VALUES|FROM|\()\b|\(", re.I)


def logical_lines(text):
    lines = []
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] == " " and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip())
    return lines


def values_of(name, names):
    """Every text that the name stands for."""
    return [text for value in names[name] for text in all_of(value, names)]


def all_of(template, names):
    parts = NAME.split(template)
    choices = [[part] if index % 2 == 0 else values_of(part, names) for index, part in enumerate(parts)]
    return ["".join(choice) for choice in itertools.product(*choices)]


def draw(template, names, chance):
    return NAME.sub(lambda found: draw(chance.choice(names[found.group(1)]), names, chance), template)


def drawn(count, template, names):
    chance, found = random.Random(template), {}
    for _ in range(count * 20):
        found[draw(template, names, chance)] = True
        if len(found) == count:
            break
    return list(found)


def is_query(question):
    return QUERY.match(question) is not None


def is_ordered(question):
    """Whether the order of the rows is part of the answer: an ORDER BY that no parenthesis encloses."""
    depth, outside = 0, ""
    for character in re.sub(r"'[^']*'", "''", question):
        depth += (character == "(") - (character == ")")
        outside += character if depth == 0 else " "
    return re.search(r"\bORDER BY\b", outside) is not None


def read():
    """{topic: [question, …]}, no question twice."""
    seen, topics = set(), {}
    shared = {}
    for path in sorted(glob.glob(os.path.join(HERE, "questions", "*.sql"))):
        names, questions = dict(shared), []
        with open(path) as file:
            lines = logical_lines(file.read())
        for line in lines:
            definition = re.match(r"\$([a-z_]+) := (.*)", line)
            count = re.match(r"(\d+): (.*)", line)
            if definition:
                names[definition.group(1)] = [value.strip() for value in definition.group(2).split(" ; ")]
            elif count:
                questions += drawn(int(count.group(1)), count.group(2), names)
            else:
                questions += all_of(line, names)
        if os.path.basename(path).startswith("_"):
            shared = names
            continue
        topics[os.path.basename(path)[:-4]] = [q for q in questions if not (q in seen or seen.add(q))]
    return topics
