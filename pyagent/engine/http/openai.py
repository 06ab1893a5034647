"""The OpenAI chat API, which most servers speak, each with its own gaps: what one refuses is learned and left out.

Source: OpenAI API reference, "Chat Completions" (create, streaming, structured outputs). llama.cpp, vLLM, Ollama
and many services take the same body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyagent.engine.base import EngineOptions, Piece, Reply, Request, ToolSpec
from pyagent.engine.http.engine import HTTPEngine
from pyagent.engine.http.failure import Refused
from pyagent.engine.http.reader import Finish, Partial, PartialCall, Reader
from pyagent.model import Message, Model, Usage

# The ways to ask for JSON, best first: a server that refuses one is asked in the next way from then on.
STRICT, SCHEMA, OBJECT_SCHEMA, OBJECT, NONE = range(5)
FORMAT_WORDS = re.compile(r"response_format|json_schema|json_object|structured|grammar|guided|schema", re.I)
# A complaint about this schema says nothing about the next one.
BAD_SCHEMA = re.compile(r"invalid schema|unsupported schema|schema is not|in context=|additionalProperties", re.I)
# May be left out: the answer is then less controlled, never wrong. (A seed or a stop string is best effort there.)
OPTIONAL = ("temperature", "seed", "stop", "logprobs", "top_logprobs", "stream_options", "tool_choice")
REASONING = re.compile(r"^(o\d|gpt-5)")
FINISH: dict[str, Finish] = {"length": "length", "tool_calls": "tool", "function_call": "tool"}


def open_openai(model: Model, options: EngineOptions) -> OpenAIEngine:
    """An engine for any OpenAI-compatible endpoint; ConfigError when base_url is not one. Asks nobody yet.

    ``model.options``: ``max_tokens_field`` (``max_completion_tokens`` for models that want it), ``n`` (true: the
    server makes all samples of a call), ``body`` (a table of further fields, sent as it is).
    """
    return OpenAIEngine(model, options)


class OpenAIEngine(HTTPEngine):
    official = "https://api.openai.com"
    version = "/v1"
    usual_key = "OPENAI_API_KEY"

    def __init__(self, model: Model, options: EngineOptions) -> None:
        super().__init__(model, options)
        self._url = self.address.at("/chat/completions")
        self._form = STRICT
        self._forms: dict[str, int] = {}
        self._without: set[str] = set()
        # Whether the one tool that must be called is named; None: not known yet which way this server obeys.
        self._named: bool | None = None
        reasons = self.address.host == "api.openai.com" and REASONING.match(self.remote)
        default = "max_completion_tokens" if reasons else "max_tokens"
        self._max_tokens = str(self.options.get("max_tokens_field", default))
        self._more: Mapping[str, Any] = self.options.get("body", {})

    def url(self, stream: bool) -> str:
        return self._url

    def headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def at_once(self, request: Request) -> bool:
        return request.samples == 1 or self.options.get("n") is True

    def body(self, request: Request, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            self._max_tokens: request.max_tokens,
            "messages": [message(each) for each in request.messages],
            "model": self.remote,
            "temperature": request.temperature,
        }
        if request.samples > 1 and self.at_once(request):
            body["n"] = request.samples
        if request.seed is not None:
            body["seed"] = request.seed
        if request.stop:
            body["stop"] = list(request.stop)
        if request.logprobs:
            # llama_cpp.server gives none without a number of alternatives.
            body |= {"logprobs": True, "top_logprobs": 1}
        if request.schema is not None and (form := self.format(request.schema)):
            body["response_format"] = form
        if request.tools:
            body["tools"] = [tool(each) for each in request.tools]
            body["tool_choice"] = self._choice(request)
        if stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        for name in self._without:
            body.pop(name, None)
        return dict(sorted({**body, **self._more}.items()))

    def format(self, schema: Mapping[str, Any]) -> dict[str, Any] | None:
        """How to ask for an answer that meets ``schema``; None when this server knows no way."""
        form = max(self._form, self._forms.get(json.dumps(schema), STRICT)) if self._forms else self._form
        if form == STRICT and not strict(schema):
            form = SCHEMA
        if form <= SCHEMA:
            named = {"name": "answer", "schema": schema, "strict": form == STRICT}
            return {"type": "json_schema", "json_schema": named}
        if form == OBJECT_SCHEMA:
            return {"type": "json_object", "schema": schema}
        return {"type": "json_object"} if form == OBJECT else None

    def _choice(self, request: Request) -> str | dict[str, Any]:
        if self._named and one_tool(request):
            return {"function": {"name": request.tools[0].name}, "type": "function"}
        return request.tool_choice

    async def _ask(self, request: Request, piece: Piece | None) -> Reply:
        """Ask; a server that ignores ``required`` is asked once more with the tool's name: llama_cpp.server obeys
        only that, while llama.cpp's own server takes no name."""
        reply = await super()._ask(request, piece)
        if self._named is not None or not one_tool(request):
            return reply
        self._named = not reply.choices[0].calls
        if not self._named:
            return reply
        second = await super()._ask(request, piece)
        self._named = bool(second.choices[0].calls)
        return replace(second, usage=reply.usage + second.usage)

    def adapt(self, refused: Refused, request: Request, sent: dict[str, Any]) -> bool:
        names = [name for name in OPTIONAL if name in sent and mentioned(name, refused)]
        if "max_completion_tokens" in refused.text and "max_tokens" in sent:
            self._max_tokens = "max_completion_tokens"
        elif "response_format" in sent and request.schema is not None and FORMAT_WORDS.search(refused.text):
            self._next_format(request.schema, sent["response_format"], refused)
        elif names:
            self._without.update(names)
        return self.body(request, "stream" in sent) != sent

    def _next_format(self, schema: Mapping[str, Any], sent: Mapping[str, Any], refused: Refused) -> None:
        if self.format(schema) != sent:
            return  # another call has learned it meanwhile
        named = sent.get("json_schema")
        if named:
            used = STRICT if named["strict"] else SCHEMA
        else:
            used = OBJECT_SCHEMA if "schema" in sent else OBJECT
        if BAD_SCHEMA.search(refused.text):
            self._forms[json.dumps(schema)] = used + 1
        else:
            self._form = used + 1

    def reader(self, request: Request, piece: Piece | None) -> Reader:
        return OpenAIReader(self.address.who, piece)


class OpenAIReader(Reader):
    def delta(self, event: Mapping[str, Any]) -> str:
        return self._take(event, "delta")

    def body(self, reply: Mapping[str, Any]) -> str:
        if not reply["choices"]:
            raise ValueError("no choices")
        return self._take(reply, "message")

    def _take(self, reply: Mapping[str, Any], where: str) -> str:
        """A streamed delta and a whole message differ only in their name."""
        if usage := reply.get("usage"):
            self.usage = usage_of(usage)
        first = ""
        for item in reply.get("choices") or ():
            index = item.get("index") or 0
            text = self._add(self.choice(index), item.get(where) or {}, item)
            first = text if index == 0 else first
        return first

    def _add(self, choice: Partial, message: Mapping[str, Any], item: Mapping[str, Any]) -> str:
        reason = item.get("finish_reason")
        if message.get("refusal"):
            raise self.withheld("the model refused")
        if reason == "content_filter":
            raise self.withheld("content filter")
        if reason:
            choice.finish = FINISH.get(reason, "stop")
        text = text_of(message.get("content"))
        if text:
            choice.text.append(text)
        for position, call in enumerate(message.get("tool_calls") or ()):
            add_call(choice, call, position)
        if item.get("logprobs"):
            choice.logprobs.extend(logprobs_of(item["logprobs"]))
        return text


def message(turn: Message) -> dict[str, Any]:
    """A message as the API has it."""
    row: dict[str, Any] = {"content": turn.content, "role": turn.role}
    if turn.calls:
        row["tool_calls"] = [
            {
                "function": {"arguments": json.dumps(call.arguments, ensure_ascii=False), "name": call.name},
                "id": call.id,
                "type": "function",
            }
            for call in turn.calls
        ]
    if turn.call_id is not None:
        row["tool_call_id"] = turn.call_id
    return row


def tool(spec: ToolSpec) -> dict[str, Any]:
    function = {"description": spec.description, "name": spec.name, "parameters": spec.parameters}
    return {"function": function, "type": "function"}


def one_tool(request: Request) -> bool:
    return request.tool_choice == "required" and len(request.tools) == 1


def strict(schema: Any) -> bool:
    """Whether the strict mode takes it: objects all the way, closed, with every property required."""
    return isinstance(schema, Mapping) and schema.get("type") == "object" and closed(schema)


def closed(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(closed(each) for each in schema)
    if not isinstance(schema, Mapping):
        return True
    if any(word in schema for word in ("oneOf", "allOf", "not", "if", "patternProperties", "dependentRequired")):
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" or properties:
        shut = schema.get("additionalProperties") is False and set(schema.get("required", ())) == set(properties)
        if not shut:
            return False
    below = [schema.get("items"), schema.get("anyOf"), schema.get("prefixItems"), *properties.values()]
    return all(map(closed, [*below, *schema.get("$defs", {}).values()]))


def mentioned(name: str, refused: Refused) -> bool:
    """Whether the refusal is about this field."""
    return refused.param == name or re.search(rf"(?<![\w.]){name}(?!\w)", refused.text) is not None


def text_of(content: Any) -> str:
    """Text, or the text parts of a list of parts; null is no text."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type", "text") == "text")
    if content is not None and not isinstance(content, str):
        raise TypeError("content is not text")
    return content or ""


def add_call(choice: Partial, call: Mapping[str, Any], position: int) -> None:
    """Take a tool call or a piece of one. Whole calls and some servers' pieces carry no index."""
    index = call.get("index")
    partial = choice.calls.setdefault(position if index is None else index, PartialCall())
    function = call.get("function") or {}
    partial.id = partial.id or call.get("id") or ""
    partial.name = partial.name or function.get("name") or ""
    arguments = function.get("arguments")
    if isinstance(arguments, Mapping):
        arguments = json.dumps(arguments)
    if arguments:
        partial.arguments.append(arguments)


def logprobs_of(logprobs: Mapping[str, Any]) -> list[float]:
    """Natural log probabilities; older servers use the completion API's ``token_logprobs``."""
    if logprobs.get("content"):
        return [float(token["logprob"]) for token in logprobs["content"]]
    return [float(value) for value in logprobs.get("token_logprobs") or () if value is not None]


def usage_of(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        int(usage.get("prompt_tokens") or 0),
        int(usage.get("completion_tokens") or 0),
        int(details.get("cached_tokens") or 0),
    )
