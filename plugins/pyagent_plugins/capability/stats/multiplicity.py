"""Looking at many cells at once: which of them would still be news if all had been looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p: Sequence[float], of: int | None = None) -> list[float]:
    """The q of each p: the share of false ones among all that are as small.

    ``of``: how many were looked at, when not all of them are here; the others count as unremarkable.
    Source: Benjamini and Hochberg 1995.
    """
    values = np.asarray(p, float)
    m = max(of or 0, len(values))
    order = np.argsort(values)[::-1]
    ranks = np.arange(len(values), 0, -1)
    raised = np.minimum.accumulate(np.minimum(1.0, values[order] * m / np.maximum(ranks, 1)))
    q = np.empty(len(values))
    q[order] = raised
    return [float(value) for value in q]
