"""The choice for one prompt: hard needs, age, alerts, luck, exploration, and what own traffic taught."""

from __future__ import annotations

import numpy as np
import pytest

from pyagent.errors import ModelMissing
from pyagent.model import Model
from pyagent_plugins.capability.needs.need import needs_of
from pyagent_plugins.capability.registry.rows import RouteRow
from pyagent_plugins.capability.route.candidates import facts, lacks
from pyagent_plugins.capability.route.chooser import Chooser
from pyagent_plugins.capability.route.evidence import Evidence
from pyagent_plugins.capability.route.table import Table, held_back
from pyagent_plugins.capability.route.traffic import LEAST, Traffic
from tests.capability.route.fleet import cell, cells

CHEAP = Model("cheap", "openai", context=4000, input_price=1.0, output_price=1.0)
DEAR = Model("dear", "openai", context=100_000, input_price=30.0, output_price=30.0)
TEXT = "What is the capital of Peru?"


def chooser(shares: dict[str, float], n: int = 60, **more: object) -> Chooser:
    return Chooser([CHEAP, DEAR], frozenset(), Evidence(tuple(cells(shares, n)), **more))  # type: ignore[arg-type]


def chosen(
    who: Chooser, text: str = TEXT, quality: float = 0.95, said: dict[str, object] | None = None, **more: object
) -> str:
    return who.choose(text, needs_of(text, said), quality, **more).model.name  # type: ignore[arg-type]


def test_what_does_not_fit_is_left_out_and_what_it_lacks_is_told() -> None:
    who = chooser({"cheap": 0.9, "dear": 0.9})
    assert chosen(who) == "cheap"
    assert chosen(who, said={"context": 50_000}) == "dear"
    with pytest.raises(ModelMissing, match="the nearest, dear, lacks room for 200,000 tokens") as caught:
        chosen(who, said={"context": 200_000})
    assert caught.value.exit_code == 4
    with pytest.raises(ModelMissing, match="image input"):
        chosen(who, said={"modality": "image"})


def test_declared_and_measured_abilities_are_held_against_needs() -> None:
    seeing = facts(Model("m", "openai", can=("image", "de")), False, {"op.ttft": 2.0, "op.tps": 50.0}, {})
    assert lacks(seeing, needs_of("x", {"modality": "image", "language": "German"}).hard) == []
    assert lacks(seeing, needs_of("x", {"language": "fr"}).hard) == ["French"]
    assert lacks(seeing, needs_of("x", {"tools": True, "json": True, "local": True}).hard) == [
        "tools", "JSON by a schema", "being local"]  # fmt: skip
    assert lacks(seeing, needs_of("x", {"deadline": 3}).hard, answer=200) == ["the speed for 3 s (it takes about 6.0)"]
    ill = facts(Model("m", "openai"), False, {"op.error_rate": 0.8}, {})
    assert "health" in lacks(ill, needs_of("x").hard)[0]
    silent = facts(Model("m", "openai"), False, {}, {"lang.multi": cells({"m": 0.02})[0]})
    assert lacks(silent, needs_of("x", {"language": "de"}).hard) == ["German"]


def test_old_and_alerted_measurements_are_trusted_less() -> None:
    def bound(who: Chooser) -> float:
        return next(row["bound"] for row in who.choose(TEXT, needs_of(TEXT), 0.95).rows if row["model"] == "cheap")

    shares = {"cheap": 0.9, "dear": 0.92}
    fresh, old = chooser(shares), chooser(shares, ages={"cheap": 16.0, "dear": 0.0})
    alerted = chooser(shares, alerted=frozenset({("cheap", "know.general")}))
    assert bound(old) < bound(fresh)
    assert bound(alerted) < bound(fresh)
    assert chosen(fresh) == "cheap"


def test_few_lucky_answers_do_not_make_a_best_model() -> None:
    """Five of five at one thing, by a model that is bad at all else, is luck."""
    solved = np.full((2, 6), 0.8)
    solved[0] = [1.0, 0.2, 0.2, 0.2, 0.2, 0.2]
    n = np.full((2, 6), 60.0)
    n[0] = 5
    share, error = held_back(solved, n)
    assert share[0, 0] < share[1, 0]
    assert error[0, 0] > error[1, 0]
    many, _ = held_back(solved, np.full((2, 6), 400.0))
    assert many[0, 0] > 0.95


def test_a_level_moves_the_chance_and_the_mean_over_levels_is_what_was_measured() -> None:
    table = Table.of(["m"], cells({"m": 0.6}, n=4000))
    weights = np.eye(len(table.share[0]))[:1]
    by = [table.chances(weights, np.full_like(weights, level))[0][0, 0] for level in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert by == sorted(by, reverse=True)
    assert np.mean(by) == pytest.approx(0.6, abs=0.02)


def test_an_unmeasured_model_waits_until_it_is_measured() -> None:
    who = chooser({"dear": 0.4})
    choice = who.choose(TEXT, needs_of(TEXT), 0.95)
    assert choice.model is DEAR
    assert next(row["lacks"] for row in choice.rows if row["model"] == "cheap") == ["a measurement"]
    nobody = Chooser([CHEAP, DEAR], frozenset(), Evidence())
    assert nobody.choose(TEXT, needs_of(TEXT), 0.95).model is CHEAP
    assert nobody.choose(TEXT, needs_of(TEXT, {"context": 50_000}), 0.95).model is DEAR
    with pytest.raises(ModelMissing, match="was not measured"):
        Chooser([CHEAP, DEAR], frozenset(), Evidence(), measured=True).choose(TEXT, needs_of(TEXT), 0.95)


def test_what_can_be_checked_may_be_tried_on_less_evidence() -> None:
    who = chooser({"cheap": 0.89, "dear": 0.9}, ages={"cheap": 12.0})
    middling = {"dims": {"know.general": 4}}
    assert chosen(who, said=middling) == "dear"
    assert chosen(who, said=middling, verifiable=True) == "cheap"


def test_one_in_fifty_is_tried_on_another_and_the_propensity_is_the_frequency() -> None:
    who = chooser({"cheap": 0.88, "dear": 0.9})
    needs, n = needs_of(TEXT), 6000
    choices = [who.choose(TEXT, needs, 0.9, lot=f"task {i}".encode()) for i in range(n)]
    other = [choice for choice in choices if choice.model is DEAR]
    assert all(choice.explored for choice in other)
    assert {round(choice.propensity, 6) for choice in choices} == {0.99, 0.01}
    # 60 expected; six standard deviations of the binomial around it.
    assert abs(len(other) - n * 0.01) < 6 * (n * 0.01 * 0.99) ** 0.5
    assert [c.model.name for c in choices] == [
        who.choose(TEXT, needs, 0.9, lot=f"task {i}".encode()).model.name for i in range(n)
    ], "a run that is repeated tries the same"


def test_a_hopeless_model_is_never_tried() -> None:
    who = chooser({"cheap": 0.05, "dear": 0.9}, n=400)
    needs = needs_of(TEXT)
    assert all(who.choose(TEXT, needs, 0.95, lot=f"task {i}".encode()).model is DEAR for i in range(2000))


def route(who: Chooser, text: str, good: float, name: str = "cheap", p: float = 0.9) -> RouteRow:
    return RouteRow(0, 0.0, who.describe(text, needs_of(text)), (), name, p, p, 0.0, 0.99, good)


def test_own_traffic_corrects_the_table_after_enough_outcomes() -> None:
    """Measured well, but failing the user's own kind of prompt: after 300 judged answers that counts."""
    who = chooser({"cheap": 0.9, "dear": 0.9})
    own = [
        f"Extract the invoice number {i} and the amount {i * 7} from: Invoice {i}, due {i % 28} May."
        for i in range(400)
    ]
    few = tuple(route(who, text, 0.0) for text in own[: LEAST - 1])
    assert Traffic.of(["cheap", "dear"], few) is None
    assert chosen(chooser({"cheap": 0.9, "dear": 0.9}, routes=few), own[0]) == "cheap"
    many = tuple(route(who, text, 0.0) for text in own)
    assert chosen(chooser({"cheap": 0.9, "dear": 0.9}, routes=many), own[0]) == "dear"
    good = tuple(route(who, text, 1.0, p=0.3) for text in own)
    assert chosen(chooser({"cheap": 0.3, "dear": 0.9}, routes=good), own[0]) == "cheap"


def test_among_free_models_the_faster_of_equals_answers() -> None:
    slow, fast = (Model(name, "llama", context=8000, input_price=0.0, output_price=0.0) for name in ("slow", "fast"))
    ops = {"slow": {"op.ttft": 1.0, "op.tps": 5.0}, "fast": {"op.ttft": 0.2, "op.tps": 40.0}}
    who = Chooser(
        [slow, fast], frozenset({"slow", "fast"}), Evidence(tuple(cells({"slow": 0.82, "fast": 0.8})), ops=ops)
    )
    assert chosen(who) == "fast"
    far = Chooser(
        [slow, fast], frozenset({"slow", "fast"}), Evidence(tuple(cells({"slow": 0.9, "fast": 0.2})), ops=ops)
    )
    assert chosen(far) == "slow"


def test_what_was_measured_of_tools_and_json_wins_over_what_is_declared() -> None:
    """A declaration is a prior: twenty items or more say more."""
    plain, boaster = Model("plain", can=("de",)), Model("boaster", can=("tools", "json"))

    def has(model: Model, share: float, n: int) -> tuple[bool, bool]:
        names = ("tool.select", "tool.args", "format.json")
        known = facts(model, True, {}, {dim: cell(model.name, dim, share, n) for dim in names})
        return known.tools, known.json

    assert has(plain, 0.9, 60) == (True, True)
    assert has(plain, 0.9, 4) == (False, False)
    assert has(boaster, 0.02, 60) == (False, False)
    assert has(boaster, 0.02, 4) == (True, True)
    assert has(boaster, 0.5, 60) == has(plain, 0.5, 60) == (True, True)
