"""One scale for abilities and difficulties: found again from answers, finite at the ends, cheap to place on."""

from __future__ import annotations

import numpy as np

from pyagent_plugins.capability.stats.adaptive import Adaptive
from pyagent_plugins.capability.stats.rasch import ability, chance, expected, fit

PRIOR = np.array([expected(level) for level in (1, 2, 3, 4, 5)] * 2)


def test_abilities_and_difficulties_are_found_again() -> None:
    """Twelve model-weeks, ten (generator, level) groups of 40 items, as after a month of three models."""
    rng = np.random.default_rng(0)
    theta, b = rng.normal(0, 1.2, 12), PRIOR + rng.normal(0, 0.5, 10)
    solved = rng.binomial(40, chance(theta[:, None], b[None, :])).astype(float)
    found = fit(np.full((12, 10), 40.0), solved, PRIOR)
    assert np.abs(found.theta - theta).max() < 0.5
    assert np.abs(found.b - b).max() < 0.7
    inside = np.abs(found.theta - found.theta.mean() - theta + theta.mean()) < 2.5 * found.theta_se
    assert inside.all()


def test_a_harder_draw_is_not_a_worse_model() -> None:
    """The same model, once on easy and once on hard items: shares 40 points apart, one ability."""
    asked = np.zeros((2, 10))
    asked[0, [0, 1, 5, 6]], asked[1, [3, 4, 8, 9]] = 2000, 2000
    solved = asked * chance(0.3, PRIOR)[None, :]
    found = fit(asked, solved, PRIOR)
    shares = solved.sum(1) / asked.sum(1)
    assert shares[0] - shares[1] > 0.4
    assert abs(found.theta[0] - found.theta[1]) < 0.15


def test_all_right_and_all_wrong_stay_finite() -> None:
    asked = np.full((2, 10), 6.0)
    found = fit(asked, np.stack([asked[0], np.zeros(10)]), PRIOR)
    assert np.isfinite(found.theta).all()
    assert 1 < found.theta[0] < 8
    assert -8 < found.theta[1] < -1
    for share in (0.0, 1.0):
        theta, error = ability(asked[0], asked[0] * share, PRIOR)
        assert abs(theta) < 8
        assert 0 < error < 2


def test_one_person_at_known_difficulties_agrees_with_the_joint_fit() -> None:
    rng = np.random.default_rng(1)
    asked = np.full((30, 10), 60.0)
    solved = rng.binomial(60, chance(rng.normal(0, 1, 30)[:, None], PRIOR[None, :])).astype(float)
    found = fit(asked, solved, PRIOR)
    alone = [ability(asked[i], solved[i], found.b)[0] for i in range(30)]
    assert np.abs(np.array(alone) - found.theta).max() < 0.05


def _bank(rng: np.random.Generator, rasch: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """300 items: two-parameter ones as in published banks, or five levels of equal discrimination."""
    if rasch:
        return np.ones(300), rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0], 300) + rng.normal(0, 0.3, 300), rng.normal()
    return rng.lognormal(0, 0.35, 300), rng.normal(0, 1.2, 300), rng.normal()


def _errors(rasch: bool, known: bool, seed: int, repeats: int = 400) -> tuple[float, float]:
    """Root mean square errors of the score: 15 adaptive items, 80 random ones by their raw mean."""
    rng, adaptive, at_random = np.random.default_rng(seed), [], []
    for n in range(repeats):
        a, b, theta = _bank(rng, rasch)
        p = chance(a * theta, a * b)
        test = Adaptive(b, n, a, known=theta + rng.normal(0, 0.3) if known else None)
        while (item := test.next()) is not None:
            test.see(item, float(rng.random() < p[item]))
        adaptive.append(test.score() - p.mean())
        at_random.append((rng.random(80) < p[rng.choice(300, 80)]).mean() - p.mean())
    return float(np.sqrt(np.mean(np.square(adaptive)))), float(np.sqrt(np.mean(np.square(at_random))))


def test_fifteen_items_stand_where_eighty_random_ones_stood() -> None:
    """A calibrated bank for a new model; five levels of equal discrimination where last week's ability is known."""
    for rasch, known in ((False, False), (True, True)):
        adaptive, at_random = _errors(rasch, known, seed=2)
        assert adaptive < 1.15 * at_random, (rasch, known)
    assert _errors(True, False, seed=2)[0] < 0.09


def test_it_asks_each_item_once_and_not_every_model_the_same() -> None:
    b = np.linspace(-2, 2, 60)
    asked = []
    for seed in (1, 2):
        test, mine = Adaptive(list(b), seed), []
        while (item := test.next()) is not None:
            mine.append(item)
            test.see(item, float(b[item] < 0.5))
        asked.append(mine)
    assert all(len(set(mine)) == 15 for mine in asked)
    assert asked[0] != asked[1]
    again = Adaptive([0.0, 1.0], 1)
    again.see(0, 1.0)
    assert again.next() == 1
    again.see(1, 1.0)
    assert again.next() is None
