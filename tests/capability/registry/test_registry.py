"""A check is kept item by item: begun once, resumed, ended, never counted twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyagent.errors import UsageError
from pyagent_plugins.capability.registry.cells import cells_of
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.registry.rows import Alert
from pyagent_plugins.capability.registry.scale import scale
from pyagent_plugins.capability.words import Cell
from tests.capability.weeks import CLOUD, DIMS, LOCAL, able, check, items, outcome

WEEK = "2026-W48"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry.open(tmp_path / "data" / "capability.db")


def test_a_cut_check_goes_on_where_it_stopped(registry: Registry) -> None:
    asked = items(WEEK)
    model = registry.model(LOCAL)
    begun = registry.begin(WEEK, model, "weekly-1", asked)
    registry.record(begun.id, [outcome(item, 1.0) for item in asked[:70]])
    again = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", asked)
    assert (again.id, again.finished) == (begun.id, False)
    assert again.done == {item.id for item in asked[:70]}
    # What was answered is not overwritten: two processes may ask the same item.
    registry.record(again.id, [outcome(item, 0.0) for item in asked])
    assert sum(o.solved for o in registry.outcomes(begun.id)) == 70
    registry.finish(begun.id, "valid", [], {})
    assert registry.begin(WEEK, model, "weekly-1", asked).finished
    assert [(row.answered, row.items, row.status) for row in registry.checks()] == [(300, 300, "valid")]


def test_a_partial_check_goes_on_and_an_invalid_one_starts_afresh(registry: Registry) -> None:
    asked = items(WEEK)
    begun = registry.begin(WEEK, registry.model(LOCAL), "smoke-1", asked)
    registry.record(begun.id, [outcome(asked[0], 1.0)])
    registry.finish(begun.id, "partial", reason="the budget of $0.01 is spent")
    assert registry.cells() == []
    assert registry.begin(WEEK, registry.model(LOCAL), "smoke-1", asked).done == {asked[0].id}
    registry.finish(begun.id, "invalid", reason="every answer is empty")
    assert registry.checks()[0].reason == "every answer is empty"
    assert registry.begin(WEEK, registry.model(LOCAL), "smoke-1", asked).done == frozenset()


def test_identity_is_more_than_a_name(registry: Registry) -> None:
    assert registry.model(LOCAL) == registry.model(replace(LOCAL, declared={"tools": True}))
    assert registry.model(CLOUD) == registry.model(CLOUD)
    assert registry.model(LOCAL) != registry.model(replace(LOCAL, weights="another"))
    check(registry, replace(LOCAL, declared={"tools": True}), WEEK, able(0))
    assert registry.checks()[0].measured.declared == {"tools": True}


def test_an_item_that_changed_is_another_item(registry: Registry) -> None:
    asked = items(WEEK)
    begun = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", asked)
    registry.record(begun.id, [outcome(item, 1.0) for item in asked])
    changed = [replace(asked[0], sha="other"), *asked[1:]]
    again = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", changed)
    assert again.done == {item.id for item in asked[1:]}
    assert registry.items(begun.id)[-1].sha == "other" or "other" in {item.sha for item in registry.items(begun.id)}


def test_what_is_given_back_is_what_was_said(registry: Registry) -> None:
    asked = items(WEEK)[:1]
    begun = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", asked)
    told = replace(outcome(asked[0], 0.5, "naïve 答え"), ttft=0.2, cost_usd=None, error="timed out")
    registry.record(begun.id, [told])
    assert registry.outcomes(begun.id) == [told]
    assert registry.items(begun.id) == asked
    assert registry.checks()[0].cost_usd is None, "an unknown price is unknown, never 0"


def test_half_a_surrogate_pair_does_not_stop_a_check(registry: Registry) -> None:
    asked = items(WEEK)[:1]
    begun = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", asked)
    registry.record(begun.id, [replace(outcome(asked[0], 1.0), said="\ud83d")])
    assert registry.outcomes(begun.id)[0].said == "?"


def test_the_larger_check_of_the_newest_identity_speaks(registry: Registry) -> None:
    check(registry, LOCAL, "2026-W47", able(0))
    check(registry, LOCAL, WEEK, able(0))
    check(registry, LOCAL, WEEK, able(0), suite="smoke-1", anchors=2, fresh=1)
    assert {cell.n for cell in registry.cells(week=WEEK)} == {60}
    check(registry, replace(LOCAL, weights="new"), WEEK, able(2), suite="smoke-1", anchors=2, fresh=1)
    assert {cell.n for cell in registry.cells("tiny", WEEK)} == {3}
    spoken = registry.speaking("tiny", WEEK)
    assert spoken is not None
    assert spoken.measured.weights == "new"
    assert len(registry.cells("tiny")) == 2 * len(DIMS)


def test_latest_cells_are_each_dimensions_newest_but_not_of_weights_that_are_gone(registry: Registry) -> None:
    check(registry, LOCAL, "2026-W46", able(0))
    check(registry, LOCAL, WEEK, able(0), dims=("reason.math",))  # type: ignore[arg-type]
    latest = {cell.dim: cell.week for cell in registry.cells(latest=True)}
    assert latest == {dim: WEEK if dim == "reason.math" else "2026-W46" for dim in DIMS}
    check(registry, replace(LOCAL, weights="new"), "2026-W49", able(0), dims=("code.write",))  # type: ignore[arg-type]
    assert [(cell.dim, cell.week) for cell in registry.cells(latest=True)] == [("code.write", "2026-W49")]


def test_a_dimension_beyond_the_context_is_not_applicable_and_not_zero(registry: Registry) -> None:
    asked = items(WEEK)
    outcomes = [outcome(item, 1.0) for item in asked]
    cells = cells_of(outcomes, "tiny", WEEK, asked, not_applicable=["context.retrieve@32k"])
    absent = cells[-1]
    assert (absent.dim, absent.applicable, absent.n) == ("context.retrieve@32k", False, 0)
    assert (absent.low, absent.high, absent.theta) == (0.0, 1.0, None)
    assert all(cell.applicable and cell.low > 0.85 and cell.high == 1.0 for cell in cells[:-1])


def test_one_scale_tells_models_apart_and_weeks_the_same(registry: Registry) -> None:
    for week in ("2026-W46", "2026-W47", WEEK):
        check(registry, LOCAL, week, able(-1))
        check(registry, CLOUD, week, able(1.5))
    found = scale(registry).ability
    for dim in DIMS:
        tiny = [found[dim, ("tiny", week)].theta for week in ("2026-W46", "2026-W47", WEEK)]
        assert max(tiny) - min(tiny) < 0.8
        assert found[dim, ("cloud", WEEK)].theta - tiny[-1] > 1


def test_a_baseline_must_have_been_measured(registry: Registry) -> None:
    check(registry, LOCAL, WEEK, able(0))
    assert registry.baseline("tiny") is None
    registry.accept("tiny", WEEK)
    assert registry.baseline("tiny") == WEEK
    with pytest.raises(UsageError, match="no valid check in 2026-W01"):
        registry.accept("tiny", "2026-W01")
    for wrong in ("2026-48", "W48", "2026-W54", "2025-W53", "2026-W00", "2026-W5", "２０２６-W４8", ""):
        with pytest.raises(UsageError):
            registry.begin(wrong, 1, "weekly-1", [])


def test_an_alert_is_kept_once(registry: Registry) -> None:
    alert = Alert("tiny", WEEK, "regression", "worse", delta=-0.1, p=0.001, severity="regression")
    assert registry.alert(alert)
    assert not registry.alert(replace(alert, message="worse again"))
    assert registry.alert(replace(alert, dim="reason.math"))
    kept = registry.alerts("tiny", WEEK)
    assert [(a.dim, a.message, a.p) for a in kept] == [("reason.math", "worse", 0.001), ("", "worse", 0.001)]
    registry.saw([kept[0].id])
    assert [a.dim for a in registry.alerts(unseen=True)] == [""]


def test_prices_have_a_history_and_unknown_is_not_free(registry: Registry) -> None:
    assert registry.price("cloud", 3.0, 15.0, "genai-prices 0.2.3", 100.0)
    assert not registry.price("cloud", 3.0, 15.0, "genai-prices 0.2.4", 200.0)
    assert registry.price("cloud", None, None, "gone from the table", 300.0)
    assert [(p.input, p.valid_from) for p in registry.prices("cloud")] == [(3.0, 100.0), (None, 300.0)]


def test_a_routing_decision_learns_its_outcome(registry: Registry) -> None:
    first = registry.routed({"dims": {"code.write": 3}}, ["tiny", "cloud"], "tiny", 0.8, 0.7, 0.0, 0.98)
    registry.routed({}, ["tiny"], "tiny", 0.8, 0.7, None, 1.0)
    registry.outcome(first, 1.0)
    (judged,) = registry.routes(judged=True)
    assert (judged.id, judged.good, judged.needs, judged.candidates) == (
        first, 1.0, {"dims": {"code.write": 3}}, ("tiny", "cloud"),
    )  # fmt: skip
    assert [row.id for row in registry.routes()] == [first, first + 1]


def test_an_item_that_was_not_asked_is_refused_and_nothing_of_the_batch_is_kept(registry: Registry) -> None:
    asked = items(WEEK)
    begun = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", asked[:5])
    with pytest.raises(UsageError, match="did not ask"):
        registry.record(begun.id, [outcome(asked[0], 1.0), outcome(asked[9], 1.0)])
    assert registry.outcomes(begun.id) == []


def test_cells_survive_as_they_were(registry: Registry) -> None:
    begun = registry.begin(WEEK, registry.model(LOCAL), "weekly-1", items(WEEK))
    cell = Cell("tiny", WEEK, "reason.math", 60, 0.5, 0.4, 0.6, 0.9, -0.1, 0.3)
    none = Cell("tiny", WEEK, "text.extract", 0, 0.0, 0.0, 1.0, 0.0, None, None, False)
    registry.finish(begun.id, "valid", [cell, none], {"op.tps": 40.0, "op.ttft": 0.1})
    assert registry.cells() == [cell, none]
    assert registry.ops("tiny") == {"op.tps": 40.0, "op.ttft": 0.1}
    assert registry.ops("nobody") == {}
    registry.reset(begun.id)
    assert registry.cells() == []
