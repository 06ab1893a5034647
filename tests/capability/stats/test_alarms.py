"""A/A and power, by simulation through the comparison itself; in full: benchmarks/capability_alarms.py."""

from __future__ import annotations

from statistics import mean

import numpy as np

from benchmarks.capability_alarms import Simulated, answers, baseline, ever, false_alarms, found, one_cell, weekly


def test_half_a_year_of_nothing_is_quiet() -> None:
    """120 cells, 26 weeks, psi .15: at most one false alarm of any rule."""
    counted = [sum(false_alarms(seed).values()) for seed in (1, 2)]
    assert mean(counted) <= 1


def test_five_points_over_all_are_found_in_one_week() -> None:
    """840 paired items, psi .15, split alpha."""
    assert found(seed=2, repeats=60, drop=0.05, dims=21) >= 0.85


def test_one_bad_cell_among_120_is_named_and_no_other() -> None:
    hit, false = one_cell(seed=3, repeats=40, drop=0.5)
    assert hit >= 0.85
    assert false <= 0.05


def test_small_news_in_a_cell_is_no_alarm() -> None:
    """Below ten points a single cell's loss is not called, however sure."""
    rng = np.random.default_rng(0)
    model = Simulated(rng, psi=0.0, dims=2)
    before = model.anchors()
    after = before.copy()
    solved = np.flatnonzero(after[0])[:3]
    after[0, solved] = False
    assert weekly(before, after) == (False, [])


def test_a_lasting_loss_is_found_by_fresh_items_and_a_lucky_baseline_is_none() -> None:
    rng = np.random.default_rng(5)
    models = [Simulated(rng) for _ in range(8)]
    scale, bases = baseline(models)
    worse = ever(bases[0], scale, [answers(models[0].fresh(0.12)) for _ in range(12)])
    assert 1 <= worse[""] <= 12
    same = [ever(base, scale, [answers(m.fresh()) for _ in range(12)]) for base, m in zip(bases, models, strict=True)]
    assert same == [{}] * 8
