"""The tool loop, around an inner layer that says what a model might say: it always ends, and the books are right."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pyagent.engine.base import Request, Tool, ToolSpec
from pyagent.errors import BudgetExceeded, ModelMissing, ToolError
from pyagent.event import Event
from pyagent.model import Agent, Message, Model, Result, Task, ToolCall, Usage
from pyagent.run.pipeline import Job, Spans
from pyagent.run.steps.turns import Turns, handed_over

NUMBERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
SMALL, LARGE = Model("small", input_price=1.0, output_price=1.0), Model("large", remote="vendor-large")


def tool(name: str, run: Callable[[Mapping[str, Any]], Any], schema: Any = NUMBERS, **more: Any) -> Tool:
    async def call(arguments: Mapping[str, Any]) -> Any:
        value = run(arguments)
        return await value if asyncio.iscoroutine(value) else value

    return Tool(ToolSpec(name, name, schema), call, **more)


ADD = tool("add", lambda said: said["a"] + said["b"])


def fail(error: Exception) -> Callable[[Mapping[str, Any]], Any]:
    def run(_: Mapping[str, Any]) -> Any:
        raise error

    return run


def wants(*calls: tuple[str, Mapping[str, Any]]) -> Callable[[Job], Result]:
    made = tuple(ToolCall(f"call_{i}", name, arguments) for i, (name, arguments) in enumerate(calls))
    return lambda job: Result("t", "ok", "", usage=Usage(10, 2), cost_usd=0.5, finish="tool", calls=made)


def says(text: str, **more: Any) -> Callable[[Job], Result]:
    return lambda job: replace(Result("t", "ok", text, usage=Usage(20, 4), cost_usd=0.25, finish="stop"), **more)


@dataclass
class Script:
    """The inner layer: one saying a turn, the last one again and again; and what it was asked."""

    sayings: list[Callable[[Job], Result]]
    asked: list[Job] = field(default_factory=list)

    async def __call__(self, job: Job) -> Result:
        self.asked.append(job)
        result = self.sayings[min(len(self.asked), len(self.sayings)) - 1](job)
        # As an engine does: with tool_choice none there are no calls.
        return replace(result, calls=(), output="forced") if job.request.tool_choice == "none" else result


@dataclass
class Told:
    result: Result
    jobs: list[Job]
    events: list[Event]

    def kinds(self, kind: str) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]

    def answers(self, turn: int = -1) -> list[str]:
        return [message.content for message in self.jobs[turn].request.messages if message.role == "tool"]


def talk(
    *sayings: Callable[[Job], Result],
    tools: Iterable[Tool] = (ADD,),
    agents: Iterable[Agent] = (),
    agent: Agent | None = None,
    timeout: float = 5.0,
    task: Task = Task("t"),  # noqa: B008 (frozen)
    **job: Any,
) -> Told:
    known = {tool.spec.name: tool for tool in tools}
    events: list[Event] = []
    wanted = tuple(known[name].spec for name in agent.tools) if agent else tuple(tool.spec for tool in tools)
    system = (Message("system", agent.instructions),) if agent and agent.instructions else ()
    request = Request("small", (*system, Message("user", "2 + 3?")), tools=wanted)
    start = Job("r", task, "k", 0, SMALL, request, events.append, Spans(), agent=agent, **job)
    script = Script(list(sayings))
    step = Turns(known, {agent.name: agent for agent in agents}, model_named, timeout)
    return Told(asyncio.run(step(start, script)), script.asked, events)


def model_named(name: str) -> Model:
    if name == "large":
        return LARGE
    raise ModelMissing(f"no model {name!r}")


def test_a_task_without_tools_passes_through() -> None:
    told = talk(says("5"), tools=())
    assert told.result.output == "5"
    assert told.jobs[0].request.tool_choice == "auto"
    assert told.events == []


def test_a_call_is_answered_and_the_model_goes_on() -> None:
    told = talk(wants(("add", {"a": 2, "b": 3})), says("It is 5."))
    assert told.result.output == "It is 5."
    assert told.result.calls == ()
    roles = [message.role for message in told.jobs[1].request.messages]
    assert roles == ["user", "assistant", "tool"]
    assert told.jobs[1].request.messages[1].calls[0].name == "add"
    assert told.jobs[1].request.messages[2] == Message("tool", "5", call_id="call_0")


def test_what_all_turns_used_is_added_up() -> None:
    told = talk(wants(("add", {"a": 1, "b": 1})), wants(("add", {"a": 1, "b": 2})), says("done"))
    assert told.result.usage == Usage(40, 8)
    assert told.result.cost_usd == 1.25
    assert told.result.attempts == 3


def test_one_unknown_cost_makes_the_sum_unknown() -> None:
    told = talk(wants(("add", {"a": 1, "b": 1})), says("done", cost_usd=None))
    assert told.result.cost_usd is None
    assert told.result.usage == Usage(30, 6)


def test_every_call_is_a_span_with_its_arguments_and_outcome() -> None:
    told = talk(wants(("add", {"a": 2, "b": 3}), ("add", {"a": 2, "b": "x"})), says("5"))
    started = [event for event in told.events if event.kind == "tool.started"]
    finished = [event for event in told.events if event.kind == "tool.finished"]
    assert [event.data["arguments"] for event in started] == [{"a": 2, "b": 3}, {"a": 2, "b": "x"}]
    assert {event.span for event in started} == {event.span for event in finished} == {1, 2}
    assert all(event.parent == 0 for event in started)
    assert finished[0].data["result"] == "5"
    assert "not of type 'integer'" in finished[1].data["error"]
    assert all(event.data["seconds"] >= 0 for event in finished)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("add", {"a": 1}), "'b' is a required property"),
        (("add", {"a": 1, "b": 2, "c": 3}), "Additional properties are not allowed"),
        (("ad", {"a": 1, "b": 2}), "did you mean add?"),
        (("hand_off_to_nobody", {"message": "x"}), "there is no tool"),
        (("refuses", {}), "not today (come back tomorrow)"),
        (("breaks", {}), "breaks failed: KeyError"),
        (("sleeps", {}), "gave no answer within 0.05 s"),
        (("unsure", {}), "cannot say what it reads: KeyError"),
        (("fetches", {}), "its own argument schema is broken"),
    ],
)
def test_what_goes_wrong_is_told_to_the_model(call: tuple[str, Mapping[str, Any]], said: str) -> None:
    tools = [
        ADD,
        tool("refuses", fail(ToolError("not today", "come back tomorrow")), {}),
        tool("breaks", fail(KeyError("x")), {}),
        tool("sleeps", lambda _: asyncio.sleep(30), {}),
        tool("unsure", lambda _: 1, {}, reads=fail(KeyError("path"))),
        # A `$ref` into the web must not be followed; with a request it would say something else.
        tool("fetches", lambda _: 1, {"$ref": "http://127.0.0.1:9/schema.json"}),
    ]
    told = talk(wants(call), says("sorry"), tools=tools, timeout=0.05)
    assert told.result.output == "sorry"
    assert told.answers()[0].startswith("error: ")
    assert said in told.answers()[0]


def test_a_tool_that_was_not_offered_is_not_run() -> None:
    ran: list[int] = []
    secret = tool("secret", lambda _: ran.append(1), {})
    agent = Agent("a", tools=("add",))
    told = talk(wants(("secret", {})), says("no"), tools=[ADD, secret], agent=agent)
    assert ran == []
    assert "there is no tool 'secret'" in told.answers()[0]


def test_an_error_that_concerns_the_whole_run_is_raised_and_the_other_tools_end() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("slow")

    tools = [tool("pays", fail(BudgetExceeded("no money")), {}), tool("slow", lambda _: slow(), {})]
    with pytest.raises(BudgetExceeded, match="no money"):
        talk(wants(("slow", {}), ("pays", {})), says("x"), tools=tools)
    assert ended == ["slow"]


def test_the_third_identical_call_is_stopped_and_an_answer_is_asked_for() -> None:
    ran: list[Mapping[str, Any]] = []
    count = tool("add", lambda said: ran.append(said) or 5)
    # The same arguments in another order are the same call.
    told = talk(wants(("add", {"a": 2, "b": 3})), wants(("add", {"b": 3, "a": 2})), wants(("add", {"a": 2, "b": 3})),
                tools=[count])  # fmt: skip
    assert len(ran) == 2
    assert told.result.status == "ok"
    assert told.result.output == "forced"
    assert [job.request.tool_choice for job in told.jobs] == ["auto", "auto", "auto", "none"]
    assert told.kinds("tool.stopped") == [{"name": "add", "times": 3}]
    assert len(told.answers()) == 3


def test_the_last_turn_asks_for_an_answer() -> None:
    counter = iter(range(100))
    told = talk(lambda job: wants(("add", {"a": 1, "b": next(counter)}))(job))
    assert len(told.jobs) == 8
    assert told.result.output == "forced"
    assert [job.request.tool_choice for job in told.jobs] == ["auto"] * 7 + ["none"]


def test_the_recipe_sets_the_limits() -> None:
    agent = Agent("a", tools=("add",), max_turns=2)
    told = talk(wants(("add", {"a": 1, "b": 1})), agent=agent)
    assert [job.request.tool_choice for job in told.jobs] == ["auto", "none"]
    agent = Agent("a", tools=("add",), max_tool_calls=1)
    told = talk(wants(("add", {"a": 1, "b": 1}), ("add", {"a": 1, "b": 2})), agent=agent)
    assert told.answers() == ["2", "error: the limit of 1 tool calls is reached"]
    assert [job.request.tool_choice for job in told.jobs] == ["auto", "none"]


def test_a_model_that_calls_in_its_last_turn_fails_its_task() -> None:
    async def stubborn(job: Job) -> Result:
        return wants(("add", {"a": 1, "b": 1}))(job)

    job = Job("r", Task("t"), "k", 0, SMALL, Request("small", (), tools=(ADD.spec,)), lambda _: None, Spans())
    result = asyncio.run(Turns({"add": ADD}, {}, model_named)(job, stubborn))
    assert result.status == "failed"
    assert result.error == "the model still asks for add after 4 turns"
    assert result.calls == ()
    assert result.usage == Usage(40, 8)


def test_a_call_that_is_required_is_required_once() -> None:
    request = Request("small", (), tools=(ADD.spec,), tool_choice="required")
    script = Script([wants(("add", {"a": 1, "b": 1})), says("2")])
    job = Job("r", Task("t"), "k", 0, SMALL, request, lambda _: None, Spans())
    asyncio.run(Turns({"add": ADD}, {}, model_named)(job, script))
    assert [asked.request.tool_choice for asked in script.asked] == ["required", "auto"]


def test_a_recipe_may_require_that_its_agent_begins_with_a_call() -> None:
    desk = Agent("desk", handoffs=("clerk",), tool_choice="required")
    clerk = Agent("clerk", tools=("add",), tool_choice="required")
    hand = ("hand_off_to_clerk", {"message": "add"})
    told = talk(wants(hand), wants(("add", {"a": 1, "b": 1})), says("2"), agent=desk, agents=[desk, clerk])
    assert [job.request.tool_choice for job in told.jobs] == ["required", "required", "auto"]


def test_a_failed_turn_ends_the_talk_with_what_was_used() -> None:
    told = talk(wants(("add", {"a": 1, "b": 1})), lambda job: Result("t", "failed", error="too long", cost_usd=0.0))
    assert told.result.status == "failed"
    assert told.result.error == "too long"
    assert told.result.usage == Usage(10, 2)


def test_long_values_are_cut_and_json_is_compact() -> None:
    tools = [tool("long", lambda _: "x" * 20_000, {}), tool("json", lambda _: {"a": [1, "ü"]}, {})]
    told = talk(wants(("long", {}), ("json", {})), says("ok"), tools=tools)
    assert told.answers()[0].endswith("[cut: the first 8000 of 20000 characters]")
    assert told.answers()[1] == '{"a":[1,"ü"]}'


def test_what_tools_read_is_told_once() -> None:
    reading = tool("read", lambda said: "text", {}, reads=lambda said: [f"/data/{said['path']}"])
    collected: set[str] = set()
    calls = [wants(("read", {"path": "a"}), ("read", {"path": "b"})), wants(("read", {"path": "a"})), says("x")]
    told = talk(*calls, tools=[reading], notes={"reads": collected})
    assert told.kinds("answer.depends") == [{"reads": ["/data/a", "/data/b"]}]
    assert collected == {"/data/a", "/data/b"}
    assert told.kinds("tool.finished")[0]["reads"] == ["/data/a"]


def test_a_dry_run_shows_the_first_turn_and_runs_nothing() -> None:
    desk, billing = Agent("desk", handoffs=("billing",)), Agent("billing")
    told = talk(wants(("add", {"a": 1, "b": 1})), agent=desk, agents=[desk, billing], dry=True)
    assert [spec.name for spec in told.jobs[0].request.tools] == ["hand_off_to_billing"]
    assert len(told.jobs) == 1
    assert told.events == []


DESK = Agent("desk", "Sort it.", tools=("add",), handoffs=("billing",), temperature=0.0)
BILLING = Agent("billing", "Say the price.", "Knows prices", model="large", temperature=0.7, max_tokens=9)
HAND = ("hand_off_to_billing", {"message": "wants a price"})


def test_a_task_is_handed_over_with_all_that_was_said() -> None:
    told = talk(wants(HAND), says("9 dollars"), agent=DESK, agents=[DESK, BILLING])
    first, second = (job.request for job in told.jobs)
    offer = first.tools[1]
    assert [spec.name for spec in first.tools] == ["add", "hand_off_to_billing"]
    assert "Knows prices" in offer.description
    assert second.messages[0] == Message("system", "Say the price.")
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "tool"]
    assert second.messages[2].calls[0].arguments == {"message": "wants a price"}
    assert (second.model, second.temperature, second.max_tokens, second.tools) == ("vendor-large", 0.7, 9, ())
    assert told.jobs[1].model == LARGE
    assert told.jobs[1].agent == BILLING
    assert told.kinds("agent.handed_off") == [{"agent": "desk", "to": "billing", "model": "large"}]
    assert told.result.output == "9 dollars"


def test_what_the_task_says_comes_before_the_recipe_of_the_heir() -> None:
    task = Task("t", model="small", temperature=0.2, max_tokens=5)
    told = talk(wants(HAND), says("x"), agent=DESK, agents=[DESK, BILLING], task=task)
    assert told.jobs[1].model == SMALL
    assert (told.jobs[1].request.temperature, told.jobs[1].request.max_tokens) == (0.0, 512)


def test_the_tasks_own_system_prompt_survives_a_hand_over() -> None:
    # The runner puts the recipe first, then what the task says.
    messages = (Message("system", "Sort it.\n\nSpeak French."), Message("user", "2 + 3?"))
    heard = handed_over(Request("small", messages), DESK, BILLING, LARGE, Task("t")).messages
    assert heard == (Message("system", "Say the price.\n\nSpeak French."), messages[1])
    silent = Agent("silent")
    assert handed_over(Request("small", messages[1:]), DESK, silent, LARGE, Task("t")).messages == messages[1:]


def test_hand_overs_are_bounded_and_end_with_an_answer() -> None:
    ping = Agent("ping", handoffs=("pong",), max_handoffs=3)
    pong = Agent("pong", handoffs=("ping",))
    turn = iter(range(100))

    def pass_on(job: Job) -> Result:
        names = [spec.name for spec in job.request.tools]
        return wants((names[0], {"message": str(next(turn))}))(job) if names else says("mine then")(job)

    told = talk(pass_on, agent=ping, agents=[ping, pong])
    assert [data["to"] for data in told.kinds("agent.handed_off")] == ["pong", "ping", "pong"]
    assert told.result.output == "mine then"


def test_only_the_first_of_two_hand_overs_counts() -> None:
    desk = replace(DESK, handoffs=("billing", "legal"))
    legal = Agent("legal", "Say the law.")
    told = talk(wants(HAND, ("hand_off_to_legal", {"message": "x"})), says("y"), agent=desk,
                agents=[desk, BILLING, legal])  # fmt: skip
    assert told.jobs[1].agent == BILLING
    assert told.answers() == ["handed over to billing", "error: the task was already handed over to billing"]


@pytest.mark.parametrize(
    ("heir", "said"),
    [
        (Agent("billing", tools=("abacus",)), "needs the tool 'abacus'"),
        (Agent("billing", model="huge"), "needs the model 'huge'"),
    ],
)
def test_an_heir_that_cannot_work_gets_nothing(heir: Agent, said: str) -> None:
    told = talk(wants(HAND), says("then I do it"), agent=DESK, agents=[DESK, heir])
    assert said in told.answers()[0]
    assert told.jobs[1].agent == DESK
    assert told.kinds("agent.handed_off") == []


def test_tasks_at_the_same_time_share_nothing() -> None:
    step = Turns({"add": ADD}, {}, model_named)

    async def one(number: int) -> Result:
        request = Request("small", (Message("user", str(number)),), tools=(ADD.spec,))
        script = Script([wants(("add", {"a": 1, "b": 1})), wants(("add", {"a": 1, "b": 1})), says(str(number))])
        return await step(Job("r", Task("t"), "k", 0, SMALL, request, lambda _: None, Spans()), script)

    async def all_of_them() -> list[Result]:
        return await asyncio.gather(*(one(number) for number in range(20)))

    assert [result.output for result in asyncio.run(all_of_them())] == [str(number) for number in range(20)]
