from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pyagent.errors import StoreError, UsageError
from pyagent_plugins.cache.index.index import VectorIndex, Window
from pyagent_plugins.cache.index.kmeans import kmeans, nearest
from pyagent_plugins.cache.index.router import ShardRouter
from tests.cache.vectors import A, B, near, topical, unit

NODES = [f"node-{i}" for i in range(16)]
ROWS = topical(3000, 64)


@pytest.fixture(scope="module")
def router() -> ShardRouter:
    return ShardRouter.train(ROWS, NODES, cells=64)


def test_cells_hold_what_is_alike() -> None:
    centres = np.stack([unit(i) for i in range(8)])
    vectors = np.stack([near(centres[i % 8], 0.9, i) for i in range(400)])
    cells, nearness = nearest(vectors, kmeans(vectors, 24))  # with only 8 it may stop at two topics in one cell
    topics = [set(cells[i::8].tolist()) for i in range(8)]
    assert sum(len(cells) for cells in topics) == len(set.union(*topics)) == 24
    assert float(nearness.min()) > 0.8
    assert kmeans(vectors[:3], 8).shape == (3, 64)
    assert np.allclose(np.linalg.norm(kmeans(np.repeat(vectors[:1], 50, axis=0), 4), axis=1), 1.0)


def test_the_way_is_the_same_everywhere_and_each_scope_has_its_own(router: ShardRouter) -> None:
    again = ShardRouter.load(router.dump())
    for row in ROWS[:50]:
        assert again.nodes_for(A, row, 3) == router.nodes_for(A, row, 3)
        assert again.owners(A, row) == router.owners(A, row)
        assert router.nodes_for(A, row, 1) == router.owners(A, row)[:1]
        assert router.nodes_for(A, row, 3)[0] == router.owners(A, row)[0]
    assert again.version == 1
    assert [router.nodes_for(A, row, 1) for row in ROWS[:50]] != [router.nodes_for(B, row, 1) for row in ROWS[:50]]


def test_few_nodes_are_asked_each_once(router: ShardRouter) -> None:
    for row in ROWS[:100]:
        nodes = router.nodes_for(A, row, 4)
        assert 1 <= len(nodes) <= 4
        assert len(set(nodes)) == len(nodes)
    assert len(router.owners(A, ROWS[0])) == 2


@pytest.mark.parametrize("n", [2, 5, 16, 40])
def test_a_node_that_joins_takes_its_share_and_no_more(router: ShardRouter, n: int) -> None:
    before = router.with_nodes([f"n{i}" for i in range(n)])
    after = router.with_nodes([*before.nodes, "new"])
    keys = [i.to_bytes(4, "little") for i in range(6000)]
    moved = [(before.node_for_key(A, k), after.node_for_key(A, k)) for k in keys]
    assert {b for a, b in moved if a != b} == {"new"}
    assert 0.8 / (n + 1) < sum(a != b for a, b in moved) / len(keys) <= 1.2 / (n + 1)
    scopes = [bytes([i, j]) for i in range(100) for j in range(100)]
    cells = [(before.owners(s, ROWS[0])[0], after.owners(s, ROWS[0])[0]) for s in scopes[:6000]]
    assert {b for a, b in cells if a != b} == {"new"}
    assert sum(a != b for a, b in cells) / len(cells) <= 1.2 / (n + 1)
    load = Counter(node for _, node in moved)
    assert max(load.values()) < 1.5 * len(keys) / (n + 1)


def test_a_replica_answers_for_a_node_that_is_down(router: ShardRouter) -> None:
    for row in ROWS[:50]:
        first, second = router.owners(A, row)
        assert router.nodes_for(A, row, 1, down={first}) == [second]
        assert first not in router.owners(A, row, down={first})
    key = router.node_for_key(A, b"k")
    assert router.node_for_key(A, b"k", down={key}) != key
    with pytest.raises(UsageError, match="down"):
        router.node_for_key(A, b"k", down=NODES)


def test_a_hot_cell_is_split_and_nothing_else_moves(router: ShardRouter) -> None:
    topic = np.stack([near(ROWS[0], 0.8, i) for i in range(600)])
    rows = np.concatenate((ROWS, topic))
    loads = Counter(router.cells(rows).tolist())
    hottest = router.hot(loads)[0]
    before = router.cells(rows)
    after = router.split(hottest, rows[before == hottest])
    now = after.cells(rows)
    moved = now != before
    assert set(before[moved].tolist()) == {hottest}
    assert set(now[moved].tolist()) == {64}
    assert 0 < moved.sum() <= (before == hottest).sum() / 2
    again = after.split(64, rows[now == 64]).split(hottest, rows[now == hottest])
    last = again.cells(rows)
    assert {(a, b) for a, b in zip(now.tolist(), last.tolist(), strict=True) if a != b} <= {(64, 65), (hottest, 66)}
    assert (after.version, again.version, ShardRouter.load(again.dump()).version) == (2, 4, 4)
    assert ShardRouter.load(again.dump()).cells(rows).tolist() == last.tolist()
    assert [again.cell(row) for row in rows[:20]] == last[:20].tolist()
    same = np.repeat(rows[:1], 20, axis=0)
    assert router.split(3, same) is router


def test_the_fleet_finds_what_one_big_node_finds(router: ShardRouter, tmp_path: Path) -> None:
    stores = {n: VectorIndex.open(tmp_path / n, 64, "test", Window(4000, generations=0)) for n in NODES[:4]}
    fleet = router.with_nodes(NODES[:4])
    one = VectorIndex.open(tmp_path / "one", 64, "test", Window(4000, generations=0))
    one.rebuild((i + 1, A, row) for i, row in enumerate(ROWS))
    for i, row in enumerate(ROWS):
        for node in fleet.owners(A, row):
            stores[node].add(i + 1, A, row)
    asked = [near(row, 0.92, i) for i, row in enumerate(ROWS[:300])]
    hits = same = 0
    for vector in asked:
        best = one.search(A, vector, k=1, floor=0.85)
        answers = [f for n in fleet.nodes_for(A, vector, probes=2) for f in stores[n].search(A, vector, 1, 0.85)]
        hits += bool(best)
        same += bool(best) and max(answers, key=lambda f: f.cosine, default=None) == best[0]
    assert hits > 250
    assert same >= 0.95 * hits


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 100])
def test_a_broken_router_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="router"):
        ShardRouter.load(data)


def test_a_router_needs_nodes_and_vectors() -> None:
    with pytest.raises(UsageError):
        ShardRouter.train(ROWS[:10], [], cells=2)
    with pytest.raises(UsageError):
        ShardRouter.train(ROWS[:10], ["a", "a"], cells=2)
    with pytest.raises(UsageError):
        ShardRouter.train(ROWS[:0], ["a"], cells=2)
