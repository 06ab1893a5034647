"""Intervals hold what they promise, counted over many draws."""

from __future__ import annotations

import numpy as np
import pytest

from pyagent_plugins.capability.stats.intervals import clopper_pearson, clustered, wilson


def test_known_values() -> None:
    """From the tables of Clopper and Pearson, and Wilson's formula worked by hand."""
    assert clopper_pearson(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)
    assert clopper_pearson(0, 40) == pytest.approx((0.0, 0.0881), abs=1e-4)
    assert clopper_pearson(40, 40) == pytest.approx((0.9119, 1.0), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert clopper_pearson(0, 0) == wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9])
def test_the_exact_interval_covers_and_the_score_interval_is_shorter(share: float) -> None:
    draws = np.random.default_rng(0).binomial(60, share, 4000)
    exact = [clopper_pearson(int(k), 60) for k in draws]
    score = [wilson(int(k), 60) for k in draws]
    assert np.mean([low <= share <= high for low, high in exact]) >= 0.945
    assert np.mean([high - low for low, high in score]) < np.mean([high - low for low, high in exact])


def _of_templates(rng: np.random.Generator) -> tuple[list[float], list[int]]:
    """60 items of 12 templates, of which each is easy or hard as a whole; the mean over templates is .5."""
    easy = rng.beta(1, 1, 12)
    clusters = np.repeat(np.arange(12), 5)
    return [float(x) for x in rng.random(60) < easy[clusters]], [int(c) for c in clusters]


def test_items_of_one_template_are_not_taken_for_independent() -> None:
    rng = np.random.default_rng(1)
    drawn = [_of_templates(rng) for _ in range(1500)]
    wide = [clustered(*one) for one in drawn]
    naive = [clopper_pearson(sum(solved), 60) for solved, _ in drawn]
    assert np.mean([found.low <= 0.5 <= found.high for found in wide]) >= 0.93
    assert np.mean([low <= 0.5 <= high for low, high in naive]) < 0.88
    assert np.mean([found.effective for found in wide]) < 40


def test_independent_items_lose_next_to_nothing() -> None:
    rng = np.random.default_rng(2)
    found = [clustered([float(x) for x in rng.random(60) < 0.5], list(range(60))) for _ in range(50)]
    assert {one.effective for one in found} == {60.0}


def test_few_templates_are_the_instrument_itself() -> None:
    found = clustered([1.0] * 30 + [0.0] * 30, ["a"] * 30 + ["b"] * 30)
    assert (found.point, found.n, found.effective) == (0.5, 60, 60)


def test_nothing_known_is_everything_possible() -> None:
    none, one = clustered([], []), clustered([1.0], ["a"])
    assert (none.low, none.high, none.n) == (0.0, 1.0, 0)
    assert one.low < 0.05
    assert one.high == 1.0
