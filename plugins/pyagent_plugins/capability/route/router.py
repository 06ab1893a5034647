"""The router as a library: which model is enough for a prompt, from a measured table, from outcomes, or from both.

router = Router(["small", "large"]).fit(prompts, outcomes, costs)
router.route("What is 17 * 23?", quality=0.95).model
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pyagent_plugins.capability.route.costs import Costs
from pyagent_plugins.capability.route.decision import QUALITY, Decision, Odds, choose, names
from pyagent_plugins.capability.route.outcomes import Outcomes
from pyagent_plugins.capability.route.table import DIMS, Table

if TYPE_CHECKING:
    from pyagent.embed.base import Embedder
    from pyagent.model import Model
    from pyagent_plugins.capability.registry.registry import Registry
    from pyagent_plugins.capability.words import Cell

# With ``embed="auto"`` MiniLM reads the prompts of a fit up to this size: 8,000 take a minute and a half.
AUTO = 8_000


class Router:
    """Chooses among ``models`` (names, or Models with prices).

    ``table`` are measured cells; without them and without ``fit`` all models count as equal and unknown. ``embed``:
    True, False, an Embedder, or ``auto`` (MiniLM where it is installed and the fit is not large). Not thread-safe.
    """

    def __init__(
        self,
        models: Sequence[str | Model],
        table: Table | Iterable[Cell] | None = None,
        embed: bool | Literal["auto"] | Embedder = "auto",
    ) -> None:
        self.models = names(models)
        if not self.models or len(set(self.models)) < len(self.models):
            raise ValueError("a router needs one model or more, each with its own name")
        self._priced = [None if isinstance(model, str) else model for model in models]
        self.table = table if isinstance(table, Table) or table is None else Table.of(self.models, table)
        if self.table is not None and self.table.models != self.models:
            raise ValueError("the table is of other models")
        self._embed = embed
        self._outcomes: Outcomes | None = None
        self._costs: Costs | None = None
        self._typical = 1.0 if self.table is None else self.table.typical

    @classmethod
    def of(cls, registry: Registry, models: Sequence[str | Model] | None = None) -> Router:
        """From what the registry holds of ``models`` (default: all that were measured)."""
        from pyagent_plugins.capability.route.evidence import table_of

        cells = registry.cells(latest=True)
        chosen = models or sorted({cell.model for cell in cells})
        return cls(chosen, table_of(registry, names(chosen)), embed=False)

    def fit(self, prompts: Sequence[str], outcomes: Any, costs: Any = None) -> Router:
        """Learn from ``outcomes`` float [n, m] in 0..1, NaN where unknown, and ``costs`` USD [n, m]; gives itself.

        Raises ValueError for shapes that do not fit, values outside 0..1, or outcomes that are all unknown.
        """
        texts = [str(prompt) for prompt in prompts]
        known = _checked(outcomes, (len(texts), len(self.models)), "outcomes")
        if not len(texts) or np.isnan(known).all():
            raise ValueError("there are no outcomes to learn from")
        if np.nanmin(known) < 0 or np.nanmax(known) > 1:
            raise ValueError("outcomes must lie in 0..1, or be NaN where unknown")
        usd = None if costs is None else _checked(costs, known.shape, "costs")
        prior = self._from_table(texts)
        self._outcomes = Outcomes.learn(texts, known, self._embedder(len(texts)), None if prior is None else prior[0])
        if usd is not None:
            self._costs = Costs.learn(self._outcomes.sight.of(texts)["both"], usd)
        self._typical = float(np.max(self._outcomes.means))
        return self

    def scores(self, prompts: Sequence[str]) -> np.ndarray:
        """float [k, m]: each model's probability of solving each prompt."""
        return self._foreseen([str(prompt) for prompt in prompts])[0]

    def route(self, prompt: str, quality: float = QUALITY, verifiable: bool = False) -> Decision:
        """The cheapest model whose lower bound suffices: not more than 1 - ``quality`` (0..1) of a typical best below
        the best. ``verifiable``: a wrong answer would be seen, so that the cheap may be tried on less evidence."""
        if not 0 <= quality <= 1:
            raise ValueError("quality must lie in 0..1")
        return choose(self.odds(str(prompt)), quality, verifiable)[1]

    def odds(self, prompt: str) -> Odds:
        """What speaks for each model."""
        views = None if self._outcomes is None else self._outcomes.sight.of([prompt])
        chance, error = self._foreseen([prompt], views)
        return Odds(self.models, chance[0], error[0], self._cost(prompt, views), self._typical)

    def _foreseen(self, texts: list[str], views: dict[str, np.ndarray] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(probability, standard error) [k, m]."""
        prior = self._from_table(texts)
        if self._outcomes is not None:
            views = self._outcomes.sight.of(texts) if views is None else views
            chance = self._outcomes.foresee(views, None if prior is None else prior[0])
            return chance, np.broadcast_to(self._outcomes.doubt, chance.shape)
        if prior is not None:
            return prior
        shape = (len(texts), len(self.models))
        return np.full(shape, 0.5), np.full(shape, 0.25)

    def _from_table(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
        if self.table is None:
            return None
        from pyagent_plugins.capability.needs.soft import soft

        found = [soft(text) for text in texts]
        weights = np.array([need.weights for need in found]).reshape(len(texts), len(DIMS))
        levels = np.array([need.levels for need in found]).reshape(len(texts), len(DIMS))
        return self.table.chances(weights, levels, np.array([need.spread for need in found]))

    def _cost(self, prompt: str, views: dict[str, np.ndarray] | None) -> np.ndarray:
        """USD [m] by what was learned, else by the prices for this prompt and an answer of 256 tokens."""
        if self._costs is not None and views is not None:
            return np.asarray(self._costs.foresee(views["both"])[0])
        from pyagent.model import Usage

        usage = Usage(1 + len(prompt) // 4, 256)
        found = [None if model is None else model.cost(usage) for model in self._priced]
        return np.array([np.nan if usd is None else usd for usd in found])

    def _embedder(self, size: int) -> Callable[[Sequence[str]], np.ndarray] | None:
        if self._embed is False or (self._embed == "auto" and size > AUTO):
            return None
        if not isinstance(self._embed, (bool, str)):
            return _remembering(self._embed)
        from pyagent.embed.open import open_embedder
        from pyagent.errors import PyAgentError

        try:
            return _remembering(open_embedder())
        except (PyAgentError, ImportError):
            if self._embed is True:
                raise
            return None


# 75 MB of vectors.
MOST_VECTORS = 50_000
_VECTORS: dict[tuple[str, str], np.ndarray] = {}


def _remembering(embedder: Embedder) -> Callable[[Sequence[str]], np.ndarray]:
    """The embedder, that reads a text once in this process: fits on parts of one set share their texts."""

    def embed(texts: Sequence[str]) -> np.ndarray:
        # The subject shows in the beginning and the end; 120 tokens cost a third of the window's 256.
        cut = [(text if len(text) <= 500 else f"{text[:350]} {text[-150:]}") or " " for text in texts]
        found = {text: _VECTORS[name] for text in cut if (name := (embedder.name, text)) in _VECTORS}
        new = [text for text in dict.fromkeys(cut) if text not in found]
        for at in range(0, len(new), 256):
            block = new[at : at + 256]
            found.update(zip(block, embedder.embed(block), strict=True))
        if len(_VECTORS) < MOST_VECTORS:
            _VECTORS.update(((embedder.name, text), found[text]) for text in new)
        return np.stack([found[text] for text in cut]).astype(np.float32)

    return embed


def _checked(values: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim == 1 and shape[1] == 1:
        table = table[:, None]
    if table.shape != shape:
        raise ValueError(f"{what} must have the shape {list(shape)} (prompts, models), not {list(table.shape)}")
    if np.isinf(table).any():
        raise ValueError(f"{what} must be finite, or NaN where unknown")
    return table
