"""A run's events as OpenTelemetry traces in OTLP/JSON, so that any tracing tool shows them; a translation, no SDK.

Names are those of the GenAI conventions, all of them still in development: spans `invoke_workflow` (a run),
`invoke_agent` (a task), `chat` (a call), `execute_tool`. OTLP/JSON: ids are hex, 64-bit numbers are strings,
enumerations are numbers (opentelemetry-proto, JSON Protobuf encoding).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pyagent import __version__
from pyagent.event import Event
from pyagent.report.spans import Span, spans
from pyagent.report.text import plain

INTERNAL, CLIENT = 1, 3
ERROR = 2

# What a person or a model wrote; the conventions ask to leave it out unless it is wanted.
CONTENT = frozenset({"messages", "output", "result", "arguments", "traceback", "calls"})
PROVIDERS = {"llama": "llama.cpp", "google": "gcp.gen_ai"}


def otlp(events: Iterable[Event], content: bool = False) -> Iterator[str]:
    """One TracesData object on one line, in pieces; ``content`` lets prompts, answers and arguments in.

    A run is a trace. Ids follow from run, task, span and how often the task was begun: exporting again gives
    the same ones.
    """
    resource = {"attributes": attributes({"service.name": "pyagent", "service.version": __version__})}
    scope = {"name": "pyagent", "version": __version__}
    yield f'{{"resourceSpans":[{{"resource":{_dump(resource)},"scopeSpans":[{{"scope":{_dump(scope)},"spans":['
    between = ""
    for span in spans(events):
        yield between + _dump(encode(span, content))
        between = ","
    yield "]}]}]}\n"


def encode(span: Span, content: bool) -> dict[str, Any]:
    """One OTLP span."""
    name, kind, values = _described(span, content)
    if not span.finished:
        values["pyagent.unfinished"] = True
    if span.error is not None:
        values["error.type"] = "_OTHER"
    parent = _parent(span)
    return {
        "traceId": trace_id(span.run),
        "spanId": span_id(span.run, span.task, span.number, span.nth),
        **({"parentSpanId": parent} if parent else {}),
        "name": plain(name),
        "kind": kind,
        "startTimeUnixNano": nanoseconds(span.started),
        "endTimeUnixNano": nanoseconds(span.ended),
        "attributes": attributes(values),
        "events": [_event(event, content) for event in span.events],
        "status": {"code": ERROR, "message": plain(span.error)} if span.error is not None else {},
    }


def trace_id(run: str) -> str:
    return hashlib.sha256(json.dumps(["pyagent", run]).encode()).hexdigest()[:32]


def span_id(run: str, task: str | None, number: int, nth: int) -> str:
    return hashlib.sha256(json.dumps([run, task, number, nth]).encode()).hexdigest()[:16]


def nanoseconds(at: float) -> str:
    """Seconds since the epoch as the string of nanoseconds; a float of today holds microseconds."""
    return str(round(at * 1_000_000) * 1000)


def attributes(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """KeyValues in the order given, without those that are None."""
    return [{"key": key, "value": _any(value)} for key, value in values.items() if value is not None]


def _any(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)} if abs(value) < 1 << 63 else {"stringValue": str(value)}
    if isinstance(value, float) and math.isfinite(value):
        return {"doubleValue": value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {"arrayValue": {"values": [_any(each) for each in value]}}
    return {"stringValue": plain(value)}


def _parent(span: Span) -> str | None:
    if span.task is None:
        return None
    if span.number:
        return span_id(span.run, span.task, span.parent or 0, span.nth)
    return span_id(span.run, None, 0, span.run_nth) if span.run_nth else None


def _described(span: Span, content: bool) -> tuple[str, int, dict[str, Any]]:
    """(name, kind, attributes) by what the span is."""
    made = {"run": _workflow, "task": _agent, "call": _chat, "tool": _tool}.get(span.name)
    if made is None:
        return span.name, INTERNAL, _other({**span.opened, **span.closed}, content)
    name, values = made(span, content)
    return name, CLIENT if span.name == "call" else INTERNAL, values


def _workflow(span: Span, content: bool) -> tuple[str, dict[str, Any]]:
    name = span.opened.get("name") or span.run
    return f"invoke_workflow {name}", {
        "gen_ai.operation.name": "invoke_workflow",
        # Renamed between semantic-conventions 1.41 and semantic-conventions-genai 0.1; readers know either.
        "gen_ai.workflow.name": name,
        "gen_ai.agent.name": name,
        **_usage(span),
        "pyagent.run.id": span.run,
        "pyagent.run.tasks": span.opened.get("total"),
        "pyagent.run.stopped": span.closed.get("stopped") or None,
    }


def _agent(span: Span, content: bool) -> tuple[str, dict[str, Any]]:
    agent = span.opened.get("agent")
    return f"invoke_agent {agent}" if agent else "invoke_agent", {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        **_usage(span),
        "pyagent.task.id": span.task,
        "pyagent.task.line": span.opened.get("line"),
        "pyagent.task.status": span.closed.get("status"),
        "pyagent.task.source": span.closed.get("source"),
    }


def _chat(span: Span, content: bool) -> tuple[str, dict[str, Any]]:
    opened, closed = span.opened, span.closed
    provider = opened.get("provider") or "unknown"
    finish = closed.get("finish")
    values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDERS.get(provider, provider),
        "gen_ai.request.model": opened.get("model"),
        "gen_ai.request.max_tokens": opened.get("max_tokens"),
        "gen_ai.request.temperature": _double(opened.get("temperature")),
        "gen_ai.request.seed": opened.get("seed"),
        "gen_ai.response.finish_reasons": [{"tool": "tool_call"}.get(finish, finish)] if finish else None,
        "gen_ai.usage.cache_read.input_tokens": closed.get("cached_tokens") or None,
        **_usage(span),
    }
    if content:
        values |= _messages(opened.get("messages") or (), closed)
    return f"chat {opened.get('model') or ''}".rstrip(), values


def _tool(span: Span, content: bool) -> tuple[str, dict[str, Any]]:
    name = span.opened.get("name") or "unknown"
    values = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": span.opened.get("call"),
    }
    if content:
        values["gen_ai.tool.call.arguments"] = _text(span.opened.get("arguments"))
        values["gen_ai.tool.call.result"] = _text(span.closed.get("result"))
    return f"execute_tool {name}", values


def _usage(span: Span) -> dict[str, Any]:
    return {
        "gen_ai.usage.input_tokens": span.input_tokens,
        "gen_ai.usage.output_tokens": span.output_tokens,
        "pyagent.cost_usd": _double(span.usd),
    }


def _messages(asked: Iterable[Mapping[str, Any]], closed: Mapping[str, Any]) -> dict[str, Any]:
    """Prompts and answer in the conventions' shape, as JSON text: few readers take structured attributes yet."""
    asked = list(asked)
    system = [_part(turn.get("content")) for turn in asked if turn.get("role") == "system"]
    turns = [
        {"role": turn.get("role"), "parts": [_part(turn.get("content"))]}
        for turn in asked
        if turn.get("role") != "system"
    ]
    answer = [_part(closed.get("output"))] if closed.get("output") else []
    calls = [{"type": "tool_call", **call} for call in closed.get("calls") or ()]
    said = {"role": "assistant", "parts": answer + calls, "finish_reason": closed.get("finish") or "error"}
    return {
        "gen_ai.system_instructions": _text(system or None),
        "gen_ai.input.messages": _text(turns or None),
        "gen_ai.output.messages": _text([said] if answer or calls else None),
    }


def _part(content: Any) -> dict[str, Any]:
    return {"type": "text", "content": content if isinstance(content, str) else _text(content) or ""}


def _other(data: Mapping[str, Any], content: bool) -> dict[str, Any]:
    return {
        f"pyagent.{key}": value if isinstance(value, str | int | float) else _text(value)
        for key, value in data.items()
        if content or key not in CONTENT
    }


def _event(event: Event, content: bool) -> dict[str, Any]:
    values = attributes(_other(event.data, content))
    return {"timeUnixNano": nanoseconds(event.at), "name": event.kind, "attributes": values}


def _double(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
