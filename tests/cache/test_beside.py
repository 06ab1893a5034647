"""What the cache does beside the answers: settling windows, ageing them, judging, renewing, telling its recall."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from pyagent_plugins.cache.cache import SemanticCache
from pyagent_plugins.cache.entry import Dependency, Hit, Miss
from pyagent_plugins.cache.index.index import Window
from pyagent_plugins.cache.judge import Undecided, verdict
from tests.cache.vectors import A, topical, unit
from tests.program import Server, pyagent, write_tasks

SCOPE = {"model": "m"}
LARGE = 200_000


class Numbers:
    """An embedder of small vectors, so that a large window is made in seconds. It sees eight words."""

    name, dim, window = "numbers", 16, 8

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([unit(len(text), self.dim) for text in texts])

    def counts(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def test_a_large_window_is_settled_behind_the_answers_as_what_measured_cheaper(tmp_path: Path) -> None:
    """Annoy or the scan: which is cheaper is measured, and decides."""
    pytest.importorskip("annoy")

    async def story() -> None:
        cache = SemanticCache.open(tmp_path, embedder=Numbers(), window=Window(LARGE, generations=2))
        assert cache.index is not None
        rows = topical(LARGE, Numbers.dim)
        cache.index.rebuild((at + 1, A, row) for at, row in enumerate(rows))
        assert not cache.index.unsettled
        await cache.store("what seals it", "answer", scope=SCOPE)
        await cache.aclose()
        again = SemanticCache.open(tmp_path, embedder=Numbers(), window=Window(LARGE, generations=2))
        assert again.index is not None
        (sealed,) = again.index.stats()["sealed"]
        measured = sealed["measured"]
        cheaper = "annoy" if measured["annoy_us"] < measured["codes_us"] else "codes"
        assert (sealed["backend"], again.index.unsettled) == (cheaper, False), measured
        await again.aclose()

    asyncio.run(story())


def test_a_window_by_age_moves_on_and_gives_nothing_that_it_passed(tmp_path: Path) -> None:
    async def story() -> None:
        cache = SemanticCache.open(tmp_path, embedder=None, window=Window(age=0.5))
        kept = await cache.store("q", "old", scope=SCOPE, ttl=1e6)
        assert kept is not None
        assert isinstance(await cache.lookup("q", scope=SCOPE), Hit)
        await asyncio.sleep(0.6)
        found = await cache.lookup("q", scope=SCOPE)
        assert isinstance(found, Miss)
        await cache.aclose()
        later = SemanticCache.open(tmp_path, embedder=None, window=Window(age=0.5))
        assert isinstance(await later.lookup("q", scope=SCOPE), Miss)
        assert later.shelf.low > kept.seq
        await later.aclose()

    asyncio.run(story())


def test_a_question_that_is_not_seen_whole_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        cache = SemanticCache.open(tmp_path, embedder=Numbers())
        long = "what is said in one two three four five six seven"
        await cache.store(long, "answer", scope=SCOPE)
        assert isinstance(await cache.lookup(long, scope=SCOPE), Hit)
        found = await cache.lookup(f"{long} eight", scope=SCOPE)
        assert isinstance(found, Miss)
        assert (found.reason, found.detail) == ("exact only", "longer than the embedder's 8 tokens")
        await cache.aclose()

    asyncio.run(story())


def test_what_lies_behind_a_link_counts(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("one")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    linked = [Dependency("file", str(tmp_path / "link.txt"))]

    async def story() -> None:
        cache = SemanticCache.open(tmp_path / "cache", embedder=None)
        await cache.store("q", "answer", scope=SCOPE, depends_on=linked)
        assert isinstance(await cache.lookup("q", scope=SCOPE, depends_on=linked), Hit)
        (tmp_path / "real.txt").write_text("two")
        found = await cache.lookup("q", scope=SCOPE, depends_on=linked)
        assert isinstance(found, Miss)
        assert found.reason == "stale"
        await cache.aclose()

    asyncio.run(story())


def test_who_names_the_file_behind_a_link_means_what_was_read_through_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.txt").write_text("one")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    linked = [Dependency("file", str(tmp_path / "link" / "a.txt"))]

    async def story() -> None:
        cache = SemanticCache.open(tmp_path / "cache", embedder=None)
        kept = await cache.store("q", "answer", scope=SCOPE, depends_on=linked)
        assert kept is not None
        assert cache.invalidate(Dependency("file", str(tmp_path / "real" / "a.txt"))) == [kept.seq]
        assert isinstance(await cache.lookup("q", scope=SCOPE, depends_on=linked), Miss)
        await cache.aclose()

    asyncio.run(story())


def test_stats_tell_the_measured_recall_and_measure_it_once(tmp_path: Path) -> None:
    async def story() -> None:
        cache = SemanticCache.open(tmp_path, embedder=Numbers())
        assert cache.stats()["index"]["recall"] is None
        for number in range(40):
            await cache.store("x" * (number + 1), "answer", scope=SCOPE)
        told = cache.stats()["index"]["recall"]
        assert told == {"recall": 1.0, "samples": 32, "cosine": 0.9, "entries": 40}
        await cache.store("y" * 60, "answer", scope=SCOPE)
        assert cache.stats()["index"]["recall"] == told, "a tenth more is not measured again"
        await cache.aclose()

    asyncio.run(story())


def test_the_judges_word() -> None:
    assert verdict("Yes.")
    assert verdict(" **yes**, because")
    assert not verdict("No, the second one asks for another city.")
    with pytest.raises(Undecided, match="neither yes nor no"):
        verdict("I know nothing.")


def judged(folder: Path, home: Path, server: Server, config: str) -> tuple[str, int, int]:
    """(stderr, right, wrong) of a run with two wordings that are near but not surely the same: both are computed."""
    pytest.importorskip("onnxruntime", reason="the embedder is not installed")
    (home / "config.toml").write_text(config)
    path = write_tasks(
        folder / "a.jsonl",
        {"id": "one", "prompt": "How do I renew my passport?"},
        {"id": "two", "prompt": "What is the way to get a passport renewed?", "after": ["one"]},
    )
    ended = pyagent("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--ordered")
    assert ended.code == 0, ended.err
    assert [line["source"] for line in ended.lines] == ["computed", "computed"]
    told = json.loads(pyagent("--json", "cache", "stats").out)
    assert (told["semantic"]["alarms"], told["entries"]) == (0, 2)
    return ended.err, told["shadow"]["right"], told["shadow"]["wrong"]


def test_the_bundled_model_judges_behind_the_run(tmp_path: Path, home: Path, serve: Callable[..., Server]) -> None:
    """A real one reads the pair, and says yes, no, or what counts as neither; how well it judges is its own."""
    pytest.importorskip("llama_cpp")
    err, right, wrong = judged(tmp_path, home, serve("--echo"), '[plugins.cache]\njudge = "smollm2-135m"\n')
    assert right + wrong == (0 if "neither yes nor no" in err else 1), err


@pytest.mark.parametrize(("said", "counted"), [("No.", (0, 1)), ("perhaps", (0, 0))])
def test_a_model_judges_would_be_hits_behind_the_run(
    tmp_path: Path, home: Path, serve: Callable[..., Server], said: str, counted: tuple[int, int]
) -> None:
    judge = serve("--answer", said, "--keep")
    provider = f'[providers.bench]\nkind = "openai"\nbase_url = "{judge.url}"\n[plugins.cache]\njudge = "bench/wise"\n'
    err, right, wrong = judged(tmp_path, home, serve("--echo", "--keep"), provider)
    assert judge.count()["requests"] == 1
    assert ("neither yes nor no" in err) == (said == "perhaps")
    assert (right, wrong) == counted


def test_an_answer_past_its_time_is_given_and_renewed_where_the_settings_ask_for_it(
    tmp_path: Path, home: Path, serve: Callable[..., Server]
) -> None:
    server = serve("--echo", "--keep")
    (home / "config.toml").write_text('[plugins.cache]\nstale = true\nembedder = ""\nttl_hours = 0.0000001\n')
    ask = ("-m", "stub", "--base-url", server.url, "-q")
    for name, source, requests in (("a", "computed", 1), ("b", "exact", 2)):
        path = write_tasks(tmp_path / f"{name}.jsonl", {"id": name, "prompt": "Where is Rome?"})
        ended = pyagent("swarm", "run", str(path), *ask)
        assert (ended.code, ended.lines[0]["source"]) == (0, source), ended.err
        assert server.count()["requests"] == requests
