"""Google's API: the wire as its reference documents it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pyagent.engine.base import Request, ToolSpec
from pyagent.engine.http.engine import HTTPEngine
from pyagent.engine.http.google import open_google
from pyagent.errors import ContextOverflow, KeyRefused, ModelMissing, ReplyError, TransientError
from pyagent.model import Message, ToolCall, Usage
from tests.engine.http.opening import ask, open_at
from tests.servers.faulty import Answer, Faulty, events, send

WEATHER = ToolSpec("weather", "Get the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}


def with_server(replies: list[Answer], story: Callable[[HTTPEngine, Faulty], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        async with Faulty(replies) as server:
            engine = open_at(server.url, open_google, remote="gemini-2.5-flash", **more)
            await story(engine, server)
            await engine.aclose()

    asyncio.run(run())


def content(*parts: Any, reason: str | None = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}
    if reason:
        candidate["finishReason"] = reason
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "cachedContentTokenCount": 2}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}


def test_a_conversation_with_system_tools_and_results() -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", "Weather?"),
        Message("assistant", "", (ToolCall("id1#sig", "weather", {"city": "Rome"}), ToolCall("call_1", "weather", {}))),
        Message("tool", "sunny", call_id="id1#sig"),
        Message("tool", "rainy", call_id="call_1"),
    )

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        request = Request("m", turns, tools=(WEATHER,), stop=("END",), seed=5, max_tokens=9, tool_choice="required")
        reply = await engine.generate(request)
        assert reply.choices[0].calls == (
            ToolCall("x#s2", "weather", {"city": "Oslo"}),
            ToolCall("call_1", "clock", {}),
        )
        assert (reply.choices[0].text, reply.choices[0].finish) == ("Hm.", "tool")
        assert reply.usage == Usage(10, 7, 2)
        seen = server.seen[0]
        assert seen.path == "/v1beta/models/gemini-2.5-flash:generateContent"
        assert seen.headers["x-goog-api-key"] == "k"
        assert seen.raw.decode() == engine.render(request)
        body = seen.body
        assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
        assert body["generationConfig"] == {
            "maxOutputTokens": 9,
            "temperature": 0.0,
            "seed": 5,
            "stopSequences": ["END"],
        }
        assert [row["role"] for row in body["contents"]] == ["user", "model", "user"]
        signed, counted = body["contents"][1]["parts"]
        assert signed == {
            "functionCall": {"id": "id1", "name": "weather", "args": {"city": "Rome"}},
            "thoughtSignature": "sig",
        }
        assert counted == {"functionCall": {"name": "weather", "args": {}}}
        answers = [part["functionResponse"] for part in body["contents"][2]["parts"]]
        assert answers[0] == {"id": "id1", "name": "weather", "response": {"result": "sunny"}}
        assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
        assert body["tools"][0]["functionDeclarations"][0]["name"] == "weather"

    calls = [
        {"functionCall": {"id": "x", "name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "s2"},
        {"functionCall": {"name": "clock"}},
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", "k")
        with_server([send(200, content({"text": "Hm."}, *calls))], story, key_env="TEST_KEY")


def test_a_stream_leaves_thoughts_out() -> None:
    script = events(
        content({"text": "Let me think", "thought": True}, reason=None),
        content({"text": "Hel"}, reason=None),
        content({"text": "lo"}, reason="MAX_TOKENS"),
    )

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        got: list[str] = []
        reply = await engine.generate(ask(), lambda piece, token: got.append(piece))
        assert got == ["Hel", "lo"]
        assert (reply.choices[0].text, reply.choices[0].finish) == ("Hello", "length")
        assert server.seen[0].path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"

    with_server([script], story)


def test_a_schema_goes_in_the_words_that_the_api_knows() -> None:
    beyond = {"type": "object", "properties": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}

    async def story(engine: HTTPEngine, server: Faulty) -> None:
        for schema in (SCHEMA, beyond):
            assert (await engine.generate(ask(schema=schema))).choices[0].text == '{"n": 1}'
        plain, rest = (each.body["generationConfig"] for each in server.seen)
        assert plain["responseMimeType"] == "application/json"
        assert plain["responseSchema"]["propertyOrdering"] == ["why", "n"]
        assert "additionalProperties" not in plain["responseSchema"]
        assert rest["responseJsonSchema"] == beyond

    with_server([send(200, content({"text": '{"n": 1}'}))], story)


def test_a_server_that_knows_no_schema_is_asked_without() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        await engine.generate(ask(schema=SCHEMA))
        assert server.seen[1].body["generationConfig"]["responseMimeType"] == "application/json"
        assert "responseSchema" not in server.seen[1].body["generationConfig"]

    message = "Invalid JSON payload received. Unknown name 'responseSchema' at 'generation_config'"
    no = {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}
    with_server([send(400, no), send(200, content({"text": "{}"}))], story)


def test_logprobs() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        assert (await engine.generate(ask(logprobs=True))).choices[0].logprobs == (-0.1, -2.0)

    chosen = {"chosenCandidates": [{"token": "a", "logProbability": -0.1}, {"token": "b", "logProbability": -2}]}
    with_server([send(200, content({"text": "ab"}, logprobsResult=chosen))], story)


@pytest.mark.parametrize("reply", [content(reason="SAFETY"), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}])
def test_a_withheld_answer_is_told(reply: Any) -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(ReplyError, match="withheld"):
            await engine.generate(ask())

    with_server([send(200, reply)], story)


def test_a_cut_stream_is_worth_another_try() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(TransientError):
            await engine.generate(ask(), lambda piece, token: None)

    with_server([events(content({"text": "Hel"}, reason=None))], story)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}, KeyRefused),
        (
            400,
            {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."},
            ContextOverflow,
        ),
        (404, {"message": "models/x is not found for API version v1beta", "status": "NOT_FOUND"}, ModelMissing),
        (503, {"message": "The model is overloaded.", "status": "UNAVAILABLE"}, TransientError),
    ],
)
def test_documented_errors(status: int, error: Any, kind: type[Exception]) -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(kind):
            await engine.generate(ask())

    with_server([send(status, {"error": {"code": status, **error}})], story)


def test_the_quota_says_when_to_come_back() -> None:
    async def story(engine: HTTPEngine, server: Faulty) -> None:
        with pytest.raises(TransientError) as caught:
            await engine.generate(ask())
        assert (caught.value.limited, caught.value.retry_after) == (True, 13.0)

    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "13s"}
    error = {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED", "details": [info]}
    with_server([send(429, {"error": error})], story)
