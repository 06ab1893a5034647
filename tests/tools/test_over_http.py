"""The tool loop over a real HTTP connection: calls come in and answers go out as the chat API wants them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pyagent.engine.base import EngineOptions, Request
from pyagent.event import Event
from pyagent.model import Agent, Message, Model, Provider, Result, Task
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Job, Spans, fold
from pyagent.run.steps.engine import Ask
from pyagent.run.steps.turns import Turns
from pyagent_plugins.tools.calculator import calculator


class Chat(BaseHTTPRequestHandler):
    """Calls two tools at first, and then answers with what it was told; keeps the bodies it got."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        told = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        message = self.answer(told) if told or body.get("tool_choice") == "none" else self.calls()
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        self.reply({"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})

    def calls(self) -> dict[str, Any]:
        wanted = [("a", "calculator", '{"expression": "6 * 7"}'), ("b", "calculator", '{"expr": "1"}')]
        made = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": text}} for id, name, text in wanted
        ]
        return {"role": "assistant", "content": None, "tool_calls": made}

    def answer(self, told: list[str]) -> dict[str, Any]:
        return {"role": "assistant", "content": " | ".join(told) or "nothing"}

    def reply(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    bodies: list[dict[str, Any]] = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("One", (Chat,), {"bodies": bodies}))
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{http.server_address[1]}/v1", bodies
    http.shutdown()
    thread.join()
    http.server_close()


def ask(url: str, agent: Agent | None = None) -> tuple[Result, list[Event]]:
    from pyagent.engine.http.openai import open_openai

    model = Model("m", "openai", provider=Provider("p", base_url=url), remote="m", input_price=1.0, output_price=2.0)
    tools = {"calculator": calculator()}
    events: list[Event] = []

    async def one() -> Result:
        engines = Engines(lambda model: open_openai(model, EngineOptions(timeout=10)))
        request = Request("m", (Message("user", "6 times 7?"),), tools=(tools["calculator"].spec,))
        job = Job("r", Task("t"), "k", 0, model, request, events.append, Spans(), agent=agent)
        try:
            return await fold([Turns(tools, {}, lambda name: model), Ask(engines)])(job)
        finally:
            await engines.aclose()

    return asyncio.run(one()), events


def test_calls_are_answered_each_under_its_id(server: tuple[str, list[dict[str, Any]]]) -> None:
    url, bodies = server
    result, events = ask(url)
    assert result.status == "ok"
    assert result.output.startswith("42 | error: wrong arguments for calculator: ")
    assert "'expression' is a required property" in result.output
    assert (result.usage.input_tokens, result.usage.output_tokens) == (200, 20)
    assert result.cost_usd == pytest.approx(240 / 1e6)
    assert len(bodies) == 2
    called, *told = bodies[1]["messages"][1:]
    assert [call["id"] for call in called["tool_calls"]] == ["a", "b"]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"expression": "6 * 7"}
    assert [message["tool_call_id"] for message in told] == ["a", "b"]
    assert [event.data["arguments"] for event in events if event.kind == "tool.started"] == [
        {"expression": "6 * 7"},
        {"expr": "1"},
    ]


def test_the_last_turn_tells_the_provider_that_no_tool_may_be_called(server: tuple[str, list[dict[str, Any]]]) -> None:
    url, bodies = server
    result, _ = ask(url, Agent("a", tools=("calculator",), max_turns=1))
    assert result.output == "nothing"
    assert bodies[0]["tool_choice"] == "none"
    assert bodies[0]["tools"][0]["function"]["name"] == "calculator"
