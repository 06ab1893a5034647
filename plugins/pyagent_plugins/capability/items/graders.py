"""Tells from what was said whether it is right, and whether it has the form that was asked for: two scores.

``solved`` reads leniently: a right answer in the wrong dress is right. ``complied`` is strict about the dress alone,
so that a wrong answer in the right form has complied.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyagent.model import ToolCall
from pyagent_plugins.capability.items import sandbox
from pyagent_plugins.capability.items.constraints import keeps
from pyagent_plugins.capability.items.question import Question


@dataclass(frozen=True, slots=True)
class Said:
    """What a model answered: text, or calls; ``state`` is what scripted tools ended with."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grade:
    """``solved`` is 0..1; ``complied`` whether the form is the one asked for."""

    solved: float
    complied: bool


Grader = Callable[[Question, Said], Grade]
NUMBER = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?")
FENCE = re.compile(r"```(?:[\w+-]*)\n(.*?)(?:```|\Z)", re.DOTALL)


def grade(question: Question, said: Said) -> Grade:
    """Grade an answer; what cannot be read at all is not solved."""
    return GRADERS[question.grader](question, said)


def final(text: str) -> str:
    """What stands after the last ``Answer:``, else the whole text, without decoration."""
    _, found, tail = text.rpartition("Answer:")
    tail = tail.strip().split("\n")[0] if found else text
    return tail.strip().strip("*`\"'_ \n").removesuffix(".").strip()


def folded(text: str) -> str:
    """Case, accents' encodings and runs of space do not tell answers apart."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def value(text: str) -> float | None:
    try:
        return float(text.replace(",", "").replace("−", "-").rstrip("."))
    except ValueError:
        return None


def number(question: Question, said: Said) -> Grade:
    """The last number of the final line: in "42 + 22 = 64" the answer is 64."""
    text = final(said.text)
    found = NUMBER.findall(text)
    right = bool(found) and value(found[-1]) == float(question.answer)
    return Grade(float(right), NUMBER.fullmatch(text) is not None and _last_line(said.text))


def one_of(question: Question, said: Said) -> Grade:
    """``answer`` is ``{"right": ..., "among": [...]}``: the last of the choices that is named counts."""
    right, among = question.answer["right"], question.answer["among"]
    text = folded(final(said.text))
    named = [(match.start(), choice) for choice in among for match in _word(choice).finditer(text)]
    chosen = max(named)[1] if named else ""
    return Grade(float(chosen == right), text in map(folded, among) and _last_line(said.text))


def exact(question: Question, said: Said) -> Grade:
    """``answer`` is a list of wordings; solved when one of them is the answer's last line, or stands in it alone."""
    wordings = [question.answer] if isinstance(question.answer, str) else question.answer
    text = folded(final(said.text))
    strict = any(text == folded(wording) for wording in wordings)
    lenient = any(_word(wording).search(text) for wording in wordings)
    return Grade(float(strict or lenient), strict or _short(said.text, wordings))


def verbatim(question: Question, said: Said) -> Grade:
    """``answer`` to the letter, case included: what a rule makes of a text. Quotes around it do not matter."""
    text = final(said.text)
    lines = [" ".join(line.strip("*`\"' ").removesuffix(".").split()) for line in said.text.strip().splitlines()]
    right = " ".join(text.split()) == question.answer or question.answer in lines
    return Grade(float(right), len(lines) == 1 and len(text) <= 2 * len(question.answer) + 16)


def sequence(question: Question, said: Said) -> Grade:
    """A list of words in order, however separated."""
    text = final(said.text)
    wanted = list(map(folded, question.answer))
    words = [folded(part) for part in re.split(r"[,;\n]+|\s+(?:and\s+)?", text) if part.strip()]
    return Grade(float(words == wanted), [folded(part) for part in text.split(",")] == wanted)


def program(question: Question, said: Said) -> Grade:
    """``answer`` is ``{"call", "cases", "values"}``: every case must give its value, in the sandbox."""
    code = _code(said.text)
    spec = question.answer
    if f"def {spec['call']}" not in code:
        return Grade(0.0, False)
    results = sandbox.run(code, spec["call"], spec["cases"])
    right = all(result.get("value", result) == wanted for result, wanted in zip(results, spec["values"], strict=True))
    bare = said.text.strip().startswith(("```", "def ", "import ", "from ")) and said.text.count("```") in (0, 2)
    return Grade(float(right), bare)


def data(question: Question, said: Said) -> Grade:
    """JSON: ``answer`` is the value. Complied when the whole text is JSON that meets the schema."""
    whole, lenient = _json(said.text), _json(_code(said.text)) or _json(_braces(said.text))
    got = lenient if whole is None else whole
    return Grade(float(got is not None and _same(got, question.answer)), _meets(whole, question.schema))


def constrained(question: Question, said: Said) -> Grade:
    """``answer`` is a list of constraints. Solved also where a preamble or a fence around the text broke them."""
    rules = question.answer
    strict = all(keeps(rule, said.text.strip()) for rule in rules)
    bodies = [_code(said.text), said.text.strip().strip("\"'*`"), said.text.partition("\n\n")[2].strip()]
    return Grade(float(strict or any(body and all(keeps(rule, body) for rule in rules) for body in bodies)), strict)


def call(question: Question, said: Said) -> Grade:
    """``answer`` is ``{"name", "arguments" or None}``; None grades the choice alone. A name of null: no call.

    Complied when exactly one call was made, of a tool that exists, with arguments that meet its schema.
    """
    spec = question.answer
    first = said.calls[0] if said.calls else None
    if spec["name"] is None:
        return Grade(float(first is None and bool(said.text.strip())), first is None)
    if first is None:
        return Grade(0.0, False)
    right = first.name == spec["name"]
    if right and spec.get("arguments") is not None:
        right = _same(dict(first.arguments), spec["arguments"])
    tool = next((tool for tool in question.tools if tool.name == first.name), None)
    return Grade(float(right), len(said.calls) == 1 and tool is not None and _meets(first.arguments, tool.parameters))


def goal(question: Question, said: Said) -> Grade:
    """The end of several turns: ``answer`` has ``says``, wordings to find, and ``state``, what tools then hold."""
    spec = question.answer
    text = folded(said.text)
    says = any(_word(wording).search(text) for wording in spec["says"]) if spec["says"] else True
    held = all(said.state.get(key) == wanted for key, wanted in spec["state"].items())
    return Grade(float(says and held), bool(said.text.strip()) and not said.calls)


GRADERS: Mapping[str, Grader] = {
    "number": number,
    "one_of": one_of,
    "exact": exact,
    "verbatim": verbatim,
    "sequence": sequence,
    "program": program,
    "data": data,
    "constrained": constrained,
    "call": call,
    "goal": goal,
}


def _word(wording: str) -> re.Pattern[str]:
    """The wording, not inside a longer word or number. Scripts without spaces have no word bounds."""
    text = re.escape(folded(wording))
    return re.compile(rf"(?<![^\W_]){text}(?![^\W_])" if wording.isascii() else text)


def _last_line(text: str) -> bool:
    """Whether nothing follows the answer: it is the whole text, or the last line and marked as such."""
    lines = text.strip().splitlines()
    return len(lines) == 1 or (bool(lines) and lines[-1].strip().startswith("Answer:"))


def _short(text: str, wordings: Sequence[str]) -> bool:
    longest = max(map(len, wordings))
    return len(text.strip().splitlines()) == 1 and len(text.strip()) <= 2 * longest + 4


def _code(text: str) -> str:
    """The first fenced block, else the text."""
    found = FENCE.search(text)
    return (found.group(1) if found else text).strip()


def _braces(text: str) -> str:
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _same(got: Any, wanted: Any) -> bool:
    """Equal as JSON; texts by their folded form, for a capital more or less is no other fact."""
    if isinstance(wanted, Mapping):
        alike = isinstance(got, Mapping) and got.keys() == wanted.keys()
        return alike and all(_same(got[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(_same, got, wanted))
    if isinstance(wanted, str):
        return isinstance(got, str) and folded(got).rstrip(".") == folded(wanted).rstrip(".")
    # True is 1 in Python, and not in JSON.
    return isinstance(got, bool) == isinstance(wanted, bool) and bool(got == wanted)


def _meets(got: Any, schema: Mapping[str, Any] | None) -> bool:
    if got is None or schema is None:
        return got is not None
    from jsonschema import Draft202012Validator

    return bool(Draft202012Validator(schema).is_valid(got if not isinstance(got, Mapping) else dict(got)))
