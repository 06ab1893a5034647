"""How likely one answer serves two questions, when no guard objects: a logistic regression over what can be seen.

It is fitted by `python benchmarks/cache_pairs.py --fit` on pairs of the generator and on one half of fow-cache
(PyPI, CC BY 4.0, by its authors). The weights stand in `verifier.json` beside this file with where they come from,
the names of the pairs in `verifier.pairs`, so that no calibration takes one of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.meaning import guards
from pyagent_plugins.cache.meaning.features import Features
from pyagent_plugins.cache.meaning.words import slip

if TYPE_CHECKING:
    import numpy as np

# The names of the evidence, in its order.
SIGNS = (
    "cosine", "cosine_squared", "jaccard_distance", "missing_most", "missing_least", "same_content",
    "one_word_replaced", "words_replaced", "one_word_added", "words_added", "slips", "gram_distance", "length_ratio",
    "numbers", "identifiers", "names", "name_one_sided", "negation", "contrast", "contrast_one_sided", "question",
    "asks_differ", "order",
)  # fmt: skip
_GUARDS = (
    guards.numbers, guards.identifiers, guards.names, guards.negation, guards.contrast, guards.question, guards.order,
)  # fmt: skip
WEIGHTS = Path(__file__).with_name("verifier.json")
FITTED = Path(__file__).with_name("verifier.pairs")


def evidence(one: Features, other: Features, cosine: float, clean: bool = False) -> list[float]:
    """What speaks for and against, [len(SIGNS)]; symmetric in the two texts. About 25 µs for two questions, 10 µs
    where ``clean`` says that no guard objects."""
    here, there = set(one.content), set(other.content)
    left, right = here - there, there - here
    slips = 0
    if left and right:
        slips = _forgive(left, right)
    union = len(here | there) - slips
    most, least = max(len(left), len(right)), min(len(left), len(right))
    shared = len(one.grams & other.grams)
    grams = len(one.grams) + len(other.grams) - shared
    objects = [0.0] * len(_GUARDS) if clean else [float(guard(one, other) is not None) for guard in _GUARDS]
    numbers, identifiers, names, negation, contrast, question, order = objects
    return [
        cosine,
        cosine * cosine,
        (len(left) + len(right)) / union if union else 0.0,
        most / max(1, len(here), len(there)),
        least / max(1, min(len(here), len(there))),
        float(most == 0),
        float(most == least == 1),
        float(least >= 1 and most > 1),
        float(most == 1 and not least),
        float(most > 1 and not least),
        float(min(slips, 2)),
        1 - shared / grams if grams else 0.0,
        math.log((max(one.length, other.length) + 8) / (min(one.length, other.length) + 8)),
        numbers,
        identifiers,
        names,
        float(one.names != other.names and (not left.isdisjoint(one.names) or not right.isdisjoint(other.names))),
        negation,
        contrast,
        float(one.places != other.places and set(one.places) != set(other.places)),
        question,
        float(one.asks != other.asks),
        order,
    ]


def _forgive(left: set[str], right: set[str]) -> int:
    """Takes out words that differ by a slip of the pen; gives how many pairs of them there were."""
    if len(left) * len(right) > 16:
        return 0
    pairs = [(a, b) for a in left for b in right if slip(a, b)]
    for a, b in pairs:
        left.discard(a)
        right.discard(b)
    return len(pairs)


@dataclass(frozen=True, slots=True)
class Verifier:
    """``weights`` [len(SIGNS)] act on the evidence as it is; ``bias`` beside them. ``origin`` says how they came
    to be: command, data and licence."""

    weights: tuple[float, ...]
    bias: float
    origin: str = ""

    @classmethod
    @lru_cache(maxsize=1)
    def shipped(cls) -> Verifier:
        """The weights that came with this program."""
        return cls.read(WEIGHTS)

    @classmethod
    def read(cls, path: Path) -> Verifier:
        """Raises ValueError when the file is for other evidence than this program's."""
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if tuple(data["weights"]) != SIGNS:
            raise ValueError(f"{path.name} weighs other signs than this program sees")
        return cls(tuple(data["weights"].values()), data["bias"], data["origin"])

    def write(self, path: Path) -> None:
        weights = {sign: round(weight, 4) for sign, weight in zip(SIGNS, self.weights, strict=True)}
        data = {"origin": self.origin, "bias": round(self.bias, 4), "weights": weights}
        path.write_text(json.dumps(data, indent=2) + "\n", "utf-8")

    def probability(self, one: Features, other: Features, cosine: float, clean: bool = False) -> float:
        """That the same answer serves both, in [0, 1]; ``cosine`` of their vectors in [-1, 1]; ``clean`` as in
        ``evidence``."""
        return _sigmoid(self.bias + sum(map(float.__mul__, self.weights, evidence(one, other, cosine, clean))))


@lru_cache(maxsize=1)
def fitted() -> frozenset[bytes]:
    """The names (see ``calibration.pair_of``) of the pairs that the shipped weights were fitted on."""
    data = FITTED.read_bytes()
    return frozenset(data[at : at + 8] for at in range(0, len(data), 8))


def _sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-max(-40.0, min(40.0, score))))


# What may raise the probability; all else is a difference, and a difference must never speak for an answer.
_FOR = frozenset({"cosine", "cosine_squared", "same_content", "slips"})


def fit(rows: Sequence[Sequence[float]], same: Sequence[bool], weight: Sequence[float], l2: float = 2.0) -> Verifier:
    """Weighted logistic regression with L2 on standardised evidence, by Newton's method.

    ``rows`` [n, len(SIGNS)], ``same`` and ``weight`` [n]. The bias is not penalised. Deterministic. A sign that would
    get a weight against its sense is left out, the worst one first: in labelled sets traps are small edits and
    paraphrases long ones, so that a free fit learns that longer and stranger is safer, which holds nowhere else.
    """
    import numpy as np

    data = np.asarray(rows, float)
    middle, spread = data.mean(0), data.std(0)
    spread[spread < 1e-9] = 1.0
    design = np.hstack([(data - middle) / spread, np.ones((len(data), 1))])
    target, share = np.asarray(same, float), np.asarray(weight, float)
    sense = np.array([1.0 if sign in _FOR else -1.0 for sign in SIGNS])
    kept = np.ones(len(SIGNS) + 1, bool)
    while True:
        found = np.zeros(len(SIGNS) + 1)
        found[kept] = _newton(design[:, kept], target, share, l2)
        wrong = found[:-1] * sense
        if wrong.min() >= 0:
            break
        kept[int(wrong.argmin())] = False
    weights = found[:-1] / spread
    return Verifier(tuple(float(w) for w in weights), float(found[-1] - weights @ middle))


def _newton(design: np.ndarray, target: np.ndarray, share: np.ndarray, l2: float) -> np.ndarray:
    """The weights [k] that minimise the penalised loss; the last column of ``design`` [n, k] is the bias."""
    import numpy as np

    found = np.zeros(design.shape[1])
    penalty = np.diag([l2] * (len(found) - 1) + [1e-9])
    for _ in range(50):
        guess = 1 / (1 + np.exp(-(design @ found)))
        slope = design.T @ (share * (guess - target)) + penalty @ found
        bend = (design * (share * guess * (1 - guess))[:, None]).T @ design + penalty
        step = np.linalg.solve(bend, slope)
        found = found - step
        if float(np.abs(step).max()) < 1e-8:
            break
    return found
