"""Whether the budget for wrong answers holds, over resampled streams of questions with known truth.

    python benchmarks/cache_risk.py [--streams 200] [--length 6000]

The pairs come from intents of the generator that the verifier was not fitted on, with real embeddings, real guards
and the shipped verifier. Each stream draws its own share of traps (10 to 60 %) and its own order; the calibrator
starts from nothing, learns from its shadow samples alone and decides what is served. Printed: the share of streams
whose semantic hits were wrong at a rate within the budget at their end, and when hits begin.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins"), str(ROOT / "benchmarks")]

from cache_generator import Pair, pairs  # noqa: E402

from pyagent.embed.open import open_embedder  # noqa: E402
from pyagent_plugins.cache.calibration import Calibrator, Match  # noqa: E402
from pyagent_plugins.cache.matching import matched, refused  # noqa: E402
from pyagent_plugins.cache.meaning.features import features  # noqa: E402
from pyagent_plugins.cache.meaning.verifier import fitted  # noqa: E402
from pyagent_plugins.cache.risk import RiskBudget  # noqa: E402

POOL = 6000


@dataclass(frozen=True, slots=True)
class Candidate:
    match: Match
    same: bool
    refused: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    served: int
    wrong: int
    paraphrases: int
    given: int
    first: int | None
    calibrated: int | None

    @property
    def rate(self) -> float:
        return self.wrong / self.served if self.served else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--length", type=int, default=6000)
    options = parser.parse_args()
    pool = candidates(pairs(POOL, seed=5, half=1))
    good, bad = [c for c in pool if c.same], [c for c in pool if not c.same]
    print(f"{len(good)} paraphrases and {len(bad)} traps of intents outside the fit; {options.streams} streams a row")
    print(f"{'budget':>7} {'held':>6} {'worst':>7} {'mean':>7} {'served':>7} {'first hit':>10} {'calibrated':>11}")
    for rate in (0.02, 0.05, 0.10):
        outcomes = [stream(good, bad, rate, seed, options.length) for seed in range(options.streams)]
        print(_row(rate, outcomes))
    print("served: share of the paraphrases; first hit: would-be hits until one is served, by the median stream;")
    print("calibrated: would-be hits until the threshold is measured (streams that never got there: in brackets)")


def _row(rate: float, outcomes: list[Outcome]) -> str:
    held = sum(outcome.rate <= rate for outcome in outcomes) / len(outcomes)
    rates = [outcome.rate for outcome in outcomes]
    served = sum(o.given for o in outcomes) / sum(o.paraphrases for o in outcomes)
    first = statistics.median(o.first or 10**9 for o in outcomes)
    begun = [o.calibrated for o in outcomes if o.calibrated]
    when = f"{statistics.median(begun):.0f} ({len(outcomes) - len(begun)})" if begun else "never"
    mean = statistics.mean(rates)
    return f"{rate:7.0%} {held:6.1%} {max(rates):7.2%} {mean:7.2%} {served:7.1%} {first:10.0f} {when:>11}"


def candidates(made: list[Pair]) -> list[Candidate]:
    texts = list(dict.fromkeys(text for pair in made for text in (pair.one, pair.other)))
    vectors = dict(zip(texts, open_embedder().embed(texts), strict=True))
    parsed = {text: features(text) for text in texts}
    found = []
    for pair in made:
        one, other = parsed[pair.one], parsed[pair.other]
        cosine = float(vectors[pair.one] @ vectors[pair.other])
        match = matched(pair.one, one, pair.other, other, cosine)
        found.append(Candidate(match, pair.same, refused(pair.one, one, pair.other, other) is not None))
    return found


def stream(good: list[Candidate], bad: list[Candidate], rate: float, seed: int, length: int) -> Outcome:
    """One user's traffic: would-be hits in random order, each decided by the calibrator as it then stands."""
    draw = random.Random(seed)
    traps = draw.uniform(0.1, 0.6)
    calibrator = Calibrator(RiskBudget(rate), fitted())
    served = wrong = paraphrases = given = 0
    first = calibrated = None
    for at in range(1, length + 1):
        candidate = draw.choice(bad if draw.random() < traps else good)
        paraphrases += candidate.same
        if candidate.refused:
            continue
        hit = calibrator.serves(candidate.match)
        if hit:
            served, wrong, given = served + 1, wrong + (not candidate.same), given + candidate.same
            first = first or at
        if draw.random() < calibrator.shadow_rate(hit):
            calibrator.sample(candidate.match, candidate.same, hit)
        if calibrator.mode == "calibrated":
            calibrated = calibrated or at
    return Outcome(served, wrong, paraphrases, given, first, calibrated)


if __name__ == "__main__":
    main()
