"""Anthropic's API: the wire as its reference documents it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyagent.engine.base import Request, ToolSpec
from pyagent.engine.http.anthropic import open_anthropic
from pyagent.engine.http.engine import HTTPEngine
from pyagent.engine.http.failure import Crowded
from pyagent.errors import ContextOverflow, KeyRefused, ReplyError, TransientError
from pyagent.model import Message, ToolCall, Usage
from tests.engine.http.opening import ask, open_at
from tests.servers.faulty import Answer, Faulty, events, send

WEATHER = ToolSpec("weather", "Get the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def with_server(replies: list[Answer], story: Callable[[HTTPEngine, Faulty], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        async with Faulty(replies) as server:
            engine = open_at(server.url, open_anthropic, **more)
            await story(engine, server)
            await engine.aclose()

    asyncio.run(run())


def message(*content: Any, stop: str = "end_turn", **usage: int) -> dict[str, Any]:
    counted = {"input_tokens": 10, "output_tokens": 5, **usage}
    return {"type": "message", "role": "assistant", "content": list(content), "stop_reason": stop, "usage": counted}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def use(name: str, id: str = "t1", **input: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id, "name": name, "input": input}


def stream(*blocks: Any, stop: str = "end_turn", end: bool = True) -> Answer:
    """The documented order of events; a block's text or JSON comes in two deltas."""
    start = message(stop="", cache_read_input_tokens=3)
    rows: list[Any] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        rows.append({"type": "content_block_start", "index": index, "content_block": empty})
        if block["type"] == "text":
            whole, kind, field = block["text"], "text_delta", "text"
        else:
            whole, kind, field = json.dumps(block["input"]), "input_json_delta", "partial_json"
        for part in (whole[:3], whole[3:]):
            rows.append({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: part}})
        rows.append({"type": "content_block_stop", "index": index})
    if end:
        rows.append({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 8}})
        rows.append({"type": "message_stop"})
    return events(*rows)


def test_a_conversation_with_system_tools_and_results() -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", "Weather?"),
        Message("assistant", "Looking.", (ToolCall("a", "weather", {"city": "Rome"}), ToolCall("b", "weather", {}))),
        Message("tool", "sunny", call_id="a"),
        Message("tool", "rainy", call_id="b"),
    )

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        request = Request("m", turns, tools=(WEATHER,), stop=("END",), max_tokens=9)
        reply = await engine.generate(request)
        assert reply.choices[0].calls == (ToolCall("t1", "weather", {"city": "Oslo"}),)
        assert (reply.choices[0].text, reply.choices[0].finish) == ("Hm.", "tool")
        seen = server.seen[0]
        assert seen.path == "/v1/messages"
        assert seen.headers["x-api-key"] == "k"
        assert seen.headers["anthropic-version"] == "2023-06-01"
        assert seen.raw.decode() == engine.render(request)
        body = seen.body
        assert (body["system"], body["max_tokens"], body["stop_sequences"]) == ("Be brief.", 9, ["END"])
        assert [row["role"] for row in body["messages"]] == ["user", "assistant", "user"]
        assert [block["type"] for block in body["messages"][1]["content"]] == ["text", "tool_use", "tool_use"]
        assert [block["tool_use_id"] for block in body["messages"][2]["content"]] == ["a", "b"]
        assert body["tools"][0]["input_schema"] == WEATHER.parameters
        assert body["tool_choice"] == {"type": "auto"}

    reply = message(text("Hm."), use("weather", city="Oslo"), stop="tool_use")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", "k")
        with_server([send(200, reply)], story, key_env="TEST_KEY")


def test_a_stream_of_text_and_a_call() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        got: list[str] = []
        reply = await engine.generate(ask(tools=(WEATHER,)), lambda piece, token: got.append(piece))
        assert got == ["Hel", "lo"]
        assert reply.choices[0].calls == (ToolCall("t1", "weather", {"city": "Oslo"}),)
        assert reply.usage == Usage(13, 8, 3)
        assert server.seen[0].body["stream"] is True

    with_server([stream(text("Hello"), use("weather", city="Oslo"), stop="tool_use")], story)


def test_a_schema_is_answered_by_a_tool_that_must_be_called() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        whole = await engine.generate(ask(schema=SCHEMA))
        got: list[str] = []
        streamed = await engine.generate(ask(schema=SCHEMA), lambda piece, token: got.append(piece))
        for choice in (whole.choices[0], streamed.choices[0]):
            assert (choice.text, choice.finish, choice.calls) == ('{"n": 4}', "stop", ())
        assert "".join(got) == '{"n": 4}'
        assert len(got) == 2
        body = server.seen[0].body
        assert body["tool_choice"] == {"type": "tool", "name": "answer"}
        assert body["tools"][0]["input_schema"] == SCHEMA

    answer = use("answer", n=4)
    with_server([send(200, message(answer, stop="tool_use")), stream(text("So:"), answer, stop="tool_use")], story)


def test_a_schema_that_is_no_object_is_wrapped_and_unwrapped() -> None:
    schema = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        got: list[str] = []
        reply = await engine.generate(ask(schema=schema), lambda piece, token: got.append(piece))
        assert reply.choices[0].text == "[1, 2]" == "".join(got)
        assert server.seen[0].body["tools"][0]["input_schema"]["$defs"] == schema["$defs"]

    with_server([stream(use("answer", answer=[1, 2]), stop="tool_use")], story)


def test_with_a_schema_and_tools_the_model_may_do_either() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        request = ask(schema=SCHEMA, tools=(WEATHER,))
        call = (await engine.generate(request)).choices[0]
        assert (call.finish, [each.name for each in call.calls]) == ("tool", ["weather"])
        assert (await engine.generate(request)).choices[0].text == '{"n": 1}'
        assert (await engine.generate(request)).choices[0].calls == ()  # an answer ends the turn
        assert server.seen[0].body["tool_choice"] == {"type": "any"}

    first, answer = use("weather", city="Oslo"), use("answer", "t2", n=1)
    script = [
        message(first, stop="tool_use"),
        message(answer, stop="tool_use"),
        message(first, answer, stop="tool_use"),
    ]
    with_server([send(200, each) for each in script], story)


def test_output_config_when_it_is_wanted() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        assert (await engine.generate(ask(schema=SCHEMA))).choices[0].text == '{"n": 2}'
        assert server.seen[0].body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
        assert "tools" not in server.seen[0].body

    with_server([send(200, message(text('{"n": 2}')))], story, options={"output_config": True})


@pytest.mark.parametrize(
    ("stop", "finish"), [("end_turn", "stop"), ("stop_sequence", "stop"), ("max_tokens", "length")]
)
def test_stop_reasons(stop: str, finish: str) -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        assert (await engine.generate(ask())).choices[0].finish == finish

    with_server([send(200, message(text("x"), stop=stop))], story)


def test_a_refusal_is_told() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(ReplyError, match="refused"):
            await engine.generate(ask())

    with_server([send(200, message(stop="refusal"))], story)


def test_temperature_is_left_out_where_a_model_takes_none() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await engine.generate(ask())
        assert "temperature" not in server.seen[1].body

    no = {"type": "error", "error": {"type": "invalid_request_error", "message": "`temperature` is deprecated"}}
    with_server([send(400, no), send(200, message(text("x")))], story)


def test_a_stream_that_is_cut_and_an_overload_in_the_middle() -> None:
    overload = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(TransientError, match="short"):
            await engine.generate(ask(), lambda piece, token: None)
        with pytest.raises(Crowded, match="Overloaded"):
            await engine.generate(ask(), lambda piece, token: None)

    with_server([stream(text("Hello"), end=False), events(overload)], story)


@pytest.mark.parametrize(
    ("status", "kind", "words", "error"),
    [
        (529, "overloaded_error", "Overloaded", Crowded),
        (429, "rate_limit_error", "slow down", Crowded),
        (401, "authentication_error", "invalid x-api-key", KeyRefused),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", ContextOverflow),
        (500, "api_error", "Internal", TransientError),
    ],
)
def test_documented_errors(status: int, kind: str, words: str, error: type[Exception]) -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(error):
            await engine.generate(ask())

    with_server([send(status, {"type": "error", "error": {"type": kind, "message": words}})], story)
