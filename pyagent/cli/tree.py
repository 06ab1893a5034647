"""A trace as a tree that a person reads: each span with its time, tokens and cost, indented below its parent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyagent.event import Event
from pyagent.report.otel import CONTENT
from pyagent.report.spans import Span, spans
from pyagent.report.text import money, one_line, plain

# What the head of a line already says, or what is too long for one.
SAID = CONTENT | {"name", "model", "error", "status", "input_tokens", "output_tokens", "cost_usd", "seconds", "key"}


def tree(events: Iterable[Event], full: bool = False) -> Iterator[str]:
    """Lines of text: each task when it has ended, then the run. ``full`` adds what was asked and answered."""
    for root, inner in roots(events):
        yield from _lines(root, inner, 0, full)


def nested(events: Iterable[Event], full: bool = False) -> Iterator[dict[str, Any]]:
    """The same as objects, each with its ``spans`` inside."""
    for root, inner in roots(events):
        yield _object(root, inner, full)


def roots(events: Iterable[Event]) -> Iterator[tuple[Span, Mapping[int, list[Span]]]]:
    """Each task and run with the spans below it, by the number of their parent."""
    below: dict[str | None, dict[int, list[Span]]] = {}
    for span in spans(events):
        if span.number == 0:
            inner = below.pop(span.task, {})
            for siblings in inner.values():
                siblings.sort(key=lambda each: each.number)
            yield span, inner
        else:
            below.setdefault(span.task, {}).setdefault(span.parent or 0, []).append(span)


def _lines(span: Span, inner: Mapping[int, list[Span]], depth: int, full: bool) -> Iterator[str]:
    margin = "  " * depth
    yield margin + "  ".join(part for part in _head(span) if part)
    for event in span.events:
        said = _pairs(event.data, ())
        yield f"{margin}  · +{max(0.0, event.at - span.started):.2f} s  {event.kind}{'  ' + said if said else ''}"
    if full:
        for name, text in _texts(span):
            yield f"{margin}  | {name}:"
            yield from (f"{margin}  |   {line}" for line in plain(text).splitlines())
    for child in inner.get(span.number, ()) if inner else ():
        yield from _lines(child, inner, depth + 1, full)


def _head(span: Span) -> Iterator[str]:
    name = span.opened.get("name") or span.opened.get("model") or span.opened.get("agent") or ""
    yield f"{span.name} {one_line(span.task if span.number == 0 and span.task else name)}".rstrip()
    yield one_line(span.closed.get("status") or ("" if span.finished else "unfinished"))
    yield f"{span.seconds:.2f} s"
    if span.name in ("call", "task", "run"):
        yield f"{span.input_tokens:,}+{span.output_tokens:,} tokens"
        yield money(span.usd) if span.usd is not None else "cost unknown"
    yield _pairs({**span.opened, **span.closed}, SAID)
    yield f"error: {one_line(span.error, 300)}" if span.error else ""


def _pairs(data: Mapping[str, Any], without: Iterable[str]) -> str:
    return "  ".join(
        f"{key}={one_line(value, 120)}"
        for key, value in data.items()
        if value not in (None, "", []) and key not in without and key not in CONTENT
    )


def _texts(span: Span) -> Iterator[tuple[str, Any]]:
    for message in span.opened.get("messages") or ():
        yield message.get("role", "message"), message.get("content", "")
    for name, data in (("arguments", span.opened), ("result", span.closed), ("output", span.closed)):
        if data.get(name) not in (None, ""):
            yield name, data[name]
    for call in span.closed.get("calls") or ():
        yield "calls", call


def _object(span: Span, inner: Mapping[int, list[Span]], full: bool) -> dict[str, Any]:
    data = {**span.opened, **span.closed}
    return {
        "name": span.name,
        "task": span.task,
        "span": span.number,
        "started": span.started,
        "seconds": round(span.seconds, 6),
        "finished": span.finished,
        "error": span.error,
        "input_tokens": span.input_tokens,
        "output_tokens": span.output_tokens,
        "cost_usd": span.usd,
        "data": data if full else {key: value for key, value in data.items() if key not in CONTENT},
        "events": [{"kind": event.kind, "at": event.at, "data": event.data} for event in span.events],
        "spans": [_object(child, inner, full) for child in inner.get(span.number, ())],
    }
