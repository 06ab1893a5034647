"""Trains the classifier of dimensions and writes ``weights.json``; prints what it is worth on templates held out.

    python -m pyagent_plugins.capability.needs.fit [--dry]

Held out by template, five times: no filling of a judged template was trained on. Where reasoning-gym is installed its
own prompts are judged, too, and never trained on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from random import Random

import numpy as np

from pyagent_plugins.capability.needs.features import SIZE, buckets, clipped, matrix, words
from pyagent_plugins.capability.needs.phrasings import TEMPLATES, prompts
from pyagent_plugins.capability.needs.soft import WEIGHTS

BUCKETS = 1024
EACH = 24
UNIT = 50
# reasoning-gym's tasks that belong to one dimension without doubt.
GYM = {
    "reason.math": ("basic_arithmetic", "chain_sum", "gsm_symbolic", "simple_equations", "products", "lcm", "gcd"),
    "reason.logic": ("knights_knaves", "syllogism", "propositional_logic", "number_sequence", "zebra_puzzles"),
    "text.transform": ("spell_backward", "word_sorting", "number_sorting", "letter_jumble", "sentence_reordering"),
}


def looked(texts: Sequence[str]) -> np.ndarray:
    """float64 [n, SIZE + BUCKETS], forms not scaled yet."""
    found = np.zeros((len(texts), BUCKETS))
    for row, text in enumerate(texts):
        places = list(set(buckets(words(clipped(text)), BUCKETS)))
        found[row, places] = 1 / max(1.0, len(places)) ** 0.5
    return np.hstack([matrix(texts).astype(float), found])


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class Fitted:
    """Multinomial logistic regression by full-batch Adam, with weight decay; levels by ridge."""

    def __init__(self, x: np.ndarray, label: np.ndarray, level: np.ndarray, dims: int) -> None:
        form = x[:, :SIZE]
        self.center, deviation = form.mean(axis=0), form.std(axis=0)
        self.scale = np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0.0)
        x, truth = self.scaled(x), np.eye(dims)[label]
        # Dimensions with few templates count as much as others.
        weight = (len(label) / dims / np.bincount(label, minlength=dims))[label][:, None]
        self.w, self.b = np.zeros((x.shape[1], dims)), np.zeros(dims)
        # Forms generalise, words less so, and one bucket least.
        decay = np.concatenate([np.full(SIZE, 2e-3), np.full(BUCKETS, 4e-4)])[:, None]
        mean, square = np.zeros_like(self.w), np.zeros_like(self.w)
        for step in range(1, 401):
            rest = weight * (softmax(x @ self.w + self.b) - truth) / len(x)
            slope = x.T @ rest + decay * self.w
            mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
            self.w -= 0.05 * mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            self.b -= 0.5 * rest.sum(axis=0)
        form = x[:, :SIZE]
        self.level_bias = float(level.mean())
        self.level = np.linalg.solve(form.T @ form + 0.05 * len(x) * np.eye(SIZE), form.T @ (level - self.level_bias))

    def scaled(self, x: np.ndarray) -> np.ndarray:
        return np.hstack([np.clip((x[:, :SIZE] - self.center) * self.scale, -3, 3), x[:, SIZE:]])

    def scores(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.scaled(x) @ self.w + self.b)

    def levels(self, x: np.ndarray) -> np.ndarray:
        return np.clip(self.level_bias + self.scaled(x)[:, :SIZE] @ self.level, 1, 5)


def held_out(
    x: np.ndarray, label: np.ndarray, level: np.ndarray, number: np.ndarray, dims: int, folds: int = 5
) -> tuple[np.ndarray, np.ndarray]:
    """(scores, levels) of each prompt by a model that saw no filling of its template."""
    scores, levels = np.zeros((len(x), dims)), np.zeros(len(x))
    order = np.random.default_rng(0).permutation(len(TEMPLATES))
    for fold in range(folds):
        test = np.isin(number, order[fold::folds])
        fitted = Fitted(x[~test], label[~test], level[~test], dims)
        scores[test], levels[test] = fitted.scores(x[test]), fitted.levels(x[test])
    return scores, levels


def log_loss(scores: np.ndarray, label: np.ndarray, temperature: float) -> float:
    chance = softmax(scores / temperature)[np.arange(len(label)), label]
    return float(-np.log(np.maximum(chance, 1e-9)).mean())


def gym(size: int = 20) -> list[tuple[str, str]]:
    """(dimension, prompt) from reasoning-gym, nothing where it is not installed."""
    try:
        import reasoning_gym
    except ImportError:
        return []
    found = []
    for dim, names in GYM.items():
        for name in names:
            found += [(dim, row["question"]) for row in reasoning_gym.create_dataset(name, seed=1, size=size)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="judge only; write nothing")
    given = parser.parse_args()
    rows = prompts(Random(1), EACH)
    dims = list(dict.fromkeys(dim for _, dim, _, _ in rows))
    number = np.array([row[0] for row in rows])
    label = np.array([dims.index(row[1]) for row in rows])
    level = np.array([float(row[2]) for row in rows])
    x = looked([row[3] for row in rows])
    scores, levels = held_out(x, label, level, number, len(dims))
    temperature = min(np.geomspace(0.5, 6, 40), key=lambda t: log_loss(scores, label, t))
    right = scores.argmax(axis=1) == label
    each = np.array([right[number == n].mean() for n in range(len(TEMPLATES))])
    spread = each.std() / len(each) ** 0.5
    error = float(np.sqrt(((levels - level) ** 2).mean()))
    print(f"{len(TEMPLATES)} templates, {len(rows)} prompts, {len(dims)} dimensions")
    loss = f"log loss {log_loss(scores, label, temperature):.3f} at temperature {temperature:.2f}"
    print(f"held out by template: {right.mean():.1%} right (standard error {spread:.1%}), {loss}")
    for place, dim in enumerate(dims):
        print(f"  {dim:<20} {right[label == place].mean():.0%}")
    print(f"level: error {error:.2f}; always the mean: {level.std():.2f}")
    fitted = Fitted(x, label, level, len(dims))
    if judged := gym():
        truth = np.array([dims.index(dim) for dim, _ in judged])
        hit = fitted.scores(looked([text for _, text in judged])).argmax(axis=1) == truth
        print(f"reasoning-gym, never trained on: {hit.mean():.1%} of {len(judged)} right")
    if given.dry:
        return
    shipped = {
        "made_by": "python -m pyagent_plugins.capability.needs.fit",
        "held_out": {"accuracy": round(float(right.mean()), 3), "templates": len(TEMPLATES)},
        "dims": dims, "temperature": round(float(temperature), 3), "buckets": BUCKETS, "unit": UNIT,
        "level_error": round(error, 3), "level_bias": round(fitted.level_bias, 3),
        "level": [round(float(v), 4) for v in fitted.level],
        "center": [round(float(v), 4) for v in fitted.center], "scale": [round(float(v), 4) for v in fitted.scale],
        "bias": [round(float(v), 3) for v in fitted.b],
        "form": [[round(float(v) * UNIT) for v in column] for column in fitted.w[:SIZE].T],
        "words": [[round(float(v) * UNIT) for v in column] for column in fitted.w[SIZE:].T],
    }  # fmt: skip
    WEIGHTS.write_text(json.dumps(shipped, separators=(",", ":")) + "\n", "utf-8")
    print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
