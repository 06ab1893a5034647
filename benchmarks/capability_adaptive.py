"""How near 15 chosen items come to all, beside as many by chance: a weekly check's real answers, asked in thought.

Every dimension's answers of a model's newest weekly check are replayed: the adaptive choice sees only what it asks
for. Its score is held against the share of all items solved; so is the mean of 15, 30 and all but one items drawn at
random. Difficulties are what levels lead to expect, for nobody else answered these items.

    python benchmarks/capability_adaptive.py CAPABILITY.DB MODEL [--repeats 200]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

import numpy as np  # noqa: E402

from pyagent_plugins.capability.registry.registry import Registry  # noqa: E402
from pyagent_plugins.capability.stats.adaptive import Adaptive  # noqa: E402
from pyagent_plugins.capability.stats.rasch import expected  # noqa: E402

SIZES = (15, 30, 45)


def chosen(solved: np.ndarray, hard: Sequence[float], seed: int, most: int = 15) -> float:
    """The score after ``most`` items that the choice asked for."""
    choice = Adaptive(hard, seed, items=most)
    while (item := choice.next()) is not None:
        choice.see(item, float(solved[item]))
    return choice.score()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("registry", type=Path)
    parser.add_argument("model")
    parser.add_argument("--repeats", type=int, default=200)
    given = parser.parse_args()
    with Registry.open(given.registry, readonly=True) as held:
        week = held.weeks(given.model)[-1]
        check = held.speaking(given.model, week)
        assert check is not None
        rows = held.outcomes(check.id)
    print(f"{given.model}, {week}, {check.suite}: root mean square error of the share solved, in points")
    print(f"{'':<22}{'n':>4}{'solved':>8}{'chosen 15':>11}" + "".join(f"{f'random {size}':>11}" for size in SIZES))
    every: dict[str, list[float]] = {}
    for dim in sorted({row.dim for row in rows}):
        mine = [row for row in rows if row.dim == dim]
        if len(mine) <= max(SIZES):
            continue
        solved = np.array([row.solved for row in mine])
        hard = [expected(row.level) for row in mine]
        rng = np.random.default_rng(3)
        found = {"chosen 15": [chosen(solved, hard, seed) for seed in range(given.repeats)]}
        for size in SIZES:
            found[f"random {size}"] = [
                float(rng.choice(solved, size, replace=False).mean()) for _ in range(given.repeats)
            ]
        errors = {name: float(np.sqrt(np.mean(np.square(np.array(x) - solved.mean())))) for name, x in found.items()}
        for name, error in errors.items():
            every.setdefault(name, []).append(error)
        told = "".join(f"{100 * error:>11.1f}" for error in errors.values())
        print(f"{dim:<22}{len(mine):>4}{solved.mean():>8.2f}{told}")
    told = "".join(f"{100 * float(np.mean(errors)):>11.1f}" for errors in every.values())
    print(f"{'mean':<22}{'':>4}{'':>8}{told}")


if __name__ == "__main__":
    main()
