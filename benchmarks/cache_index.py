"""What a look-up by meaning costs, beside an embedding, a flat scan, GPTCache and hnswlib: one run, the same vectors.

CPU time of the whole process, medians. The peers are measured where they can be imported (``--peers DIR`` or
PYAGENT_BENCH_PEERS): pip install --target DIR --no-deps hnswlib gptcache==0.1.44 faiss-cpu sqlalchemy greenlet
cachetools requests urllib3 idna certifi charset_normalizer

    python benchmarks/cache_index.py [--entries 50000] [--large 1000000] [--peers DIR]
"""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cache_sentences import mixed, sentences

from pyagent_plugins.cache.index.index import VectorIndex, Window
from pyagent_plugins.cache.index.sealed import Sealed

SCOPE = b"benchmark scope."
FLOOR = 0.85


def cpu_us(work: Callable[[Any], object], items: Sequence[Any]) -> np.ndarray:
    """µs of CPU of each call."""
    work(items[0])
    costs = []
    for item in items:
        start = time.process_time()
        work(item)
        costs.append((time.process_time() - start) * 1e6)
    return np.array(costs)


def p50(costs: np.ndarray) -> float:
    return float(np.median(costs))


def line(name: str, value: str, note: str = "") -> None:
    print(f"  {name:<44}{value:>16}  {note}", flush=True)


def filled(folder: Path, n: int, real: np.ndarray) -> VectorIndex:
    index = VectorIndex.open(folder, 384, "bench", Window(n, generations=0))
    index.rebuild((i + 1, SCOPE, v) for i, v in enumerate(mixed(real, n)))
    return index


def best_of_all(index: VectorIndex, asked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(cosine, number) of the true best, by every vector as it is kept."""
    vectors = index._windows.ring().file.arrays["vectors"]
    best, which = np.full(len(asked), -1.0), np.zeros(len(asked), np.int64)
    for at in range(0, index.high + 1, 8192):
        cosines = vectors[at : min(at + 8192, index.high + 1)].astype(np.float32) @ asked.T
        now = cosines.max(axis=0)
        which = np.where(now > best, at + cosines.argmax(axis=0), which)
        best = np.maximum(best, now)
    return best, which


def recall(index: VectorIndex, asked: np.ndarray, floor: float) -> tuple[float, float, int]:
    """(share whose best was found, share where it is the very same entry, of how many)."""
    best, which = best_of_all(index, asked)
    near = np.flatnonzero(best >= floor)
    found = [index.search(SCOPE, asked[i], 1, floor - 0.005) for i in near]
    same = [bool(f) and f[0].seq == which[i] for f, i in zip(found, near, strict=True)]
    good = [bool(f) and f[0].cosine >= best[i] - 1e-3 for f, i in zip(found, near, strict=True)]
    return float(np.mean(good)), float(np.mean(same)), len(near)


def look_ups(index: VectorIndex, asked: np.ndarray) -> float:
    costs = cpu_us(lambda v: index.search(SCOPE, v, 3, FLOOR), list(asked))
    good, same, n = recall(index, asked, FLOOR)
    how = index.stats()["newest_backend"]
    loops = "numpy" if index._windows.ring().view().block.kernel is None else "the compiled kernel"
    line("look-up, p50 / p99 us", f"{p50(costs):.0f} / {np.percentile(costs, 99):.0f}", f"by {how}, {loops}")
    line("  recall@1 at cosine 0.85", f"{good:.4f}", f"{same:.4f} the very same entry; {n} paraphrases")
    return p50(costs)


def adds(index: VectorIndex, real: np.ndarray) -> float:
    fresh = list(mixed(real, len(real) + 2000, seed=9))[len(real) :]
    costs = cpu_us(lambda v: index.add(index.high + 1, SCOPE, v), fresh)
    line("insert, p50 / mean us", f"{p50(costs):.0f} / {costs.mean():.0f}")
    return p50(costs)


def expiry(index: VectorIndex, asked: np.ndarray) -> float:
    """Move the window half way in a hundred steps; then nothing below it may be found."""
    steps = np.linspace(index.low, (index.low + index.high) // 2, 100).astype(int).tolist()
    costs = cpu_us(index.advance, steps)
    old = sum(f.seq < index.low for v in asked for f in index.search(SCOPE, v, 3, 0.5))
    line("move the window, p50 us", f"{p50(costs):.1f}", f"{old} entries below it found afterwards")
    return p50(costs)


def flat(vectors: np.ndarray, asked: np.ndarray) -> float:
    cost = p50(cpu_us(lambda v: int((vectors @ v).argmax()), list(asked[:40])))
    line("numpy flat scan, p50 us", f"{cost:.0f}")
    return cost


def embedding(texts: list[str]) -> float:
    from pyagent.embed.open import open_embedder

    embedder = open_embedder()
    cost = p50(cpu_us(lambda text: embedder.embed([text]), texts[:60]))
    line("one embedding by the default embedder, p50 us", f"{cost:.0f}", embedder.name)
    return cost


def gptcache(folder: Path, vectors: np.ndarray, asked: np.ndarray) -> float | None:
    """Its own ``get`` with SQLite and faiss, given the vectors instead of an embedder."""
    try:
        from gptcache import Cache
        from gptcache.adapter.api import get
        from gptcache.manager import CacheBase, VectorBase, get_data_manager
        from gptcache.processor.pre import get_prompt
        from gptcache.similarity_evaluation.distance import SearchDistanceEvaluation
    except ImportError as error:
        print(f"  GPTCache is not here ({error}): see the top of this file")
        return None
    sql, index_file = CacheBase("sqlite", sql_url=f"sqlite:///{folder}/gpt.db"), str(folder / "gpt.index")
    data = get_data_manager(sql, VectorBase("faiss", dimension=384, index_path=index_file))
    cache = Cache()
    cache.init(
        pre_embedding_func=get_prompt,
        embedding_func=lambda text, **_: asked[int(text)],
        data_manager=data,
        similarity_evaluation=SearchDistanceEvaluation(),
    )
    for at in range(0, len(vectors), 5000):
        some = vectors[at : at + 5000]
        names = [f"question {at + i}" for i in range(len(some))]
        data.import_data(names, names, list(some), [None] * len(some))
    cost = p50(cpu_us(lambda i: get(str(i), cache_obj=cache), list(range(60))))
    line("GPTCache 0.1.44 get, p50 us", f"{cost:.0f}", "SQLite + faiss, its own choice")
    return cost


def hnswlib(vectors: np.ndarray) -> float | None:
    try:
        import hnswlib as library
    except ImportError as error:
        print(f"  hnswlib is not here ({error}): see the top of this file")
        return None
    index = library.Index(space="cosine", dim=384)
    index.init_index(max_elements=len(vectors), M=16, ef_construction=100)
    index.add_items(vectors[:-1000], num_threads=1)
    cost = p50(cpu_us(lambda v: index.add_items(v[None], num_threads=1), list(vectors[-1000:-1])))
    line("hnswlib insert (M 16, efC 100), p50 us", f"{cost:.0f}")
    return cost


def sealed(folder: Path, real: np.ndarray, sizes: Iterable[int]) -> None:
    """Where Annoy becomes cheaper than the scan of the codes, on this machine."""
    for n in sizes:
        index = VectorIndex.open(folder / f"sealed-{n}", 384, "bench", Window(n, generations=1), "annoy")
        index.rebuild((i + 1, SCOPE, v) for i, v in enumerate(mixed(real, n)))
        start = time.process_time()
        index.seal()
        seconds = time.process_time() - start
        window: Sealed = index._windows.sealed(index._windows.ring())[0]
        line(f"sealed window of {n:,}", f"{seconds:.1f} s", f"to seal and settle; {window.row.measured}")


def verdict(name: str, got: float, wanted: float, more: bool) -> None:
    reached = got >= wanted if more else got <= wanted
    print(f"  {'reached' if reached else 'MISSED ':<8} {name}: {got:.4g} (wanted {'>=' if more else '<='} {wanted:g})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--large", type=int, default=1_000_000, help="0 leaves it out")
    parser.add_argument("--annoy", type=int, nargs="*", default=[], help="sizes at which Annoy is measured")
    parser.add_argument("--peers", default=os.environ.get("PYAGENT_BENCH_PEERS"))
    given = parser.parse_args()
    if given.peers:
        sys.path.append(given.peers)
    data = sentences()
    print(f"{len(data.kept):,} real sentences, the rest mixed from them; {len(data.asked):,} real paraphrases asked")
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # after GPTCache's own last act, which writes there
    run(given, folder, data.kept, data.asked, data.paraphrases)


def run(given: argparse.Namespace, folder: Path, real: np.ndarray, asked: np.ndarray, texts: list[str]) -> None:
    print(f"\n{given.entries:,} entries")
    vectors = np.stack(list(mixed(real, given.entries)))
    one = embedding(texts)
    index = filled(folder / "index", given.entries, real)
    ours = look_ups(index, asked)
    good = recall(index, asked, FLOOR)[0]
    by_hand, peer, hnsw = flat(vectors, asked), gptcache(folder, vectors, asked), hnswlib(vectors)
    insert = adds(index, real)
    small = filled(folder / "small", 10_000, real)
    print("\n10,000 entries")
    moved = expiry(small, asked[:200])
    print("\nverdicts")
    verdict("look-up, share of one embedding", ours / one, 0.015, False)
    verdict("recall@1", good, 0.995, True)
    print(f"           numpy flat scan / look-up: {by_hand / ours:.0f}")
    if peer:
        verdict("GPTCache get / look-up", peer / ours, 50, True)
    if hnsw:
        verdict("hnswlib insert / insert", hnsw / insert, 10, True)
    if given.large:
        print(f"\n{given.large:,} entries")
        index = filled(folder / "large", given.large, real)
        large = look_ups(index, asked)
        good = recall(index, asked, FLOOR)[0]
        adds(index, real)
        later = expiry(index, asked[:200])
        print(f"  {index.stats()['bytes'] / given.large:,.0f} bytes an entry on the disk")
        verdict("look-up, p50 us", large, 400, False)
        verdict("recall@1", good, 0.99, True)
        verdict("move the window, against 10,000 entries", later / moved, 2, False)
    if given.annoy:
        print("\nsealed windows")
        sealed(folder, real, given.annoy)


if __name__ == "__main__":
    main()
