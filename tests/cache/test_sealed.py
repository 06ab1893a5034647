from __future__ import annotations

import json
import os
import re
import resource
from pathlib import Path

import numpy as np
import pytest

from pyagent.errors import StoreError
from pyagent_plugins.cache.index import sealed as sealed_module
from pyagent_plugins.cache.index.index import VectorIndex, Window
from tests.cache.vectors import DIM, A, B, near, topical, unit


def open_index(folder: Path, entries: int = 100, generations: int = 3, backend: str = "auto") -> VectorIndex:
    return VectorIndex.open(folder, DIM, "test", Window(entries, generations=generations), backend)  # type: ignore[arg-type]


def fill(index: VectorIndex, first: int, last: int) -> None:
    for seq in range(first, last + 1):
        index.add(seq, A if seq % 2 else B, unit(seq))


def found(index: VectorIndex, seq: int) -> list[int]:
    return [f.seq for f in index.search(A if seq % 2 else B, near(unit(seq), 0.95), k=1, floor=0.9)]


def names(index: VectorIndex, end: str) -> list[str]:
    """Without the digest that is in the name of a sealed window."""
    found = (p.name for p in index.folder.iterdir() if p.name.endswith(end))
    return sorted(re.sub(r"-[0-9a-f]{8}\.", ".", name) for name in found)


def test_full_windows_are_sealed_and_the_oldest_is_dropped(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 450)
    assert [(w["first"], w["last"]) for w in index.stats()["sealed"]] == [(301, 400), (201, 300), (101, 200)]
    assert (index.low, index.high, len(index), index.stats()["newest"]) == (101, 450, 350, 50)
    assert names(index, ".window") == ["sealed-101-200.window", "sealed-201-300.window", "sealed-301-400.window"]
    for seq in (1, 100, 101, 250, 400, 401, 450):
        assert found(index, seq) == ([seq] if seq >= 101 else [])


def test_the_past_is_gone_inside_a_sealed_window_too(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 250)
    index.advance(150)
    index.kill([160, 240])
    assert [found(index, s) for s in (149, 150, 160, 161, 240, 241)] == [[], [150], [], [161], [], [241]]
    index.advance(230)
    index.seal()
    assert names(index, ".window") == ["sealed-230-250.window"]
    assert len(index) == 20


def test_a_sealed_window_outlives_the_process(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 230)
    index.kill([7])
    index.close()
    again = open_index(tmp_path)
    assert [found(again, s) for s in (6, 7, 8, 150, 230)] == [[6], [], [8], [150], [230]]
    assert (again.verify(), again.incomplete) == ([], True)  # nobody has said yet that all is there


def test_the_search_stops_at_a_certain_match(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.add(1, A, unit(1))
    index.seal()
    index.add(2, A, near(unit(1), 0.98))
    assert [f.seq for f in index.search(A, unit(1), k=2)] == [2]
    assert [f.seq for f in index.search(A, near(unit(1), 0.8, 5), k=2)] == [1, 2]


@pytest.mark.parametrize("backend", ["annoy", "codes"])
def test_both_ways_of_searching_find_the_same(tmp_path: Path, backend: str) -> None:
    pytest.importorskip("annoy")
    index = open_index(tmp_path, 3000, 3, backend)
    rows = topical(3000, DIM)
    index.rebuild((i + 1, A, row) for i, row in enumerate(rows))
    index.seal()
    stats = index.stats()["sealed"][0]
    assert stats["backend"] == backend
    assert names(index, ".annoy") == (["sealed-1-3000.annoy"] if backend == "annoy" else [])
    if backend == "annoy":
        assert set(stats["measured"]) == {"codes_us", "annoy_us", "annoy_recall"}
    index.kill([11])
    again = open_index(tmp_path, 3000, 3, backend)
    hits = [again.search(A, near(rows[i], 0.95, i), k=1, floor=0.85) for i in range(0, 3000, 10)]
    assert sum(bool(h) and h[0].seq == i + 1 for h, i in zip(hits, range(0, 3000, 10), strict=True)) >= 295
    assert not [h for h in hits if h and h[0].seq == 11]
    assert not again.search(B, rows[0], k=1, floor=0.5)


def test_auto_measures_and_keeps_what_is_cheaper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("annoy")
    monkeypatch.setattr(sealed_module, "TRIED_FROM", 500)
    index = open_index(tmp_path, 2000)
    index.rebuild((i + 1, A, row) for i, row in enumerate(topical(2000, DIM)))
    index.seal()
    window = index.stats()["sealed"][0]
    cheaper = window["measured"]["annoy_us"] < window["measured"]["codes_us"]
    assert window["backend"] == ("annoy" if cheaper and window["measured"]["annoy_recall"] >= 0.99 else "codes")
    assert bool(names(index, ".annoy")) == (window["backend"] == "annoy")
    row = json.loads((index.folder / "sealed.json").read_text())["sealed"][0]
    assert (row["backend"], row["measured"]) == (window["backend"], window["measured"])


def test_a_window_that_lost_bytes_is_named_and_set_aside(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 250)
    index.rebuild((s, A if s % 2 else B, unit(s)) for s in range(1, 251))
    index.close()
    path = next(index.folder.glob("sealed-1-100-*.window"))
    os.truncate(path, path.stat().st_size - 4096)
    again = open_index(tmp_path)
    assert [found(again, s) for s in (50, 150, 250)] == [[], [150], [250]]
    assert again.incomplete
    assert path.name in again.broken[0]
    assert names(again, ".broken") == ["sealed-1-100.window.broken"]
    assert open_index(tmp_path).incomplete  # and the next one knows it too
    again.rebuild((s, A if s % 2 else B, unit(s)) for s in range(1, 251))
    assert (again.incomplete, again.broken, found(again, 50)) == (False, [], [50])


@pytest.mark.parametrize("column", ["vectors", "seq", "scope", "first", "rest", "check", "mean"])
def test_a_flipped_bit_is_never_served_and_verify_names_it(tmp_path: Path, column: str) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 150)
    window = index._windows.sealed(index._windows.ring())[0]
    raw = window.file.arrays[column].reshape(-1).view(np.uint8)
    raw[raw.size // 2] ^= 0x40
    for f in (f for s in range(1, 101) for f in index.search(A if s % 2 else B, unit(s), k=3, floor=0.3)):
        assert f.cosine == pytest.approx(1.0, abs=2e-3) or f.cosine < 0.8
    assert "sealed-1-100" in index.verify()[0]
    assert (index.incomplete, [found(index, s) for s in (50, 120)]) == (True, [[], [120]])


@pytest.mark.parametrize("text", ["", "{", '{"version": 9}', '{"version": 1, "sealed": [{"x": 1}]}', "[]"])
def test_a_broken_manifest_costs_the_old_windows_only(tmp_path: Path, text: str) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 150)
    (index.folder / "sealed.json").write_text(text)
    again = open_index(tmp_path)
    assert [found(again, s) for s in (50, 120)] == [[], [120]]
    assert again.incomplete
    assert "sealed.json" in again.broken[0]


def test_a_full_disk_makes_the_window_slide(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 300)  # the ring has been round once: all its places have their room

    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))  # no file may become as large as a sealed window is
    try:
        fill(index, 301, 350)
        assert (index.low, index.high) == (251, 350)
        assert [found(index, s) for s in (250, 251, 350)] == [[], [251], [350]]
        with pytest.raises(StoreError, match="cannot be written"):
            index.seal()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not names(index, ".tmp")
    index.seal()
    assert [found(index, s) for s in (251, 350)] == [[251], [350]]


def test_a_number_used_again_after_its_window_was_sealed_is_not_the_old_one(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    fill(index, 1, 10)
    index.seal()
    index.add(10, B, unit(77))  # its transaction was rolled back: another question has its number now
    assert not found(index, 10)
    assert index.missing([9, 10]) == [10]
