"""How well prompts are routed, beside every simple way of doing it, in worlds whose laws no router knows.

Pairs (weak, strong): APGR, the mean share of the gap between the models that is won when 0 to 100 % of the prompts go
to the strong one; random is .50. Nine models: nAUC, the area under accuracy over cost (0 the cheapest model alone, 1
the oracle's accuracy at every cost), PerfGain over the best single model, CostSave at the best single's accuracy. All
by k-fold: a prompt is never judged by what was learned from it. `table` knows the true type, `oracle` the outcomes.

    python benchmarks/router.py [--prompts 3000] [--folds 5] [--seeds 2] [--embed] [--speed]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from random import Random

import numpy as np
from router_worlds import PAIRS, World, nine_models

from pyagent_plugins.capability import Router
from pyagent_plugins.capability.needs.features import matrix
from pyagent_plugins.capability.needs.phrasings import prompts

Way = Callable[[World, np.ndarray, np.ndarray], np.ndarray]


def chances(world: World) -> np.ndarray:
    return np.random.default_rng(0).uniform(size=world.outcomes.shape)


def scaled(world: World, train: np.ndarray) -> np.ndarray:
    x = matrix(world.prompts)
    scale = x[train].std(axis=0)
    return (x - x[train].mean(axis=0)) / np.where(scale > 0, scale, 1)


def random(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    return chances(world)[test]


def cheapest(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    return np.broadcast_to(-world.costs[train].mean(axis=0), (len(test), world.outcomes.shape[1]))


def best_single(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    return np.broadcast_to(world.outcomes[train].mean(axis=0), (len(test), world.outcomes.shape[1]))


def length(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The longer, the more to the strong (pairs), by the direction that the training part shows."""
    chars = np.log1p([len(prompt) for prompt in world.prompts])
    line = np.stack([np.ones(len(chars)), chars], axis=1)
    return line[test] @ np.linalg.lstsq(line[train], world.outcomes[train], rcond=None)[0]


def knn(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    x = scaled(world, train)
    far = ((x[test] ** 2).sum(1)[:, None] - 2 * x[test] @ x[train].T) + (x[train] ** 2).sum(1)
    return world.outcomes[train][np.argpartition(far, 40, axis=1)[:, :40]].mean(axis=1)


def kmeans(world: World, train: np.ndarray, test: np.ndarray, size: int = 32) -> np.ndarray:
    x, rng = scaled(world, train), np.random.default_rng(0)
    centers = x[rng.choice(train, size, replace=False)]
    for _ in range(20):
        cell = np.argmin(((x[train, None] - centers) ** 2).sum(-1), axis=1)
        centers = np.stack([x[train][cell == k].mean(0) if (cell == k).any() else centers[k] for k in range(size)])
    own = np.argmin(((x[test, None] - centers) ** 2).sum(-1), axis=1)
    return _by_group(world.outcomes[train], cell, own, size)


def logistic(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    x = np.hstack([scaled(world, train), np.ones((len(world.prompts), 1))])
    weights = np.zeros((x.shape[1], world.outcomes.shape[1]))
    for _ in range(300):
        fitted = 1 / (1 + np.exp(-x[train] @ weights))
        weights += 0.5 * (x[train].T @ (world.outcomes[train] - fitted) / len(train) - 1e-3 * weights)
    return 1 / (1 + np.exp(-x[test] @ weights))


def table(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    return _by_group(world.outcomes[train], world.kind[train], world.kind[test], int(world.kind.max()) + 1)


def oracle(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    return world.outcomes[test]


def ours(embed: bool) -> Way:
    def way(world: World, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        names = [f"model-{i}" for i in range(world.outcomes.shape[1])]
        router = Router(names, embed=embed)
        router.fit([world.prompts[i] for i in train], world.outcomes[train], world.costs[train])
        return router.scores([world.prompts[i] for i in test])

    return way


def _by_group(outcomes: np.ndarray, group: np.ndarray, asked: np.ndarray, size: int) -> np.ndarray:
    whole = outcomes.mean(axis=0)
    means = np.stack([outcomes[group == k].mean(axis=0) if (group == k).any() else whole for k in range(size)])
    return means[asked]


WAYS: dict[str, Way] = {
    "random": random, "cheapest": cheapest, "best single": best_single, "prompt length": length, "kNN 40": knn,
    "k-means 32": kmeans, "logistic": logistic, "table, true type": table, "oracle": oracle,
}  # fmt: skip


def folded(world: World, way: Way, folds: int) -> np.ndarray:
    """float [n, m]: each prompt's scores by what was learned from the other folds."""
    scores = np.zeros(world.outcomes.shape)
    order = np.random.default_rng(7).permutation(len(world.prompts))
    for fold in range(folds):
        test = order[fold::folds]
        train = np.setdiff1d(order, test)
        scores[test] = way(world, train, test)
    return scores


def apgr(world: World, scores: np.ndarray) -> float:
    """Mean performance-gap recovered over all shares of calls to the strong model (RouteLLM, section 3)."""
    weak, strong = world.outcomes.T
    # Equal scores in random order, or a constant would be judged by the order of the file.
    noise = np.random.default_rng(1).uniform(size=len(scores))
    order = np.lexsort((noise, scores[:, 0] - scores[:, 1]))
    gained = np.concatenate([[0], np.cumsum((strong - weak)[order])])
    return float(gained.mean() / (strong.sum() - weak.sum()))


def many(world: World, scores: np.ndarray) -> tuple[float, float, float]:
    """(nAUC, PerfGain, CostSave) of choosing argmax score - weight * cost over all weights."""
    outcomes, costs = world.outcomes, world.costs
    points = []
    for weight in [*np.geomspace(1e-3, 1e5, 161), 0.0]:
        pick = np.argmax(scores - weight * costs / costs.mean(), axis=1)
        rows = np.arange(len(pick))
        points.append((costs[rows, pick].mean(), outcomes[rows, pick].mean()))
    low, high = costs.mean(axis=0).min(), costs.mean(axis=0).max()
    start, top = outcomes[:, costs.mean(axis=0).argmin()].mean(), outcomes.max(axis=1).mean()
    best = outcomes.mean(axis=0).argmax()
    points.sort()
    cost, reached = np.array([p[0] for p in points]), np.maximum.accumulate([p[1] for p in points])
    grid = np.linspace(low, high, 400)
    curve = np.interp(grid, cost, reached, left=start)
    area = float(np.mean((curve - start) / (top - start)))
    enough = cost[reached >= outcomes[:, best].mean() - 1e-12]
    saved = 1 - enough.min() / costs[:, best].mean() if len(enough) else 0.0
    return area, float(reached.max() / outcomes[:, best].mean() - 1), float(max(saved, 0.0))


def compare(size: int, folds: int, seeds: int, embed: bool) -> None:
    ways = {**WAYS, "PyAgent": ours(False), **({"PyAgent, MiniLM": ours(True)} if embed else {})}
    heads = [make.__name__.removeprefix("by_") for make in PAIRS]
    print(f"{size:,} prompts a world, {folds} folds, {seeds} seeds; pairs: APGR; nine models: nAUC, PerfGain, CostSave")
    print(f"{'':<18}" + "".join(f"{head:>9}" for head in heads) + f"{'nAUC':>9}{'gain':>8}{'save':>8}", flush=True)
    worlds = [[make(np.random.default_rng(100 + s), size) for make in (*PAIRS, nine_models)] for s in range(seeds)]
    for name, way in ways.items():
        rows = []
        for made in worlds:
            pairs = [apgr(world, folded(world, way, folds)) for world in made[:-1]]
            rows.append([*pairs, *many(made[-1], folded(made[-1], way, folds))])
        mean = np.mean(rows, axis=0)
        told = "".join(f"{value:>9.3f}" for value in mean[:-2]) + "".join(f"{value:>8.1%}" for value in mean[-2:])
        print(f"{name:<18}{told}", flush=True)


def speed(embed: bool) -> None:
    """Decisions a second of CPU, one prompt at a time; learning 3,000 and 15,000 outcomes."""
    world = nine_models(np.random.default_rng(5), 15_000)
    names = [f"model-{i}" for i in range(9)]
    for size in (3_000, 15_000):
        router, start = Router(names, embed=False), time.process_time()
        router.fit(world.prompts[:size], world.outcomes[:size], world.costs[:size])
        took, start = time.process_time() - start, time.process_time()
        for prompt in world.prompts[:1000]:
            router.route(prompt)
        rate = 1000 / (time.process_time() - start)
        print(f"{size:>7,} outcomes of 9 models: learned in {took:.1f} s of CPU, then {rate:,.0f} decisions/s")
    if embed:
        # Words that are none are read syllable by syllable: for MiniLM real ones, as people ask.
        asked = [prompt for _, _, _, prompt in prompts(Random(9), 4)]
        router = Router(names, embed=True)
        router.fit(asked[:300], world.outcomes[:300], world.costs[:300])
        start = time.process_time()
        for prompt in asked[300:]:
            router.route(prompt)
        print(f"with MiniLM: {len(asked[300:]) / (time.process_time() - start):,.0f} decisions/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=3000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--embed", action="store_true", help="also with MiniLM")
    parser.add_argument("--speed", action="store_true", help="decisions a second instead")
    given = parser.parse_args()
    speed(given.embed) if given.speed else compare(given.prompts, given.folds, given.seeds, given.embed)


if __name__ == "__main__":
    main()
