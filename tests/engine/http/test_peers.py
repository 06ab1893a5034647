"""Our client against servers that are not ours, with the real model behind them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pyagent.engine.base import Reply, Request, ToolSpec
from pyagent.engine.llama.files import bundled_model
from pyagent.errors import ContextOverflow
from tests.engine.http.opening import ask, open_at

SERVERS = Path(__file__).parents[2] / "servers"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "size": {"enum": ["small", "large"]}},
    "required": ["city", "size"],
    "additionalProperties": False,
}
WEATHER = ToolSpec(
    "weather",
    "Get the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]},
)

FRANCE = "What is the capital of France? Answer in one short sentence."

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundled_model(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module", params=["llama_cpp.server", "xllamacpp"])
def url(request: pytest.FixtureRequest, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of one peer after the other, each in its own process."""
    needs = ["llama_cpp", "sse_starlette", "uvicorn"] if "." in request.param else ["xllamacpp"]
    if missing := [name for name in needs if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    log = tmp_path_factory.mktemp("log") / "server.log"
    port = free_port()
    python = sys.executable
    if request.param == "xllamacpp":
        command = [python, str(SERVERS / "native.py"), str(model)]
    else:
        command = [python, "-m", "llama_cpp.server", "--model", str(model), "--port", str(port)]
        command += ["--host", "127.0.0.1", "--n_ctx", "1024", "--n_threads", "1", "--n_threads_batch", "1"]
    with log.open("wb") as errors:
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip() if request.param == "xllamacpp" else f"http://127.0.0.1:{port}"
        wait_for(f"{address}/v1/models", server, log)
        yield address
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(url: str, server: subprocess.Popen[str], log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(600):
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            direct.open(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text()[-2000:]}")


def replies(url: str, *requests: Request, stream: bool = False) -> tuple[list[Reply], list[str]]:
    """The replies to ``requests``, asked at the same time, and the pieces of the first."""
    pieces: list[str] = []

    async def story() -> list[Reply]:
        engine = open_at(url, timeout=120)
        watch = (lambda text, token: pieces.append(text)) if stream else None
        asks = [engine.generate(each, None if i else watch) for i, each in enumerate(requests)]
        done: list[Reply] = await asyncio.gather(*asks)
        await engine.aclose()
        return done

    return asyncio.run(story()), pieces


def only(url: str, request: Request, stream: bool = False) -> Reply:
    return replies(url, request, stream=stream)[0][0]


def test_a_chat_is_answered_and_counted(url: str) -> None:
    reply = only(url, ask(FRANCE, max_tokens=12))
    assert "Paris" in reply.choices[0].text
    assert reply.usage.input_tokens > 20
    assert 3 < reply.usage.output_tokens <= 12


def test_a_stream_comes_in_pieces_that_are_the_same_answer(url: str) -> None:
    request = ask(FRANCE, max_tokens=12)
    (streamed,), pieces = replies(url, request, stream=True)
    assert len(pieces) > 3
    assert "".join(pieces) == streamed.choices[0].text
    assert "Paris" in streamed.choices[0].text


def test_the_answer_is_cut_at_a_stop_string_and_at_the_limit(url: str) -> None:
    stopped, cut = (
        only(url, ask(FRANCE, max_tokens=12, stop=("Paris",))).choices[0],
        only(url, ask("Tell a long story.", max_tokens=5)).choices[0],
    )
    assert "Paris" not in stopped.text
    assert (stopped.finish, cut.finish) == ("stop", "length")


def test_a_schema_is_met_whole_and_streamed(url: str) -> None:
    request = ask("Describe Oslo.", schema=SCHEMA, max_tokens=80)
    for stream in (False, True):
        text = only(url, request, stream=stream).choices[0].text
        jsonschema.validate(json.loads(text), SCHEMA)


def test_a_seed_decides(url: str) -> None:
    def at(seed: int) -> Request:
        return ask("Invent a name for a dog.", temperature=1.5, seed=seed, max_tokens=10)

    first, again, other = (only(url, at(seed)).choices[0].text for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_several_at_once_are_each_answered(url: str) -> None:
    requests = [ask(f"Say the word {word}.", max_tokens=6) for word in ("apple", "river", "stone", "cloud")]
    done, _ = replies(url, *requests)
    assert len({reply.choices[0].text for reply in done}) > 1
    assert all(reply.usage.output_tokens for reply in done)


def test_a_prompt_beyond_the_context_is_told_with_both_numbers(url: str) -> None:
    with pytest.raises(ContextOverflow, match=r"\d{4}.*1024|1024.*\d{4}"):
        only(url, ask("word " * 3000, max_tokens=8))


def test_logprobs_are_those_of_the_tokens(url: str) -> None:
    reply = only(url, ask(FRANCE, max_tokens=4, logprobs=True))
    logprobs: Any = reply.choices[0].logprobs
    if logprobs is None:
        pytest.skip("this server gives none as it was started")
    assert len(logprobs) == 4
    assert all(value <= 0 for value in logprobs)


def test_a_tool_that_must_be_called_is_called_where_the_server_obeys(url: str) -> None:
    request = ask("How is the weather in Paris?", tools=(WEATHER,), tool_choice="required", max_tokens=40)
    reply = only(url, request)
    if not reply.choices[0].calls:
        pytest.skip("this server ignores tools with a template that has none")
    assert reply.choices[0].finish == "tool"
    assert isinstance(reply.choices[0].calls[0].arguments["city"], str)
