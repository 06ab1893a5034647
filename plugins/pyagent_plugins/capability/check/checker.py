"""The check: every question of a suite to one model, graded and kept one by one, so that a killed one goes on.

``begin -> sane -> ask -> grade -> record -> conclude``. The week is fixed at the start, also where the clock crosses
into the next one before the end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pyagent.errors import PyAgentError
from pyagent.model import Model
from pyagent_plugins.capability.check.adapting import Adapting
from pyagent_plugins.capability.check.asking import Asker, Heard
from pyagent_plugins.capability.check.probes import answer_sha, cost_per_pass, error_rate, same, speed
from pyagent_plugins.capability.check.sanity import sane
from pyagent_plugins.capability.check.stopping import KIND as STOPPED
from pyagent_plugins.capability.check.stopping import Stopping, Worse
from pyagent_plugins.capability.items.graders import Grade, Said, grade
from pyagent_plugins.capability.items.suite import Profile, build, items
from pyagent_plugins.capability.registry.cells import cells_of
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.registry.rows import Alert, Check
from pyagent_plugins.capability.registry.scale import scale
from pyagent_plugins.capability.words import Cell, Item, Measured, Outcome

Status = Literal["valid", "invalid", "partial"]
# Of the questions that a service failed to answer: beyond this share the rest does not stand for the model.
MOST_FAILED = 0.5
# Answers are cut here before they are stored; the longest that a suite allows is about 1,500 characters.
LONGEST = 4000


def week_of(at: float) -> str:
    """The ISO week of a moment (UTC): "2026-W48"."""
    year, week, _ = datetime.fromtimestamp(at, UTC).isocalendar()
    return f"{year}-W{week:02}"


@dataclass(slots=True)
class Progress:
    """How far a check is, for whoever shows it."""

    total: int
    done: int = 0
    known: int = 0
    failed: int = 0
    tokens: int = 0
    usd: float = 0.0
    dim: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a check came to. ``fresh``: it was done now; else it stood in the registry already.

    ``seconds`` is wall time by dimension, for those that were asked one after the other.
    """

    model: str
    week: str
    suite: str
    status: Status
    reason: str = ""
    cells: Sequence[Cell] = ()
    ops: Mapping[str, float] = field(default_factory=dict)
    alerts: Sequence[Alert] = ()
    asked: int = 0
    cost_usd: float | None = 0.0
    fresh: bool = True
    seconds: Mapping[str, float] = field(default_factory=dict)


class Checker:
    """Checks models by ``profile`` into ``registry``; ``dims`` limits the dimensions, ``clock`` gives seconds.

    ``week`` is that of the start. ``by_dim`` asks one dimension after the other, so that each one's time is known;
    else everything goes in together, which keeps an engine busier. ``whole`` goes on to the end with a model that is
    plainly worse than before.
    """

    def __init__(
        self,
        registry: Registry,
        profile: Profile,
        dims: Sequence[str] | None = None,
        clock: Callable[[], float] = time.time,
        by_dim: bool = False,
        whole: bool = False,
    ) -> None:
        self.registry, self.profile, self._dims, self.by_dim = registry, profile, dims, by_dim
        self.whole = whole
        self.week = week_of(clock())
        self.suite = profile.suite if not dims else f"{profile.suite}:{','.join(sorted(dims))}"
        self.items = items(profile, self.week, dims)

    def begun(self, who: Measured) -> Check:
        """The check of this model in this week, with what it has already."""
        return self.registry.begin(self.week, self.registry.model(who), self.suite, self.items)

    def spent(self, who: Measured) -> float:
        """USD that the check has cost so far, by its recorded answers."""
        return sum(outcome.cost_usd or 0.0 for outcome in self.registry.outcomes(self.begun(who).id))

    def forget(self, who: Measured) -> None:
        """Drop what the check of this week has, so that everything is asked again."""
        self.registry.reset(self.begun(who).id)

    async def check(
        self,
        who: Measured,
        asker: Asker,
        model: Model | None = None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> Ended:
        """Measure one model. Raises what stops it (budget, nothing reachable); what was answered is kept.

        ``model`` None means that no file or endpoint of its own stands behind the asker.
        """
        check = self.begun(who)
        if check.finished:
            return self._known(who, check)
        if not check.done and (reason := await sane(asker, model)):
            self.registry.finish(check.id, "invalid", [], {}, reason)
            return self._ended(who, "invalid", reason)
        work = _Work(self, who, asker, check, progress)
        try:
            await work.run()
        except Worse:
            return self._stopped(who, check, work)
        except PyAgentError as error:
            self.registry.finish(check.id, "partial", [], {}, str(error))
            raise
        return await self._conclude(who, asker, check, work)

    def _stopped(self, who: Measured, check: Check, work: _Work) -> Ended:
        """Invalid, not scored: what was answered is no sample of the items. Asked again, it starts afresh."""
        assert work.stopping is not None
        alert = work.stopping.alert(who.name, self.week)
        self.registry.record(check.id, work.failed)
        outcomes = self.registry.outcomes(check.id)
        reason = f"{alert.message}; mend the set-up, or measure it so by --to-the-end"
        self.registry.finish(check.id, "invalid", [], {}, reason)
        work.alerts.append(alert)
        for each in work.alerts:
            self.registry.alert(each)
        return self._ended(who, "invalid", reason, (), None, work, outcomes)

    async def _conclude(self, who: Measured, asker: Asker, check: Check, work: _Work) -> Ended:
        self.registry.record(check.id, work.failed)
        outcomes = self.registry.outcomes(check.id)
        answered = [outcome for outcome in outcomes if outcome.error is None]
        if len(work.failed) > MOST_FAILED * max(1, len(outcomes)):
            reason = f"{len(work.failed)} of {len(outcomes)} questions were not answered: {work.failed[0].error}"
            self.registry.finish(check.id, "invalid", [], {}, reason)
            return self._ended(who, "invalid", reason)
        ops = await self._ops(asker, work, answered)
        absent = [dim for dim in work.too_long if not any(outcome.dim == dim for outcome in answered)]
        absent += [dim for dim in work.unable if dim not in absent]
        cells = cells_of(answered, who.name, self.week, self.items, scale(self.registry), absent)
        if work.adapting:
            cells = work.adapting.cells(cells)
        self.registry.finish(check.id, "valid", cells, ops)
        # What an earlier try of this week was stopped for is mended, or measured now.
        self.registry.saw(a.id for a in self.registry.alerts(who.name, self.week, unseen=True) if a.kind == STOPPED)
        for alert in work.alerts:
            self.registry.alert(alert)
        return self._ended(who, "valid", "", cells, ops, work, outcomes)

    async def _ops(self, asker: Asker, work: _Work, answered: Sequence[Outcome]) -> dict[str, float]:
        """What is known of the service. A measure that could not be taken is left out, never 0."""
        first = {outcome.item: outcome.answer_sha for outcome in answered}
        again = [item for item in self.items if item.id in first and not item.dim.startswith("context.")]
        again = again[:: max(1, len(again) // self.profile.repeats)][: self.profile.repeats]
        pairs = [(item.id, build(item)) for item in again]
        found: dict[str, float | None] = {
            **await speed(asker),
            "op.determinism": await same(asker, pairs, first),
            "op.error_rate": error_rate(work.counts),
            "op.cost_per_pass": cost_per_pass(answered),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _known(self, who: Measured, check: Check) -> Ended:
        cells = [cell for cell in self.registry.cells(who.name, self.week) if cell.dim in {i.dim for i in self.items}]
        outcomes = self.registry.outcomes(check.id)
        return Ended(
            who.name, self.week, self.suite, "valid", "", cells, self.registry.ops(who.name, self.week),
            asked=len(outcomes), cost_usd=_total(outcomes), fresh=False,
        )  # fmt: skip

    def _ended(
        self,
        who: Measured,
        status: Status,
        reason: str,
        cells: Sequence[Cell] = (),
        ops: Mapping[str, float] | None = None,
        work: _Work | None = None,
        outcomes: Sequence[Outcome] = (),
    ) -> Ended:
        return Ended(
            who.name, self.week, self.suite, status, reason, cells, ops or {}, work.alerts if work else (),
            len(outcomes), _total(outcomes), True, work.progress.seconds if work else {},
        )  # fmt: skip


class _Work:
    """One check under way: what is left, what was heard, what to tell afterwards."""

    def __init__(
        self, checker: Checker, who: Measured, asker: Asker, check: Check, progress: Callable[[Progress], None]
    ) -> None:
        self._checker, self._who, self._asker, self._check = checker, who, asker, check
        self._tell = progress
        self.items = {item.id: item for item in checker.items}
        self.progress = Progress(len(self.items), done=len(check.done), known=len(check.done))
        # Written when the check is whole: after a stop they are asked again.
        self.failed: list[Outcome] = []
        self.too_long: set[str] = set()
        self.unable: set[str] = set()
        self.alerts: list[Alert] = []
        self.counts: list[tuple[int, int]] = []
        self.answered: dict[str, Outcome] = {}
        self.adapting: Adapting | None = None
        self.stopping = None if checker.whole else Stopping.against(
            checker.registry, who.name, checker.week, checker.items
        )  # fmt: skip

    async def run(self) -> None:
        for outcome in self._checker.registry.outcomes(self._check.id) if self.stopping else ():
            self._watch(outcome)
        left = [item for item in self.items.values() if item.id not in self._check.done]
        able = [item for item in left if self._asker.able(build(item))]
        self.unable = {item.dim for item in left} - {item.dim for item in able}
        self.progress.total = len(self._check.done) + len(able)
        if most := self._checker.profile.adaptive:
            able = await self._adapt(able, most)
        self._tell(self.progress)
        for group in self._groups(able):
            started = time.monotonic()
            await self._asker.answers([(item.id, build(item)) for item in group], self._hear)
            for dim in {item.dim for item in group} if len({item.dim for item in group}) == 1 else ():
                self.progress.seconds[dim] = time.monotonic() - started

    async def _adapt(self, able: Sequence[Item], most: int) -> list[Item]:
        """Ask the short dimensions' items that say most, one of each at a time; gives what is left to ask in full."""
        registry = self._checker.registry
        dims = {item.dim for item in able if not item.dim.startswith("context.")}
        pool = [item for item in self.items.values() if item.dim in dims]
        self.adapting = Adapting(pool, scale(registry), self._checker.week, most)
        self.adapting.see(registry.outcomes(self._check.id))
        long = [item for item in able if item.dim not in dims]
        self.progress.total = self.adapting.total + len(long)
        while batch := self.adapting.next():
            self._tell(self.progress)
            await self._asker.answers([(item.id, build(item)) for item in batch], self._hear)
            heard = [self.answered[item.id] for item in batch if item.id in self.answered]
            self.adapting.see(heard)
            self.adapting.drop({item.dim for item in batch} - {outcome.dim for outcome in heard})
        return long

    def _groups(self, able: Sequence[Item]) -> list[list[Item]]:
        """All short items at once, then each long dimension by itself; or one dimension after the other."""
        groups: dict[str, list[Item]] = {}
        for item in able:
            alone = self._checker.by_dim or item.dim.startswith("context.")
            groups.setdefault(item.dim if alone else "", []).append(item)
        return list(groups.values())

    async def _hear(self, name: str, heard: Heard) -> None:
        item = self.items[name]
        self.counts.append((heard.calls, heard.failures))
        self._served(heard.served)
        self.progress.done += 1
        if heard.overflow:
            self.too_long.add(item.dim)
        else:
            # In a thread: a program that a model wrote may run for seconds.
            outcome = await asyncio.to_thread(outcome_of, item, heard)
            self.progress.tokens += outcome.input_tokens + outcome.output_tokens
            self.progress.usd += outcome.cost_usd or 0.0
            self.progress.dim = item.dim
            self.answered[name] = outcome
            if outcome.error is None:
                self._checker.registry.record(self._check.id, [outcome])
            else:
                self.progress.failed += 1
                self.failed.append(outcome)
            self._watch(outcome)
        self._tell(self.progress)

    def _watch(self, outcome: Outcome) -> None:
        """Raises Worse where the answers so far are a disaster."""
        if self.stopping is not None:
            self.stopping.see(outcome)

    def _served(self, served: str) -> None:
        """Another model's name on an answer: a router or a fallback behind the endpoint."""
        wanted = str(self._who.declared.get("remote") or self._who.name)
        if not served or self.alerts or same_model(served, wanted):
            return
        message = f"{self._who.name} was asked for {wanted!r}, and {served!r} answered"
        self.alerts.append(Alert(self._who.name, self._checker.week, "other_model", message))


def outcome_of(item: Item, heard: Heard) -> Outcome:
    """The graded answer to one item."""
    grades = Grade(0.0, False) if heard.error else grade(build(item), heard.said)
    return Outcome(
        item.id, item.dim, item.level, item.kind, item.cluster, grades.solved, grades.complied, shown(heard.said),
        heard.seconds, heard.ttft, heard.usage.input_tokens, heard.usage.output_tokens, heard.cost_usd,
        answer_sha(heard), heard.error,
    )  # fmt: skip


def shown(said: Said) -> str:
    """An answer as text, its calls in it."""
    calls = "".join(f"\n[{call.name} {dict(call.arguments)}]" for call in said.calls)
    return (said.text + calls).strip()[:LONGEST]


def same_model(served: str, wanted: str) -> bool:
    """Whether a served name may stand for the wanted one: a dated version of it, a path or a vendor before it."""
    served, wanted = (name.casefold().rpartition("/")[2].removesuffix(".gguf") for name in (served, wanted))
    return served == wanted or served.startswith(f"{wanted}-") or wanted.startswith(f"{served}-")


def _total(outcomes: Sequence[Outcome]) -> float | None:
    costs = [outcome.cost_usd for outcome in outcomes]
    return None if any(cost is None for cost in costs) else sum(cost or 0.0 for cost in costs)
