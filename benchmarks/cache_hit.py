"""What a whole semantic hit costs beside the embedding of its question, and where that goes.

    python benchmarks/cache_hit.py [--entries 50000]

Five thousand really embedded questions among vectors mixed from them, every entry with its row, features and form in
SQLite; asked are paraphrases that the nearest kept question answers by its canonical form alone, as a young cache
serves them. CPU time of the process; each part is the lowest of seven medians, since the machine is shared. `warm` is
an entry that this process has met before, `first` one that it reads from the disk.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins"), str(ROOT / "benchmarks")]

from cache_sentences import mixed, sentences  # noqa: E402

from pyagent.embed.open import open_embedder  # noqa: E402
from pyagent_plugins.cache import matching  # noqa: E402
from pyagent_plugins.cache.cache import SemanticCache  # noqa: E402
from pyagent_plugins.cache.entry import Entry  # noqa: E402
from pyagent_plugins.cache.index.windows import Window  # noqa: E402
from pyagent_plugins.cache.meaning import canon  # noqa: E402
from pyagent_plugins.cache.meaning.features import features  # noqa: E402
from pyagent_plugins.cache.question import Candidate, Question  # noqa: E402
from pyagent_plugins.cache.shelf.rows import NOW, UNNUMBERED, Draft  # noqa: E402
from pyagent_plugins.cache.stages import CANDIDATES, CLOSE, FLOOR  # noqa: E402

SCOPE = {"model": "m"}
ROUNDS, TOGETHER = 7, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--entries", type=int, default=50_000)
    options = parser.parse_args()
    embedder, data = open_embedder(), sentences()
    with tempfile.TemporaryDirectory() as folder:
        cache = SemanticCache.open(folder, embedder=embedder, window=Window(options.entries))
        fill(cache, options.entries)
        asked = [question(cache, text, vector) for text, vector in zip(data.paraphrases, data.asked, strict=True)]
        report(cache, [each for each in asked if served_by_the_nearest(cache, each)])


def fill(cache: SemanticCache, count: int) -> None:
    """The real questions last, so that the newest entries are the ones that are found."""
    data = sentences()
    assert cache.index is not None
    vectors = list(mixed(data.kept, count))
    texts = [*data.texts, *(f"filler {at}" for at in range(count - len(data.texts)))]
    for start in range(0, count, TOGETHER):
        drafts = []
        for text, vector in list(zip(texts, vectors, strict=True))[start : start + TOGETHER]:
            asked = question(cache, text, vector)
            entry = Entry(UNNUMBERED, asked.scope, asked.key, text, '"an answer"', NOW)
            assert asked.features is not None
            drafts.append(Draft(entry, vector, cache.embedder, matching.kept(text, asked.features)))
        cache.shelf.put(drafts, cache.index.add)


def question(cache: SemanticCache, text: str, vector: np.ndarray) -> Question:
    found = Question.of(text, SCOPE, "", cache.embedder)
    found.vector, found.features = vector, features(text)
    return found


def served_by_the_nearest(cache: SemanticCache, asked: Question) -> bool:
    found = cache._stages.similar(asked)
    nearest = cache.index.search(asked.scope, asked.vector, 1, FLOOR)  # type: ignore[union-attr,arg-type]
    return isinstance(found, Candidate) and found.match.same and found.entry.seq == nearest[0].seq


def report(cache: SemanticCache, asked: Sequence[Question]) -> None:
    stages, index, shelf = cache._stages, cache.index, cache.shelf
    assert index is not None
    nearest = {q.key: index.search(q.scope, q.vector, 1, FLOOR)[0].seq for q in asked}  # type: ignore[arg-type]
    rows = {q.key: shelf.compared([nearest[q.key]], q.scope)[0] for q in asked}
    theirs = {key: features(entry.prompt) for key, (entry, _) in rows.items()}

    def judge(q: Question) -> None:
        assert q.features is not None
        matching.judged(q.text, q.features, rows[q.key][0].prompt, theirs[q.key], 0.9)

    def first(q: Question) -> None:
        matching._parsed.clear()
        stages.similar(q)

    def parse(q: Question) -> None:
        features(q.text)
        canon._made(q.text)

    embedder = open_embedder()
    one = median(lambda q: embedder.embed([q.text]), asked[:40], rounds=3)
    print(f"{len(asked)} questions among {shelf.stats().entries:,} entries; one embedding {one:,.0f} us")
    parts: dict[str, Callable[[Question], object]] = {
        "hit: search, row, guards, verifier (warm)": stages.similar,
        "hit, the entry met for the first time": first,
        "  the search alone": lambda q: index.search(q.scope, q.vector, CANDIDATES, CLOSE),  # type: ignore[arg-type]
        "  the wider search where none is so close": lambda q: index.search(q.scope, q.vector, CANDIDATES, FLOOR),  # type: ignore[arg-type]
        "  the row with its features": lambda q: shelf.compared([nearest[q.key]], q.scope),
        "  guards, form and verifier": judge,
        "  reading kept features and form": lambda q: matching.recalled(rows[q.key][0].prompt, rows[q.key][1]),
        "before it: the exact stage's miss": stages.exact,
        "before it: features and form of the question": parse,
    }
    for name, work in parts.items():
        cost = median(work, asked)
        print(f"{name:48}{cost:7.1f} us {cost / one:7.2%} of an embedding", flush=True)


def median(work: Callable[[Question], object], asked: Sequence[Question], rounds: int = ROUNDS) -> float:
    """µs of CPU of a call."""
    found = []
    for _ in range(rounds):
        costs = []
        for each in asked:
            start = time.process_time()
            work(each)
            costs.append(time.process_time() - start)
        found.append(float(np.median(costs)))
    return min(found) * 1e6


if __name__ == "__main__":
    main()
