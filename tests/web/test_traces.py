"""Traces and the pulse as the page gets them, of journals with holes: killed processes, spans without an end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyagent.report.spans import spans
from pyagent.store.db import Store
from pyagent.store.views import Views
from pyagent.store.writer import SQL, Put
from pyagent.web.api.traces import _columns, _sorted, _whole
from pyagent.web.pulse import SECONDS, pulse

Write = Callable[..., None]
BEGAN = 1_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "pyagent.db") as opened:
        yield opened


def journal(store: Store, *events: tuple[str, int, int | None, float, dict[str, Any]], task: str = "t") -> None:
    """Events of a task: (kind, span, parent, seconds after the beginning, data)."""
    with store.write() as db:
        rows = [
            ("r", task, span, parent, kind, BEGAN + at, json.dumps(data)) for kind, span, parent, at, data in events
        ]
        db.executemany(SQL[Put.EVENT], rows)


KILLED = (
    ("task.started", 0, None, 0.0, {}),
    ("call.started", 1, 0, 0.1, {"model": "small", "messages": [{"role": "user", "content": "q"}]}),
    # The process dies here; the next one begins the same numbers anew.
    ("task.started", 0, None, 5.0, {}),
    ("call.started", 1, 0, 5.1, {"model": "large"}),
    ("tool.started", 2, 1, 5.2, {"name": "read_file", "arguments": {"path": "x"}}),
    ("tool.finished", 2, 1, 5.3, {"error": "no such file"}),
    ("call.finished", 1, 0, 6.0, {"input_tokens": 9, "output_tokens": 2, "cost_usd": 0.5}),
    ("task.finished", 0, None, 6.5, {"status": "ok"}),
)


def test_what_a_killed_process_left_open_is_lost_and_the_rest_stands_beside_it(store: Store) -> None:
    journal(store, *KILLED)
    trace = _columns(_sorted(list(spans(Views(store).steps("r", "t")))), alive=False)
    assert trace["span"] == ["1.0", "1.1", "2.0", "2.1", "2.2"]
    assert trace["parent"] == [None, 0, None, 2, 3]
    assert [trace["names"][name] for name in trace["name"]] == ["task", "call", "task", "call", "tool"]
    assert [trace["labels"][label] for label in trace["label"]] == ["", "small", "", "large", "read_file"]
    assert trace["status"] == [3, 3, 0, 0, 1]
    assert trace["started"] == [0, 100, 5000, 5100, 5200]
    assert trace["ended"] == [None, None, 6500, 6000, 5300]


def test_one_span_is_the_same_alone_as_among_all(store: Store) -> None:
    journal(store, *KILLED)
    views = Views(store)
    for whole in spans(store.events("r", "t")):
        alone = [
            one
            for one in spans(views.span("r", "t", whole.number))
            if (one.nth, one.number) == (whole.nth, whole.number)
        ]
        assert [_whole(one, False) for one in alone] == [_whole(whole, False)]
    assert views.prompt("r", "t") == [{"role": "user", "content": "q"}]
    assert views.prompt("r", "nobody") is None


def test_a_trace_of_nothing_is_empty(store: Store) -> None:
    trace = _columns(_sorted(list(spans(Views(store).steps("r", "t")))), alive=True)
    assert {name: value for name, value in trace.items() if value} == {}


def test_the_pulse_counts_back_from_who_is_at_work_now(store: Store) -> None:
    now = BEGAN + SECONDS + 0.5
    # Long before: not looked at. Then a task from 10 to 20, one from 15 on, one that a dead process never ended.
    journal(store, ("task.started", 0, None, -9000.0, {}), task="old")
    journal(store, ("task.started", 0, None, 10.2, {}), ("task.finished", 0, None, 20.7, {"status": "ok"}), task="a")
    journal(store, ("task.started", 0, None, 15.1, {}), task="b")
    told = pulse(Views(store), 1, now)
    at = {second - int(BEGAN): n for n, second in enumerate(told["at"])}
    assert len(told["at"]) == len(told["work"]) == len(told["done"]) == SECONDS
    assert told["at"][-1] == int(now) - 1
    assert [told["work"][at[second]] for second in (5, 9, 10, 14, 15, 19, 20, 25, 298)] == [0, 0, 1, 1, 2, 2, 1, 1, 1]
    assert [second for second in at if told["done"][at[second]]] == [20]


def test_the_pulse_of_a_long_journal_reads_its_end_only(store: Store) -> None:
    for n in range(50):
        journal(
            store, ("task.started", 0, None, 10.0 * n, {}), ("task.finished", 0, None, 10.0 * n + 3, {}), task=f"t{n}"
        )
    views = Views(store)
    recent = views.beats(BEGAN + 450)
    assert sorted(recent) == [int(BEGAN) + at for at in (450, 453, 460, 463, 470, 473, 480, 483, 490, 493)]
    assert 80 < views._seq_at(BEGAN + 450) <= 91
    assert views.beats(time.time()) == {}
