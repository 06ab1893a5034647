"""A run's events as spans and as OTLP: the tree is right, also after a kill, and other tools can read it."""

from __future__ import annotations

import base64
import json

import pytest

from pyagent.event import Event
from pyagent.report.otel import otlp
from pyagent.report.spans import spans

RUN = "0123abcd"


def at(second, kind, task=None, span=0, parent=None, **data):
    return Event(kind, RUN, task, span, parent, 1_700_000_000 + second, data)


def call(task, span, begin, end, parent=0, **closed):
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "secret question"}]
    return [
        at(
            begin,
            "call.started",
            task,
            span,
            parent,
            model="small",
            messages=asked,
            temperature=0,
            seed=7,
            max_tokens=9,
        ),
        at(end, "call.finished", task, span, **closed),
    ]


ANSWER = {"output": "secret answer", "finish": "stop", "input_tokens": 12, "output_tokens": 3, "cost_usd": 0.25}
STORY = [
    at(0, "run.started", name="tickets", total=2),
    at(1, "task.started", "a", line=1),
    *call("a", 1, 1.5, 2, error="429 slow down"),
    at(2, "retry.waiting", "a", 0, attempt=1, seconds=0.5, error="429 slow down"),
    *call("a", 2, 2.5, 3, **{**ANSWER, "finish": "tool", "calls": [{"name": "add", "arguments": {"x": 1}}]}),
    at(3, "tool.started", "a", 3, 0, name="add", arguments={"x": 1}, call="c1"),
    at(4, "tool.finished", "a", 3, name="add", result="secret result"),
    *call("a", 4, 4, 5, **ANSWER),
    at(5, "task.finished", "a", 0, status="ok", source="computed"),
    at(6, "run.finished", stopped=""),
]


def exported(events, content=False):
    """The OTLP spans by name; ids must be unique and every parent there."""
    text = "".join(otlp(events, content))
    assert text.count("\n") == 1
    made = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ids = [span["spanId"] for span in made]
    assert len(set(ids)) == len(ids)
    assert all(span.get("parentSpanId", ids[0]) in ids for span in made)
    assert len({span["traceId"] for span in made}) <= 1
    return made


def values(span):
    return {each["key"]: next(iter(each["value"].values())) for each in span["attributes"]}


def test_a_run_is_a_tree_of_workflow_agent_chat_and_tool():
    made = exported(STORY)
    assert [(span["name"], span["kind"]) for span in made] == [
        ("chat small", 3),
        ("chat small", 3),
        ("execute_tool add", 1),
        ("chat small", 3),
        ("invoke_agent", 1),
        ("invoke_workflow tickets", 1),
    ]
    agent, workflow = made[-2:]
    assert "parentSpanId" not in workflow
    assert agent["parentSpanId"] == workflow["spanId"]
    assert all(span["parentSpanId"] == agent["spanId"] for span in made[:4])


def test_times_are_nanoseconds_in_strings_and_numbers_have_their_type():
    chat = exported(STORY)[1]
    assert chat["startTimeUnixNano"] == "1700000002500000000"
    assert chat["endTimeUnixNano"] == "1700000003000000000"
    told = values(chat)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.usage.input_tokens"] == "12"
    assert told["gen_ai.request.temperature"] == 0.0
    assert told["gen_ai.request.seed"] == "7"
    assert told["gen_ai.response.finish_reasons"] == {"values": [{"stringValue": "tool_call"}]}


def test_failures_are_errors_and_what_happened_between_is_an_event():
    failed, *_, agent, _ = exported(STORY)
    assert failed["status"] == {"code": 2, "message": "429 slow down"}
    assert values(failed)["error.type"] == "_OTHER"
    assert agent["status"] == {}
    (event,) = agent["events"]
    assert event["name"] == "retry.waiting"
    assert {"key": "pyagent.attempt", "value": {"intValue": "1"}} in event["attributes"]


def test_tasks_and_runs_sum_their_calls():
    agent, workflow = (values(span) for span in exported(STORY)[-2:])
    for told in (agent, workflow):
        assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == ("24", "6")
        assert told["pyagent.cost_usd"] == 0.5


def test_prompts_and_answers_leave_only_when_asked_for():
    assert "secret" not in json.dumps(exported(STORY))
    *_, chat, _, _ = exported(STORY, content=True)
    told = values(chat)
    assert json.loads(told["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be brief."}]
    assert json.loads(told["gen_ai.input.messages"])[0]["parts"] == [{"type": "text", "content": "secret question"}]
    (said,) = json.loads(told["gen_ai.output.messages"])
    assert said["parts"] == [{"type": "text", "content": "secret answer"}]
    assert said["finish_reason"] == "stop"


def test_a_killed_run_and_the_one_that_finished_it_have_spans_of_their_own():
    killed = [*STORY[:5], at(2.2, "call.started", "a", 2, 0, model="small")]
    again = [Event(e.kind, e.run, e.task, e.span, e.parent, e.at + 100, e.data) for e in STORY]
    made = exported([*killed, *again])
    names = [span["name"] for span in made]
    assert names.count("invoke_workflow tickets") == 2
    assert names.count("invoke_agent") == 2
    unfinished = [span for span in made if values(span).get("pyagent.unfinished")]
    assert sorted(span["name"] for span in unfinished) == ["chat small", "invoke_agent", "invoke_workflow tickets"]
    assert [span["spanId"] for span in exported([*killed, *again])] == [span["spanId"] for span in made]
    roots = {span["spanId"] for span in made if "parentSpanId" not in span}
    assert {span["parentSpanId"] for span in made if span["name"] == "invoke_agent"} == roots


def test_a_live_run_shows_what_is_open_with_what_was_last_seen():
    *_, agent, workflow = spans(STORY[:5])
    assert (agent.finished, agent.ended - agent.started) == (False, 1)
    assert (workflow.finished, workflow.task) == (False, None)


def test_memory_is_that_of_open_spans_and_not_of_the_journal():
    from pyagent.report.spans import _Forest

    forest = _Forest()
    for n in range(1000):
        for event in (at(n, "task.started", str(n)), *call(str(n), 1, n, n + 1), at(n + 1, "task.finished", str(n))):
            noun, _, verb = event.kind.rpartition(".")
            list(forest.open(noun, event) if verb == "started" else forest.close(noun, event))
    assert not forest._open


def test_no_events_are_an_empty_trace():
    assert exported([]) == []


def test_opentelemetry_itself_reads_it():
    json_format = pytest.importorskip("google.protobuf.json_format")
    trace = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2", reason="opentelemetry-proto is not installed")

    def in_base64(value):
        """OTLP/JSON differs from protobuf's JSON in this alone: ids are hex."""
        if isinstance(value, dict):
            return {
                key: base64.b64encode(bytes.fromhex(each)).decode()
                if key.endswith(("Id", "traceId"))
                else in_base64(each)
                for key, each in value.items()
            }
        return [in_base64(each) for each in value] if isinstance(value, list) else value

    made = json.loads("".join(otlp(STORY, content=True)))
    data = json_format.ParseDict(in_base64(made), trace.TracesData(), ignore_unknown_fields=False)
    (scope,) = data.resource_spans[0].scope_spans
    assert len(scope.spans) == 6
    assert all(len(span.trace_id) == 16 and len(span.span_id) == 8 for span in scope.spans)
    assert {attribute.key for attribute in data.resource_spans[0].resource.attributes} >= {"service.name"}
