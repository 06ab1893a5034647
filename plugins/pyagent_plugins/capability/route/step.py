"""The Step `route`: where the user named no model, each task goes to the cheapest that is good enough for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.errors import EngineUnreachable, KeyRefused, ModelMissing, RateLimited
from pyagent.model import Model, Result
from pyagent.run.key import digest
from pyagent.run.pipeline import Among, Job, Proceed
from pyagent_plugins.capability.route.evidence import MEASURE, Writer, read

if TYPE_CHECKING:
    from pyagent_plugins.capability.needs.need import Needs
    from pyagent_plugins.capability.route.chooser import Choice, Chooser

# A service that did not answer is left alone for so long.
REST = 60.0
# Better models asked after a failed answer: each is billed.
CLIMBS = 2


class Route:
    """``path`` is the registry; ``warn`` takes a line for the user. Decisions are kept there with their propensity,
    and so is how good an answer was, where something judged it."""

    name, order = "route", 22

    def __init__(self, path: Path, warn: Callable[[str], None] = lambda text: None) -> None:
        self._path, self._warn = path, warn
        self._choosers: dict[tuple[str, ...], Chooser] = {}
        self._writer = Writer(path)
        self._resting: dict[str, float] = {}
        self._told: set[str] = set()

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        among = job.among
        if among is None or job.model.name not in {model.name for model in among.models}:
            return await proceed(job)
        if len(among.models) == 1 and not among.measured and not job.task.needs:
            # Nothing to choose, and nothing that must be met: there is nothing to tell the user either.
            return await proceed(job)
        # 25 ms, which only a run with a choice to make pays.
        from pyagent_plugins.capability.needs.need import asked, needs_of

        text, system, turns = asked(job.request.messages)
        request = job.request
        needs = needs_of(
            text,
            job.task.needs,
            system=system,
            tools=len(request.tools),
            schema=request.schema is not None,
            turns=turns,
            max_tokens=job.task.max_tokens,
        )
        choice = self._choose(job, among, text, needs)
        number = None if job.dry or len(among.models) == 1 else self._keep(among, text, needs, choice)
        result = await self._climb(job, among, choice, proceed)
        good = judged(job, result, choice)
        if good is not None:
            self._writer.outcome(number, good)
        return result

    async def aclose(self) -> None:
        self._writer.close()
        if self._writer.fault:
            self._warn(f"routing decisions were not kept: {self._writer.fault}")

    def _choose(self, job: Job, among: Among, text: str, needs: Needs) -> Choice:
        chooser = self._chooser(among)
        choice = chooser.choose(
            text,
            needs,
            among.quality,
            verifiable=job.request.schema is not None,
            lot=b"" if job.dry or among.deterministic else f"{job.run}{job.key}{job.nth}".encode(),
            affords=lambda model: among.affords(model, job.request),
            out=self._out(),
        )
        self._say(among, chooser, choice)
        self._tell(job, among, choice, "route.chosen")
        return choice

    def _chooser(self, among: Among) -> Chooser:
        """Made once for the models of a run: the registry is read when the first task needs it."""
        names = tuple(model.name for model in among.models)
        if names not in self._choosers:
            from pyagent_plugins.capability.route.chooser import Chooser

            evidence = read(self._path, names)
            self._choosers[names] = Chooser(among.models, among.local, evidence, among.measured)
        return self._choosers[names]

    async def _climb(self, job: Job, among: Among, choice: Choice, proceed: Proceed) -> Result:
        """Ask; where the answer fails, ask the next better one, and bill both."""
        earlier: Result | None = None
        for climb in range(CLIMBS + 1):
            better = self._next(choice) if climb < CLIMBS else None
            try:
                result = (await proceed(routed(job, among, choice))).after(earlier)
            except (EngineUnreachable, KeyRefused, ModelMissing, RateLimited) as error:
                self._resting[choice.model.name] = time.monotonic() + REST
                better = better or self._other(choice)
                if better is None:
                    raise
                self._failed(job, choice, str(error))
                choice = _instead(choice, better)
                self._tell(job, among, choice, "route.climbed")
                continue
            # Nobody was asked (only kept answers count, say): asking a better one would not be either.
            if result.status != "failed" or better is None or not result.attempts:
                return result
            self._failed(job, choice, result.error or "")
            earlier, choice = result, _instead(choice, better)
            self._tell(job, among, choice, "route.climbed")
        return result

    def _next(self, choice: Choice) -> Model | None:
        return next((model for model in choice.ladder if model.name not in self._out()), None)

    def _other(self, choice: Choice) -> Model | None:
        """Any model that is enough and answers, when the chosen one does not and no better one is left."""
        known = {known.model.name: known.model for chooser in self._choosers.values() for known in chooser.facts}
        names = sorted(choice.enough - self._out() - {choice.model.name})
        return known.get(names[0]) if names else None

    def _out(self) -> frozenset[str]:
        now = time.monotonic()
        return frozenset(name for name, until in self._resting.items() if until > now)

    def _keep(self, among: Among, text: str, needs: Needs, choice: Choice) -> int | None:
        if not choice.measured:
            return None
        said, decision = self._chooser(among).describe(text, needs), choice.decision
        rows = [
            {key: row[key] for key in ("model", "p", "bound", "cost")} for row in choice.rows if row["p"] is not None
        ]
        numbers = (decision.probability, decision.bound, decision.cost, choice.propensity)
        return self._writer.routed(said, rows, decision.model, *numbers)

    def _tell(self, job: Job, among: Among, choice: Choice, kind: str) -> None:
        decision = choice.decision
        job.emit(
            kind,
            model=decision.model,
            p=round(decision.probability, 4),
            bound=round(decision.bound, 4),
            cost=decision.cost,
            propensity=round(choice.propensity, 6),
            explored=choice.explored,
            quality=among.quality,
            why=decision.why,
            candidates=list(choice.rows),
        )

    def _failed(self, job: Job, choice: Choice, why: str) -> None:
        job.emit("route.failed", model=choice.model.name, error=why)

    def _say(self, among: Among, chooser: Chooser, choice: Choice) -> None:
        """Once a run: what was not measured, and so cannot be chosen."""
        if not choice.measured and "none" not in self._told:
            self._told.add("none")
            self._warn(
                f"no model was measured, so {choice.model.name} answers; to route by what they can do, {MEASURE}"
            )
        unknown = [row["model"] for row in choice.rows if row["lacks"] == ["a measurement"]]
        if choice.measured and unknown and "some" not in self._told:
            self._told.add("some")
            self._warn(f"not measured, so not asked: {', '.join(unknown)}; {MEASURE}")


def routed(job: Job, among: Among, choice: Choice) -> Job:
    """The job for the model that was chosen, under a name in the cache that does not move with the choice."""
    model = choice.model
    request = replace(job.request, model=model.remote or model.name)
    if len(among.models) == 1:
        return replace(job, model=model, request=request)
    said = digest(job.task.needs).hex()[:16] if job.task.needs else ""
    # What another model is tried on is nobody else's answer.
    scope = f"{job.scope}|{said}{'|tried ' + model.name if choice.explored else ''}"
    enough = None if choice.explored else choice.enough | {model.name}
    return replace(job, model=model, request=request, scope=scope, enough=enough)


def judged(job: Job, result: Result, choice: Choice) -> float | None:
    """How good the first model's answer was, 0..1, where something says so: its schema, or samples that agree."""
    if job.dry or result.source != "computed" or not result.attempts:
        return None
    if job.request.schema is not None:
        if result.model != choice.model.name or result.status != "ok":
            return 0.0
        return 1.0 if result.attempts == 1 else 0.5
    return result.agreement


def _instead(choice: Choice, better: Model) -> Any:
    from pyagent_plugins.capability.route.chooser import within

    if better in choice.ladder:
        return within(choice, better)
    row = next(row for row in choice.rows if row["model"] == better.name)
    decision = replace(choice.decision, model=better.name, probability=row["p"] or 0.5, bound=row["bound"] or 0.0,
                       cost=row["cost"], why=f"{choice.model.name} does not answer")  # fmt: skip
    return replace(choice, model=better, decision=decision, ladder=())
