"""Many wordings of one question at once on a cache that has measured nothing: one call, and one for each trap."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from pyagent.embed.open import open_embedder
from pyagent_plugins.cache.cache import SemanticCache
from pyagent_plugins.cache.flight import Failed
from pyagent_plugins.cache.question import Answer

CORES = [
    "what is the height of the Eiffel Tower in metres", "what's the height of the Eiffel Tower in metres",
    "what is the Eiffel Tower's height in metres",
]  # fmt: skip
WORDINGS = [
    f"{opening}{core}{closing}"
    for core in CORES
    for opening in (
        "",
        "Hi, ",
        "Quick question: ",
        "Sorry to bother you, but ",
        "I'd like to know ",
        "just wondering, ",
    )
    for closing in ("?", "? Thanks!", "")
] + [
    "Tell me the height of the Eiffel Tower in metres.",
    "Do you know what the height of the Eiffel Tower in metres is?",
    "In metres, what is the height of the Eiffel Tower?",
    "the height of the Eiffel Tower in metres",
]
TRAPS = [
    "What is the height of the Eiffel Tower in feet?", "What is the height of the Tokyo Tower in metres?",
    "What is the width of the Eiffel Tower in metres?", "What is not the height of the Eiffel Tower in metres?",
    "What was the height of the Eiffel Tower in 1889 in metres?", "What was the height of the Eiffel Tower in metres?",
    "What is the height of the second floor of the Eiffel Tower in metres?", "Who measured the Eiffel Tower in metres?",
]  # fmt: skip


class Askers:
    """Asks everything at once; no computation ends before every question is on its way or has joined another."""

    def __init__(self, texts: list[str], fails: int = 0) -> None:
        self.texts, self.fails = texts, fails
        self.made: list[str] = []
        self.left = len(texts)
        self.all_asked = asyncio.Event()

    async def ask(self, folder: Path) -> list[Answer | BaseException]:
        cache = SemanticCache.open(folder, embedder=open_embedder())
        try:
            return await asyncio.gather(*(self._one(cache, text) for text in self.texts), return_exceptions=True)
        finally:
            await cache.aclose()

    async def _one(self, cache: SemanticCache, text: str) -> Answer:
        async def compute() -> str:
            self.made.append(text)
            mine = len(self.made)
            await self.all_asked.wait()
            if mine <= self.fails:
                raise Failed(f"call {mine}")
            return text

        return await cache.get_or_compute(text, compute, scope={"model": "m"}, told=lambda _: self._told())

    def _told(self) -> None:
        self.left -= 1
        if not self.left:  # the last one joins or leads in this very step
            asyncio.get_running_loop().call_soon(self.all_asked.set)


@pytest.fixture(autouse=True)
def _embedder() -> None:
    pytest.importorskip("onnxruntime", reason="the embedder is not installed")


@pytest.mark.parametrize("seed", [1, 2])
def test_wordings_are_one_call_and_each_trap_is_its_own(tmp_path: Path, seed: int) -> None:
    texts = [*WORDINGS, *TRAPS]
    random.Random(seed).shuffle(texts)

    async def story() -> None:
        askers = Askers(texts)
        answers = await askers.ask(tmp_path / "cache")
        assert sorted(set(askers.made) & set(TRAPS)) == sorted(TRAPS)
        (leader,) = set(askers.made) - set(TRAPS)
        for text, answer in zip(texts, answers, strict=True):
            assert isinstance(answer, Answer)
            assert answer.value == (text if text in TRAPS else leader)

    asyncio.run(story())


def test_a_leaders_error_costs_one_more_call_and_everyone_else_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        askers = Askers(WORDINGS, fails=1)
        answers = await askers.ask(tmp_path / "cache")
        assert len(askers.made) == 2
        assert sum(isinstance(answer, Failed) for answer in answers) == 1
        assert {answer.value for answer in answers if isinstance(answer, Answer)} == {askers.made[1]}

    asyncio.run(story())


def test_who_joined_brings_its_wording_for_the_next_one(tmp_path: Path) -> None:
    texts = [
        "How do I cancel my gym membership?", "Good morning, how do I cancel my membership at the gym?",
        "Please let me know how my gym membership can be cancelled.", "How do I cancel my gym class?",
    ]  # fmt: skip

    async def story() -> None:
        askers = Askers(texts)
        await askers.ask(tmp_path / "cache")
        assert askers.made == [texts[0], texts[3]]

    asyncio.run(story())
