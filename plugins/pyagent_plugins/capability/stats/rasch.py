"""Ability and difficulty on one scale, so that a model that got harder items is not taken for a worse one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

# Standard deviations in logits. Weak enough that forty answers outweigh them, there so that all right and all wrong
# stay finite and one model alone can be placed.
ABILITY, DIFFICULTY = 2.0, 1.0
ROUNDS, CLOSE = 50, 1e-6


@dataclass(frozen=True, slots=True)
class Fit:
    """Ability ``theta`` (persons) and difficulty ``b`` (groups of items) in logits, with standard errors."""

    theta: Array
    theta_se: Array
    b: Array
    b_se: Array


def expected(level: int) -> float:
    """Where a level's difficulty is expected before anybody answered: -2 for level 1 to 2 for level 5, logits.

    It also pins the scale down: without it only differences of ability and difficulty could be known.
    """
    return float(level - 3)


def chance(theta: Array | float, b: Array | float) -> Array:
    """The chance to solve, of an ability at a difficulty. Source: Rasch 1960."""
    return np.asarray(1 / (1 + np.exp(-np.clip(np.subtract(theta, b), -35, 35))))


def fit(asked: Array, solved: Array, prior: Array) -> Fit:
    """Fit all persons and groups jointly: the mode of the posterior, by Newton's method with halved steps.

    ``asked`` and ``solved`` have the shape (persons, groups): how many items, and the sum of shares solved;
    ``prior`` (groups) is the expected difficulty.
    """
    persons = len(asked)
    place = np.concatenate([np.zeros(persons), prior.astype(float)])
    value = _posterior(place, asked, solved, prior)
    for _ in range(ROUNDS):
        slope, curve = _derivatives(place, asked, solved, prior)
        step = np.linalg.solve(curve, slope)
        size = 1.0
        while size > 1e-4 and (moved := _posterior(place + size * step, asked, solved, prior)) < value:
            size /= 2
        place, value = place + size * step, max(moved, value)
        if float(np.abs(size * step).max(initial=0.0)) < CLOSE:
            break
    errors = np.sqrt(np.diag(np.linalg.inv(_derivatives(place, asked, solved, prior)[1])))
    return Fit(place[:persons], errors[:persons], place[persons:], errors[persons:])


def ability(asked: Array, solved: Array, b: Array) -> tuple[float, float]:
    """One person's ability and its standard error at known difficulties; all arrays have the shape (groups,)."""
    theta = 0.0
    for _ in range(ROUNDS):
        p = chance(theta, b)
        slope = float((solved - asked * p).sum()) - theta / ABILITY**2
        step = slope / (float((asked * p * (1 - p)).sum()) + ABILITY**-2)
        # A long step of Newton's overshoots where the curve is flat.
        theta += max(-1.0, min(1.0, step))
        if abs(step) < CLOSE:
            break
    p = chance(theta, b)
    return theta, float((float((asked * p * (1 - p)).sum()) + ABILITY**-2) ** -0.5)


def _posterior(place: Array, asked: Array, solved: Array, prior: Array) -> float:
    persons = len(asked)
    theta, b = place[:persons], place[persons:]
    logit = theta[:, None] - b[None, :]
    likely = solved * logit - asked * np.logaddexp(0.0, logit)
    return float(likely.sum() - (theta**2).sum() / 2 / ABILITY**2 - ((b - prior) ** 2).sum() / 2 / DIFFICULTY**2)


def _derivatives(place: Array, asked: Array, solved: Array, prior: Array) -> tuple[Array, Array]:
    """The gradient and the negative second derivative of the posterior."""
    persons = len(asked)
    theta, b = place[:persons], place[persons:]
    p = chance(theta[:, None], b[None, :])
    rest, weight = solved - asked * p, asked * p * (1 - p)
    slope = np.concatenate([rest.sum(1) - theta / ABILITY**2, -rest.sum(0) - (b - prior) / DIFFICULTY**2])
    curve = np.zeros((len(place), len(place)))
    curve[:persons, :persons] = np.diag(weight.sum(1) + ABILITY**-2)
    curve[persons:, persons:] = np.diag(weight.sum(0) + DIFFICULTY**-2)
    curve[:persons, persons:], curve[persons:, :persons] = -weight, -weight.T
    return slope, curve
