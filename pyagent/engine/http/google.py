"""Google's own API for Gemini, whose words differ from the others': contents of parts, functions, candidates.

Source: Gemini API reference, "Generating content" (generateContent, streamGenerateContent), "Function calling",
"Structured output", "Thought signatures".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyagent.engine.base import EngineOptions, Piece, Request
from pyagent.engine.http.engine import HTTPEngine
from pyagent.engine.http.failure import Refused
from pyagent.engine.http.openai import mentioned
from pyagent.engine.http.reader import Finish, Partial, PartialCall, Reader
from pyagent.model import Message, Model, Usage

# What responseSchema knows of JSON Schema (an OpenAPI 3.0 subset); anything else goes as responseJsonSchema.
KNOWN = (
    {"type", "format", "title", "description", "nullable", "enum", "default", "example", "pattern"}
    | {"properties", "required", "propertyOrdering", "minProperties", "maxProperties"}
    | {"items", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"}
)
# May be dropped: they only forbid more, and the answer is checked against the whole schema afterwards.
DROPPED = {"$schema", "$id", "$comment", "additionalProperties"}
FINISH: dict[str, Finish] = {"MAX_TOKENS": "length"}
WITHHELD = {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"}
# Gemini 3 wants the signature of its thought back with each call; a call's id carries it through our turns.
SIGNATURE = "#"


def open_google(model: Model, options: EngineOptions) -> GoogleEngine:
    """An engine for the Gemini API; ConfigError when base_url is no URL. Asks nobody yet.

    ``model.options``: ``body`` (a table of further fields; ``generationConfig`` is merged into ours).
    """
    return GoogleEngine(model, options)


class GoogleEngine(HTTPEngine):
    official = "https://generativelanguage.googleapis.com"
    version = "/v1beta"
    usual_key = "GEMINI_API_KEY"
    tool_tokens = 256

    def __init__(self, model: Model, options: EngineOptions) -> None:
        super().__init__(model, options)
        path = self.remote if "/" in self.remote else f"models/{self.remote}"
        self._whole = self.address.at(f"/{path}:generateContent")
        self._stream = self.address.at(f"/{path}:streamGenerateContent", "alt=sse")
        self._without: set[str] = set()
        self._more: Mapping[str, Any] = self.options.get("body", {})

    def url(self, stream: bool) -> str:
        return self._stream if stream else self._whole

    def headers(self, key: str) -> dict[str, str]:
        return {"x-goog-api-key": key} if key else {}

    def body(self, request: Request, stream: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "contents": contents(request.messages),
            "generationConfig": {**self._config(request), **self._more.get("generationConfig", {})},
        }
        if system := "\n\n".join(each.content for each in request.messages if each.role == "system"):
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if request.tools:
            mode = {"required": "ANY"}.get(request.tool_choice, request.tool_choice.upper())
            body["toolConfig"] = {"functionCallingConfig": {"mode": mode}}
            functions = [
                {"description": each.description, "name": each.name, "parametersJsonSchema": each.parameters}
                for each in request.tools
            ]
            body["tools"] = [{"functionDeclarations": functions}]
        more = {name: value for name, value in self._more.items() if name != "generationConfig"}
        return dict(sorted({**body, **more}.items()))

    def _config(self, request: Request) -> dict[str, Any]:
        config: dict[str, Any] = {"maxOutputTokens": request.max_tokens, "temperature": request.temperature}
        if request.seed is not None:
            config["seed"] = request.seed
        if request.stop:
            config["stopSequences"] = list(request.stop)
        if request.logprobs:
            config["responseLogprobs"] = True
        if request.schema is not None:
            config |= {"responseMimeType": "application/json", **schema_field(request.schema)}
        for name in self._without:
            config.pop(name, None)
        return config

    def adapt(self, refused: Refused, request: Request, sent: dict[str, Any]) -> bool:
        config = sent["generationConfig"]
        # responseMimeType goes with tools in no model before Gemini 3: the schema is then checked afterwards.
        if "function calling" in refused.text.lower() and "mime type" in refused.text.lower():
            self._without.update(("responseMimeType", "responseSchema", "responseJsonSchema"))
        names = ("responseLogprobs", "responseSchema", "responseJsonSchema", "seed")
        self._without.update(name for name in names if name in config and mentioned(name, refused))
        if "responseLogprobs" in config and "logprobs" in refused.text.lower():
            self._without.add("responseLogprobs")
        return self.body(request, False) != sent

    def reader(self, request: Request, piece: Piece | None) -> Reader:
        return GoogleReader(self.address.who, piece)


class GoogleReader(Reader):
    """Streamed events have the shape of whole replies, each with the next parts."""

    def delta(self, event: Mapping[str, Any]) -> str:
        feedback = event.get("promptFeedback") or {}
        if feedback.get("blockReason"):
            raise self.withheld(str(feedback["blockReason"]).lower())
        if usage := event.get("usageMetadata"):
            self.usage = usage_of(usage)
        candidates = event.get("candidates") or ()
        return self._candidate(candidates[0]) if candidates else ""

    def body(self, reply: Mapping[str, Any]) -> str:
        if not reply.get("candidates") and not reply.get("promptFeedback"):
            raise ValueError("no candidates")
        return self.delta(reply)

    def _candidate(self, candidate: Mapping[str, Any]) -> str:
        choice, reason = self.choice(0), candidate.get("finishReason")
        if reason in WITHHELD:
            raise self.withheld(str(reason).lower())
        parts = (candidate.get("content") or {}).get("parts") or ()
        text = "".join(self._part(choice, part) for part in parts)
        for token in (candidate.get("logprobsResult") or {}).get("chosenCandidates") or ():
            choice.logprobs.append(float(token["logProbability"]))
        if reason and reason != "FINISH_REASON_UNSPECIFIED":
            choice.finish = FINISH.get(reason, "stop")
        return text

    def _part(self, choice: Partial, part: Mapping[str, Any]) -> str:
        if call := part.get("functionCall"):
            index = len(choice.calls)
            id = call.get("id") or f"call_{index}"
            if part.get("thoughtSignature"):
                id += SIGNATURE + part["thoughtSignature"]
            choice.calls[index] = PartialCall(id, call["name"], [json.dumps(call.get("args") or {})])
            return ""
        if part.get("thought"):
            return ""
        text: str = part.get("text") or ""
        choice.text.append(text)
        return text


def contents(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Turns of ``user`` and ``model``; the results of one turn's calls belong into one turn."""
    names = {call.id: call.name for turn in messages for call in turn.calls}
    rows: list[dict[str, Any]] = []
    last = ""
    for turn in messages:
        if turn.role == "system":
            continue
        parts = parts_of(turn, names)
        if turn.role == "tool" and last == "tool":
            rows[-1]["parts"] += parts
        else:
            rows.append({"parts": parts, "role": "model" if turn.role == "assistant" else "user"})
        last = turn.role
    return rows


def parts_of(turn: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    if turn.role == "tool":
        call_id = turn.call_id or ""
        response = {"name": names.get(call_id, call_id), "response": {"result": turn.content}}
        return [{"functionResponse": {**own_id(call_id), **response}}]
    text = [{"text": turn.content}] if turn.content or not turn.calls else []
    return [*text, *(call_part(call.id, call.name, call.arguments) for call in turn.calls)]


def call_part(id: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = {"functionCall": {"args": arguments, **own_id(id), "name": name}}
    if SIGNATURE in id:
        part["thoughtSignature"] = id.split(SIGNATURE, 1)[1]
    return part


def own_id(id: str) -> dict[str, str]:
    """The id as Gemini gave it; none where it gave none and we counted."""
    id = id.split(SIGNATURE, 1)[0]
    return {} if not id or id.startswith("call_") else {"id": id}


def schema_field(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The field that carries ``schema``: responseSchema where it can say all of it, else responseJsonSchema."""
    converted = convert(schema)
    if converted is None:
        return {"responseJsonSchema": schema}
    return {"responseSchema": converted}


def convert(schema: Any) -> dict[str, Any] | None:
    """A JSON Schema in responseSchema's words, properties in their order; None when it says more than they can."""
    if not isinstance(schema, Mapping) or not set(schema) <= KNOWN | DROPPED or not isinstance(schema.get("type"), str):
        return None
    if not all(isinstance(value, str) for value in schema.get("enum", ())):
        return None
    out = {word: value for word, value in schema.items() if word in KNOWN}
    if "properties" in out:
        properties = {name: convert(below) for name, below in out["properties"].items()}
        if None in properties.values():
            return None
        out |= {"properties": properties, "propertyOrdering": list(properties)}
    if "items" in out and (items := convert(out["items"])) is not None:
        out["items"] = items
    elif "items" in out:
        return None
    return out


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Thoughts are billed as output, what tools add as input."""
    given = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    made = (usage.get("candidatesTokenCount") or 0) + (usage.get("thoughtsTokenCount") or 0)
    return Usage(given, made, usage.get("cachedContentTokenCount") or 0)
