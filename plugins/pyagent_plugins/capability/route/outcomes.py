"""What each model will make of a prompt, learned from what models made of other prompts.

An outcome is taken apart: the model's mean, how easy the prompt is for all, and how far the model is from that. Only
the last decides a route, and it is the faintest, so each part is learned and blended by itself: the learners' guesses
for prompts whose outcomes they have not seen are weighed by non-negative least squares (stacking, Breiman 1996).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pyagent_plugins.capability.needs.features import matrix
from pyagent_plugins.capability.route.learners import Cells, Learner, Neighbours, Ridge, Waves, groups
from pyagent_plugins.capability.route.topics import Topics

# float32 [n, dim] of texts, rows of length 1.
Embed = Callable[[Sequence[str]], np.ndarray]
# Rows beyond this change the fourth digit and cost minutes.
MOST = 40_000
FILLS = 4
# Outcomes that the first weights stand for: a table's are those of its items.
HELD, HELD_BY_TABLE = 20.0, 150.0
# A learner of less weight moves little, and costs each decision as much as any other.
LIGHT = 0.05
# Outcomes of a model that teach as much of one prompt as an answer to it would.
TEACH = 40.0
LEAST, GREATEST = 0.002, 0.998


@dataclass(slots=True)
class Sight:
    """Turns texts into the views that learners look at: length, form, subject, and form with subject."""

    center: np.ndarray
    scale: np.ndarray
    topics: Topics
    embed: Embed | None

    @classmethod
    def learn(cls, texts: Sequence[str], embed: Embed | None) -> tuple[Sight, dict[str, np.ndarray]]:
        form = matrix(texts)
        scale = form.std(axis=0)
        sight = cls(form.mean(axis=0), np.where(scale > 1e-6, scale, np.inf), Topics.learn(texts), embed)
        return sight, sight.views(form, texts)

    def of(self, texts: Sequence[str]) -> dict[str, np.ndarray]:
        return self.views(matrix(texts), texts)

    def views(self, form: np.ndarray, texts: Sequence[str]) -> dict[str, np.ndarray]:
        # Four deviations: one odd prompt must not pull a whole line.
        form = np.clip((form - self.center) / self.scale, -4, 4)
        # Blocks of like weight: the mean square length of each is about 1.
        form, subject = form / np.sqrt(form.shape[1]), self.topics.of(texts)
        if self.embed is not None:
            # Meaning and wording both tell the subject; together they have length 1 again.
            subject = np.hstack([subject, self.embed(texts)]).astype(np.float32) / np.float32(np.sqrt(2))
        form = form.astype(np.float32)
        # Where length is all that matters, whatever else is looked at only adds noise.
        long = np.hstack([form[:, :1], form[:, :1] ** 2])
        return {"length": long, "form": form, "subject": subject, "both": np.hstack([form, subject])}


@dataclass(slots=True)
class Expert:
    """A learner with the view it looks at and its weight for each group of targets."""

    view: str
    learner: Learner
    weights: tuple[float, float] = (0.0, 0.0)


def experts() -> list[Expert]:
    return [
        Expert("length", Ridge()),
        Expert("form", Ridge()),
        Expert("both", Ridge()),
        Expert("form", Waves()),
        Expert("both", Waves()),
        Expert("both", Neighbours()),
        Expert("subject", Neighbours()),
        Expert("both", Cells()),
        Expert("subject", Cells()),
    ]


@dataclass(slots=True)
class Outcomes:
    """Learned outcomes of m models. ``means`` [m]; ``counts`` [m] outcomes known; ``error`` [m] mean squared error of
    the guesses for prompts whose outcomes were not looked at."""

    sight: Sight
    means: np.ndarray
    counts: np.ndarray
    error: np.ndarray = field(default_factory=lambda: np.zeros(0))
    experts: list[Expert] = field(default_factory=experts)
    prior: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def learn(
        cls, texts: Sequence[str], outcomes: np.ndarray, embed: Embed | None = None, table: np.ndarray | None = None
    ) -> Outcomes:
        """``outcomes`` float [n, m] in 0..1, NaN where unknown; ``table`` [n, m] what was foreseen without them."""
        if len(texts) > MOST:
            some = np.sort(np.random.default_rng(0).choice(len(texts), MOST, replace=False))
            texts, outcomes = [texts[i] for i in some], outcomes[some]
            table = None if table is None else table[some]
        sight, views = Sight.learn(texts, embed)
        known = ~np.isnan(outcomes)
        means = pooled(outcomes, table)
        self = cls(sight, means, known.sum(axis=0))
        filled = np.where(known, outcomes, means + easiness(outcomes - means))
        guesses = self._blend(views, filled, table)
        for _ in range(0 if known.all() else FILLS - 1):
            # What nobody observed is what is foreseen for it: it must neither teach nor hold back.
            filled = np.where(known, outcomes, guesses)
            guesses = self._blend(views, filled, table)
        squared = np.where(known, (outcomes - guesses) ** 2, 0).sum(axis=0)
        self.error = (squared + 0.25 * 4) / (self.counts + 4)
        return self

    def _blend(self, views: dict[str, np.ndarray], filled: np.ndarray, table: np.ndarray | None) -> np.ndarray:
        """Fit every expert and the weights; gives the guesses for the prompts learned from, in 0..1."""
        targets = split(filled - self.means)
        columns = [expert.learner.learn(views[expert.view], targets) for expert in self.experts]
        columns.append(np.zeros_like(targets) if table is None else split(table - self.means))
        stacked = np.stack(columns)
        out = np.zeros_like(targets)
        weights = []
        for part in groups(targets):
            # Few outcomes leave the weights near where they began: with the table, if there is one.
            begin = np.full(len(columns), 0.0 if table is not None else 1 / len(self.experts))
            begin[-1] = 0.0 if table is None else 1.0
            held = HELD if table is None else HELD_BY_TABLE
            found = non_negative(stacked[:, :, part].reshape(len(columns), -1), targets[:, part].ravel(), begin, held)
            weights.append(found)
            out[:, part] = np.tensordot(found, stacked[:, :, part], 1)
        for place, expert in enumerate(self.experts):
            expert.weights = float(weights[0][place]), float(weights[1][place])
        self.prior = float(weights[0][-1]), float(weights[1][-1])
        return joined(out, self.means)

    @property
    def doubt(self) -> np.ndarray:
        """[m] the standard error of a guess: that of one outcome, over what the outcomes known teach of each prompt."""
        return np.asarray(np.sqrt(self.error / (1 + self.counts / TEACH)))

    def foresee(self, views: dict[str, np.ndarray], table: np.ndarray | None = None) -> np.ndarray:
        """float [k, m]: the share that each model will solve of prompts that look so (``sight.of``)."""
        out = np.zeros((len(views["form"]), 1 + len(self.means)))
        for expert in self.experts:
            if max(expert.weights) > 0:
                guess = expert.learner.guess(views[expert.view])
                out[:, :1] += expert.weights[0] * guess[:, :1]
                out[:, 1:] += expert.weights[1] * guess[:, 1:]
        if table is not None:
            out += np.array([self.prior[0]] + [self.prior[1]] * len(self.means)) * split(table - self.means)
        return joined(out, self.means)


def pooled(outcomes: np.ndarray, table: np.ndarray | None) -> np.ndarray:
    """[m] the models' means, few outcomes held towards the table's mean or the mean of all."""
    known = ~np.isnan(outcomes)
    # A table stands on about 40 items of each dimension.
    strength = 4.0 if table is None else 40.0
    whole = float(outcomes[known].mean()) if known.any() else 0.5
    center = np.full(outcomes.shape[1], whole) if table is None else table.mean(axis=0)
    return np.asarray((np.nansum(outcomes, axis=0) + strength * center) / (known.sum(axis=0) + strength))


def easiness(rest: np.ndarray) -> np.ndarray:
    """[n, 1] how far a prompt is from the models' means, by those that were asked; one outcome counts half."""
    known = ~np.isnan(rest)
    return np.asarray(np.nansum(rest, axis=1, keepdims=True) / (known.sum(axis=1, keepdims=True) + 1.0))


def split(rest: np.ndarray) -> np.ndarray:
    """[n, 1 + m]: the mean over models, then each model's distance from it."""
    common = rest.mean(axis=1, keepdims=True)
    return np.hstack([common, rest - common])


def joined(parts: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(means + parts[:, :1] + parts[:, 1:], LEAST, GREATEST))


def non_negative(columns: np.ndarray, target: np.ndarray, begin: np.ndarray, held: float) -> np.ndarray:
    """Weights w >= 0 that minimise |target - w·columns|^2, held to ``begin`` with the strength of ``held`` rows;
    those that come out light are left out, and the others found again. ``columns`` [j, n], ``target`` [n]."""
    size = np.diag(columns @ columns.T) / max(1, len(target)) + 1e-9
    gram = columns @ columns.T + np.diag(held * size)
    pull = columns @ target + held * size * begin
    weights = descend(gram, pull, begin.copy())
    kept = weights >= LIGHT
    found = np.zeros_like(weights)
    if kept.any():
        found[kept] = descend(gram[np.ix_(kept, kept)], pull[kept], weights[kept])
    return found


def descend(gram: np.ndarray, pull: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The non-negative minimum of w·gram·w / 2 - pull·w, by cyclic coordinate descent."""
    for _ in range(200):
        before = weights.copy()
        for place in range(len(weights)):
            rest = pull[place] - gram[place] @ weights + gram[place, place] * weights[place]
            weights[place] = max(0.0, rest / gram[place, place])
        if np.abs(weights - before).max() < 1e-6:
            break
    return weights
