"""Lets any model call tools, also one whose template knows none: the offer is text, the choice is grammar.

With tools the reply is one JSON object, ``{"tool": NAME, "arguments": {...}}`` or ``{"answer": ...}``; its JSON
Schema goes to the grammar, so that even a small model names a real tool and fills it correctly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pyagent.engine.base import Choice, Request, ToolSpec
from pyagent.errors import ReplyError
from pyagent.model import Message, ToolCall

Turn = tuple[str, str]  # a role that every chat template knows (system, user, assistant), and its text
TEXT = {"type": "string"}


def turns(request: Request) -> list[Turn]:
    """The conversation in roles that every template knows, with the offer of tools in the system turn."""
    flat = list(_flat(request.messages))
    tools = request.tools
    if not tools:
        return flat
    offer = _words().offer(tools, request.tool_choice == "required", request.schema)
    if flat and flat[0][0] == "system":
        return [("system", f"{flat[0][1]}\n\n{offer}"), *flat[1:]]
    return [("system", offer), *flat]


def _flat(messages: Sequence[Message]) -> Iterator[Turn]:
    names: dict[str, str] = {}
    results: list[str] = []
    for message in messages:
        names.update((call.id, call.name) for call in message.calls)
        if message.role == "tool":
            results.append(_words().result(names.get(message.call_id or "", "the tool"), message.content))
            continue
        if results:
            yield "user", "\n".join(results)
            results = []
        yield message.role, _said(message)
    if results:
        yield "user", "\n".join(results)


def _said(message: Message) -> str:
    """A message's text; calls stand in it as the model itself would have written them."""
    calls = [_dump({"tool": call.name, "arguments": dict(call.arguments)}) for call in message.calls]
    return "\n".join([message.content, *calls] if message.content else calls)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@cache
def _words() -> Any:
    from jinja2 import Environment

    environment = Environment(trim_blocks=True, autoescape=False)  # plain text for a model, never HTML
    environment.filters["tojson"] = _dump
    return environment.from_string(files(__package__).joinpath("tools.jinja").read_text("utf-8")).module


def schema(request: Request) -> dict[str, Any] | None:
    """The JSON Schema that the raw reply must meet, or None when any text will do."""
    tools = request.tools
    if not tools:
        return None if request.schema is None else dict(request.schema)
    defs: dict[str, Any] = {}
    # The offer stays in the prompt when no tool may be called any more: the prefix is known, and the model has
    # answered in this form so far. Only the grammar leaves nothing but the answer.
    callable = () if request.tool_choice == "none" else tools
    branches = [_call(tool, defs, index) for index, tool in enumerate(callable)]
    if request.tool_choice != "required":
        answer = TEXT if request.schema is None else lift(request.schema, "answer", defs)
        branches.append(_object({"answer": answer}))
    whole = branches[0] if len(branches) == 1 else {"anyOf": branches}
    return {**whole, "$defs": defs} if defs else whole


def _call(tool: ToolSpec, defs: dict[str, Any], index: int) -> dict[str, Any]:
    arguments = {"type": "object", **lift(tool.parameters, f"tool{index}", defs)}
    return _object({"tool": {"const": tool.name}, "arguments": arguments})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def lift(inner: Mapping[str, Any], name: str, defs: dict[str, Any]) -> dict[str, Any]:
    """``inner`` made fit to stand inside another schema: what its local ``$ref`` mean moves to ``defs``.

    The names are ``name-0``, ``name-1``, ...: the grammar converter tells references apart by their last part
    only, so that two tools with ``#/$defs/Item`` would get the same rule.
    """
    names: dict[str, str] = {}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, Mapping):
            return node
        pointer = node.get("$ref")
        if isinstance(pointer, str) and pointer.startswith("#"):
            return {"$ref": f"#/$defs/{moved(pointer)}"}
        return {key: walk(value) for key, value in node.items()}

    def moved(pointer: str) -> str:
        if pointer not in names:
            names[pointer] = f"{name}-{len(names)}"
            defs[names[pointer]] = walk(_look_up(inner, pointer))
        return names[pointer]

    result = walk({key: value for key, value in inner.items() if key not in ("$defs", "definitions", "$schema")})
    assert isinstance(result, dict)
    return result


def _look_up(schema: Any, pointer: str) -> Any:
    """What a JSON pointer in a fragment names (RFC 6901); the whole schema for ``#``."""
    node = schema
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        node = node[int(part)] if isinstance(node, list) else node[part]
    if isinstance(node, Mapping) and node is schema:
        return {key: value for key, value in node.items() if key not in ("$defs", "definitions")}
    return node


Finish = Literal["stop", "length"]


def choice(request: Request, text: str, finish: Finish, logprobs: tuple[float, ...] | None) -> Choice:
    """One sample as the caller wants it: the answer's text, or the call that the model asks for."""
    if not request.tools:
        return Choice(text, finish, logprobs=logprobs)
    try:
        said = json.loads(text, strict=False)  # the grammar lets a model write a bare newline
        if "answer" in said:
            answer = said["answer"]
            return Choice(answer if request.schema is None else _dump(answer), finish, logprobs=logprobs)
        call = ToolCall(_name(request), said["tool"], said["arguments"])
    except (ValueError, KeyError, TypeError):
        raise ReplyError(
            f"the model's reply is neither a tool call nor an answer ({finish} after {len(text)} characters)",
            "Raise max_tokens.",
        ) from None
    return Choice("", "tool", (call,), logprobs)


def _name(request: Request) -> str:
    """The next call's id: they count through a conversation, so that the same work gets the same names."""
    return f"call_{sum(len(message.calls) for message in request.messages) + 1}"


Give = Callable[[str], None]


class AnswerText:
    """Streams the answer out of ``{"answer": "..."}`` while the object is still being written.

    Gives nothing for a tool call. Only for answers that are text; a value streams as it is written.
    """

    def __init__(self, give: Give) -> None:
        self._give, self._raw, self._given = give, "", 0

    def feed(self, text: str) -> None:
        self._raw += text
        answer = self._answer()
        if len(answer) > self._given:
            self._give(answer[self._given :])
            self._given = len(answer)

    def _answer(self) -> str:
        body = self._raw.lstrip()[1:].lstrip()
        if not body.startswith('"answer"'):
            return ""
        body = body[len('"answer"') :].lstrip()[1:].lstrip()
        return _string_so_far(body) if body.startswith('"') else ""


def _string_so_far(body: str) -> str:
    """The decoded beginning of a JSON string that may not have ended; a half-written escape waits."""
    end, at = len(body), 1
    while at < len(body):
        if body[at] == '"':
            end = at
            break
        width = 1 if body[at] != "\\" else 6 if body[at + 1 : at + 2] == "u" else 2
        if at + width > len(body):
            end = at
            break
        at += width
    text: str = json.loads(body[:end] + '"', strict=False)
    # The first half of a surrogate pair waits for the second.
    return text[:-1] if text and "\ud800" <= text[-1] <= "\udbff" else text
