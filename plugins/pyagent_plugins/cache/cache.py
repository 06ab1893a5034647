"""The semantic cache: the same question is answered once, and a kept answer dies when what it was made from changes.

    cache = SemanticCache.open("~/.cache/answers")
    answer = await cache.get_or_compute("What is the capital of France?", ask, scope={"model": "m"})

A look-up goes from cheap to dear, and each stage can only turn a hit into a miss: scope, exact text, the same in
flight, meaning (newest window, sealed windows), freshness, guards, verifier, and the budget for wrong answers.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.background import Background
from pyagent_plugins.cache.embedder import chosen
from pyagent_plugins.cache.entry import Dependency, Entry, Hit, Miss
from pyagent_plugins.cache.figures import recall_of
from pyagent_plugins.cache.flight import Flight, Flights
from pyagent_plugins.cache.index.index import VectorIndex
from pyagent_plugins.cache.index.windows import Window
from pyagent_plugins.cache.keeper import Keeper
from pyagent_plugins.cache.learner import Judge, Learner
from pyagent_plugins.cache.meaning.features import features
from pyagent_plugins.cache.question import Answer, Candidate, Computed, Question
from pyagent_plugins.cache.risk import RiskBudget
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.pace import Pace
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.stages import Stages, below, shadowed, telling
from pyagent_plugins.cache.tallies import Tallies

if TYPE_CHECKING:
    from pyagent.embed.base import Embedder

Compute = Callable[[], Awaitable[Any]]


class SemanticCache:
    """Answers by meaning, in one folder shared by processes. Use one object from one event loop.

    Raises StoreError, StoreTooNew and Busy for the folder; whatever ``compute`` raises is its caller's.
    """

    def __init__(
        self,
        shelf: Shelf,
        index: VectorIndex | None,
        embedder: Embedder | None,
        risk: RiskBudget,
        window: Window,
        judge: Judge | None = None,
        warn: Callable[[str], None] = lambda text: None,
        stale_budget: float = 0.0,
    ) -> None:
        from pyagent.embed.batch import AsyncEmbedder

        self.shelf, self.index, self.window = shelf, index, window
        self.pace = Pace(shelf.memory, shelf.clock.now, stale_budget)
        self.depends = Versions(shelf, pace=self.pace)
        self.flights: Flights[Answer] = Flights()
        self.embedder = embedder.name if embedder is not None else ""
        self._embed = AsyncEmbedder(embedder) if embedder is not None else None
        self._learner = Learner(shelf.memory, risk, self._embed, judge, warn)
        self._stages = Stages(shelf, index, self.depends, self._learner, embedder, self._embed, window.age)
        self._tallies = Tallies(shelf.memory)
        self._keeper = Keeper(shelf, index, self.depends, self.embedder, self._tallies, warn, self.pace, self._embed)
        self._warn = warn
        self._judged, self._aged = judge is not None, 0.0
        self._background = Background(warn)

    @classmethod
    def open(
        cls,
        folder: Path | str,
        *,
        embedder: Embedder | str | None = "minilm",
        window: Window | None = None,
        risk: RiskBudget | None = None,
        limits: Limits | None = None,
        judge: Judge | None = None,
        warn: Callable[[str], None] = lambda text: None,
        stale_budget: float = 0.0,
    ) -> SemanticCache:
        """Open or create the cache in ``folder``.

        ``embedder`` is an Embedder, the name of one, or None for exact matches only; where a named one is not
        installed, exact matches go on and ``warn`` is told once. ``risk`` is the budget for wrong answers among
        semantic hits; ``judge`` replaces the comparison of answers by which it is measured. ``stale_budget`` bounds
        the share of all answers that are stale because they declare nothing; 0 leaves that to their time alone.
        """
        folder = Path(folder).expanduser()
        window = window or Window()
        shelf = Shelf.open(folder, limits)
        found = chosen(embedder, folder, warn)
        index = None if found is None else VectorIndex.open(folder, found.dim, found.name, window)
        cache = cls(shelf, index, found, risk or RiskBudget(), window, judge, warn, stale_budget)
        cache._catch_up()
        for path in shelf.broken:
            warn(f"a broken cache file was set aside as {path}")
        return cache

    # ---- asking

    def peek(
        self,
        prompt: str,
        *,
        scope: Mapping[str, Any],
        context: str = "",
        depends_on: Iterable[Dependency] = (),
        models: frozenset[str] | None = None,
    ) -> Hit | Miss:
        """As ``lookup``, by the exact text only: for a forecast, which must cost nothing."""
        return self._stages.exact(Question.of(prompt, scope, context, self.embedder, depends_on, models))

    async def lookup(
        self,
        prompt: str,
        *,
        scope: Mapping[str, Any],
        context: str = "",
        depends_on: Iterable[Dependency] = (),
        models: frozenset[str] | None = None,
    ) -> Hit | Miss:
        """A kept answer that may be given for ``prompt``, or why there is none. Never computes anything."""
        self._age()
        question = Question.of(prompt, scope, context, self.embedder, depends_on, models)
        found = self._stages.exact(question)
        if isinstance(found, Hit):
            return found
        await self._stages.understand(question)
        candidate = self._stages.similar(question)
        if isinstance(candidate, Miss):
            return telling(found, candidate)
        if not self._learner.serves(candidate.match):
            return below(candidate)
        return Hit(candidate.entry, "semantic", candidate.match.cosine)

    async def get_or_compute(
        self,
        prompt: str,
        compute: Compute,
        *,
        scope: Mapping[str, Any],
        context: str = "",
        depends_on: Iterable[Dependency] = (),
        ttl: float | None = None,
        coalesce: str = "semantic",
        refresh: bool = False,
        stale_while_revalidate: bool = False,
        told: Callable[[Hit | Miss], None] = lambda found: None,
        notes: Mapping[str, Any] | None = None,
        joins: Callable[[Flight[Answer]], None] = lambda flight: None,
        models: frozenset[str] | None = None,
    ) -> Answer:
        """The answer to ``prompt``: a kept one, one that is being made, or what ``compute`` makes now.

        ``compute`` gives a JSON value or a Computed; Failed is for its own caller alone: the next asker computes.
        ``scope`` holds whatever else determines the answer (JSON values, never the question), ``context`` the digest
        of the conversation before. Versions of ``depends_on`` are recorded when the computation starts. ``ttl`` is
        seconds. ``coalesce`` is ``semantic``, ``exact`` or ``off`` and bounds the match with kept answers too.
        ``refresh`` looks nothing up, and keeps. ``told`` hears what the look-up found. ``notes`` go to the flight;
        ``joins`` hears of a flight that is joined. ``models``: only answers that these made will do.
        """
        self._age()
        declared = tuple(depends_on)
        question = Question.of(prompt, scope, context, self.embedder, declared, models)

        async def lead() -> Answer:
            return await self._make(question, compute, declared, ttl, refresh)

        if not refresh:
            exact = self._stages.exact(question, ended=stale_while_revalidate)
            if isinstance(exact, Hit):
                told(exact)
                if self.depends.changed(exact.entry):
                    self._renew(question, lead)
                    return self._given(exact, stale=True)
                return self._given(exact)
            miss = exact
        miss = Miss("refresh", "asked anew on request")
        matches = coalesce == "semantic" and not refresh
        if coalesce != "off" and self.flights.find(question.scope, question.key) is not None:
            matches = False  # the same question is on its way: no vector is needed
        shadow: Candidate | None = None
        if matches:
            await self._stages.understand(question)
            candidate = self._stages.similar(question)
            if isinstance(candidate, Candidate):
                served = self._learner.serves(candidate.match)
                if served and not self._learner.looks():
                    hit = Hit(candidate.entry, "semantic", candidate.match.cosine)
                    told(hit)
                    return self._given(hit)
                shadow = candidate
                miss = below(candidate) if not served else shadowed(candidate)
            else:
                miss = telling(miss, candidate)
        elif self._embed is not None and coalesce == "semantic":
            await self._stages.understand(question)
        told(miss)
        self._tallies.add(f"miss.{miss.reason}")
        if coalesce == "off":
            answer = await lead()
        else:
            answer, flight = await self.flights.run(
                question.scope,
                question.key,
                lead,
                (lambda flights: self._stages.near(question, flights)) if matches else None,
                joins,
                **{**(notes or {}), "question": question},
            )
            if flight is not None:
                return self._joined(answer, flight)
        if shadow is not None and self._judged:
            self._background.run("a shadow sample was not judged", self._compare(prompt, shadow, answer))
        elif shadow is not None:
            await self._compare(prompt, shadow, answer)
        return answer

    async def store(
        self,
        prompt: str,
        value: Any,
        *,
        scope: Mapping[str, Any],
        context: str = "",
        depends_on: Iterable[Dependency] = (),
        ttl: float | None = None,
        model: str | None = None,
    ) -> Entry | None:
        """Keep an answer that was made elsewhere. Dependencies that carry a version keep it; None: not kept."""
        declared = tuple(depends_on)
        question = Question.of(prompt, scope, context, self.embedder, declared)
        await self._stages.understand(question)
        unversioned = [dependency for dependency in declared if not dependency.version]
        recorded = (*self.depends.record(unversioned), *(each for each in declared if each.version))
        kept = await self._keeper.keep(question, Computed(value, model=model), recorded, ttl)
        self._settle()
        return kept

    # ---- steering

    def invalidate(self, *dependencies: Dependency) -> list[int]:
        """These changed: every process stops giving what was made from them, at its next look-up."""
        return self.depends.invalidate(dependencies)

    def advance_window(self, *, before: float | None = None, entries: int | None = None) -> int:
        """Let the window begin at what was made ``before`` seconds ago, or at the newest ``entries``; gives where.

        O(1): one number is written, no entry is touched, and nothing below it is ever returned.
        """
        low = self.shelf.low
        if before is not None:
            low = max(low, self.shelf.oldest_since(self.shelf.clock.now() - before))
        if entries is not None:
            low = max(low, self.shelf.newest(entries))
        low = self.shelf.advance(low)
        if self.index is not None:
            self.index.advance(low)
        return low

    async def report_feedback(self, seq: int, correct: bool, prompt: str | None = None) -> None:
        """What a person says of an answer. A wrong one is deleted; with ``prompt``, the question it was given for,
        the threshold for semantic hits goes up where the risk budget asks for it."""
        entries = self.shelf.entries([seq])
        self.shelf.feedback(seq, correct)
        if not correct and self.index is not None:
            self.index.kill([seq])
        if not entries or prompt is None:
            return
        entry, question = entries[0], Question(b"", b"", prompt)
        await self._stages.understand(question)
        vector = self.shelf.meanings([seq]).get(seq)
        if question.vector is not None and vector is not None and vector.vector is not None:
            cosine = float(vector.vector @ question.vector)
            self._learner.report(self._stages.match(question, entry.prompt, features(entry.prompt), cosine), correct)

    def stats(self) -> dict[str, Any]:
        """Everything that can be counted, for people: entries, hits, saved tokens and USD, and what stands behind
        the semantic hits."""
        self._tallies.flush()
        index = self.index
        return {
            "shelf": self.shelf.stats(),
            "tallies": self.shelf.memory.tallies(),
            "pace": self.pace.told(),
            "risk": self._learner.state(),
            "budget": self._learner.budget,
            "index": None if index is None else index.stats() | {"recall": recall_of(index, self.shelf.memory)},
            "low": self.shelf.low,
        }

    def verify(self) -> list[str]:
        """Read everything; each fault as a sentence. What is broken in the index is built anew from the shelf."""
        faults = list(self.shelf.verify())
        if self.index is not None:
            faults += self.index.verify()
            self._catch_up()
            self.index.settle()
        return faults

    async def aclose(self) -> None:
        """Wait for what goes on in the background, though not for ever, and let go of the files."""
        await self._background.aclose()
        if self._embed is not None:
            await self._embed.aclose()
        self._tallies.flush()
        self.pace.flush()
        self.depends.close()
        if self.index is not None:
            self.index.close()
        self.shelf.close()

    # ---- making and keeping

    async def _make(
        self, question: Question, compute: Compute, declared: tuple[Dependency, ...], ttl: float | None, refresh: bool
    ) -> Answer:
        if not refresh and isinstance(found := self._stages.exact(question), Hit):
            return self._given(found)  # it landed between the look-up and now
        recorded = await self._keeper.recorded(declared)
        made = await compute()
        computed = made if isinstance(made, Computed) else Computed(made)
        entry = None
        if computed.keep:
            entry = await self._keeper.keep(question, computed, (*recorded, *computed.reads), ttl)
            self._settle()
        self._tallies.add("computed")
        self.pace.gave(None)
        return Answer(computed.value, "computed", entry.seq if entry else None, entry=entry)

    def _renew(self, question: Question, lead: Callable[[], Awaitable[Answer]]) -> None:
        """Make the answer anew in the background; one that fails leaves the old one to its end."""
        if self.flights.find(question.scope, question.key) is not None:
            return

        async def renew() -> None:
            await self._stages.understand(question)
            await self.flights.lead(question.scope, question.key, lead, question=question).wait()

        self._background.run("a stale answer could not be renewed", renew())

    async def _compare(self, prompt: str, shadow: Candidate, answer: Answer) -> None:
        """Was the kept answer right? The budget stands on this."""
        kept = json.loads(shadow.entry.answer)
        right = await self._learner.compare(prompt, shadow.entry.prompt, kept, answer.value, shadow.match)
        self._tallies.add("shadow.right" if right else "shadow.wrong")

    def _settle(self) -> None:
        """Decide in the background how a window that was just sealed is searched."""
        what = "a sealed window could not be settled"
        if self.index is not None and self.index.unsettled and not self._background.busy(what):
            self._background.run(what, asyncio.to_thread(self.index.settle))

    def _age(self) -> None:
        """Move a window by age now and then; what is a little too old meanwhile is refused one by one."""
        if self.window.age is not None and time.monotonic() - self._aged > max(1.0, self.window.age / 100):
            self._aged = time.monotonic()
            self.advance_window(before=self.window.age)

    def _given(self, hit: Hit, stale: bool = False) -> Answer:
        entry = hit.entry
        self.pace.gave(entry)
        self._tallies.add(f"hit.{hit.source}")
        self._tallies.add("saved.tokens", entry.input_tokens + entry.output_tokens)
        self._tallies.add("saved.usd", entry.usd or 0.0)
        matched = entry.prompt if hit.source == "semantic" else None
        return Answer(json.loads(entry.answer), hit.source, entry.seq, hit.similarity, matched, stale, entry)

    def _joined(self, answer: Answer, flight: Flight[Answer]) -> Answer:
        self._tallies.add("coalesced")
        self.pace.gave(None)
        question: Question = flight.notes["question"]
        if answer.entry is not None:
            self._tallies.add("saved.tokens", answer.entry.input_tokens + answer.entry.output_tokens)
            self._tallies.add("saved.usd", answer.entry.usd or 0.0)
        return Answer(answer.value, "coalesced", answer.seq, matched=question.text, entry=answer.entry)

    def _catch_up(self) -> None:
        """Build the index from the shelf where a kill, a power cut or a broken file took something from it."""
        if self.index is None:
            return
        index, shelf = self.index, self.shelf
        mark = index.folder / "shelf"
        # Another file in the shelf's place gives the same numbers to other entries.
        known = mark.read_text() if mark.exists() else ""
        if index.incomplete or known != shelf.identity:
            shelf.db.write(lambda db: index.rebuild(shelf.vectors(self.embedder)))
            mark.write_text(shelf.identity)
            index.settle()
