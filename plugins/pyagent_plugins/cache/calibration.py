"""From which probability on a semantic hit is served, so that the user's budget for wrong answers holds.

The verifier's probability says which of two hits is safer, not how often either is wrong in this user's traffic.
That is measured: some would-be hits are computed anyway and compared (shadow samples), and the threshold goes down
only as far as a Clopper–Pearson bound on those samples allows (Learn then Test, Angelopoulos et al. 2021, with a
fixed sequence from strict to loose). The error level is spent over the checks, 1/(k(k+1)) of it on the k-th, so that
it holds over all of them together. Until the first check succeeds only strict hits are served.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Container
from dataclasses import dataclass
from typing import Literal

from pyagent_plugins.cache.entry import normalised
from pyagent_plugins.cache.risk import RiskBudget, Wager, upper_bound

Mode = Literal["strict", "calibrated", "off"]
VERSION = 1
# From strict to loose; below one half the verifier itself says no.
THRESHOLDS = (0.98, 0.97, 0.96, 0.95, 0.94, 0.92, 0.9, 0.88, 0.86, 0.84, 0.82, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5)
# What may be served before anything was measured: one canonical form, or nearly so with near vectors.
STRICT_PROBABILITY, STRICT_COSINE = 0.9, 0.93
KEPT = 4096  # samples; older ones fall out, as traffic changes
YOUNG = 300  # looks at served hits; at 2 % the first check needs 183 without a wrong one
PATIENCE = 10  # times the least number of samples, until a check begins without enough strict ones
GROWTH = 1.25  # a check follows when there are so many times more samples than at the last one


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate that passed the guards. ``pair`` names the two questions (`pair_of`), ``probability`` [0, 1] is
    the verifier's, ``cosine`` [-1, 1] of their vectors, ``doubt`` what ``guards.doubt`` and ``canon.near`` leave,
    ``same`` says that both have one canonical form."""

    pair: bytes
    probability: float
    cosine: float
    doubt: bool
    same: bool = False

    @property
    def strict(self) -> bool:
        if self.same:
            return True
        return not self.doubt and self.probability >= STRICT_PROBABILITY and self.cosine >= STRICT_COSINE


@dataclass(frozen=True, slots=True)
class Sample:
    """A would-be hit that was computed anyway, and whether the kept answer was the right one."""

    pair: bytes
    probability: float
    strict: bool
    correct: bool


@dataclass(frozen=True, slots=True)
class State:
    """What stands behind the semantic hits: ``wrong`` of ``samples`` clean shadow samples at or above
    ``threshold``, with the ``bound`` on their rate; ``threshold`` is None when strict hits alone are served or none;
    mode `calibrated` says that the bound holds for what is served, `strict` that it is not yet shown;
    ``needed`` is how many clean samples the next check wants at least; ``alarms`` how often the budget was broken."""

    mode: Mode
    threshold: float | None
    samples: int
    wrong: int
    bound: float
    needed: int
    alarms: int


def pair_of(one: str, other: str) -> bytes:
    """The name of a pair of questions in either order, 8 bytes."""
    texts = sorted((normalised(one).casefold(), normalised(other).casefold()))
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8).digest()


class Calibrator:
    """The threshold of one scope class, as samples arrive.

    ``fitted`` holds the names of the pairs that the verifier was fitted on; they are never taken as samples, since
    a bound on data that the fit has seen does not hold. Not safe for threads; ``dump`` and ``load`` keep it.
    """

    def __init__(self, budget: RiskBudget | None = None, fitted: Container[bytes] = ()) -> None:
        self.budget = budget or RiskBudget()
        self.fitted = fitted
        self.mode: Mode = "strict"
        self.threshold: float | None = None
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self.alarms = 0
        self.checks = 0  # how often the error level was spent
        self._checked = 0  # samples at the last check
        self._names: set[bytes] = set()
        self._wager = Wager(self.budget.false_hit_rate)

    def serves(self, match: Match) -> bool:
        """Whether the kept answer may be given for a candidate that passed the guards."""
        if self.mode == "off":
            return False
        return match.strict or (self.threshold is not None and match.probability >= self.threshold)

    def shadow_rate(self, served: bool) -> float:
        """The share of candidates above the loosest threshold to compute anyway.

        What is not served is computed in any case, so that comparing it costs no call: all of it. What is served:
        every second one until the budget is shown to hold, one in twenty until 300 were looked at, then one in a
        hundred.
        """
        if not served:
            return 1.0
        looks = self._wager.total
        if self.mode != "calibrated" and looks < 2 * YOUNG:
            return 0.5
        return 0.05 if looks < YOUNG else 0.01

    def sample(self, match: Match, correct: bool, served: bool) -> bool:
        """Takes in one shadow sample: was the kept answer the right one? Whether it counted.

        A pair counts once, so that one hot question cannot vouch for all others; a pair of the fit never does.
        """
        if served:
            self._watch(correct)
        loose = not match.strict and match.probability < THRESHOLDS[-1]
        if match.pair in self.fitted or match.pair in self._names or loose:
            return False
        self._keep(Sample(match.pair, match.probability, match.strict, correct))
        if len(self.samples) >= max(self._checked * GROWTH, self._checked + 1):
            self._check()
        return True

    def report(self, match: Match, correct: bool) -> None:
        """A person's word about a served hit. Only `wrong` counts: who is content rarely says so, and praise that
        is counted would hide what is wrong. It takes the place of what was sampled of the pair, and the threshold
        goes up where the bound asks for it; the monitor hears random looks only."""
        if correct:
            return
        self.samples = deque((sample for sample in self.samples if sample.pair != match.pair), maxlen=KEPT)
        self._keep(Sample(match.pair, match.probability, match.strict, False))
        self._tighten()

    def state(self) -> State:
        wrong, total = self._counts(self.threshold)
        bound = upper_bound(wrong, total, 1 - self._error(max(1, self.checks)))
        needed = self.budget.least(self._error(self.checks + 1))
        return State(self.mode, self.threshold, total, wrong, bound, needed, self.alarms)

    def _keep(self, sample: Sample) -> None:
        if len(self.samples) == KEPT:
            self._names.discard(self.samples[0].pair)
        self.samples.append(sample)
        self._names.add(sample.pair)

    def _counts(self, threshold: float | None) -> tuple[int, int]:
        """Wrong ones and all of the samples that would be served at a threshold; at None, of the strict ones."""
        level = 2.0 if threshold is None else threshold
        above = [sample.correct for sample in self.samples if sample.strict or sample.probability >= level]
        return above.count(False), len(above)

    def _error(self, check: int) -> float:
        return (1 - self.budget.confidence) / (check * (check + 1))

    def _check(self) -> None:
        """Tests the thresholds from strict to loose and takes the last that holds before the first that fails.

        Where to begin depends on how many samples there are, never on how they came out. It waits for the strict
        ones, since looser thresholds fill sooner and a check that fails spends of the error level; when strict ones
        stay rare, it begins with the first threshold that has enough.
        """
        error = self._error(self.checks + 1)
        least = self.budget.least(error)
        counts = [(level, *self._counts(level)) for level in (None, *THRESHOLDS)]
        tested = [row for row in counts if row[2] >= least]
        if not tested or (counts[0][2] < least and len(self.samples) < PATIENCE * least):
            return
        self.checks += 1
        self._checked = len(self.samples)
        passed = False
        threshold = None
        for level, wrong, total in tested:
            if upper_bound(wrong, total, 1 - error) > self.budget.false_hit_rate:
                break
            passed, threshold = True, level
        self._settle(passed, threshold)

    def _settle(self, passed: bool, threshold: float | None) -> None:
        self.threshold = threshold
        if passed:
            self.mode = "calibrated"
        elif self.mode == "calibrated":
            self.mode = "strict"

    def _tighten(self) -> None:
        """A reported wrong hit: up to the next threshold that would still pass the last check, at no new claim."""
        if self.mode != "calibrated":
            return
        error = self._error(max(1, self.checks))
        looser = [level for level in THRESHOLDS if self.threshold is not None and level >= self.threshold]
        for level in (*reversed(looser), None):
            if upper_bound(*self._counts(level), 1 - error) <= self.budget.false_hit_rate:
                self.threshold = level
                return
        self._settle(False, None)

    def _watch(self, correct: bool) -> None:
        """The live monitor: when served hits are wrong more often than the budget allows, what was learnt is
        dropped and strict hits alone go on; when those break it, semantic hits are off until a check succeeds."""
        self._wager = self._wager.seen(correct)
        if self._wager.wealth < 1 / (1 - self.budget.confidence):
            return
        self.alarms += 1
        self.mode = "strict" if self.mode == "calibrated" else "off"
        self.threshold = None
        self.samples.clear()
        self._names.clear()
        self._checked = 0
        self._wager = Wager(self.budget.false_hit_rate)

    def dump(self) -> str:
        """JSON, about 40 bytes a sample."""
        wager = self._wager
        return json.dumps(
            {
                "version": VERSION,
                "budget": [self.budget.false_hit_rate, self.budget.confidence],
                "mode": self.mode,
                "threshold": self.threshold,
                "alarms": self.alarms,
                "checks": [self.checks, self._checked],
                "wager": [list(wager.stakes), wager.wrong, wager.total],
                "samples": [
                    [s.pair.hex(), round(s.probability, 5), int(s.strict), int(s.correct)] for s in self.samples
                ],
            },
            separators=(",", ":"),
        )

    @classmethod
    def load(cls, data: str, budget: RiskBudget | None = None, fitted: Container[bytes] = ()) -> Calibrator:
        """What ``dump`` wrote. With another budget the samples stay and the threshold is found anew.

        Raises ValueError for what another version wrote, and for what is torn.
        """
        try:
            held = json.loads(data)
            if held["version"] != VERSION:
                raise ValueError(f"calibration of version {held['version']}; this program reads {VERSION}")
            old = RiskBudget(*held["budget"])
            found = cls(budget or old, fitted)
            for pair, probability, strict, correct in held["samples"]:
                if (name := bytes.fromhex(pair)) not in fitted:
                    found._keep(Sample(name, probability, bool(strict), bool(correct)))
            found.alarms = held["alarms"]
            found.checks, found._checked = held["checks"]
            if found.budget != old:
                found._check()
                return found
            found.mode, found.threshold = held["mode"], held["threshold"]
            stakes, wrong, total = held["wager"]
            found._wager = Wager(old.false_hit_rate, tuple(stakes), wrong, total)
            return found
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the state of a calibration: {error}") from error
