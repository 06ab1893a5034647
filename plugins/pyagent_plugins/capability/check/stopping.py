"""Ends a check that is a disaster by its first answers: a broken set-up need not be asked 840 times.

The e-process of the same items, answered in the week that this one is held against, may be looked at after every
answer. It takes half of the e-process's half of alpha, and asks for losses in several dimensions, so that stopping adds
next to no false alarm to those of the weekly comparison (benchmarks/capability_alarms.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyagent_plugins.capability.registry.alerts import against
from pyagent_plugins.capability.registry.compare import looks
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.registry.rows import Alert
from pyagent_plugins.capability.stats.evalue import ALPHA, EarlyStop
from pyagent_plugins.capability.words import Item, Outcome

# One dimension that fell is news, and measured to its end; a disaster shows in several.
SPREAD = 3
LEVEL = ALPHA / 2
KIND = "stopped"


class Worse(Exception):
    """The answers so far are enough: the rest would say the same."""


@dataclass(slots=True)
class Stopping:
    """Takes a check's answers as they come, and raises Worse once they are a disaster beside the week ``since``."""

    since: str
    stop: EarlyStop
    dims: int
    _lost: set[str] = field(default_factory=set)

    @classmethod
    def against(cls, registry: Registry, model: str, week: str, items: Iterable[Item]) -> Stopping | None:
        """By the answers to the very same items (id and SHA-256) in the week that ``week`` is held against; None
        where there are none."""
        since = against(registry, model, week)
        before = registry.speaking(model, since) if since else None
        if since is None or before is None:
            return None
        known = {item.id: item.sha for item in registry.items(before.id)}
        same = {item.id for item in items if known.get(item.id) == item.sha}
        answers = [o for o in registry.outcomes(before.id) if o.item in same and o.error is None]
        if not answers:
            return None
        stop = EarlyStop.against({o.item: o.solved for o in answers}, LEVEL / looks(registry, since, week))
        return cls(since, stop, len({o.dim for o in answers}))

    def see(self, outcome: Outcome) -> None:
        """Take one answer. Raises Worse."""
        before = self.stop.baseline.get(outcome.item)
        if before is None or outcome.error is not None:
            return
        if outcome.solved < before:
            self._lost.add(outcome.dim)
        if self.stop.see(outcome.item, outcome.solved) and len(self._lost) >= min(SPREAD, self.dims):
            raise Worse

    def alert(self, model: str, week: str) -> Alert:
        """What stopped the check, in words."""
        watch = self.stop.watch
        text = (
            f"the check was stopped after {watch.n} of {len(self.stop.baseline)} items that were asked in {self.since},"
            f" too: {watch.lost} were lost and {watch.won} won, e={_large(watch.highest)}"
        )
        delta = (watch.won - watch.lost) / max(1, watch.n)
        return Alert(model, week, KIND, text, severity="regression", delta=delta, log_e=watch.highest)


def _large(log_e: float) -> str:
    """An e-value as a power of ten: by how much less likely the answers are where nothing changed."""
    return f"1e{log_e / 2.302585:.0f}"
