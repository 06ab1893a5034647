"""Four simple ways to foresee outcomes from a prompt's numbers, each with its honest guess for every prompt it saw.

All are linear in the outcomes, so that the guess for a prompt *without its own outcome* has a closed form and no model
is fitted twice: the leave-one-out identity for ridge, neighbours and cell means without the prompt itself. Targets are
float [n, t] in two groups: column 0 is how easy a prompt is for all models, the others how far each model is from that.
Each group chooses its own strength, for what tells models apart is much fainter than what tells prompts apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

STRENGTHS = tuple(10.0**power for power in np.arange(-1.0, 5.01, 0.5))
NEIGHBOURS = (10, 20, 40, 80, 160)
CELLS = (8, 16, 32, 64)
# Prompts that neighbours are looked for among: 4,000 rows of 111 numbers fit the second cache, and cost 0.1 ms.
REFERENCES = 4_000
Groups = tuple[slice, slice]


class Learner(Protocol):
    """``learn`` keeps what ``guess`` needs and gives the guesses [n, t] for the prompts learned from, each made
    without its own outcome; ``guess`` gives [k, t] for others."""

    def learn(self, x: np.ndarray, targets: np.ndarray) -> np.ndarray: ...

    def guess(self, x: np.ndarray) -> np.ndarray: ...


def groups(targets: np.ndarray) -> Groups:
    return slice(0, 1), slice(1, targets.shape[1])


def best(errors: Sequence[Sequence[float]]) -> list[int]:
    """For each group the place of the smallest error; ``errors`` are by choice, then group."""
    return [int(np.argmin([error[group] for error in errors])) for group in (0, 1)]


def missed(guesses: np.ndarray, targets: np.ndarray) -> list[float]:
    """Mean squared error of each group."""
    return [float(np.mean((guesses[:, part] - targets[:, part]) ** 2)) for part in groups(targets)]


class Ridge:
    """Linear, held back: the strength is the one with the smallest leave-one-out error."""

    def __init__(self) -> None:
        self._center = self._weights = np.zeros((0, 1))

    def learn(self, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        x = x.astype(np.float64)
        self._center = x.mean(axis=0)
        x = x - self._center
        values, turn = np.linalg.eigh(x.T @ x)
        values = np.maximum(values, 0.0)
        turned = x @ turn
        pulled, squared = turned.T @ targets, turned**2
        tries = [self._without(turned, squared, values, pulled, targets, strength) for strength in STRENGTHS]
        chosen = best([missed(guesses, targets) for guesses in tries])
        self._weights, out = np.zeros((x.shape[1], targets.shape[1])), np.zeros_like(targets)
        for part, choice in zip(groups(targets), chosen, strict=True):
            self._weights[:, part] = turn @ (pulled[:, part] / (values + STRENGTHS[choice])[:, None])
            out[:, part] = tries[choice][:, part]
        return out

    @staticmethod
    def _without(
        turned: np.ndarray,
        squared: np.ndarray,
        values: np.ndarray,
        pulled: np.ndarray,
        targets: np.ndarray,
        strength: float,
    ) -> np.ndarray:
        shrunk = 1 / (values + strength)
        fitted = turned @ (pulled * shrunk[:, None])
        # 1/n is the mean's own share: targets are centred by what they hold themselves.
        lever = np.minimum(squared @ shrunk + 1 / len(targets), 0.99)[:, None]
        return np.asarray((fitted - lever * targets) / (1 - lever))

    def guess(self, x: np.ndarray) -> np.ndarray:
        return np.asarray((x - self._center) @ self._weights)


class Waves(Ridge):
    """Ridge on random Fourier features (Rahimi and Recht 2007): a Gaussian kernel, curved where Ridge is straight."""

    def __init__(self, size: int = 256, seed: int = 1) -> None:
        super().__init__()
        self._size, self._seed = size, seed
        self._turn = self._shift = np.zeros(0)

    def learn(self, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(self._seed)
        some = x[rng.choice(len(x), min(len(x), 400), replace=False)]
        apart = np.sqrt(np.maximum(0, ((some[:, None] - some[None]) ** 2).sum(-1)))
        # The median distance is the usual width of the kernel (Jaakkola's heuristic).
        width = float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
        self._turn = (rng.standard_normal((x.shape[1], self._size)) / width).astype(np.float32)
        self._shift = rng.uniform(0, 2 * np.pi, self._size).astype(np.float32)
        return super().learn(self._waves(x), targets)

    def _waves(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(np.cos(x @ self._turn + self._shift) * np.sqrt(2 / self._size))

    def guess(self, x: np.ndarray) -> np.ndarray:
        return super().guess(self._waves(x))


class Neighbours:
    """The mean of the nearest prompts; how many is chosen by the leave-one-out error."""

    def __init__(self, seed: int = 2) -> None:
        self._seed = seed
        self._kept = self._targets = np.zeros((0, 1))
        self._half = np.zeros(0)
        self._chosen: list[int] = []

    def learn(self, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        rng, n = np.random.default_rng(self._seed), len(x)
        kept = np.sort(rng.choice(n, min(n, REFERENCES), replace=False))
        self._kept, self._targets = np.ascontiguousarray(x[kept]), targets[kept]
        self._half = 0.5 * (self._kept**2).sum(axis=1)
        own = np.full(n, -1)
        own[kept] = np.arange(len(kept))
        sizes = [k for k in NEIGHBOURS if k < len(kept)] or [max(1, len(kept) - 1)]
        means = self._means(x, sizes, own)
        self._chosen = [sizes[choice] for choice in best([missed(mean, targets) for mean in means])]
        out = np.zeros_like(targets)
        for part, size in zip(groups(targets), self._chosen, strict=True):
            out[:, part] = means[sizes.index(size)][:, part]
        return out

    def guess(self, x: np.ndarray) -> np.ndarray:
        sizes = sorted(set(self._chosen))
        means = dict(zip(sizes, self._means(x, sizes, None), strict=True))
        out = np.zeros((len(x), self._targets.shape[1]))
        for part, size in zip(groups(self._targets), self._chosen, strict=True):
            out[:, part] = means[size][:, part]
        return out

    def _means(self, x: np.ndarray, sizes: list[int], own: np.ndarray | None) -> list[np.ndarray]:
        """For each size the mean target of so many nearest; ``own`` is each prompt's place among the kept, or -1."""
        most = min(max(sizes), len(self._kept))
        out = [np.zeros((len(x), self._targets.shape[1])) for _ in sizes]
        for at in range(0, len(x), 1024):
            block = slice(at, min(at + 1024, len(x)))
            near = x[block] @ self._kept.T - self._half
            if own is not None:
                inside = np.flatnonzero(own[block] >= 0)
                near[inside, own[block][inside]] = -np.inf
            found = np.argpartition(-near, most - 1, axis=1)[:, :most]
            if len(sizes) > 1:
                order = np.argsort(-np.take_along_axis(near, found, axis=1), axis=1)
                found = np.take_along_axis(found, order, axis=1)
            for mean, size in zip(out, sizes, strict=True):
                mean[block] = self._targets[found[:, :size]].mean(axis=1)
        return out


class Cells:
    """The mean of a k-means cell, held back towards 0 by empirical Bayes; how many cells is chosen likewise."""

    def __init__(self, seed: int = 3) -> None:
        self._seed = seed
        self._centers: dict[int, np.ndarray] = {}
        self._means: dict[int, np.ndarray] = {}
        self._chosen: list[int] = []

    def learn(self, x: np.ndarray, targets: np.ndarray) -> np.ndarray:
        tries, sizes = [], [k for k in CELLS if 4 * k <= len(x)] or [1]
        for size in sizes:
            centers = kmeans(x, size, self._seed)
            cell = nearest(x, centers)
            means, without = shrunk(cell, targets, size)
            self._centers[size], self._means[size] = centers, means
            tries.append(without)
        self._chosen = [sizes[choice] for choice in best([missed(guesses, targets) for guesses in tries])]
        out = np.zeros_like(targets)
        for part, size in zip(groups(targets), self._chosen, strict=True):
            out[:, part] = tries[sizes.index(size)][:, part]
        return out

    def guess(self, x: np.ndarray) -> np.ndarray:
        means = {size: self._means[size][nearest(x, self._centers[size])] for size in set(self._chosen)}
        out = np.zeros((len(x), next(iter(means.values())).shape[1]))
        for part, size in zip(groups(out), self._chosen, strict=True):
            out[:, part] = means[size][:, part]
        return out


def kmeans(x: np.ndarray, size: int, seed: int, rounds: int = 12) -> np.ndarray:
    """float [size, d]: centres by Lloyd's rounds on at most 4,000 rows, begun with distant rows (k-means++)."""
    rng = np.random.default_rng(seed)
    x = x[rng.choice(len(x), min(len(x), 4000), replace=False)]
    centers = x[rng.integers(len(x))][None]
    far = ((x - centers[0]) ** 2).sum(axis=1)
    for _ in range(size - 1):
        weights = far / far.sum() if far.sum() > 0 else None
        centers = np.vstack([centers, x[rng.choice(len(x), p=weights)]])
        far = np.minimum(far, ((x - centers[-1]) ** 2).sum(axis=1))
    for _ in range(rounds):
        cell = nearest(x, centers)
        count = np.bincount(cell, minlength=size)
        sums = (cell == np.arange(size)[:, None]).astype(x.dtype) @ x
        centers = np.where(count[:, None] > 0, sums / np.maximum(count, 1)[:, None], centers)
    return np.asarray(centers)


def nearest(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return np.asarray(np.argmax(x @ centers.T - 0.5 * (centers**2).sum(axis=1), axis=1))


def shrunk(cell: np.ndarray, targets: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(cell means [size, t] held back towards 0, the same for each row [n, t] without the row's own target).

    The prior's strength is within-variance over between-variance, by the method of moments, for each target.
    """
    count = np.bincount(cell, minlength=size).astype(float)[:, None]
    sums = np.stack([np.bincount(cell, targets[:, t], size) for t in range(targets.shape[1])], axis=1)
    means = sums / np.maximum(count, 1)
    within = np.maximum(targets.var(axis=0), 1e-6)
    full = count[:, 0] > 0
    noise = float(np.mean(1 / count[full])) if full.any() else 1.0
    between = np.maximum(np.mean(means[full] ** 2, axis=0) - within * noise, 1e-4 * within)
    prior = within / between
    without = (sums[cell] - targets) / (count[cell] - 1 + prior)
    return sums / (count + prior), without
