"""The risk budget: exact bounds, a threshold that waits for evidence, and a monitor that takes it back."""

from __future__ import annotations

import random
from math import comb

import pytest

from pyagent_plugins.cache.calibration import Calibrator, Match, pair_of
from pyagent_plugins.cache.meaning.verifier import fitted
from pyagent_plugins.cache.risk import RiskBudget, Wager, beta_cdf, upper_bound


def match(number: int, probability: float = 0.96, strict: bool = True) -> Match:
    return Match(number.to_bytes(8, "big"), probability, 0.97, doubt=not strict)


def feed(
    calibrator: Calibrator, count: int, wrong: int = 0, start: int = 0, served: bool = True, **kind: float
) -> None:
    """``count`` samples, the ``wrong`` ones evenly among them."""
    for at in range(count):
        bad = wrong and at % (count // wrong) == count // wrong - 1
        calibrator.sample(match(start + at, **kind), not bad, served)  # type: ignore[arg-type]


def binomial_cdf(wrong: int, total: int, rate: float) -> float:
    return sum(comb(total, k) * rate**k * (1 - rate) ** (total - k) for k in range(wrong + 1))


@pytest.mark.parametrize(
    ("wrong", "total", "confidence", "bound"),
    [
        # "Rule of three" and tables of one-sided Clopper-Pearson limits.
        (0, 10, 0.95, 0.258866),
        (0, 149, 0.95, 0.019905),
        (1, 10, 0.95, 0.394163),
        (5, 100, 0.95, 0.102254),
        (5, 100, 0.975, 0.112835),
        (10, 10, 0.95, 1.0),
        (0, 0, 0.95, 1.0),
    ],
)
def test_the_bound_is_the_one_in_the_tables(wrong: int, total: int, confidence: float, bound: float) -> None:
    assert upper_bound(wrong, total, confidence) == pytest.approx(bound, abs=2e-6)


def test_the_bound_is_exact_for_the_binomial() -> None:
    """At the bound, so few wrong ones or fewer have exactly the probability that is left."""
    for total in (1, 7, 60, 900):
        for wrong in {0, total // 50, total // 7, total // 2, total - 1}:
            for confidence in (0.5, 0.95, 0.999):
                bound = upper_bound(wrong, total, confidence)
                assert binomial_cdf(wrong, total, bound) == pytest.approx(1 - confidence, rel=1e-6, abs=1e-12)


def test_the_beta_function_at_known_points_and_at_a_large_scale() -> None:
    assert beta_cdf(0.3, 2, 5) == pytest.approx(0.579825)
    assert beta_cdf(0.5, 3, 3) == pytest.approx(0.5)
    assert beta_cdf(0.0, 2, 2) == 0
    assert beta_cdf(1.0, 2, 2) == 1
    assert upper_bound(2000, 100_000, 0.95) == pytest.approx(0.02074, abs=5e-5)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="3 wrong of 2"):
        upper_bound(3, 2)
    with pytest.raises(ValueError, match="between 0 and 1"):
        RiskBudget(0)


def test_while_young_only_strict_hits_are_served_and_the_state_says_so() -> None:
    calibrator = Calibrator(RiskBudget(0.02))
    assert calibrator.serves(match(1))
    assert not calibrator.serves(match(1, strict=False))
    assert not calibrator.serves(match(1, probability=0.8))
    state = calibrator.state()
    assert (state.mode, state.threshold, state.samples, state.bound) == ("strict", None, 0, 1.0)
    assert state.needed == 183  # 0.98^183 <= 0.025, the first half of the error level


def test_enough_clean_samples_open_the_looser_hits_and_not_one_less() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    feed(calibrator, calibrator.state().needed - 1)
    assert calibrator.state().mode == "strict"
    calibrator.sample(match(10_000), True, served=True)
    assert calibrator.state().mode == "calibrated"
    assert calibrator.state().bound <= 0.05
    feed(calibrator, 300, start=20_000, probability=0.7, strict=False, served=False)
    assert calibrator.serves(match(1, probability=0.75, strict=False))


def test_the_threshold_stops_above_what_goes_wrong() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    for round_ in range(10):
        feed(calibrator, 60, start=1000 * round_, strict=False, probability=0.9)
        feed(calibrator, 60, start=1000 * round_ + 100)
        feed(calibrator, 60, wrong=20, start=1000 * round_ + 200, strict=False, probability=0.6, served=False)
    assert calibrator.state().mode == "calibrated"
    assert calibrator.serves(match(1, probability=0.9, strict=False))
    assert not calibrator.serves(match(1, probability=0.6, strict=False))
    assert calibrator.state().bound <= 0.05


def test_pairs_of_the_fit_are_never_samples_of_the_calibration() -> None:
    """Also when they were kept by an older program that was fitted on others."""
    seen = sorted(fitted())[:50]
    calibrator = Calibrator(fitted=fitted())
    for name in seen:
        assert not calibrator.sample(Match(name, 0.99, 0.99, False), True, served=False)
    feed(calibrator, 40)
    assert {sample.pair for sample in calibrator.samples}.isdisjoint(fitted())
    older = Calibrator()
    older.sample(Match(seen[0], 0.99, 0.99, False), True, served=False)
    assert [sample.pair for sample in older.samples] == [seen[0]]
    assert not Calibrator.load(older.dump(), fitted=fitted()).samples


def test_a_pair_has_one_name_in_either_order_and_however_it_is_typed() -> None:
    assert pair_of("How  are you?", "What's up") == pair_of("what's up", "how are you?")
    assert pair_of("a", "b") != pair_of("a", "c")


def test_one_hot_question_cannot_vouch_for_the_others() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    for _ in range(1000):
        calibrator.sample(match(7), True, served=True)
    assert (calibrator.state().mode, len(calibrator.samples)) == ("strict", 1)


def test_the_monitor_takes_the_threshold_back_when_served_hits_go_wrong() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    feed(calibrator, 200)
    assert calibrator.state().mode == "calibrated"
    feed(calibrator, 100, wrong=33, start=5000)
    assert calibrator.state().alarms >= 1
    assert calibrator.state().threshold is None


def test_semantic_hits_go_off_when_even_strict_ones_are_wrong_and_come_back_when_they_are_right() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    for at in range(100):
        if calibrator.state().mode != "off":
            calibrator.sample(match(at), at % 2 == 0, served=True)
    assert calibrator.state().mode == "off"
    assert not calibrator.serves(match(1, probability=1.0))
    feed(calibrator, 200, start=9000, served=False)
    assert calibrator.state().mode == "calibrated"
    assert calibrator.serves(match(1))


def test_false_alarms_are_as_rare_as_promised_however_often_one_looks() -> None:
    """200 users whose true rate lies exactly on the budget, each looked at 2,000 times."""
    draw = random.Random(1)
    alarms = 0
    for _ in range(200):
        wager = Wager(0.05)
        for _ in range(2000):
            wager = wager.seen(draw.random() >= 0.05)
            if wager.wealth >= 20:
                alarms += 1
                break
    assert alarms <= 18  # 5 % of 200 are 10; 18 has a chance of 1 % beyond it


def test_an_excess_is_found() -> None:
    wager = Wager(0.02)
    for at in range(400):
        wager = wager.seen(at % 12 != 0)  # 8 %
    assert wager.wealth > 20


def test_a_reported_wrong_hit_raises_the_threshold_and_praise_changes_nothing() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    feed(calibrator, 150)
    feed(calibrator, 150, start=500, strict=False, probability=0.7, served=False)
    before = calibrator.state()
    assert before.threshold is not None
    assert before.threshold <= 0.7
    calibrator.report(match(500, strict=False, probability=0.7), correct=True)
    assert calibrator.state() == before
    for number in range(500, 530):
        calibrator.report(match(number, strict=False, probability=0.7), correct=False)
    after = calibrator.state()
    assert not calibrator.serves(match(1, strict=False, probability=0.7))
    assert after.threshold is None or after.threshold > 0.7
    assert calibrator.serves(match(1))


def test_shadow_looks_are_many_while_young_and_one_in_a_hundred_in_the_end() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    assert calibrator.shadow_rate(served=False) == 1.0
    young = calibrator.shadow_rate(served=True)
    feed(calibrator, 150)
    grown = calibrator.shadow_rate(served=True)
    feed(calibrator, 500, start=1000)
    assert young > grown > calibrator.shadow_rate(served=True) == 0.01


def test_the_state_survives_a_restart_and_a_torn_one_is_refused() -> None:
    calibrator = Calibrator(RiskBudget(0.05))
    feed(calibrator, 200, wrong=1)
    again = Calibrator.load(calibrator.dump())
    assert again.state() == calibrator.state()
    feed(calibrator, 100, start=700)
    feed(again, 100, start=700)
    assert again.dump() == calibrator.dump()
    for torn in (calibrator.dump()[:-20], "{}", '{"version": 99}', "[]"):
        with pytest.raises(ValueError):
            Calibrator.load(torn)


def test_a_smaller_budget_is_not_held_by_what_held_the_larger_one() -> None:
    calibrator = Calibrator(RiskBudget(0.10))
    feed(calibrator, 100, wrong=2)
    assert calibrator.state().mode == "calibrated"
    assert Calibrator.load(calibrator.dump(), RiskBudget(0.01)).state().mode == "strict"


def test_the_budget_holds_over_streams_of_any_mixture() -> None:
    """60 users with traps of their own share and difficulty; the truth is known, the calibrator sees samples only."""
    held = 0
    for seed in range(60):
        draw = random.Random(seed)
        calibrator = Calibrator(RiskBudget(0.10))
        danger = draw.uniform(0.2, 1.0)
        served = wrong = 0
        for at in range(2500):
            probability = draw.uniform(0.5, 1)
            strict = probability > 0.9 and draw.random() < 0.5
            correct = draw.random() > danger * (1 - probability) * (0.3 if strict else 1.0)
            found = match(at, probability, strict)
            hit = calibrator.serves(found)
            served, wrong = served + hit, wrong + (hit and not correct)
            if draw.random() < calibrator.shadow_rate(hit):
                calibrator.sample(found, correct, hit)
        held += wrong <= 0.10 * served
    assert held >= 57  # 95 % of 60
