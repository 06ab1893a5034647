"""Anthropic's own API, for prompts, tools and structured answers as its models know them.

Source: Anthropic API reference, "Messages", "Streaming messages", "Tool use", "Errors". It has no seed and no
log probabilities. A schema is asked for as the arguments of a tool that must be called, which every model and
every compatible server takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyagent.engine.base import EngineOptions, Piece, Request
from pyagent.engine.http.engine import HTTPEngine
from pyagent.engine.http.failure import Refused
from pyagent.engine.http.openai import mentioned
from pyagent.engine.http.reader import Finish, Partial, PartialCall, Reader
from pyagent.errors import ReplyError
from pyagent.model import Message, Model, Usage

API_VERSION = "2023-06-01"
ANSWER = "answer"
FINISH: dict[str, Finish] = {"max_tokens": "length", "model_context_window_exceeded": "length", "tool_use": "tool"}


def open_anthropic(model: Model, options: EngineOptions) -> AnthropicEngine:
    """An engine for Anthropic's Messages API; ConfigError when base_url is no URL. Asks nobody yet.

    ``model.options``: ``output_config`` (true: ask for JSON by ``output_config.format`` instead of a tool),
    ``body`` (a table of further fields, sent as it is).
    """
    return AnthropicEngine(model, options)


class AnthropicEngine(HTTPEngine):
    official = "https://api.anthropic.com"
    version = "/v1"
    usual_key = "ANTHROPIC_API_KEY"
    # "Tool use", pricing: the system prompt of tools costs up to 530 tokens, by model.
    tool_tokens = 700

    def __init__(self, model: Model, options: EngineOptions) -> None:
        super().__init__(model, options)
        self._url = self.address.at("/messages")
        self._without: set[str] = set()
        self._more: Mapping[str, Any] = self.options.get("body", {})

    def url(self, stream: bool) -> str:
        return self._url

    def headers(self, key: str) -> dict[str, str]:
        return {"anthropic-version": API_VERSION, **({"x-api-key": key} if key else {})}

    def body(self, request: Request, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "max_tokens": request.max_tokens,
            "messages": turns(request.messages),
            "model": self.remote,
            "temperature": request.temperature,
        }
        if system := "\n\n".join(each.content for each in request.messages if each.role == "system"):
            body["system"] = system
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        body.update(self._tools(request))
        if stream:
            body["stream"] = True
        for name in self._without:
            body.pop(name, None)
        return dict(sorted({**body, **self._more}.items()))

    def _tools(self, request: Request) -> dict[str, Any]:
        tools = [
            {"description": each.description, "input_schema": each.parameters, "name": each.name}
            for each in request.tools
        ]
        kind = {"required": "any"}.get(request.tool_choice, request.tool_choice)
        choice: dict[str, Any] = {"type": kind}
        more: dict[str, Any] = {}
        if request.schema is not None and self.options.get("output_config") is True:
            more["output_config"] = {"format": {"schema": request.schema, "type": "json_schema"}}
        elif request.schema is not None:
            # With other tools at hand the model calls one of them or gives its answer.
            free = tools and request.tool_choice != "none"
            choice = {"type": "any"} if free else {"type": "tool", "name": ANSWER}
            tools.append({"input_schema": wrap(request.schema), "name": ANSWER})
        return {**more, "tools": tools, "tool_choice": choice} if tools else more

    def adapt(self, refused: Refused, request: Request, sent: dict[str, Any]) -> bool:
        # Newer models take no temperature; the answer is then sampled as they like.
        if "temperature" in sent and mentioned("temperature", refused):
            self._without.add("temperature")
        return self.body(request, "stream" in sent) != sent

    def reader(self, request: Request, piece: Piece | None) -> Reader:
        by_tool = request.schema is not None and self.options.get("output_config") is not True
        return AnthropicReader(self.address.who, piece, request.schema if by_tool else None)


class AnthropicReader(Reader):
    """``schema``: the answer comes as the arguments of the tool ``answer``, wrapped when it is no object."""

    def __init__(self, who: str, piece: Piece | None, schema: Mapping[str, Any] | None) -> None:
        super().__init__(who, piece)
        self._schema = schema
        self._wrapped = schema is not None and wrap(schema) is not schema
        self._answer: int | None = None
        self._input = Usage()

    def delta(self, event: Mapping[str, Any]) -> str:
        kind = event["type"]
        if kind == "message_start":
            self._count(event["message"].get("usage") or {})
        elif kind == "content_block_start":
            return self._start(event["index"], event["content_block"])
        elif kind == "content_block_delta":
            return self._continue(event["index"], event["delta"])
        elif kind == "message_delta":
            self._count(event.get("usage") or {})
            return self._stop(event["delta"].get("stop_reason"))
        elif kind == "message_stop":
            self.ended = True
        return ""

    def body(self, reply: Mapping[str, Any]) -> str:
        self._count(reply.get("usage") or {})
        text = []
        for index, block in enumerate(reply["content"]):
            text.append(self._start(index, block))
            if block["type"] == "tool_use":
                text.append(self._arguments(index, json.dumps(block["input"], ensure_ascii=False)))
        return "".join(text) + self._stop(reply["stop_reason"])

    def _start(self, index: int, block: Mapping[str, Any]) -> str:
        if block["type"] == "tool_use":
            if self._schema is not None and block["name"] == ANSWER:
                self._answer = index
            self.choice(0).calls[index] = PartialCall(block["id"], block["name"])
        return self._text(block["text"]) if block["type"] == "text" else ""

    def _continue(self, index: int, delta: Mapping[str, Any]) -> str:
        if delta["type"] == "text_delta":
            return self._text(delta["text"])
        if delta["type"] == "input_json_delta":
            return self._arguments(index, delta["partial_json"])
        return ""

    def _text(self, text: str) -> str:
        """Prose before an answer by tool is not part of it, so that it is held back until the end."""
        self.choice(0).text.append(text)
        return text if self._schema is None else ""

    def _arguments(self, index: int, json_text: str) -> str:
        self.choice(0).calls[index].arguments.append(json_text)
        return json_text if index == self._answer and not self._wrapped else ""

    def _stop(self, reason: str | None) -> str:
        choice = self.choice(0)
        if reason == "refusal":
            raise self.withheld("the model refused")
        if reason is None:
            return ""
        choice.finish = FINISH.get(reason, "stop")
        if self._schema is None:
            return ""
        if self._answer is None:
            return "".join(choice.text)
        return self._take_answer(choice, choice.calls.pop(self._answer))

    def _take_answer(self, choice: Partial, call: PartialCall) -> str:
        """Make the tool's arguments the text; what was not delivered as pieces is delivered now."""
        text = "".join(call.arguments)
        if choice.finish == "tool":
            choice.finish = "stop"
        if self._wrapped:
            text = unwrapped(text)
        choice.text = [text]
        # An answer ends the turn: what it wanted to call besides is not asked for any more.
        choice.calls.clear()
        return text if self._wrapped else ""

    def _count(self, usage: Mapping[str, Any]) -> None:
        """``message_start`` counts the input, ``message_delta`` the output so far, a whole reply both."""
        if usage.get("input_tokens") is not None:
            cached = usage.get("cache_read_input_tokens") or 0
            written = usage.get("cache_creation_input_tokens") or 0
            self._input = Usage(usage["input_tokens"] + cached + written, 0, cached)
        self.usage = Usage(self._input.input_tokens, usage.get("output_tokens") or 0, self._input.cached_tokens)


def turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """User and assistant turns; the results of one turn's tools belong into one user turn."""
    rows: list[dict[str, Any]] = []
    for each in messages:
        if each.role == "system":
            continue
        role, content = ("assistant" if each.role == "assistant" else "user"), blocks(each)
        if rows and rows[-1]["role"] == role and isinstance(rows[-1]["content"], list) and each.role == "tool":
            rows[-1]["content"] += content
        else:
            rows.append({"content": content, "role": role})
    return rows


def blocks(turn: Message) -> str | list[dict[str, Any]]:
    """A message's content: text alone as text, else blocks."""
    if turn.role == "tool":
        return [{"content": turn.content, "tool_use_id": turn.call_id, "type": "tool_result"}]
    if not turn.calls:
        return turn.content
    text = [{"text": turn.content, "type": "text"}] if turn.content else []
    calls = [{"id": call.id, "input": call.arguments, "name": call.name, "type": "tool_use"} for call in turn.calls]
    return [*text, *calls]


def wrap(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A tool's arguments are an object: any other schema becomes its one property ``answer``."""
    if schema.get("type") == "object":
        return schema
    definitions = {word: schema[word] for word in ("$defs", "definitions") if word in schema}
    return {**definitions, "properties": {ANSWER: schema}, "required": [ANSWER], "type": "object"}


def unwrapped(text: str) -> str:
    """The property ``answer`` of the arguments; arguments that were cut off stay as they are."""
    try:
        return json.dumps(json.loads(text)[ANSWER], ensure_ascii=False)
    except ValueError:
        return text
    except (KeyError, TypeError) as error:
        raise ReplyError("The model's answer is not in the place where it was asked for", charged=True) from error
