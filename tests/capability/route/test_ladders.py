"""How hard the levels of a dimension were found to be: what the table makes of a prompt at one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.registry.scale import Tally, fitted, ladders, steps
from pyagent_plugins.capability.route.evidence import gathered
from pyagent_plugins.capability.route.table import DIMS, EXPECTED, Table
from pyagent_plugins.capability.stats.rasch import chance
from pyagent_plugins.capability.words import Cell
from tests.capability.weeks import LOCAL, able, check

MATH = DIMS.index("reason.math")


def cell(solved: float) -> Cell:
    return Cell("m", "2026-W40", "reason.math", 60, solved, solved - 0.1, solved + 0.1, 1.0, None, None)


def passed(table: Table, level: float, spread: float = 0.0) -> float:
    weights = np.eye(len(DIMS))[[MATH]]
    return float(table.chances(weights, np.full((1, len(DIMS)), level), spread)[0][0, 0])


def test_without_answers_a_level_is_one_logit_harder_than_the_one_below(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "capability.db") as registry:
        assert ladders(registry) == {}
    assert np.array_equal(Table.of(["m"], [cell(0.5)]).hard, [EXPECTED] * len(DIMS))


def test_a_registrys_answers_tell_how_hard_its_levels_are(tmp_path: Path) -> None:
    with Registry.open(tmp_path / "capability.db") as registry:
        check(registry, LOCAL, "2026-W40", able(0.0))
        found, seen = ladders(registry), gathered(registry, ["tiny"])
    assert seen.ladders == found
    assert set(found) == {"code.write", "format.json", "know.general", "reason.math", "text.extract"}
    for ladder in found.values():
        assert len(ladder) == 5
        assert ladder[0] < ladder[2] < ladder[4]


def test_a_steep_ladder_moves_the_chance_to_where_it_was_measured() -> None:
    """What SmolLM2-135M solves of arithmetic by level (docs/numbers.md): 75, 8, 0, 0, 0 % of twelve each."""
    solved = (9, 1, 0, 0, 0)
    rows = [Tally("reason.math", ("m", "w"), ("sums", level), 12, n) for level, n in enumerate(solved, 1)]
    steep = Table.of(["m"], [cell(10 / 60)], ladders=steps(fitted(rows), rows))
    flat = Table.of(["m"], [cell(10 / 60)])
    truth = [n / 12 for n in solved]
    off = [sum(abs(passed(table, level) - right) for level, right in enumerate(truth, 1)) for table in (flat, steep)]
    assert off[1] < 0.6 * off[0]
    assert passed(steep, 1) > passed(flat, 1)
    # The mean over levels is what was measured, however steep it is.
    shares = [np.mean([passed(table, level) for level in range(1, 6)]) for table in (flat, steep)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-6)


def test_known_difficulties_are_found_again_from_many_models() -> None:
    rng, hard = np.random.default_rng(8), (-3.0, -2.5, 0.0, 0.5, 3.0)
    rows = [
        Tally("reason.math", (f"m{m}", "w"), ("sums", level), 60, float(rng.binomial(60, float(chance(theta, b)))))
        for m, theta in enumerate(rng.normal(0, 1.5, 12))
        for level, b in enumerate(hard, 1)
    ]
    found = np.array(steps(fitted(rows), rows)["reason.math"])
    assert np.abs((found - found.mean()) - (np.array(hard) - np.mean(hard))).max() < 0.4


def test_a_level_that_is_a_guess_stands_for_those_around_it() -> None:
    table = Table.of(["m"], [cell(0.2)], ladders={"reason.math": (-6.0, 6.0, 7.0, 8.0, 9.0)})
    assert passed(table, 1) > passed(table, 1, spread=0.9) > passed(table, 2)
    assert passed(table, 1.5) == pytest.approx(0.5, abs=0.35)
