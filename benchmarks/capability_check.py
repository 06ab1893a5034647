"""What a check of the bundled model costs: wall and CPU seconds of each dimension and in all, smoke and weekly.

Each dimension is asked by itself for its own figure; then everything together, as `pyagent capability check` does it.
CPU time is this process's and its engine processes'. What the model solves is printed beside it, level by level.

    python benchmarks/capability_check.py [--profile smoke|weekly] [--model FILE.gguf] [--together]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pyagent.host.app import App
from pyagent_plugins.capability.check.checker import Checker, Ended
from pyagent_plugins.capability.check.rounds import Rounds
from pyagent_plugins.capability.items.suite import PROFILES
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.words import DIMENSIONS, Outcome

CACHE = Path(os.environ.get("PYAGENT_BENCH_CACHE") or Path(tempfile.gettempdir()) / "pyagent-bench")


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in found)


async def one(
    app: App, registry: Registry, profile: str, model: str, dims: list[str] | None
) -> tuple[Ended, float, float]:
    started, before = time.monotonic(), cpu()
    ended = await Rounds(app, Checker(registry, PROFILES[profile], dims)).check(model)
    return ended, time.monotonic() - started, cpu() - before


def levels(outcomes: Sequence[Outcome], dim: str) -> str:
    """The share solved at each level."""
    shares = []
    for level in range(1, 6):
        solved = [outcome.solved for outcome in outcomes if outcome.dim == dim and outcome.level == level]
        shares.append(f"{sum(solved) / len(solved):.2f}" if solved else "-")
    return " ".join(shares)


def show(ended: Ended, registry: Registry, wall: float, used: float) -> None:
    row = next(row for row in registry.checks(ended.model) if row.suite == ended.suite)
    outcomes = registry.outcomes(row.id)
    for cell in ended.cells:
        said = f"solved {cell.solved:.2f} [{cell.low:.2f}, {cell.high:.2f}], complied {cell.complied:.2f}"
        said = said if cell.applicable else "not applicable"
        print(f"{cell.dim:22} n={cell.n:3} {said}, by level {levels(outcomes, cell.dim)}", flush=True)
    print(f"{ended.suite}: {wall:.1f} s wall, {used:.1f} s CPU, {ended.asked} answers, {dict(ended.ops)}", flush=True)


async def measure(profile: str, model: str, together: bool) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "cache").mkdir()
        for made_once in ("models", "kernels"):
            (CACHE / made_once).mkdir(exist_ok=True)
            (Path(home) / "cache" / made_once).symlink_to(CACHE / made_once)
        os.environ["PYAGENT_HOME"] = home
        app = App()
        with Registry.open(Path(home) / "capability.db") as registry:
            parts = [] if together else [[dimension.name] for dimension in DIMENSIONS]
            if profile == "smoke":
                parts = [part for part in parts if not part[0].startswith("context.")]
            for part in parts:
                show(*await _row(app, registry, profile, model, part))
            print("together", flush=True)
            show(*await _row(app, registry, profile, model, None))


async def _row(
    app: App, registry: Registry, profile: str, model: str, dims: list[str] | None
) -> tuple[Ended, Registry, float, float]:
    ended, wall, used = await one(app, registry, profile, model, dims)
    return ended, registry, wall, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", choices=("smoke", "weekly"))
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--together", action="store_true", help="not one dimension after the other first")
    args = parser.parse_args()
    for profile in (args.profile,) if args.profile else ("smoke", "weekly"):
        print(f"== {profile}", flush=True)
        asyncio.run(measure(profile, args.model, args.together))


if __name__ == "__main__":
    main()
