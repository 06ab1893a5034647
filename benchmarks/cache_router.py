"""What a fleet finds of what one big node finds, and what a cache of 10^9 entries would take, on paper.

First, measured: the same vectors in 16 stores behind a ShardRouter and in one; questions near what is kept. Second,
measured on this machine: bytes an entry and µs a look-up at 10^4, 10^5 and (with --large) 10^6 entries a node. Third,
calculated from those: nodes, bytes and look-ups a second for up to 10^9 entries. The third part is paper, not a test.

    python benchmarks/cache_router.py [--entries 50000] [--nodes 16] [--large]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from cache_sentences import mixed, sentences

from pyagent_plugins.cache.index.index import VectorIndex, Window
from pyagent_plugins.cache.index.router import ShardRouter

SCOPE = b"benchmark scope."
FLOOR = 0.85
MEMORY = 16 * 2**30  # bytes of a node that a plan may use for the index
ROW = 1_300  # bytes a row of the shelf: a 1 kB answer, its question and keys


def store(folder: Path, numbers: np.ndarray, vectors: np.ndarray) -> VectorIndex:
    index = VectorIndex.open(folder, 384, "bench", Window(max(1000, len(vectors)), generations=0))
    index.rebuild((i + 1, SCOPE, vector) for i, vector in zip(range(len(numbers)), vectors, strict=True))
    return index


def fleet(folder: Path, entries: int, nodes: int) -> None:
    data = sentences()
    vectors = np.stack(list(mixed(data.kept, entries)))
    asked = data.asked
    start = time.process_time()
    sample = vectors[np.random.default_rng(0).choice(entries, min(12_000, entries), replace=False)]
    router = ShardRouter.train(sample, [f"node-{i:02}" for i in range(nodes)], cells=256, replicas=1)
    seconds = time.process_time() - start
    cells = router.cells(vectors)
    loads = Counter(cells.tolist())
    print(f"{entries:,} entries in 256 cells (trained in {seconds:.1f} s of CPU) over {nodes} nodes, no replicas")
    print(f"  largest cell / mean: {max(loads.values()) / (entries / 256):.2f}; hot: {len(router.hot(loads))}")
    best = [float(b) for b in _best(vectors, asked)]
    near = [i for i in range(len(asked)) if best[i] >= FLOOR]
    owner = {cell: router.owners(SCOPE, vectors[np.argmax(cells == cell)])[0] for cell in loads}
    where = np.array([router.nodes.index(owner[cell]) for cell in cells.tolist()])
    stores = {
        name: store(folder / name, np.flatnonzero(where == n), vectors[where == n])
        for n, name in enumerate(router.nodes)
    }
    sizes = [int((where == n).sum()) for n in range(nodes)]
    print(f"  entries a node: {min(sizes):,} to {max(sizes):,}")
    print(
        f"  {len(near)} real paraphrases have a neighbour at {FLOOR} or nearer in one big node; of their best, found:"
    )
    for probes in (1, 2, 3, 4):
        found = touched = 0
        for i in near:
            names = router.nodes_for(SCOPE, asked[i], probes)
            touched += len(names)
            answers = [f.cosine for name in names for f in stores[name].search(SCOPE, asked[i], 1, FLOOR - 0.005)]
            found += max(answers, default=0.0) >= best[i] - 1e-3
        share = found / len(near)
        mark = "" if probes < 4 else ("  reached (>= 0.98)" if share >= 0.98 else "  MISSED (>= 0.98)")
        print(f"    {probes} cells, {touched / len(near):.2f} nodes of {nodes}: {share:.4f}{mark}")
    joined = router.with_nodes([*router.nodes, "new"])
    keys = [i.to_bytes(4, "little") for i in range(20_000)]
    moved = sum(router.node_for_key(SCOPE, k) != joined.node_for_key(SCOPE, k) for k in keys) / len(keys)
    print(f"  keys that move when node {nodes + 1} joins: {moved * (nodes + 1):.2f} / n (wanted <= 1.2)")
    cost = _p50(lambda v: router.nodes_for(SCOPE, v, 4), asked[:200])
    print(f"  routing to 4 cells: {cost:.0f} us")


def _best(vectors: np.ndarray, asked: np.ndarray) -> np.ndarray:
    kept = vectors.astype(np.float16).astype(np.float32)
    return np.max([(kept[at : at + 8192] @ asked.T).max(axis=0) for at in range(0, len(kept), 8192)], axis=0)


def _p50(work: object, items: np.ndarray) -> float:
    costs = []
    for item in items:
        start = time.process_time()
        work(item)  # type: ignore[operator]
        costs.append(time.process_time() - start)
    return float(np.median(costs)) * 1e6


def points(folder: Path, sizes: list[int]) -> list[tuple[int, float, float]]:
    """(entries, bytes an entry, µs a look-up) of one node, measured."""
    data = sentences()
    measured = []
    print("\none node, measured")
    for n in sizes:
        index = VectorIndex.open(folder / f"n{n}", 384, "bench", Window(n, generations=0))
        index.rebuild((i + 1, SCOPE, v) for i, v in enumerate(mixed(data.kept, n)))
        cost = _p50(lambda v, index=index: index.search(SCOPE, v, 3, FLOOR), data.asked[:300])
        size = index.stats()["bytes"] / n
        measured.append((n, size, cost))
        print(f"  {n:>9,} entries: {size:,.0f} bytes an entry, {cost:.0f} us a look-up", flush=True)
        index.close()
        shutil.rmtree(folder / f"n{n}")
    return measured


def paper(measured: list[tuple[int, float, float]], replicas: int = 2, probes: int = 2) -> None:
    """Nodes by memory, look-ups by CPU; one core a node is left to the index. Embedding is not in it."""
    node, size, cost = measured[-1]
    room = f"{MEMORY >> 30} GiB and one core for it"
    print(f"\non paper, not tested: nodes of {node:,} entries a shard of the index, {room};")
    bytes_ = f"{size:,.0f} bytes an entry in memory and {ROW:,} in SQLite on disk"
    print(f"{replicas} replicas, {probes} cells asked, {bytes_},")
    print(f"{cost:.0f} us a shard's look-up; a node with several shards asks only the one its cell is in")
    print(f"  {'entries':>14} {'nodes':>6} {'memory':>10} {'disk':>10} {'look-ups/s, all':>16}")
    for total in (10**6, 10**7, 10**8, 10**9):
        memory = total * replicas * size
        nodes = max(1, int(np.ceil(memory / MEMORY)))
        rate = nodes * 1e6 / (cost * probes)
        disk = total * replicas * ROW
        print(f"  {total:>14,} {nodes:>6,} {memory / 2**30:>7,.1f} GiB {disk / 2**30:>6,.1f} GiB {rate:>16,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=50_000)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--large", action="store_true", help="measure a node of 10^6 entries too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        fleet(Path(name), given.entries, given.nodes)
        paper(points(Path(name), [10**4, 10**5, *([10**6] if given.large else [])]))


if __name__ == "__main__":
    main()
