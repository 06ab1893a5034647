"""Whether the weekly comparison cries wolf, and whether it hears one: simulated weeks through the real statistics.

    python benchmarks/capability_alarms.py [--years 40] [--repeats 2000]

A fleet of 8 models is measured in 15 dimensions, 120 cells of 40 anchors and 20 fresh items at five levels, for 26
weeks in which nothing changes: every alarm is false. Answers of an anchor in two weeks differ with the chance psi
(0.15: a provider's noisy serving), which is a third of what sister models of one family show. Then drops of known
size, over all and in one cell, in one week and for good. Printed: false alarms in 26 weeks by rule, the chance to
find a drop in one week, and the weeks until the CUSUM finds one.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

import numpy as np  # noqa: E402

from pyagent_plugins.capability.check.stopping import LEVEL, Stopping, Worse  # noqa: E402
from pyagent_plugins.capability.registry.compare import Pair, dimensions, overall  # noqa: E402
from pyagent_plugins.capability.registry.drift import Answer, watch  # noqa: E402
from pyagent_plugins.capability.registry.scale import Ability, Scale, Tally, fitted  # noqa: E402
from pyagent_plugins.capability.stats.evalue import EarlyStop  # noqa: E402
from pyagent_plugins.capability.stats.mcnemar import paired  # noqa: E402
from pyagent_plugins.capability.stats.power import power  # noqa: E402
from pyagent_plugins.capability.stats.rasch import chance, expected  # noqa: E402
from pyagent_plugins.capability.words import Cell, Outcome  # noqa: E402

MODELS, DIMS, ANCHORS, FRESH, WEEKS, PSI = 8, 15, 40, 20, 26, 0.15
LEVELS = (1, 2, 3, 4, 5)
Array = np.ndarray


@dataclass
class Simulated:
    """One model: an ability in each dimension, and which anchors it can do. Every week draws its answers anew."""

    rng: np.random.Generator
    psi: float = PSI
    dims: int = DIMS

    def __post_init__(self) -> None:
        self.theta = self.rng.normal(0.0, 1.2, self.dims)
        self.level = np.resize(LEVELS, ANCHORS)
        hard = np.array([expected(int(level)) for level in self.level])
        self.can = self.rng.random((self.dims, ANCHORS)) < chance(self.theta[:, None], hard[None, :])
        # Two answers to an anchor differ with the chance 2 r (1 - r) = psi.
        self.slip = (1 - np.sqrt(1 - 2 * self.psi)) / 2

    def anchors(self, drop: Array | float = 0.0) -> Array:
        """This week's answers, (dims, anchors). ``drop``: the share of all items that it can no longer solve."""
        p = np.where(self.can, 1 - self.slip, self.slip)
        lost = np.broadcast_to(np.asarray(drop, float), self.dims) / p.mean(1)
        return self.rng.random(p.shape) < p * (1 - np.minimum(lost, 1.0))[:, None]

    def fresh(self, drop: Array | float = 0.0) -> Array:
        hard = np.array([expected(int(level)) for level in np.resize(LEVELS, FRESH)])
        p = chance(self.theta[:, None], hard[None, :])
        lost = np.broadcast_to(np.asarray(drop, float), self.dims) / p.mean(1)
        return self.rng.random(p.shape) < p * (1 - np.minimum(lost, 1.0))[:, None]


def outcomes(answers: Array) -> list[Outcome]:
    """(dims, anchors) as the registry gives them."""
    return [
        Outcome(
            f"{d}/{i}",
            f"d{d:02}",
            LEVELS[i % 5],
            "anchor",
            f"{d}/{i % 10}",
            float(x),
            True,
            "",
            0,
            None,
            0,
            0,
            None,
            "",
        )
        for d, row in enumerate(answers)
        for i, x in enumerate(row)
    ]


def cells(answers: Array) -> list[Cell]:
    return [
        Cell("m", "", f"d{d:02}", len(row), float(row.mean()), 0.0, 1.0, 1.0, None, None)
        for d, row in enumerate(answers)
    ]


def weekly(before: Array, after: Array, family: int = 1) -> tuple[bool, list[str]]:
    """Whether the comparison calls the overall index lost, and which cells."""
    pairs: list[Pair] = list(zip(outcomes(before), outcomes(after), strict=True))
    both = {b.dim: (b, a) for b, a in zip(cells(before), cells(after), strict=True)}
    lost = overall(pairs, both.values(), family, False).verdict == "regression"
    return lost, [c.dim for c in dimensions(pairs, both, family) if c.verdict == "regression"]


def stopped(rng: np.random.Generator, before: Array, after: Array, family: int = 1) -> int | None:
    """After how many answers, in an order by chance, the check is stopped; None: it comes to its end."""
    earlier = {outcome.item: outcome.solved for outcome in outcomes(before)}
    looks = 1 if family == 1 else 2 * family
    stopping = Stopping("", EarlyStop.against(earlier, LEVEL / looks), len(before))
    rows = outcomes(after)
    for count, place in enumerate(rng.permutation(len(rows)), 1):
        try:
            stopping.see(rows[place])
        except Worse:
            return count
    return None


def disasters(seed: int, repeats: int, kept: float) -> list[int | None]:
    """Answers until a check of 560 anchors is stopped, of a model that keeps so much of what it could solve."""
    rng = np.random.default_rng(seed)
    told = []
    for _ in range(repeats):
        model = Simulated(rng, dims=14)
        before = model.anchors()
        told.append(stopped(rng, before, model.anchors() & (rng.random(before.shape) < kept), MODELS))
    return told


def answers(fresh: Array) -> list[Answer]:
    return [
        Answer(f"d{d:02}", ("g", LEVELS[i % 5]), float(x)) for d, row in enumerate(fresh) for i, x in enumerate(row)
    ]


def baseline(models: Sequence[Simulated]) -> tuple[Scale, list[dict[str, Ability]]]:
    """The scale of a first week of all models, and each one's frozen abilities."""
    rows: list[Tally] = []
    for number, model in enumerate(models):
        first = np.concatenate([model.fresh(), model.fresh(), model.fresh()], axis=1)
        for answer in answers(first):
            rows.append(Tally(answer.dim, (str(number), "w00"), answer.group, 1, answer.solved))
    scale = fitted(rows)
    return scale, [
        {dim: found for (dim, person), found in scale.ability.items() if person[0] == str(number)}
        for number in range(len(models))
    ]


def false_alarms(seed: int, psi: float = PSI, weeks: int = WEEKS) -> dict[str, int]:
    """Alarms of a fleet to which nothing happened, by rule. A drift that stays alarmed is one alarm."""
    rng = np.random.default_rng(seed)
    models = [Simulated(rng, psi) for _ in range(MODELS)]
    last = [model.anchors() for model in models]
    scale, bases = baseline(models)
    counts = {"overall": 0, "cell": 0, "drift": 0, "stop": 0}
    fresh: list[list[list[Answer]]] = [[] for _ in models]
    for _ in range(weeks):
        for number, model in enumerate(models):
            now = model.anchors()
            lost, cells_lost = weekly(last[number], now, MODELS)
            counts["overall"] += lost
            counts["cell"] += len(cells_lost)
            # A check that was stopped is an alarm of its own only where the whole one would have been silent.
            counts["stop"] += stopped(rng, last[number], now, MODELS) is not None and not lost
            last[number] = now
            fresh[number].append(answers(model.fresh()))
    for base, seen in zip(bases, fresh, strict=True):
        counts["drift"] += len(ever(base, scale, seen))
    return counts


def ever(base: dict[str, Ability], scale: Scale, weeks: Sequence[Sequence[Answer]]) -> dict[str, int]:
    """The first week, from 1, in which each drift alarmed."""
    return {drift.dim: drift.first for drift in watch(base, scale, weeks) if drift.first is not None}


def found(seed: int, repeats: int, drop: float, dims: int, psi: float = PSI) -> float:
    """How often a drop in all ``dims`` dimensions is called real in its first week, by one model's comparison.

    ``psi`` is the share of flips in all, those of the drop included.
    """
    rng = np.random.default_rng(seed)
    hits = 0
    for _ in range(repeats):
        model = Simulated(rng, psi - drop, dims)
        hits += weekly(model.anchors(), model.anchors(drop))[0]
    return hits / repeats


def split_alpha(seed: int, repeats: int, drop: float, n: int, psi: float = PSI) -> tuple[float, float]:
    """The two halves of alpha on ``n`` paired items of which exactly a share ``psi`` flips on average: the chance to
    alarm, and the mean number of items after which the e-process stopped (n where it did not)."""
    from pyagent_plugins.capability.stats.evalue import Watch

    rng = np.random.default_rng(seed)
    hits, used = 0, []
    for _ in range(repeats):
        draw = rng.random(n)
        before = np.where(draw < (psi + drop) / 2, 1.0, 0.0)
        after = np.where((draw >= (psi + drop) / 2) & (draw < psi), 1.0, 0.0)
        hits += paired(before, after).p <= 0.05
        watch_ = Watch()
        used.append(next((i for i, pair in enumerate(zip(before, after, strict=True), 1) if watch_.see(*pair)), n))
    return hits / repeats, statistics.mean(used)


def one_cell(seed: int, repeats: int, drop: float) -> tuple[float, float]:
    """A drop in one of 15 cells in one week: how often it is found, and false ones beside it in a comparison."""
    rng = np.random.default_rng(seed)
    hits, false = 0, 0
    for _ in range(repeats):
        model = Simulated(rng)
        where = np.zeros(model.dims)
        strong = int(np.argmax(model.can.mean(1)))
        where[strong] = drop
        _, lost = weekly(model.anchors(), model.anchors(where), MODELS)
        hits += f"d{strong:02}" in lost
        false += len([dim for dim in lost if dim != f"d{strong:02}"])
    return hits / repeats, false / repeats


def delays(seed: int, repeats: int, drop: float, everywhere: bool) -> list[int | None]:
    """Weeks until a lasting drop is found by its fresh items: in one cell, or over all."""
    rng = np.random.default_rng(seed)
    told: list[int | None] = []
    for _ in range(repeats):
        models = [Simulated(rng) for _ in range(MODELS)]
        scale, bases = baseline(models)
        model, base = models[0], bases[0]
        strong = int(np.argmax(model.theta))
        where = np.full(model.dims, drop) if everywhere else np.eye(model.dims)[strong] * drop
        weeks = [answers(model.fresh(where)) for _ in range(WEEKS)]
        told.append(ever(base, scale, weeks).get("" if everywhere else f"d{strong:02}"))
    return told


def shown(weeks: Iterable[int | None]) -> str:
    known = list(weeks)
    heard = sorted(week for week in known if week is not None)
    middle = (
        f"median {statistics.median([w or WEEKS + 1 for w in known]):.0f} weeks" if len(heard) * 2 > len(known) else "-"
    )
    return f"{len(heard) / len(known):.0%} within {WEEKS} weeks, {middle}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=40, help="half years of A/A for the fleet")
    parser.add_argument("--repeats", type=int, default=2000)
    args = parser.parse_args()
    print(f"A/A: {MODELS} models x {DIMS} dimensions, {ANCHORS} anchors + {FRESH} fresh, {WEEKS} weeks, psi {PSI}")
    counted = [false_alarms(seed) for seed in range(args.years)]
    for rule in counted[0]:
        print(f"  false alarms, {rule:<8} {statistics.mean(c[rule] for c in counted):.3f} in {WEEKS} weeks")
    totals = [sum(c.values()) for c in counted]
    few = sum(total <= 1 for total in totals) / len(totals)
    print(
        f"  all rules {statistics.mean(totals):.3f} on average; {few:.0%} of {len(totals)} half years had one or none"
    )
    print("split alpha .025/.025 on paired items, psi .15")
    for n, drop in ((480, 0.05), (560, 0.05), (840, 0.05), (240, 0.10), (240, 0.0), (840, 0.0)):
        hit, used = split_alpha(1, args.repeats, drop, n)
        formula = f"closed form {power(n, drop, PSI):.2f}" if drop else "no drop: false alarms"
        print(f"  {100 * drop:>2.0f} points, n={n}: {hit:.3f} ({formula}); the e-process stops after {used:.0f} items")
    print("the weekly comparison of one model")
    for dims in (14, 21):
        hit = found(2, args.repeats // 4, 0.05, dims)
        print(f"  5 points over all, {dims * ANCHORS} anchors: {hit:.3f}")
    for drop in (0.15, 0.30):
        hit, false = one_cell(3, args.repeats // 4, drop)
        print(f"  {100 * drop:.0f} points in one cell of 120: {hit:.3f} in one week, {false:.4f} false beside it")
    print("stopped early, among eight models: answers of 560 that were asked")
    for kept in (0.1, 0.5, 0.7, 1.0):
        counted_ = disasters(5, args.repeats // 20, kept)
        heard = [count for count in counted_ if count is not None]
        middle = f"median {statistics.median(heard):.0f}" if heard else "-"
        print(f"  a model that keeps {kept:.0%}: {len(heard) / len(counted_):.0%} stopped, {middle} answers")
    print("lasting drops, by fresh items alone (CUSUM)")
    for drop, everywhere in ((0.05, True), (0.10, True), (0.15, False), (0.30, False)):
        what = "over all" if everywhere else "in one cell"
        print(f"  {100 * drop:.0f} points {what}: {shown(delays(4, args.repeats // 50, drop, everywhere))}")


if __name__ == "__main__":
    main()
