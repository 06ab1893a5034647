"""Every field that a task may have, with its exact type, so that a slip is named before anything is asked.

`to_task` takes the fields of one record, however they were written down, and gives a Task or says all that
is wrong with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn, cast, get_args

from pyagent.model import Message, Role, Task, ToolCall, Vote
from pyagent.run import needs, schemas, template
from pyagent.run.strict import BadLine, first_twice, parse, shown

LONGEST_ID = 256
MOST_SAMPLES = 1024
_ROLES = get_args(Role)
_VOTES = get_args(Vote)
# What other tools call the same thing.
_ALIASES = {
    "input": "prompt",
    "question": "prompt",
    "text": "prompt",
    "instructions": "system",
    "json_schema": "schema",
    "response_format": "schema",
    "max_completion_tokens": "max_tokens",
    "max_new_tokens": "max_tokens",
    "needed_by": "after",
    "requires": "after",
    "dependencies": "depends_on",
    "n": "samples",
    "custom_id": "id",
    "approval": "approve",
    "review": "approve",
}


def to_task(record: Mapping[str, Any], line: int) -> Task:
    """The Task that ``record`` (field names to JSON values) describes; null means: not said.

    Raises BadLine with every fault of the record.
    """
    values: dict[str, Any] = {"line": line}
    faults: list[str] = []
    for name, value in record.items():
        if name not in _CHECKS:
            faults.append(unknown(name))
        elif value is not None:
            try:
                values[name] = _CHECKS[name](value)
            except BadLine as bad:
                faults.append(f"'{name}' {bad}")
    faults.extend(_together(values, record))
    if faults:
        raise BadLine("; ".join(faults), values.get("id") if record.get("id") is not None else str(line))
    return Task(**{"id": str(line)} | values)


def unknown(name: str, what: str = "field") -> str:
    """The fault of a name that is none of the fields, with the nearest that is."""
    near = _ALIASES.get(name.lower()) or next(iter(get_close_matches(name.lower(), _CHECKS, 1, 0.5)), None)
    advice = f"did you mean '{near}'?" if near else "your own data belongs in 'meta'"
    return f"unknown {what} {shown(name)}; {advice}"


def _together(values: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    """The faults of fields that are right each by itself; one already named is not named again."""
    said = [name for name in ("prompt", "messages") if record.get(name) is not None]
    if len(said) != 1:
        yield "has both 'prompt' and 'messages'; use one" if said else "has neither 'prompt' nor 'messages'"
    messages: Sequence[Message] = values.get("messages", ())
    if "system" in values and any(message.role == "system" for message in messages):
        yield "has both 'system' and a message of role system; use one"
    after = values.get("after", ())
    if "after" in values or record.get("after") is None:
        for reference in _quoted(values, messages):
            if template.locate(reference, after) is None:
                yield f"quotes {{{{ results.{shown(reference)[1:-1]} }}}}, which 'after' does not list"


def _quoted(values: Mapping[str, Any], messages: Sequence[Message]) -> Iterator[str]:
    for name in ("prompt", "system"):
        yield from template.references(values.get(name, ""))
    for message in messages:
        yield from template.references(message.content)


def _wrong(wanted: str, value: Any) -> NoReturn:
    raise BadLine(f"must be {wanted}, not {shown(value)}")


def _text(value: Any) -> str:
    if type(value) is not str:
        _wrong("text", value)
    if not value or value.isspace():
        raise BadLine("is empty")
    return value


def _free(value: Any) -> str:
    return value if type(value) is str else _wrong("text", value)


def _id(value: Any) -> str:
    text = _text(value)
    if len(text) > LONGEST_ID:
        raise BadLine(f"has {len(text)} characters; {LONGEST_ID} is the most")
    if text != text.strip() or not text.isprintable():
        raise BadLine(f"must be printable text without blanks around it, not {shown(text)}")
    return text


def _names(value: Any) -> tuple[str, ...]:
    """A list of texts; one text alone stands for a list of one."""
    if type(value) is str:
        value = [value]
    if type(value) is not list:
        _wrong("a list of texts", value)
    for place, item in enumerate(value, 1):
        if type(item) is not str or not item:
            raise BadLine(f"must be a list of texts; item {place} is {shown(item)}")
    return tuple(value)


def _distinct(value: Any) -> tuple[str, ...]:
    names = _names(value)
    if (twice := first_twice(names)) is not None:
        raise BadLine(f"lists {shown(twice)} twice")
    return names


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            _wrong(f"a whole number from {least} to {most}", value)
        return int(value)

    return check


def _temperature(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 100 or not math.isfinite(value):
        _wrong("a number from 0 to 100", value)
    return float(value)


def _bool(value: Any) -> bool:
    return value if type(value) is bool else _wrong("true or false", value)


def _object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else _wrong("an object", value)


def _schema(value: Any) -> dict[str, Any]:
    schema = _object(value)
    if fault := schemas.fault(schema):
        raise BadLine(fault)
    return schema


def _vote(value: Any) -> str:
    if value not in _VOTES:
        _wrong(f"one of {', '.join(_VOTES)}", value)
    return str(value)


def _messages(value: Any) -> tuple[Message, ...]:
    if type(value) is not list:
        _wrong("a list of messages", value)
    messages = tuple(_message(item, place) for place, item in enumerate(value, 1))
    if all(message.role == "system" for message in messages):
        raise BadLine("holds nothing to answer: a message of role user is missing")
    return messages


def _message(value: Any, place: int) -> Message:
    """One turn in the form of chat APIs: role, content, and tool_calls or tool_call_id where tools were used."""
    if type(value) is not dict:
        raise BadLine(f"[{place}] must be an object with role and content, not {shown(value)}")
    if extra := value.keys() - {"role", "content", "tool_calls", "tool_call_id"}:
        raise BadLine(f"[{place}] has the unknown field {shown(min(extra))}; role and content are known")
    role, content = value.get("role"), value.get("content")
    if type(role) is not str or role not in _ROLES:
        raise BadLine(f"[{place}] has the role {shown(role)}; it must be one of {', '.join(_ROLES)}")
    wishes = value.get("tool_calls") or []
    if type(wishes) is not list:
        raise BadLine(f"[{place}] has tool_calls that are not a list")
    calls = tuple(_call(item, place) for item in wishes)
    if content is None and calls:
        content = ""
    if type(content) is not str:
        raise BadLine(f"[{place}] must have text as content, not {shown(content)}")
    if calls and role != "assistant":
        raise BadLine(f"[{place}] has tool_calls, which only role assistant may have")
    call_id = value.get("tool_call_id")
    if (role == "tool") != (type(call_id) is str):
        raise BadLine(f"[{place}] of role {role} {'needs' if role == 'tool' else 'must not have'} a tool_call_id")
    return Message(cast(Role, role), content, calls, call_id)


def _call(value: Any, place: int) -> ToolCall:
    function = value.get("function") if type(value) is dict else None
    if type(function) is not dict or not all(type(part) is str for part in (value.get("id"), function.get("name"))):
        raise BadLine(f"[{place}] has a tool call that is not {{id, function: {{name, arguments}}}}")
    arguments = function.get("arguments")
    if type(arguments) is str:
        arguments = parse(arguments)
    if type(arguments) is not dict:
        raise BadLine(f"[{place}] has a tool call whose arguments are not an object")
    return ToolCall(value["id"], function["name"], arguments)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "id": _id,
    "prompt": _text,
    "messages": _messages,
    "system": _free,
    "schema": _schema,
    "model": _text,
    "max_tokens": _whole(1, 2**31 - 1),
    "temperature": _temperature,
    "seed": _whole(0, 2**63 - 1),
    "stop": _names,
    "after": _distinct,
    "depends_on": _names,
    "tenant": _text,
    "stream": _bool,
    "needs": needs.check,
    "agent": _text,
    "tools": _distinct,
    "samples": _whole(1, MOST_SAMPLES),
    "vote": _vote,
    "approve": _bool,
    "meta": _object,
}
FIELDS = tuple(_CHECKS)
