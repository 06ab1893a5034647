"""What a prompt will cost with each model, learned from what prompts did cost: by length first, then by looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pyagent_plugins.capability.route.learners import Ridge


@dataclass(slots=True)
class Costs:
    """USD [k, m]. A model whose costs are all unknown has NaN."""

    free: np.ndarray
    low: np.ndarray
    high: np.ndarray
    means: np.ndarray
    line: Ridge
    known: np.ndarray

    @classmethod
    def learn(cls, x: np.ndarray, costs: np.ndarray) -> Costs:
        """``x`` [n, p] as ``Sight`` makes it; ``costs`` USD [n, m], NaN where unknown."""
        seen = ~np.isnan(costs)
        known = seen.any(axis=0)
        filled = np.where(seen, costs, 0.0)
        low = np.where(known, np.where(seen, costs, np.inf).min(axis=0), np.nan)
        high = filled.max(axis=0)
        free = known & (high <= 0)
        logs = np.log(np.maximum(filled, 1e-12))
        counts = np.maximum(seen.sum(axis=0), 1)
        means = np.where(seen, logs, 0.0).sum(axis=0) / counts
        line = Ridge()
        # The shared part of costs is the prompt's length: column 0, as for outcomes.
        rest = np.where(seen, logs - means, 0.0)
        common = rest.sum(axis=1, keepdims=True) / np.maximum(seen.sum(axis=1, keepdims=True), 1)
        line.learn(x, np.hstack([common, np.where(seen, rest - common, 0.0)]))
        return cls(free, low, high, means, line, known)

    def foresee(self, x: np.ndarray) -> np.ndarray:
        parts = self.line.guess(x)
        usd = np.clip(np.exp(self.means + parts[:, :1] + parts[:, 1:]), self.low, self.high)
        usd[:, self.free] = 0.0
        usd[:, ~self.known] = np.nan
        return np.asarray(usd)
