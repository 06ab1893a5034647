"""The cache as its users call it: what is joined, what is kept, what dies, and what is never mixed up."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.embed.base import Embedder
from pyagent.embed.open import open_embedder
from pyagent_plugins.cache.cache import SemanticCache
from pyagent_plugins.cache.entry import Dependency, Hit, Miss
from pyagent_plugins.cache.flight import Failed
from pyagent_plugins.cache.question import Computed
from pyagent_plugins.cache.shelf.limits import Limits

SCOPE = {"model": "m"}


@pytest.fixture(scope="module")
def minilm() -> Embedder:
    pytest.importorskip("onnxruntime", reason="the embedder is not installed")
    return open_embedder()


class Model:
    """Answers with the number of its calls, or fails the first ``fails`` of them."""

    def __init__(self, fails: int = 0, wait: float = 0.0) -> None:
        self.calls, self.fails, self.wait = 0, fails, wait

    async def __call__(self) -> str:
        self.calls += 1
        mine = self.calls
        await asyncio.sleep(self.wait)
        if mine <= self.fails:
            raise Failed(f"call {mine}")
        return f"answer {mine}"


def story(folder: Path, tell: Callable[[SemanticCache], Awaitable[Any]], **options: Any) -> Any:
    async def whole() -> Any:
        cache = SemanticCache.open(folder / "cache", **options)
        try:
            return await tell(cache)
        finally:
            await cache.aclose()

    return asyncio.run(whole())


def test_an_exact_question_is_answered_once_also_by_a_later_process(tmp_path: Path) -> None:
    model = Model()

    async def tell(cache: SemanticCache) -> list[tuple[str, Any]]:
        answers = [await cache.get_or_compute(text, model, scope=SCOPE) for text in ("What is 10²?", "What  is 10²? ")]
        return [(answer.source, answer.value) for answer in answers]

    assert story(tmp_path, tell, embedder=None) == [("computed", "answer 1"), ("exact", "answer 1")]
    assert story(tmp_path, tell, embedder=None) == [("exact", "answer 1"), ("exact", "answer 1")]

    async def squared(cache: SemanticCache) -> str:
        return (await cache.get_or_compute("What is 102?", model, scope=SCOPE)).source

    assert story(tmp_path, squared, embedder=None) == "computed", "10² is not 102"


def test_a_scope_and_a_conversation_are_never_mixed(tmp_path: Path, minilm: Embedder) -> None:
    model = Model()

    async def tell(cache: SemanticCache) -> None:
        question = "What is the capital of France?"
        await cache.get_or_compute(question, model, scope={"tenant": "a"})
        for scope, context in (({"tenant": "b"}, ""), ({"tenant": "a", "system": "x"}, ""), ({"tenant": "a"}, "h")):
            found = await cache.lookup(question, scope=scope, context=context)
            assert isinstance(found, Miss)
            paraphrased = await cache.lookup("Tell me the capital of France.", scope=scope, context=context)
            assert isinstance(paraphrased, Miss)
        assert isinstance(await cache.lookup(question, scope={"tenant": "a"}), Hit)

    story(tmp_path, tell, embedder=minilm)


def test_a_paraphrase_is_served_and_traps_are_not(tmp_path: Path, minilm: Embedder) -> None:
    kept = "How many days of leave do employees in Berlin get?"
    traps = [
        "How many days of leave do employees in Madrid get?",
        "How many weeks of leave do employees in Berlin get?",
        "How many days of leave do employees in Berlin not get?",
        "Which days of leave do employees in Berlin get?",
        "How many days of leave did 12 employees in Berlin get?",
    ]

    async def tell(cache: SemanticCache) -> None:
        await cache.store(kept, "30", scope=SCOPE)
        same = await cache.lookup("how many days of leave do employees get in Berlin?", scope=SCOPE)
        assert isinstance(same, Hit)
        assert same.source == "semantic"
        for trap in traps:
            found = await cache.lookup(trap, scope=SCOPE)
            assert isinstance(found, Miss), trap
            assert found.reason in ("guard", "unsure", "new")

    story(tmp_path, tell, embedder=minilm)


def test_a_changed_file_kills_exactly_what_was_made_from_it(tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("1")
    two.write_text("2")
    model = Model()

    async def ask(cache: SemanticCache, path: Path) -> str:
        made_from = [Dependency("file", str(path))]
        return (await cache.get_or_compute(f"read {path.name}", model, scope=SCOPE, depends_on=made_from)).source

    async def tell(cache: SemanticCache) -> None:
        assert [await ask(cache, one), await ask(cache, two)] == ["computed", "computed"]
        assert [await ask(cache, one), await ask(cache, two)] == ["exact", "exact"]
        one.write_text("changed")
        found = await cache.lookup("read one.txt", scope=SCOPE, depends_on=[Dependency("file", str(one))])
        assert isinstance(found, Miss)
        assert "one.txt changed" in found.detail
        assert [await ask(cache, one), await ask(cache, two)] == ["computed", "exact"]
        cache.invalidate(Dependency("file", str(two)))
        assert [await ask(cache, one), await ask(cache, two)] == ["exact", "computed"]
        two.unlink()
        assert await ask(cache, two) == "computed"

    story(tmp_path, tell, embedder=None)


def test_an_answer_that_was_computed_before_an_edit_and_stored_after_it_is_stale(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("before")

    async def tell(cache: SemanticCache) -> None:
        async def compute() -> str:
            text = source.read_text()
            source.write_text("after, and longer")
            return text

        made_from = [Dependency("file", str(source))]
        first = await cache.get_or_compute("read it", compute, scope=SCOPE, depends_on=made_from)
        assert first.value == "before"
        found = await cache.lookup("read it", scope=SCOPE, depends_on=made_from)
        assert isinstance(found, Miss)

    story(tmp_path, tell, embedder=None)


def test_an_older_paraphrase_of_an_invalidated_fact_is_not_found_either(tmp_path: Path, minilm: Embedder) -> None:
    tag = [Dependency("tag", "prices")]

    async def tell(cache: SemanticCache) -> None:
        await cache.store("What does the standard plan cost?", "9", scope=SCOPE, depends_on=tag)
        question = "what does the standard plan cost"
        assert isinstance(await cache.lookup(question, scope=SCOPE, depends_on=tag), Hit)
        cache.invalidate(*tag)
        assert isinstance(await cache.lookup(question, scope=SCOPE, depends_on=tag), Miss)

    story(tmp_path, tell, embedder=minilm)


def test_moving_the_window_ends_what_is_behind_it(tmp_path: Path, minilm: Embedder) -> None:
    async def tell(cache: SemanticCache) -> None:
        for city in ("Paris", "Rome", "Oslo"):
            await cache.store(f"Where is {city}?", city, scope=SCOPE)
        cache.advance_window(entries=1)
        found = [isinstance(await cache.lookup(f"Where is {c}?", scope=SCOPE), Hit) for c in ("Paris", "Rome", "Oslo")]
        assert found == [False, False, True]
        assert isinstance(await cache.lookup("where is rome", scope=SCOPE), Miss)

    story(tmp_path, tell, embedder=minilm)


def test_paraphrases_at_once_make_one_call_and_traps_their_own(tmp_path: Path, minilm: Embedder) -> None:
    ways = [
        "How do I reset my password?",
        "how do I reset my password",
        "How can I reset my password?",
        "How do I reset my password, please?",
        "How  do I reset my password ?",
    ]
    traps = ["How do I reset my PIN?", "How do I change my email?", "How do I reset my password on 2 devices?"]
    model = Model(wait=0.4)

    async def tell(cache: SemanticCache) -> None:
        asked = [cache.get_or_compute(text, model, scope=SCOPE) for text in ways * 8 + traps]
        answers = await asyncio.gather(*asked)
        same = {answer.value for answer in answers[: len(ways) * 8]}
        assert len(same) == 1
        assert model.calls == 1 + len(traps)
        assert sum(answer.source == "coalesced" for answer in answers) == len(ways) * 8 - 1

    story(tmp_path, tell, embedder=minilm)


def test_a_leader_that_fails_costs_one_more_call_and_one_failure(tmp_path: Path) -> None:
    model = Model(fails=1, wait=0.05)

    async def tell(cache: SemanticCache) -> list[Any]:
        asked = [cache.get_or_compute("same", model, scope=SCOPE) for _ in range(30)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    answers = story(tmp_path, tell, embedder=None)
    assert sum(isinstance(answer, Failed) for answer in answers) == 1
    assert model.calls == 2


def test_what_must_not_be_kept_is_not_and_what_is_too_large_is_given_all_the_same(tmp_path: Path) -> None:
    told: list[str] = []

    async def tell(cache: SemanticCache) -> None:
        async def cut() -> Computed:
            return Computed("half an ans", keep=False)

        async def long() -> str:
            return "".join(f"{n * 7919 % 10007} " for n in range(3000))

        assert (await cache.get_or_compute("cut", cut, scope=SCOPE)).seq is None
        assert isinstance(await cache.lookup("cut", scope=SCOPE), Miss)
        answer = await cache.get_or_compute("long", long, scope=SCOPE)
        assert (len(answer.value) > 2000, answer.seq) == (True, None)

    story(tmp_path, tell, embedder=None, limits=Limits(entry=2000), warn=told.append)
    assert "larger than the cache keeps" in told[0]


def test_without_the_embedder_exact_matches_go_on_with_one_warning(tmp_path: Path) -> None:
    told: list[str] = []
    model = Model()

    async def tell(cache: SemanticCache) -> list[str]:
        return [(await cache.get_or_compute("q", model, scope=SCOPE)).source for _ in range(2)]

    sources = story(tmp_path, tell, embedder="no-such-embedder-anywhere", warn=told.append)
    assert sources == ["computed", "exact"]
    assert len(told) == 1
    assert "exact text only" in told[0]


def test_a_changed_embedder_compares_nothing_with_older_vectors(tmp_path: Path, minilm: Embedder) -> None:
    class Renamed:
        name, dim, window = "another", minilm.dim, minilm.window

        def embed(self, texts: Any) -> Any:
            return minilm.embed(texts)

        def counts(self, texts: Any) -> list[int]:
            return minilm.counts(texts)

    async def keep(cache: SemanticCache) -> None:
        await cache.store("Where is the post office?", "there", scope=SCOPE)

    async def look(cache: SemanticCache) -> Hit | Miss:
        return await cache.lookup("where is the post office", scope=SCOPE)

    story(tmp_path, keep, embedder=minilm)
    assert isinstance(story(tmp_path, look, embedder=minilm), Hit)
    assert isinstance(story(tmp_path, look, embedder=Renamed()), Miss)


def test_a_stale_answer_is_given_at_once_and_renewed_behind(tmp_path: Path) -> None:
    model = Model()
    tag = [Dependency("tag", "t")]

    async def tell(cache: SemanticCache) -> None:
        first = await cache.get_or_compute("q", model, scope=SCOPE, ttl=0.01)
        await asyncio.sleep(0.05)
        stale = await cache.get_or_compute("q", model, scope=SCOPE, stale_while_revalidate=True)
        assert (first.value, stale.value, stale.stale) == ("answer 1", "answer 1", True)
        await asyncio.sleep(0.2)
        fresh = await cache.get_or_compute("q", model, scope=SCOPE)
        assert (fresh.value, fresh.source) == ("answer 2", "exact")

    story(tmp_path, tell, embedder=None)
    assert tag


def test_wrong_feedback_deletes_the_answer(tmp_path: Path) -> None:
    model = Model()

    async def tell(cache: SemanticCache) -> None:
        answer = await cache.get_or_compute("q", model, scope=SCOPE)
        assert answer.seq is not None
        await cache.report_feedback(answer.seq, correct=False)
        assert isinstance(await cache.lookup("q", scope=SCOPE), Miss)

    story(tmp_path, tell, embedder=None)


def test_another_file_in_the_shelfs_place_is_not_read_through_old_vectors(tmp_path: Path, minilm: Embedder) -> None:
    async def keep(cache: SemanticCache) -> None:
        await cache.store("Where is the post office?", "there", scope=SCOPE)

    async def other(cache: SemanticCache) -> Hit | Miss:
        await cache.store("When does the library open?", "at nine", scope=SCOPE)
        return await cache.lookup("where is the post office", scope=SCOPE)

    story(tmp_path, keep, embedder=minilm)
    for file in (tmp_path / "cache").glob("cache.db*"):
        os.unlink(file)
    assert isinstance(story(tmp_path, other, embedder=minilm), Miss)


def test_a_text_longer_than_the_embedders_window_is_matched_only_exactly(tmp_path: Path, minilm: Embedder) -> None:
    text = "Read this: " + "many words and then some more, " * 400

    async def tell(cache: SemanticCache) -> None:
        await cache.store(text, "a", scope=SCOPE)
        assert isinstance(await cache.lookup(text, scope=SCOPE), Hit)
        found = await cache.lookup(text + " again", scope=SCOPE)
        assert isinstance(found, Miss)
        assert "longer than the embedder's" in found.detail

    story(tmp_path, tell, embedder=minilm)
