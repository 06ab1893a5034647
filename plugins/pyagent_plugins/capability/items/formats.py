"""Questions of form: JSON that meets a schema with the right values, and texts that keep to stated constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyagent_plugins.capability.items.maths import NAMES
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask
from pyagent_plugins.capability.items.texts import CITIES, ITEMS, JOBS, LAST

TEXT, WHOLE, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def record(draw: Draw) -> Question:
    """A text as JSON: two fields (1), four (2), with a choice and a truth (3), a list (4), nested lists (5)."""
    chance = draw.chance
    name, city, job = chance.choice(NAMES), chance.choice(CITIES), chance.choice(JOBS)
    age, last = chance.randint(19, 79), chance.choice(LAST)
    shots: Sequence[tuple[str, str]] = ()
    value: Any
    if draw.level == 1:
        schema, value = closed(name=TEXT, age=WHOLE), {"name": name, "age": age}
        text = f"{name} is {age} years old."
        shots = [(_json("Rosa is 44 years old."), '{"name": "Rosa", "age": 44}'),
                 (_json("Emil is 31 years old."), '{"name": "Emil", "age": 31}')]  # fmt: skip
    elif draw.level == 2:
        schema = closed(name=TEXT, age=WHOLE, city=TEXT, job=TEXT)
        value = {"name": f"{name} {last}", "age": age, "city": city, "job": job}
        text = f"The {job} {name} {last} lives in {city} and is {age}."
        shots = [(_json("The cook Rosa May lives in Bern and is 44."),
                  '{"name": "Rosa May", "age": 44, "city": "Bern", "job": "cook"}')]  # fmt: skip
    elif draw.level == 3:
        kind, paid = ("refund", "repair", "question")[draw.turn % 3], draw.turn % 2 == 0
        schema = closed(customer=TEXT, kind={"enum": ["refund", "repair", "question"]}, item=TEXT, urgent=TRUTH)
        item = chance.choice(ITEMS)
        value = {"customer": name, "kind": kind, "item": item, "urgent": paid}
        says = {
            "refund": f"I want my money back for the {item}.",
            "repair": f"The {item} is broken, please mend it.",
            "question": f"Can you tell me how to clean the {item}?",
        }[kind]
        text = f"{says} {'It is very urgent!' if paid else 'There is no hurry.'} Yours, {name}"
    elif draw.level == 4:
        goods = chance.sample(ITEMS, 3)
        counts = [chance.randint(1, 9) for _ in goods]
        schema = closed(customer=TEXT, items={"type": "array", "items": closed(name=TEXT, count=WHOLE)}, total=WHOLE)
        rows = [{"name": good, "count": count} for good, count in zip(goods, counts, strict=True)]
        value = {"customer": name, "items": rows, "total": sum(counts)}
        listed = ", ".join(f"{count} of the article {good}" for good, count in zip(goods, counts, strict=True))
        text = f"{name} orders {listed}. (total is the number of pieces.)"
    else:
        people = chance.sample(NAMES, 4)
        ages = chance.sample(range(19, 79), 4)
        homes = [chance.choice(CITIES[:3]) for _ in people]
        member = closed(name=TEXT, age=WHOLE)
        schema = closed(groups={"type": "array", "items": closed(
            city=TEXT, members={"type": "array", "items": member}, average={"type": "number"})})  # fmt: skip
        groups = []
        for home in sorted(set(homes)):
            inside = sorted((p, a) for p, a, h in zip(people, ages, homes, strict=True) if h == home)
            average = round(sum(a for _, a in inside) / len(inside), 1)
            members = [{"name": p, "age": a} for p, a in inside]
            groups.append({"city": home, "members": members, "average": average})
        value = {"groups": groups}
        told = " ".join(f"{p} from {h} is {a}." for p, a, h in zip(people, ages, homes, strict=True))
        text = (
            f"{told} Group them by city; cities and the names in them in alphabetical order; average is the mean age, "
            "rounded to one decimal."
        )
    label = str(next(iter(value.values())))
    return ask(
        _json(text, schema if draw.level >= 3 else None),
        "data",
        value,
        "format.record",
        label=label,
        shots=shots,
        schema=schema,
        max_tokens=(48, 64, 96, 128, 256)[draw.level - 1],
    )


def _json(text: str, schema: Mapping[str, Any] | None = None) -> str:
    """The schema in words too: not every provider shows it to its model."""
    said = f"Give this as JSON: {text}"
    return f"{said}\nFields: {_fields(schema)}" if schema else said


def _fields(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if schema["type"] == "array":
        return f"[{_fields(schema['items'])}, ...]"
    if schema["type"] == "object":
        return "{" + ", ".join(f"{key}: {_fields(each)}" for key, each in schema["properties"].items()) + "}"
    return str(schema["type"])


TOPICS = ("rain", "bread", "trains", "winter", "music", "gardens", "the sea", "books", "mountains", "tea")


def constraints(draw: Draw) -> Question:
    """One easy rule (1) up to four that pull against each other (5)."""
    chance = draw.chance
    topic, word = chance.choice(TOPICS), chance.choice(("window", "silver", "morning", "bridge", "yellow", "garden"))
    count = chance.randint(3, 5)
    rows: dict[int, tuple[tuple[str, list[list[Any]]], ...]] = {
        1: (
            (f"Write one sentence about {topic}. Use the word {word}.", [["contains", word]]),
            (f"Ask one question about {topic}.", [["question", None]]),
            (f"Write a short sentence about {topic}.", [["most_words", 25]]),
        ),
        2: (
            (
                f"Write a list of {count} things about {topic}, each on a line that begins with '- '.",
                [["bullets", count]],
            ),
            (f"Write exactly two sentences about {topic}.", [["sentences", 2]]),
            (f"Write one sentence about {topic} in small letters only, no capitals.", [["lower", None]]),
        ),
        3: (
            (
                f"Write exactly {count} words about {topic}, all in capital letters.",
                [["words", count], ["upper", None]],
            ),
            (
                f"Write exactly two sentences about {topic} without any comma, with the word {word} in them.",
                [["sentences", 2], ["no_commas", None], ["contains", word]],
            ),
        ),
        4: (
            (
                f"Write exactly {count + 4} words about {topic}: small letters only, and the last word must be {word}, "
                "without a full stop.",
                [["words", count + 4], ["lower", None], ["ends", word]],
            ),
            (
                f"Write {count} lines about {topic}, each beginning with '- ', with the word {word} exactly "
                f"twice in all, "
                "and no comma.",
                [["bullets", count], ["times", [word, 2]], ["no_commas", None]],
            ),
        ),
        5: (
            (
                f"Write {len(word)} lines about {topic} whose first letters spell {word.upper()}, without the "
                f"letter z, "
                f"with {3 * len(word)} words in all.",
                [["lines", len(word)], ["acrostic", word], ["without", "z"], ["words", 3 * len(word)]],
            ),
            (
                f"Write one question about {topic} of exactly {count + 7} words that does not contain the "
                f"letter t, ends "
                "with a question mark and begins with the word How.",
                [["words", count + 7], ["without", "t"], ["question", None], ["begins", "how"]],
            ),
        ),
    }
    kinds = rows[draw.level]
    text, rules = kinds[draw.turn % len(kinds)]
    label = "+".join(str(rule[0]) for rule in rules)
    return ask(
        f"{text} Write nothing else.",
        "constrained",
        rules,
        f"format.{label}",
        label=label,
        max_tokens=(64, 96, 64, 96, 96)[draw.level - 1],
    )


GENERATORS = (
    Generator("format.record", "format.json", "1", record),
    Generator("format.constraints", "format.constraints", "1", constraints),
)
