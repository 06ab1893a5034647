from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pyagent_plugins.cache.index import kernel as kernel_module
from pyagent_plugins.cache.index import ring as ring_module
from pyagent_plugins.cache.index.index import Found, VectorIndex, Window
from pyagent_plugins.cache.index.kernel import Kernel, kernel
from tests.cache.vectors import A, B, near, topical

needs_compiler = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
ROWS = topical(6000, 384)


def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: Window) -> tuple[VectorIndex, VectorIndex]:
    """The same entries, added one by one, with the compiled kernel and without."""
    indexes = []
    for name in ("on", "off"):
        monkeypatch.setenv("PYAGENT_KERNEL", name)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        index = VectorIndex.open(folder, 384, "test", window)
        assert (index._windows.ring().view().block.kernel is not None) == (name == "on")
        for i, row in enumerate(ROWS):
            index.add(i + 1, A if i % 3 else B, row)
        index.kill(range(10, 6000, 50))
        indexes.append(index)
    return indexes[0], indexes[1]


def alike(ours: list[Found], theirs: list[Found]) -> bool:
    return [f.seq for f in ours] == [f.seq for f in theirs] and np.allclose(
        [f.cosine for f in ours], [f.cosine for f in theirs], atol=1e-5
    )


@needs_compiler
@pytest.mark.parametrize("scan", [65_536, 1024])
def test_the_kernel_and_numpy_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scan: int) -> None:
    monkeypatch.setattr(ring_module, "SCAN", scan)
    on, off = both(tmp_path, monkeypatch, Window(3000, generations=3))
    assert on.stats()["newest_backend"] == ("codes" if scan > 3000 else "buckets")
    assert (len(on), on.low, on.high, on.verify()) == (len(off), off.low, off.high, [])
    for floor, least in ((0.85, 95), (0.6, 95), (0.3, 80)):
        same = sum(
            alike(on.search(scope, asked, 5, floor), off.search(scope, asked, 5, floor))
            for i in range(0, 6000, 60)
            for scope, asked in [((B, A, A)[i // 60 % 3], near(ROWS[i], 0.9, i))]
        )
        assert same >= least  # a sign of what is almost 0 may differ; low floors are searched up to a limit
    on.advance(4000)
    assert not [f for row in ROWS[:4000:40] for f in on.search(A, row, 5, 0.2) if f.seq < 4000]


@needs_compiler
def test_a_torn_vector_is_not_found_by_the_kernel_either(tmp_path: Path) -> None:
    index = VectorIndex.open(tmp_path, 384, "test")
    index.add(1, A, ROWS[0])
    index.add(2, A, near(ROWS[0], 0.9))
    assert [f.seq for f in index.search(A, ROWS[0])] == [1, 2]
    arrays = index._windows.ring().file.arrays
    arrays["vectors"][1, 200] += np.float16(0.01)
    assert [f.seq for f in index.search(A, ROWS[0])] == [2]
    arrays["seq"][2] = 2 + index._windows.ring().capacity
    assert not index.search(A, ROWS[0])


def test_without_a_compiler_numpy_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_module, "_loaded", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    index = VectorIndex.open(tmp_path / "cache", 384, "test")
    assert index._windows.ring().view().block.kernel is None
    index.add(1, A, ROWS[0])
    assert [f.seq for f in index.search(A, near(ROWS[0], 0.9))] == [1]
    assert not list((tmp_path / "cache").glob("kernel*"))


def test_a_compiler_that_fails_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_module, "_loaded", {})
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert kernel(tmp_path) is None
    assert not list(tmp_path.glob("kernel*"))


@needs_compiler
def test_code_that_others_could_have_written_is_not_loaded(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from pyagent_plugins.cache.index.kernel import kernel; "
    script += "print(kernel(Path(sys.argv[1])) is not None)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    def loaded() -> str:
        asked = [sys.executable, "-c", script, str(tmp_path)]
        return subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout

    assert loaded() == "True\n"
    (library,) = tmp_path.glob("kernel-*.so")
    assert library.stat().st_mode & 0o777 == 0o700
    library.chmod(0o722)
    assert loaded() == "False\n"


def test_vectors_of_odd_length_go_the_long_way(tmp_path: Path) -> None:
    assert Kernel.over(tmp_path, [], 383) is None
    index = VectorIndex.open(tmp_path, 51, "test", Window(300, generations=1))
    for i, row in enumerate(topical(400, 51)):
        index.add(i + 1, A, row)
    assert index.search(A, topical(400, 51)[350], 1, 0.9)[0].seq == 351
    assert index.verify() == []
