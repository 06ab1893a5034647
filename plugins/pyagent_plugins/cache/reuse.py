"""The Step `reuse`: a task that was answered before, or is being answered now, is not asked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent.errors import Busy, PyAgentError, StoreError
from pyagent.model import Result, Usage
from pyagent.run.key import digest
from pyagent.run.pipeline import Job, Proceed
from pyagent.run.stream import Stream
from pyagent_plugins.cache.entry import Dependency, Hit, Miss
from pyagent_plugins.cache.flight import Failed, Flight
from pyagent_plugins.cache.question import Answer, Computed

if TYPE_CHECKING:
    from pyagent_plugins.cache.cache import SemanticCache
    from pyagent_plugins.cache.judge import ModelJudge
    from pyagent_plugins.cache.shelf.depends import Versions


class Reuse:
    """Gives an answer that is kept, or joins the one that is being made.

    ``mode``: ``use`` looks up and keeps, ``refresh`` keeps only, ``only`` never asks, ``off`` does nothing. An
    answer that is sampled without a seed, votes over samples, or may change the world is neither joined nor kept.
    """

    name, order = "reuse", 30

    def __init__(
        self,
        open: Callable[[], SemanticCache],
        mode: str = "use",
        meaning: bool = True,
        warn: Callable[[str], None] = lambda text: None,
        stale: bool = False,
        judge: ModelJudge | None = None,
    ) -> None:
        self._open, self._mode, self._meaning, self._warn = open, mode, meaning, warn
        self._stale, self._judge = stale, judge
        self._failed = False
        self._cache: SemanticCache | None = None

    @property
    def cache(self) -> SemanticCache:
        """Opened when it is first needed: a run that is already done needs none."""
        if self._cache is None:
            self._cache = self._open()
        return self._cache

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        if self._mode == "off":
            return await proceed(job)
        if self._mode != "only" and not self._usable():
            return await proceed(job)
        if why := unfit(job):
            return absent(job, why) if self._mode == "only" else await proceed(job)
        question, context, system = asked(job)
        scope = scope_of(job, system)
        if job.dry:
            return await self._foreseen(job, proceed, question, context, scope)
        if self._mode == "only":
            found = await self.cache.lookup(
                question, scope=scope, context=context, depends_on=declared(job), models=job.enough
            )
            return self._found(job, found) if isinstance(found, Hit) else absent(job, found.detail or found.reason)
        return await self._use(job, proceed, question, context, scope)

    def _usable(self) -> bool:
        """A cache that cannot be opened costs its answers, not the run."""
        if not self._failed:
            try:
                return self.cache is not None
            except (StoreError, Busy) as error:
                self._failed = True
                self._warn(f"the run goes on without kept answers: {error}")
        return False

    async def aclose(self) -> None:
        if self._cache is not None:
            await self._cache.aclose()
        if self._judge is not None:
            await self._judge.aclose()

    async def _use(self, job: Job, proceed: Proceed, question: str, context: str, scope: dict[str, Any]) -> Result:
        mine: list[Result] = []
        followed = answered = False

        def follow(flight: Flight[Answer]) -> None:
            """A stream joins the leader's mid-way: what was delivered comes first, then the live pieces."""
            nonlocal followed
            leader: Stream | None = flight.notes.get("stream")
            if job.stream is not None and leader is not None:
                job.stream.follow(leader)
                followed = True

        async def compute() -> Computed:
            reads = Reads(self.cache.depends, job.folder)
            # A renewal comes after the answer: nobody listens to its stream any more.
            asked = replace(job, notes={**job.notes, "reads": reads}, stream=None if answered else job.stream)
            result = await proceed(asked)
            mine.append(result)
            if result.status != "ok":
                raise Failed(result)
            return Computed(
                {"output": result.output, "finish": result.finish, "agreement": result.agreement},
                # A cut answer is the whole answer only for whoever cut it there.
                keep=result.finish in (None, "stop"),
                model=result.model,
                input_tokens=result.usage.input_tokens,
                output_tokens=result.usage.output_tokens,
                usd=result.cost_usd,
                reads=tuple(reads.recorded),
            )

        try:
            answer = await self.cache.get_or_compute(
                question,
                compute,
                scope=scope,
                context=context,
                depends_on=declared(job),
                models=job.enough,
                coalesce="semantic" if self._meaning and not job.request.tools else "exact",
                refresh=self._mode == "refresh",
                stale_while_revalidate=self._stale,
                told=lambda found: told(job, found),
                notes={"stream": job.stream},
                joins=follow,
            )
        except Failed:
            return mine[-1]
        answered = True
        if mine:
            return mine[-1]
        return self._answered(job, answer, replay=not followed)

    async def _foreseen(self, job: Job, proceed: Proceed, question: str, context: str, scope: dict[str, Any]) -> Result:
        """In a dry run: what is kept for exactly this question will not be asked."""
        found = self.cache.peek(question, scope=scope, context=context, depends_on=declared(job), models=job.enough)
        if isinstance(found, Hit) and self._mode != "refresh":
            return self._answered(job, given(found))
        return await proceed(job)

    def _found(self, job: Job, hit: Hit) -> Result:
        told(job, hit)
        return self._answered(job, given(hit))

    def _answered(self, job: Job, answer: Answer, replay: bool = True) -> Result:
        """A Result that cost nothing; a stream that has not followed the leader's gets it as one piece."""
        value = answer.value
        if job.stream is not None and replay:
            job.stream.replay(value["output"] if isinstance(value["output"], str) else str(value["output"]))
        more = {"stale": True} if answer.stale else {}
        job.emit("answer.reused", source=answer.source, seq=answer.seq, similarity=round(answer.similarity, 4), **more)
        return Result(
            job.task.id,
            "ok",
            value["output"],
            source=answer.source,  # type: ignore[arg-type]  # exact, semantic or coalesced here
            model=answer.entry.model if answer.entry and answer.entry.model else job.model.name,
            usage=Usage(),
            cost_usd=0.0,
            attempts=0,
            finish=value["finish"],
            agreement=value["agreement"],
        )


def given(hit: Hit) -> Answer:
    """A hit as the answer that it is."""
    return Answer(json.loads(hit.entry.answer), hit.source, hit.entry.seq, hit.similarity, entry=hit.entry)


def declared(job: Job) -> tuple[Dependency, ...]:
    return dependencies(job.task.depends_on, job.folder)


class Reads:
    """Takes what a tool is about to read, with its version from before."""

    def __init__(self, versions: Versions, folder: str) -> None:
        self._versions, self._folder = versions, folder
        self.recorded: list[Dependency] = []

    def update(self, names: Iterable[str]) -> None:
        self.recorded += self._versions.record(dependencies(tuple(names), self._folder))


def dependencies(names: Sequence[str], folder: str) -> tuple[Dependency, ...]:
    """`depends_on` entries: URLs, ``tool:NAME``, files that exist (relative to ``folder``), or else free tags."""
    return tuple(_dependency(name, Path(folder)) for name in names)


def _dependency(name: str, folder: Path) -> Dependency:
    if "://" in name:
        return Dependency("url", name)
    if name.startswith("tool:"):
        return Dependency("tool", name[5:])
    path = folder / name
    # What looks like a path is one, also before it exists: a file that appears changes what was made without it.
    if path.exists() or "/" in name or Path(name).suffix:
        return Dependency("file", str(path))
    return Dependency("tag", name)


def unfit(job: Job) -> str:
    """Why an answer to this job must be its own, or nothing."""
    request = job.request
    if request.temperature > 0 and request.seed is None:
        return "it is sampled without a seed"
    if request.samples > 1:
        return "it votes over samples"
    if not job.pure:
        return "its tools may change something"
    if not request.messages or request.messages[-1].role not in ("user", "assistant"):
        return "it does not end with a question"
    return ""


def asked(job: Job) -> tuple[str, str, str]:
    """(question, digest of the conversation before it, system text)."""
    messages = job.request.messages
    system = "\n".join(message.content for message in messages if message.role == "system")
    before = [message for message in messages[:-1] if message.role != "system"]
    turns = [[m.role, m.content, m.call_id, [[c.name, dict(c.arguments)] for c in m.calls]] for m in before]
    return messages[-1].content, digest(turns).hex() if turns else "", system


def scope_of(job: Job, system: str) -> dict[str, Any]:
    """Everything but the question that determines the answer."""
    request = job.request
    return {
        "answers": job.scope,
        # Where the model was chosen for the task, the scope names what was promised, and a hit is looked at.
        "model": job.model.name if job.enough is None else None,
        "tenant": job.task.tenant,
        "temperature": request.temperature,
        # Greedy answers are the same under every seed.
        "seed": request.seed if request.temperature > 0 else None,
        "max_tokens": request.max_tokens,
        "stop": list(request.stop),
        "schema": request.schema,
        "tools": [tool.name for tool in request.tools],
        "system": digest(system).hex(),
    }


def absent(job: Job, why: str) -> Result:
    """With ``only`` a task that is not in the cache fails, and nobody is asked."""
    return Result(
        job.task.id, "failed", model=job.model.name, attempts=0, cost_usd=0.0, error=f"not in the cache: {why}"
    )


def told(job: Job, found: Hit | Miss) -> None:
    if isinstance(found, Miss):
        job.emit("cache.missed", reason=found.reason, detail=found.detail, similarity=round(found.similarity, 4))


def open_cache(
    folder: Path, settings: Any, warn: Callable[[str], None], judge: ModelJudge | None = None
) -> SemanticCache:
    """The cache as the settings ask for it. Its look-up by meaning is imported here: a run that is done needs none."""
    from pyagent_plugins.cache.cache import SemanticCache
    from pyagent_plugins.cache.index.windows import Window
    from pyagent_plugins.cache.risk import RiskBudget
    from pyagent_plugins.cache.shelf.limits import Limits

    try:
        risk = RiskBudget(float(settings["risk"]))
    except ValueError as error:
        raise PyAgentError(f"[plugins.cache] risk: {error}", "set it between 0 and 1, for example 0.02") from None
    hours = float(settings["window_hours"])
    if not 0 <= hours < 1e9:
        raise PyAgentError(f"[plugins.cache] window_hours: {hours:g} is no number of hours", "set 0 to keep any age")
    budget = float(settings["stale_budget"])
    if not 0 <= budget < 1:
        raise PyAgentError(
            f"[plugins.cache] stale_budget: {budget:g} is no share", "set it below 1, for example 0.0001, or 0 for none"
        )
    return SemanticCache.open(
        folder,
        # Who only replays wants what is there; nothing would be made anew in its place.
        stale_budget=0.0 if settings["mode"] == "only" else budget,
        embedder=settings["embedder"] or None,
        window=Window(settings["window"], hours * 3600 or None, settings["generations"]),
        judge=judge,
        risk=risk,
        limits=Limits(
            bytes=settings["max_bytes"], entries=settings["max_entries"], ttl=float(settings["ttl_hours"]) * 3600
        ),
        warn=warn,
    )
