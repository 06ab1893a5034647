"""A draw depends on seed and index alone, and follows the distribution that it says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

pytest.importorskip("llama_cpp")
from pyagent.engine.llama.sampling import Sampler, uniform

N = 1000


def row() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(7).normal(0, 3, N).astype(np.float32)


def softmax(values: np.ndarray, temperature: float) -> np.ndarray:
    weights = np.exp((values.astype(np.float64) - values.max()) / temperature)
    return weights / weights.sum()


def far_off(draws: Counter[int], expected: np.ndarray, n: int) -> float:
    """Chi-square over tokens expected at least 10 times, by its degrees of freedom (near 1 when all is well)."""
    often = np.flatnonzero(expected * n >= 10)
    return float(sum((draws[t] - n * expected[t]) ** 2 / (n * expected[t]) for t in often) / len(often))


def test_the_same_seed_and_index_draw_the_same_whatever_came_before() -> None:
    one, other = Sampler(N), Sampler(N)
    later = [one.pick(row(), 1.0, 5, i) for i in range(50)]
    assert [other.pick(row(), 1.0, 5, i) for i in reversed(range(50))] == later[::-1]
    assert [one.pick(row(), 1.0, 6, i) for i in range(50)] != later


def test_uniform_numbers_are_uniform_over_seeds_and_indices() -> None:
    by_index = np.array([uniform(3, i) for i in range(4000)])
    by_seed = np.array([uniform(s, 3) for s in range(-2000, 2000)])
    for numbers in (by_index, by_seed):
        counts, _ = np.histogram(numbers, bins=20, range=(0, 1))
        assert float(((counts - 200) ** 2 / 200).sum()) < 50  # 19 degrees of freedom: p < 0.0002


@pytest.mark.parametrize("temperature", [0.3, 0.8, 1.5])
def test_draws_follow_the_softmax(temperature: float) -> None:
    sampler, logits, n = Sampler(N), row(), 6000
    draws = Counter(sampler.pick(logits, temperature, 11, i) for i in range(n))
    assert 0.5 < far_off(draws, softmax(logits, temperature), n) < 1.7


def test_refused_tokens_leave_the_others_in_proportion() -> None:
    sampler, logits, n = Sampler(N), row(), 6000
    good = set(range(0, N, 3)) - {int(logits.argmax())}
    draws = Counter(
        sampler.pick(logits, 0.8, 13, i, good.__contains__, lambda: np.array(sorted(good))) for i in range(n)
    )
    expected = softmax(logits, 0.8)
    expected[[t for t in range(N) if t not in good]] = 0
    assert set(draws) <= good
    assert 0.5 < far_off(draws, expected / expected.sum(), n) < 1.7


def test_a_token_that_the_model_hates_is_found_when_it_alone_is_allowed() -> None:
    sampler, logits = Sampler(N), row()
    worst = int(logits.argmin())
    for temperature in (0.0, 0.8):
        assert sampler.pick(logits, temperature, 1, 1, lambda t: t == worst, lambda: np.array([worst])) == worst


def test_greedy_takes_the_likeliest_allowed() -> None:
    sampler, logits = Sampler(N), row()
    order = np.argsort(-logits)
    assert sampler.pick(logits, 0.0, 1, 1) == order[0]
    assert sampler.pick(logits, 0.0, 1, 1, lambda t: t not in order[:5]) == order[5]


def test_log_probabilities_are_those_of_the_softmax() -> None:
    sampler, logits = Sampler(N), row()
    expected = np.log(softmax(logits, 1.0))
    for token in (0, 17, int(logits.argmax()), int(logits.argmin())):
        assert sampler.logprob(logits, token) == pytest.approx(expected[token], abs=1e-4)
