from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pyagent_plugins.cache.index import buckets as buckets_module
from pyagent_plugins.cache.index import ring as ring_module
from pyagent_plugins.cache.index.buckets import PROBES, ROOMS, ROW, TABLES, Buckets
from pyagent_plugins.cache.index.codes import Query, tag
from pyagent_plugins.cache.index.index import VectorIndex, Window
from tests.cache.vectors import A, B, near, topical, unit


def open_index(folder: Path, entries: int, generations: int = 0, dim: int = 64) -> VectorIndex:
    return VectorIndex.open(folder, dim, "test", Window(entries, generations=generations))


def test_a_neighbour_is_found_best_first(tmp_path: Path) -> None:
    index = open_index(tmp_path, 1000)
    for seq, cosine in ((1, 0.9), (2, 0.95), (3, 0.8), (4, 0.3)):
        index.add(seq, A, near(unit(1), cosine, seq))
    found = index.search(A, unit(1), k=5, floor=0.5)
    assert [f.seq for f in found] == [2, 1, 3]
    assert [f.cosine for f in found] == pytest.approx([0.95, 0.9, 0.8], abs=1e-3)
    assert [f.seq for f in index.search(A, unit(1), k=1, floor=0.85)] == [2]
    assert len(index.search(A, unit(1), k=9)) == 4  # a floor of 0 finds all there are


def test_the_window_slides_round_the_ring_and_the_past_is_gone(tmp_path: Path) -> None:
    index = open_index(tmp_path, 300)
    for seq in range(1, 1001):
        index.add(seq, A, unit(seq))
    assert (index.low, index.high, len(index)) == (701, 1000, 300)
    for seq in (1, 300, 700, 701, 850, 1000):
        found = index.search(A, unit(seq), k=1, floor=0.9)
        assert [f.seq for f in found] == ([seq] if seq >= 701 else [])


def test_moving_the_window_touches_no_entry(tmp_path: Path) -> None:
    index = open_index(tmp_path, 1000)
    for seq in range(1, 501):
        index.add(seq, A, unit(seq))
    files = {p: p.read_bytes() for p in index.folder.iterdir() if p.name != "ring"}
    before = (index.folder / "ring").read_bytes()
    index.advance(400)
    after = (index.folder / "ring").read_bytes()
    assert [i // 8 for i in range(0, len(before), 8) if before[i : i + 8] != after[i : i + 8]] == [ring_module._LOW]
    assert files == {p: p.read_bytes() for p in files}
    assert not index.search(A, unit(399), floor=0.9)
    assert index.search(A, unit(400), floor=0.9)[0].seq == 400
    index.advance(10)  # never back
    assert (index.low, len(index)) == (400, 101)


def test_scopes_never_meet_even_with_equal_vectors(tmp_path: Path) -> None:
    index = open_index(tmp_path, 1000)
    index.add(1, A, unit(1))
    index.add(2, B, unit(1))
    index.add(3, A[:8] + B[:8], unit(1))  # the veil of A, another scope
    assert [f.seq for f in index.search(A, unit(1), k=9)] == [1]
    assert [f.seq for f in index.search(B, unit(1), k=9)] == [2]
    assert not index.search(b"c", unit(1), k=9)


def test_the_same_question_many_times_gives_the_newest(tmp_path: Path) -> None:
    index = open_index(tmp_path, 6000)
    index.rebuild((seq, A, unit(7)) for seq in range(1, 5501))  # more than a look-up compares in full
    assert index.search(A, unit(7), k=1, floor=0.9)[0].seq > 5500 - 128


def test_what_was_killed_is_not_found(tmp_path: Path) -> None:
    index = open_index(tmp_path, 1000)
    for seq in range(1, 11):
        index.add(seq, A, unit(seq))
    index.kill([3, 5, 999])
    assert [bool(index.search(A, unit(s), floor=0.9)) for s in (2, 3, 4, 5, 6)] == [True, False, True, False, True]
    assert (len(index), index.missing(range(1, 12))) == (8, [3, 5, 11])


def test_a_number_used_again_after_a_rollback_has_the_new_vector(tmp_path: Path) -> None:
    index = open_index(tmp_path, 1000)
    index.add(1, A, unit(1))
    index.add(1, B, unit(2))
    assert not index.search(A, unit(1), floor=0.5)
    assert [f.seq for f in index.search(B, unit(2))] == [1]


def test_the_codes_follow_the_mean_and_stay_equal_to_the_vectors(tmp_path: Path) -> None:
    index = open_index(tmp_path, 8000)
    rows = topical(5000)
    for seq in range(1, 1001):
        index.add(seq, A, rows[seq - 1])
    view = index._windows.ring().view()
    assert view.epoch > 1
    assert float(np.linalg.norm(view.block.centre.mean)) > 0.2
    places = index._windows.ring().live()
    signs = np.packbits(view.block.centre.seen(rows[:1000]) > 0, axis=1, bitorder="little").view(np.uint64)
    differ = np.bitwise_count(signs[:, 1:] ^ view.block.rest[places]).sum(axis=1)
    assert int(differ.max()) <= 3  # signs of what is almost 0 may turn when the vector is kept as halves
    assert (index.recall(200) or 0) >= 0.99


def test_buckets_find_what_a_scan_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "SCAN", 2048)
    index = open_index(tmp_path, 20_000, dim=384)
    rows = topical(20_000, 384)
    index.rebuild((i + 1, A if i % 2 else B, row) for i, row in enumerate(rows))
    assert index.stats()["newest_backend"] == "buckets"
    found = [index.search(A if i % 2 else B, near(rows[i], 0.88, i), k=1, floor=0.8) for i in range(0, 20_000, 101)]
    right = [f[0].seq == i + 1 for f, i in zip(found, range(0, 20_000, 101), strict=True) if f]
    assert sum(right) >= 0.98 * len(found)
    for seq in range(20_001, 20_101):  # one by one, as they come in life
        index.add(seq, A, unit(seq, 384))
    assert all(index.search(A, unit(s, 384), floor=0.9)[0].seq == s for s in range(20_001, 20_101))
    index.advance(20_051)
    assert not any(index.search(A, unit(s, 384), floor=0.9) for s in range(20_001, 20_051))


def test_buckets_keep_the_newest_and_a_look_up_is_bounded(tmp_path: Path) -> None:
    capacity = 1 << 16
    one = Buckets.create(tmp_path / "one", capacity, 0)
    many = Buckets.create(tmp_path / "many", capacity, 0)
    tags, query = np.stack([tag(A)] * 900), Query.of(tag(A), unit(3, 384))
    seen = np.repeat(query.projected[None], 900, axis=0)
    many.add(seen, tags, np.arange(1, 901), 1)
    for seq in range(1, 901):
        one.add(seen[:1], tags[:1], np.array([seq]), 1)
    for table in (one, many):
        hints = table.candidates(query.projected, query.tag, 1)
        assert len(hints) <= TABLES * PROBES * ROW
        assert set(hints.tolist()) == set(range(901 - ROOMS * ROW, 901))
        assert set(table.candidates(query.projected, query.tag, 895).tolist()) == set(range(895, 901))
        assert not len(table.candidates(query.projected, tag(B), 1))
        table.add(seen[:50], tags[:50], np.arange(901, 951), 890)  # what is below the window makes place
        assert set(table.candidates(query.projected, query.tag, 890).tolist()) == set(range(890, 951))


def test_probes_are_distinct_and_cheapest_first() -> None:
    flips = buckets_module._template(12)
    assert flips.shape == (12, PROBES)
    assert len({tuple(column) for column in flips.T}) == PROBES
    costs = (np.arange(1, 13) * np.arange(2, 14)) @ flips
    assert list(costs) == sorted(costs)
    assert costs[0] == 0
    cheapest = sorted(sum(j * (j + 1) for j in range(1, 13) if bits >> (j - 1) & 1) for bits in range(1 << 12))
    assert list(costs) == cheapest[:PROBES]
