from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyagent.errors import UsageError
from pyagent_plugins.cache.index.index import VectorIndex, Window
from tests.cache.vectors import DIM, A, near, unit


def open_index(folder: Path, window: Window | None = None) -> VectorIndex:
    return VectorIndex.open(folder, DIM, "test", window or Window(100, generations=2))


def rows(first: int, last: int) -> list[tuple[int, bytes, np.ndarray]]:
    return [(seq, A, unit(seq)) for seq in range(first, last + 1)]


def all_found(index: VectorIndex, seqs: range) -> bool:
    return all([f.seq for f in index.search(A, near(unit(s), 0.95), k=1, floor=0.9)] == [s] for s in seqs)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 2), st.integers(0, 15)),
        st.tuples(st.just("kill"), st.integers(0, 60), st.just(0)),
        st.tuples(st.just("advance"), st.integers(0, 60), st.just(0)),
        st.tuples(st.just("seal"), st.just(0), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_it_does_what_a_list_would(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]) -> None:
    folder = tmp_path_factory.mktemp("index")
    index = open_index(folder, Window(20, generations=2))
    kept: dict[int, tuple[bytes, int]] = {}
    seq = 0
    for name, a, b in steps:
        if name == "add":
            seq += 1
            kept[seq] = (bytes([a]) * 16, b)
            index.add(seq, kept[seq][0], unit(b))
        elif name == "kill":
            index.kill([a])
            kept.pop(a, None)
        elif name == "advance":
            index.advance(min(a, seq))
        elif name == "seal":
            index.seal()
        else:
            index.close()
            index = open_index(folder, Window(20, generations=2))
    kept = {s: entry for s, entry in kept.items() if s >= index.low}
    assert len(index) == len(kept)
    for scope in (bytes([i]) * 16 for i in range(3)):
        for b in range(16):
            same = sorted((s for s, entry in kept.items() if entry == (scope, b)), reverse=True)
            found = [f.seq for f in index.search(scope, unit(b), k=40, floor=0.99)]
            # A certain match ends the search: those of older windows need not be there.
            assert found == same[: len(found)]
            assert bool(found) == bool(same)
    index.close()


def test_an_empty_index_finds_nothing_and_asks_to_be_filled(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    assert (index.search(A, unit(1)), len(index), index.high, index.incomplete) == ([], 0, 0, True)
    assert index.recall() is None
    index.rebuild([])
    assert not index.incomplete


def test_two_embedders_never_meet(tmp_path: Path) -> None:
    one = VectorIndex.open(tmp_path, DIM, "one")
    one.add(1, A, unit(1))
    assert not VectorIndex.open(tmp_path, DIM, "two").search(A, unit(1))
    assert VectorIndex.open(tmp_path, DIM, "one").search(A, unit(1))


@pytest.mark.parametrize("vector", [np.zeros(DIM + 1), np.zeros((1, DIM)), np.float32(1.0)])
def test_another_shape_is_refused(tmp_path: Path, vector: np.ndarray) -> None:
    index = open_index(tmp_path)
    with pytest.raises(UsageError, match="shape"):
        index.search(A, vector)
    with pytest.raises(UsageError, match="shape"):
        index.add(1, A, vector)


def test_no_window_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        open_index(tmp_path, Window(0))


@pytest.mark.parametrize("damage", ["truncate", "magic", "empty", "gone", "longer"])
def test_a_broken_ring_is_set_aside_and_filled_again(tmp_path: Path, damage: str) -> None:
    index = open_index(tmp_path)
    index.rebuild(rows(1, 150))
    index.close()
    path = index.folder / "ring"
    if damage == "gone":
        path.unlink()
    elif damage == "magic":
        with path.open("r+b") as file:
            file.write(b"nonsense")
    else:
        os.truncate(path, {"truncate": path.stat().st_size // 2, "empty": 0, "longer": 10**7}[damage])
    again = open_index(tmp_path)
    assert (again.incomplete, len(again)) == (True, 0)
    assert bool(again.broken) == (damage != "gone")
    assert (again.folder / "ring.broken").exists() == (damage != "gone")
    again.rebuild(rows(1, 150))
    assert all_found(again, range(1, 151))
    assert not again.incomplete


@pytest.mark.parametrize("damage", ["truncate", "gone"])
def test_broken_codes_are_made_again_from_the_vectors(tmp_path: Path, damage: str) -> None:
    index = open_index(tmp_path)
    index.rebuild(rows(1, 80))
    index.close()
    path = next(p for p in index.folder.iterdir() if p.name.startswith("codes-"))
    path.unlink() if damage == "gone" else os.truncate(path, 100)
    again = open_index(tmp_path)
    assert "codes-" in again.broken[0]
    assert all_found(again, range(1, 81))


def test_a_torn_entry_of_the_newest_window_is_taken_out(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.rebuild(rows(1, 50))
    index._windows.ring().file.arrays["vectors"][7, 30] += np.float16(0.5)
    assert not index.search(A, unit(7), floor=0.5)
    assert "1 torn" in index.verify()[0]
    assert (index.incomplete, index.missing(range(1, 51))) == (True, [7])


def test_a_larger_and_a_smaller_window_keep_the_entries(tmp_path: Path) -> None:
    index = open_index(tmp_path, Window(300, generations=2))
    index.rebuild(rows(1, 250))
    larger = open_index(tmp_path, Window(3000, generations=2))
    assert all_found(larger, range(1, 251))
    larger.add(251, A, unit(251))
    assert all_found(index, range(1, 252))  # the one that was open finds the new ring
    smaller = open_index(tmp_path, Window(100, generations=2))
    assert all_found(smaller, range(1, 252))
    smaller.add(252, A, unit(252))
    assert all_found(larger, range(1, 253))
    assert not smaller.incomplete


def test_gaps_in_the_numbers_are_no_entries(tmp_path: Path) -> None:
    index = open_index(tmp_path, Window(1000, generations=2))
    for seq in (10**9, 10**9 + 500, 10**9 + 1500, 10**10):
        index.add(seq, A, unit(seq))
    assert all(all_found(index, range(s, s + 1)) for s in (10**9 + 1500, 10**10))
    assert index.high == 10**10
    assert len(index) <= 4


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.rebuild(rows(1, 150))
    index.close()
    junk = ["ring.tmp", "codes-99", "codes-99.tmp", "buckets-3", "sealed-7-9.window", "sealed-7-9.tmp", "sealed.tmp"]
    stem = next(index.folder.glob("*.window")).stem
    junk += [f"{stem}.annoy.{2**22 + 1}.tmp"]  # larger than any process number
    for name in junk:
        (index.folder / name).write_bytes(b"x" * 100)
    mine = index.folder / f"{stem}.annoy.{os.getpid()}.tmp"
    mine.write_bytes(b"at work")
    again = open_index(tmp_path)
    assert not [name for name in junk if (again.folder / name).exists()]
    assert mine.exists()
    assert all_found(again, range(1, 151))
