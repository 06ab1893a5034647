"""Paired tests and evidence: exact where a table knows the number, honest where only counting tells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad

from pyagent_plugins.capability.stats.evalue import EarlyStop, Watch, log_e
from pyagent_plugins.capability.stats.mcnemar import paired, sign_test
from pyagent_plugins.capability.stats.multiplicity import benjamini_hochberg
from pyagent_plugins.capability.stats.power import needed, power, visible


def flips(rng: np.random.Generator, n: int, psi: float, drop: float) -> tuple[list[float], list[float]]:
    """Before and after of ``n`` items of which a share ``psi`` flips, ``drop`` more to the worse."""
    draw = rng.random(n)
    lost, won = draw < (psi + drop) / 2, (draw >= (psi + drop) / 2) & (draw < psi)
    return [float(x) for x in lost], [float(x) for x in won]


def test_mcnemar_is_the_binomial_tail() -> None:
    assert sign_test(8, 10) == pytest.approx(56 / 1024)
    assert sign_test(0, 10) == 1.0
    assert sign_test(0, 0) == 1.0
    found = paired([1] * 10 + [0] * 2 + [1] * 28, [0] * 10 + [1] * 2 + [1] * 28)
    assert (found.n, found.lost, found.won, found.delta) == (40, 10, 2, pytest.approx(-0.2))
    assert found.worse == pytest.approx(sign_test(10, 12))
    assert found.better == pytest.approx(sign_test(2, 12))
    assert found.low < -0.2 < found.high < 0


def test_partly_solved_items_count_by_their_direction() -> None:
    found = paired([0.5, 1.0, 1.0], [0.25, 1.0, 0.5])
    assert (found.lost, found.won) == (2, 0)


def test_the_e_value_is_the_mixture_that_it_claims_to_be() -> None:
    for lost, n in ((0, 0), (3, 5), (9, 10), (2, 12)):
        mixture = quad(lambda share, k=lost, m=n: 2 * share**k * (1 - share) ** (m - k), 0.5, 1)[0] * 2**n
        assert log_e(lost, n) == pytest.approx(math.log(mixture), abs=1e-9)


def test_next_to_no_losses_among_thousands_stay_finite() -> None:
    assert log_e(0, 5000) == pytest.approx(-math.log(5001))
    assert log_e(5000, 5000) > 3000


def test_looking_after_every_item_does_not_fool_it() -> None:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(1500):
        watch = Watch(0.05)
        alarms += any(watch.see(*pair) for pair in zip(*flips(rng, 480, 0.15, 0.0), strict=True))
    assert alarms / 1500 <= 0.05


def test_a_disaster_stops_a_check_early_and_only_a_disaster() -> None:
    rng = np.random.default_rng(4)
    baseline = {f"i{n}": float(rng.random() < 0.7) for n in range(240)}
    broken = EarlyStop.against(baseline)
    stopped = next(n for n, item in enumerate(baseline, 1) if broken.see(item, 0.0))
    assert stopped < 30
    same = EarlyStop.against(baseline)
    assert not any(same.see(item, solved) for item, solved in baseline.items())
    assert not same.see("never asked before", 0.0)


def test_split_alpha_finds_five_points_and_is_silent_otherwise() -> None:
    """840 paired items, psi .15: at least .85; nothing changed: at most .05 by both halves together."""
    rng = np.random.default_rng(5)
    hit = np.mean([paired(*flips(rng, 840, 0.15, 0.05)).p <= 0.05 for _ in range(400)])
    false = np.mean([paired(*flips(rng, 840, 0.15, 0.0)).p <= 0.05 for _ in range(400)])
    assert hit >= 0.85
    assert false <= 0.05


def test_power_agrees_with_the_tables_and_with_itself() -> None:
    """Connor's formula at one-sided alpha .05 and power .8, worked by hand for a drop of five points."""
    assert [needed(0.05, psi, 0.05) for psi in (0.10, 0.15, 0.20, 0.30)] == [246, 369, 493, 740]
    assert power(560, 0.05, 0.15) == pytest.approx(0.865, abs=0.01)
    assert power(needed(0.1, 0.2), 0.1, 0.2) == pytest.approx(0.8, abs=0.01)
    for n in (20, 40, 480):
        assert power(n, visible(n, 0.15), 0.15) == pytest.approx(0.8, abs=0.02) or visible(n, 0.15) > 0.14
    assert visible(0, 0.15) == 1.0


def test_benjamini_and_hochberg() -> None:
    """The example of their paper, table 1: four of fifteen stand at .05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
         0.7590, 1.0]  # fmt: skip
    q = benjamini_hochberg(p)
    assert sum(value <= 0.05 for value in q) == 4
    assert q == sorted(q)
    assert benjamini_hochberg(list(reversed(p))) == list(reversed(q))
    assert all(many >= few for many, few in zip(benjamini_hochberg(p, 120), q, strict=True))
    assert benjamini_hochberg([]) == []


def test_errors_of_templates_widen_a_difference() -> None:
    rng = np.random.default_rng(6)
    clusters = [n // 20 for n in range(240)]
    worse = rng.random(12) < 0.3
    before, after = [1.0] * 240, [0.0 if worse[c] else 1.0 for c in clusters]
    apart, together = paired(before, after), paired(before, after, clusters)
    assert together.high - together.low > 2 * (apart.high - apart.low)
