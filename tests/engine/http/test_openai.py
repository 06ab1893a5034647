"""The OpenAI API as documented, and servers that know only a part of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyagent.engine.base import Reply, Request, ToolSpec
from pyagent.engine.http.engine import HTTPEngine
from pyagent.errors import ConfigError, ReplyError, TransientError
from pyagent.model import Message, ToolCall, Usage
from tests.engine.http.opening import ask, open_at
from tests.servers.faulty import Answer, Faulty, chunk, completion, events, send

WEATHER = ToolSpec("weather", "Get the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "answer": {"type": "integer"}},
    "required": ["reason", "answer"],
    "additionalProperties": False,
}


def with_server(
    replies: list[Answer], story: Callable[[HTTPEngine, Faulty], Awaitable[None]], path: str = "", **more: Any
) -> None:
    async def run() -> None:
        async with Faulty(replies) as server:
            engine = open_at(server.url + path, **more)
            await story(engine, server)
            await engine.aclose()

    asyncio.run(run())


def bodies(server: Faulty) -> list[Any]:
    return [each.body for each in server.seen]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/v1/chat/completions"),
        ("/", "/v1/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/api/v2", "/api/v2/chat/completions"),
        ("/v1/chat/completions", "/v1/chat/completions"),
        ("/deploy?api-version=1", "/deploy/chat/completions?api-version=1"),
    ],
)
def test_a_base_url_is_taken_as_people_write_it(path: str, asked: str) -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await engine.generate(ask())
        assert server.seen[0].path == asked

    with_server([send(200, completion())], story, path)


@pytest.mark.parametrize("url", ["localhost:8080/v1", "ftp://x/v1", "http://", "http://[::1/v1", "http://h:99999"])
def test_what_is_no_address_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address"):
        open_at(url)


def test_the_body_is_what_is_shown_and_little_more_than_the_users_own() -> None:
    prompt = 'Grüße "you"\n' * 20

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        request = ask(prompt, seed=3, stop=("END",), max_tokens=9)
        await engine.generate(request)
        assert server.seen[0].raw.decode() == engine.render(request)
        assert len(server.seen[0].raw) < len(json.dumps(prompt, ensure_ascii=False).encode()) + 300
        assert server.seen[0].body == {
            "max_tokens": 9,
            "messages": [{"content": prompt, "role": "user"}],
            "model": "m",
            "seed": 3,
            "stop": ["END"],
            "temperature": 0.0,
        }
        assert list(server.seen[0].body) == sorted(server.seen[0].body)

    with_server([send(200, completion())], story)


def test_a_lone_surrogate_is_sent_as_an_escape() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await engine.generate(ask("half \ud83d of one"))
        assert server.seen[0].body["messages"][0]["content"] == "half \ud83d of one"

    with_server([send(200, completion())], story)


def test_a_stream_is_delivered_piece_by_piece_whatever_the_cuts() -> None:
    counted = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
    pieces = [chunk("", role="assistant"), chunk("Hé"), chunk("llo 🙂"), chunk(finish="length")]
    script = events(*pieces, {"choices": [], "usage": counted}, "[DONE]", size=7)

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        got: list[str] = []
        reply = await engine.generate(ask(), lambda text, token: got.append(text))
        assert got == ["Hé", "llo 🙂"]
        assert (reply.choices[0].text, reply.choices[0].finish) == ("Héllo 🙂", "length")
        assert reply.usage == Usage(9, 2, 4)
        assert server.seen[0].body["stream_options"] == {"include_usage": True}

    with_server([script], story)


def test_a_server_that_does_not_stream_still_delivers() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        got: list[str] = []
        await engine.generate(ask(), lambda text, token: got.append(text))
        assert got == ["fine"]

    with_server([send(200, completion())], story)


def test_a_server_that_streams_unasked_is_read() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        assert (await engine.generate(ask())).choices[0].text == "ab"

    with_server([events(chunk("a"), chunk("b", finish="stop"))], story)


def test_without_usage_the_call_is_counted_at_most() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        reply = await engine.generate(ask("x" * 100, max_tokens=4))
        bound = engine.bound(ask("x" * 100, max_tokens=4))
        assert 100 < reply.usage.input_tokens <= bound.input_tokens
        assert reply.usage.output_tokens == 4

    bare = {key: value for key, value in completion("four").items() if key != "usage"}
    with_server([send(200, bare)], story)


def test_tools_go_out_and_calls_come_back_whole() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
    turns = (
        Message("system", "Be brief."),
        Message("user", "Weather?"),
        Message("assistant", "", (ToolCall("c0", "weather", {"city": "Rome"}),)),
        Message("tool", "sunny", call_id="c0"),
    )

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        reply = await engine.generate(Request("m", turns, tools=(WEATHER,)))
        assert reply.choices[0].calls == (ToolCall("c1", "weather", {"city": "Paris"}),)
        assert reply.choices[0].finish == "tool"
        body = server.seen[0].body
        assert body["tool_choice"] == "auto"
        assert body["tools"][0]["function"]["parameters"] == WEATHER.parameters
        assert body["messages"][2]["tool_calls"][0]["function"] == {"arguments": '{"city": "Rome"}', "name": "weather"}
        assert body["messages"][3] == {"content": "sunny", "role": "tool", "tool_call_id": "c0"}

    with_server([send(200, completion("", "stop", tool_calls=[call]))], story)


def test_calls_come_back_from_a_stream_of_pieces() -> None:
    def piece(index: int, **function: str) -> dict[str, Any]:
        first = {"id": f"c{index}"} if "name" in function else {}
        return chunk(tool_calls=[{"index": index, **first, "function": function}])

    script = events(
        piece(0, name="weather", arguments=""),
        piece(0, arguments='{"city": '),
        piece(0, arguments='"Oslo"}'),
        piece(1, name="clock", arguments=""),
        chunk(finish="tool_calls"),
        "[DONE]",
    )

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        reply = await engine.generate(ask(tools=(WEATHER,)), lambda text, token: None)
        assert reply.choices[0].calls == (ToolCall("c0", "weather", {"city": "Oslo"}), ToolCall("c1", "clock", {}))

    with_server([script], story)


def test_arguments_that_are_not_json_are_an_answer_that_cannot_be_used() -> None:
    call = {"id": "c1", "function": {"name": "weather", "arguments": '{"city": '}}

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(ReplyError, match="weather"):
            await engine.generate(ask(tools=(WEATHER,)))

    with_server([send(200, completion("", tool_calls=[call]))], story)


def test_a_server_that_ignores_required_is_told_the_name() -> None:
    call = {"id": "c1", "function": {"name": "weather", "arguments": "{}"}}
    named = {"function": {"name": "weather"}, "type": "function"}

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        request = ask(tools=(WEATHER,), tool_choice="required")
        reply = await engine.generate(request)
        assert len(reply.choices[0].calls) == 1
        assert reply.usage.input_tokens == 14  # both calls are paid
        await engine.generate(request)
        assert [body["tool_choice"] for body in bodies(server)] == ["required", named, named]

    with_server([send(200, completion("no")), send(200, completion("", tool_calls=[call]))], story)


def refusal(param: str, message: str = "") -> Answer:
    return send(400, {"error": {"message": message or f"Unsupported parameter: '{param}'", "param": param}})


def test_json_schema_is_asked_for_in_the_best_way_the_server_knows_and_that_is_remembered() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        for _ in range(2):
            assert (await engine.generate(ask(schema=SCHEMA))).choices[0].text == "fine"
        forms = [body.get("response_format") for body in bodies(server)]
        assert [form and form["type"] for form in forms] == ["json_schema"] * 2 + ["json_object"] * 2 + [None] * 2
        assert forms[0]["json_schema"]["strict"] is True
        assert list(forms[0]["json_schema"]["schema"]["properties"]) == ["reason", "answer"]  # the order is the user's
        assert forms[2]["schema"] == SCHEMA

    no = refusal("response_format")
    with_server([no, no, no, no, send(200, completion())], story)


def test_a_schema_that_strict_mode_cannot_take_is_not_sent_as_strict() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        open_schema = {**SCHEMA, "required": ["answer"]}
        await engine.generate(ask(schema=open_schema))
        assert server.seen[0].body["response_format"]["json_schema"]["strict"] is False

    with_server([send(200, completion())], story)


def test_a_bad_schema_does_not_spoil_the_way_for_the_others() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await engine.generate(ask(schema=SCHEMA))
        await engine.generate(ask(schema={**SCHEMA, "title": "other"}))
        kinds = [body["response_format"].get("json_schema", {}).get("strict") for body in bodies(server)]
        assert kinds == [True, False, True]

    bad = refusal("response_format", "Invalid schema for response_format 'answer': no")
    with_server([bad, send(200, completion())], story)


def test_fields_a_server_does_not_take_are_left_out_from_then_on() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        for _ in range(2):
            await engine.generate(ask(seed=1, logprobs=True))
        last = server.seen[-1].body
        assert "temperature" not in last
        assert "seed" not in last
        assert "max_tokens" not in last
        assert last["max_completion_tokens"] == 512
        assert len(server.seen) == 5

    wants = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
    refusals = [refusal("max_tokens", wants), refusal("temperature"), refusal("", "extra field: seed")]
    with_server([*refusals, send(200, completion())], story)


def test_a_refusal_that_teaches_nothing_is_told() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(ReplyError, match="messages"):
            await engine.generate(ask(schema=SCHEMA))
        assert len(server.seen) == 1

    with_server([refusal("messages", "Invalid 'messages[0]': empty")], story)


def test_many_calls_that_are_refused_at_once_all_learn() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await asyncio.gather(*(engine.generate(ask(str(i), seed=i)) for i in range(4)))
        assert ["seed" in body for body in bodies(server)] == [True] * 4 + [False] * 4

    with_server([refusal("seed")] * 4 + [send(200, completion())], story)


def test_samples_are_calls_with_the_next_seeds() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        got: list[str] = []
        reply = await engine.generate(ask(samples=3, seed=7, temperature=1.0), lambda text, token: got.append(text))
        assert [choice.text for choice in reply.choices] == ["fine"] * 3
        assert reply.usage == Usage(21, 9)
        assert sorted(body["seed"] for body in bodies(server)) == [7, 8, 9]
        assert got == ["fine"]

    with_server([send(200, completion())], story)


def test_samples_in_one_call_where_the_server_makes_them_and_the_rest_where_it_does_not() -> None:
    two = completion("a")
    two["choices"] = [{**two["choices"][0], "index": 1, "message": {"content": "b"}}, two["choices"][0]]

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        reply = await engine.generate(ask(samples=3, seed=7))
        assert [choice.text for choice in reply.choices] == ["a", "b", "fine"]
        assert server.seen[0].body["n"] == 3
        assert server.seen[1].body["seed"] == 9

    with_server([send(200, two), send(200, completion())], story, options={"n": True})


def test_one_failing_sample_fails_the_call_and_stops_the_others() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(TransientError):
            await engine.generate(ask(samples=3))

    with_server([send(200, completion()), send(500, b""), send(200, completion())], story)


def test_logprobs_of_both_kinds() -> None:
    def with_logprobs(logprobs: Any) -> Answer:
        reply = completion()
        reply["choices"][0]["logprobs"] = logprobs
        return send(200, reply)

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        results: list[Reply] = [await engine.generate(ask(logprobs=True)) for _ in range(2)]
        assert [reply.choices[0].logprobs for reply in results] == [(-0.5, -1.0), (-0.25,)]

    new = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -1}]}
    with_server([with_logprobs(new), with_logprobs({"token_logprobs": [None, -0.25]})], story)


@pytest.mark.parametrize("reply", [completion("", "content_filter"), completion("", refusal="I will not")])
def test_a_withheld_answer_is_not_asked_for_again(reply: Any) -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(ReplyError, match="withheld"):
            await engine.generate(ask())

    with_server([send(200, reply)], story)


def test_more_fields_come_from_the_configuration() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await engine.generate(ask())
        assert server.seen[0].body["reasoning_effort"] == "low"
        assert server.seen[0].body["max_output"] == 512

    options = {"body": {"reasoning_effort": "low"}, "max_tokens_field": "max_output"}
    with_server([send(200, completion())], story, options=options)


def test_openais_reasoning_models_get_their_own_field() -> None:
    engine = open_at("", remote="gpt-5-mini")
    assert "max_completion_tokens" in json.loads(engine.render(ask()))
    assert "max_tokens" in json.loads(open_at("http://127.0.0.1", remote="gpt-5-mini").render(ask()))


def test_the_bound_covers_every_byte_and_every_sample() -> None:
    engine = open_at("http://127.0.0.1:1")
    request = ask("x" * 1000, samples=3, max_tokens=10, tools=(WEATHER,))
    bound = engine.bound(request)
    assert bound.input_tokens >= 3 * len(engine.render(request))
    assert (bound.output_tokens, bound.exact) == (30, False)


def test_tokens_a_minute_count_what_a_call_used_not_what_it_might_have() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        for _ in range(3):
            await engine.generate(ask(max_tokens=4000))
        bucket = engine._gate._tokens
        assert bucket is not None
        assert bucket.most == 6000
        assert bucket.level >= 6000 - 3 * 10

    with_server([send(200, completion())], story, tokens_per_minute=60_000)


def test_two_models_of_a_provider_share_its_limits() -> None:
    async def story() -> None:
        async with Faulty([send(200, completion())]) as server:
            first, second = (open_at(server.url, remote=name, width=2) for name in ("a", "b"))
            await asyncio.gather(*(engine.generate(ask(str(i))) for i in range(6) for engine in (first, second)))
            assert (len(server.seen), server.most_open) == (12, 2)
            await first.aclose()
            await second.aclose()

    asyncio.run(story())
