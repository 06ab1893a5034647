"""The stages of a look-up, cheapest first: each can only turn a hit into a miss, and every miss says why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyagent_plugins.cache.calibration import Match
from pyagent_plugins.cache.entry import Entry, Hit, Miss
from pyagent_plugins.cache.flight import Flight
from pyagent_plugins.cache.index.block import Found
from pyagent_plugins.cache.index.index import VectorIndex
from pyagent_plugins.cache.learner import Learner
from pyagent_plugins.cache.matching import alike, judged, matched, recalled, refused, remembered
from pyagent_plugins.cache.meaning.features import Features, features
from pyagent_plugins.cache.meaning.guards import Refusal
from pyagent_plugins.cache.question import Candidate, Question
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.shelf import Shelf

if TYPE_CHECKING:
    import numpy as np

    from pyagent.embed.base import Embedder
    from pyagent.embed.batch import AsyncEmbedder

# Below this cosine no guard is asked: the verifier has never served a pair from there.
FLOOR = 0.75
CANDIDATES = 5
# Most hits lie above this one, and a search down to FLOOR compares ten times as many codes: 120 µs against 70.
CLOSE = 0.85


class Stages:
    """What is kept, and what is in flight, as one question sees it."""

    def __init__(
        self,
        shelf: Shelf,
        index: VectorIndex | None,
        versions: Versions,
        learner: Learner,
        embedder: Embedder | None,
        embed: AsyncEmbedder | None,
        age: float | None = None,
    ) -> None:
        self._shelf, self._index, self._versions, self._learner = shelf, index, versions, learner
        self._embedder, self._embed, self._age = embedder, embed, age

    def exact(self, question: Question, ended: bool = False) -> Hit | Miss:
        """The newest fresh answer to exactly this question; with ``ended`` also one that is not fresh any more."""
        changed = ""
        for entry in self._shelf.exacts(question.scope, question.key, ended=ended):
            if not question.takes(entry):
                changed = changed or f"{entry.model} is not good enough for it"
                continue
            if (why := self._outdated(entry, ended)) is None:
                return Hit(entry, "exact")
            changed = changed or why
        return Miss("stale", changed) if changed else Miss("new", "nothing is kept for this question")

    async def understand(self, question: Question) -> None:
        """Vector and features, once; a text longer than the embedder's window is matched only exactly."""
        if self._embed is None or self._embedder is None:
            question.unseen = "no embedder"
            return
        if question.features is not None or question.unseen:
            return
        window = self._embedder.window
        # A token is never shorter than a character: most questions need no counting.
        if len(question.text) > window and self._embedder.counts([question.text])[0] > window:
            question.unseen = f"longer than the embedder's {window} tokens"
            return
        question.vector = await self._embed.embed_one(question.text)
        question.features = features(question.text)

    def similar(self, question: Question) -> Candidate | Miss:
        """The best kept answer that is fresh and that no guard refuses, or why there is none."""
        if question.vector is None or self._index is None:
            return Miss("exact only", question.unseen or "no embedder")
        best: Candidate | None = None
        refused: Miss | None = None
        for some in self._found(question.scope, question.vector):
            for entry, theirs, cosine in self._read(some, question.scope):
                outcome = self._checked(question, entry, theirs, cosine)
                if isinstance(outcome, Miss):
                    refused = refused or outcome
                elif best is None or outcome.match.probability > best.match.probability:
                    best = outcome
            if best is not None and best.match.strict:
                break  # mostly the nearest serves, and the others are never read
        return best or refused or Miss("new", f"nothing kept is as near as {FLOOR:g}")

    def _found(self, scope: bytes, vector: np.ndarray) -> Iterator[Sequence[Found]]:
        """The CANDIDATES nearest, in parts: the first, the close ones, and those that a wider search finds."""
        assert self._index is not None
        close = self._index.search(scope, vector, k=CANDIDATES, floor=CLOSE)
        yield close[:1]
        yield close[1:]
        if len(close) < CANDIDATES:
            met = {each.seq for each in close}
            wide = self._index.search(scope, vector, k=CANDIDATES, floor=FLOOR)
            yield [each for each in wide if each.seq not in met]

    def _read(self, found: Sequence[Found], scope: bytes) -> Iterator[tuple[Entry, Features, float]]:
        """What was found, with its features and cosine, in this order."""
        cosines = {each.seq: each.cosine for each in found}
        # By the scope as well: the arrays may hold what a killed writer never committed.
        for entry, kept in self._shelf.compared(cosines, scope):
            yield entry, remembered(entry.prompt) or recalled(entry.prompt, kept), cosines[entry.seq]

    def near(self, question: Question, flights: list[Flight[Any]]) -> Flight[Any] | None:
        """A question in flight whose answer would be served for this one if it were kept already.

        Whoever joins brings one more wording that the next one may be like, and one more that it must not contradict.
        """
        best: tuple[float, Flight[Any]] | None = None
        for flight in flights:
            party: list[Question] = flight.notes.setdefault("party", [flight.notes["question"]])
            weight = self._weight(question, party)
            if weight is not None and (best is None or weight > best[0]):
                best = (weight, flight)
        if best is None:
            return None
        party = best[1].notes["party"]
        if not any(alike(question.text, other.text) for other in party):
            party.append(question)
        return best[1]

    def _weight(self, question: Question, party: Sequence[Question]) -> float | None:
        """How surely a flight's answer serves a question, by the wording most like it; None where it does not."""
        found: list[float] = []
        for other in party:
            if other.models != question.models:
                return None
            if other.vector is None or other.features is None or question.vector is None or question.features is None:
                return None
            cosine = float(other.vector @ question.vector)
            same = alike(question.text, other.text)
            match = self.match(question, other.text, other.features, cosine) if cosine >= FLOOR or same else None
            if match is not None and self._joins(match):
                found.append(2.0 if same else match.probability)
        # The guards last: most flights are about something else. One form with a member settles the roles.
        told = {refusal.kind for other in party if found and (refusal := _refused(question, other))}
        if not found or (told - {"order"} if 2.0 in found else told):
            return None
        return max(found)

    def _joins(self, match: Match) -> bool:
        """No sample ever measures a join: it takes what is strict, or the same words in the same places.

        In one round of asking, the words that follow a request move the vector more than the question does.
        """
        close = match.strict or (not match.doubt and match.cosine >= FLOOR)
        return close and self._learner.serves(replace(match, same=True))

    def match(self, question: Question, text: str, theirs: Features, cosine: float) -> Match:
        """What speaks for giving the answer to ``text``."""
        assert question.features is not None
        return matched(question.text, question.features, text, theirs, cosine)

    def _outdated(self, entry: Entry, ended: bool = False) -> str | None:
        """Why an entry may not be given: the window by age passed it, or what it was made from changed."""
        if self._age is not None and entry.created < self._shelf.clock.now() - self._age:
            return f"it is older than the window's {self._age / 3600:g} h"
        return None if ended else self._versions.changed(entry)

    def _checked(self, question: Question, entry: Entry, theirs: Features, cosine: float) -> Candidate | Miss:
        assert question.features is not None
        if (why := self._outdated(entry)) is not None:
            return Miss("stale", why, entry, cosine)
        if not question.takes(entry):
            return Miss("model", f"{entry.model} is not good enough for it", entry, cosine)
        found = judged(question.text, question.features, entry.prompt, theirs, cosine)
        return Miss("guard", found.reason, entry, cosine) if isinstance(found, Refusal) else Candidate(entry, found)


def telling(exact: Miss, similar: Miss) -> Miss:
    """The miss that says more: an answer to this very question that has died, before a vague nothing."""
    return exact if exact.reason == "stale" and similar.nearest is None else similar


def below(candidate: Candidate) -> Miss:
    match = candidate.match
    told = f"similar ({match.cosine:.2f}), but not surely the same ({match.probability:.2f})"
    return Miss("unsure", told, candidate.entry, match.cosine)


def shadowed(candidate: Candidate) -> Miss:
    told = f"would be given ({candidate.match.cosine:.2f}); computed to measure how often that is right"
    return Miss("shadow", told, candidate.entry, candidate.match.cosine)


def _refused(question: Question, other: Question) -> Refusal | None:
    assert question.features is not None
    assert other.features is not None
    return refused(question.text, question.features, other.text, other.features)
