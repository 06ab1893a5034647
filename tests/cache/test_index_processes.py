"""Several processes at one index: what one writes the others see, and a killed one leaves no torn vector."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pyagent_plugins.cache.index.index import VectorIndex, Window
from tests.cache.vectors import DIM, A, near, unit

WINDOW = Window(60, generations=3)
ROOT = Path(__file__).parents[2]
# The vector of entry n, written for the t-th time, is unit(1000 * n + t): a number is used again after a kill.
WRITER = """
import sys
from pathlib import Path
from pyagent_plugins.cache.index.index import VectorIndex, Window
from tests.cache.vectors import A, DIM, unit
folder, trial = Path(sys.argv[1]), int(sys.argv[2])
index = VectorIndex.open(folder, DIM, "test", Window(60, generations=3))
seq = max(1, index.high)
print("ready", flush=True)
while True:
    index.add(seq, A, unit(1000 * seq + trial))
    if seq % 7 == 0:
        index.kill([seq - 3])
    if seq % 11 == 0:
        index.advance(seq - 200)
    seq += 1
    if len(sys.argv) > 3 and seq > int(sys.argv[3]):
        break
print("done", flush=True)
sys.stdin.readline()
"""


def open_index(folder: Path) -> VectorIndex:
    return VectorIndex.open(folder, DIM, "test", WINDOW)


def start_writer(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def check_nothing_torn(index: VectorIndex, trials: int, newest: int) -> int:
    """Every find is one of the vectors that were written whole under its number; how many were found."""
    found = 0
    for seq in range(max(1, newest - 80), newest + 3):
        for trial in range(trials):
            asked = unit(1000 * seq + trial)
            for hit in index.search(A, asked, k=3, floor=0.5):
                # Which of the trials wrote the number last is not known: one of them did, as a whole.
                whole = [float(asked @ unit(1000 * hit.seq + t)) for t in range(trials)]
                assert any(hit.cosine == pytest.approx(cosine, abs=2e-3) for cosine in whole), hit
                found += 1
    return found


def test_a_killed_writer_leaves_no_torn_vector(tmp_path: Path) -> None:
    reader, rng, found = open_index(tmp_path), random.Random(4), 0
    for trial in range(12):
        with start_writer(tmp_path, trial) as writer:
            end = time.monotonic() + rng.uniform(0.0, 0.15)
            while time.monotonic() < end:  # a reader that looks while it writes
                high = reader.high
                check_nothing_torn(reader, trial + 1, high + 1) if trial < 2 else reader.search(A, unit(high))
            writer.send_signal(signal.SIGKILL)
        found += check_nothing_torn(reader, trial + 1, reader.high)
        assert reader.verify() == []
    assert found > 200
    again = open_index(tmp_path)
    assert check_nothing_torn(again, 12, again.high) > 0
    again.add(again.high + 1, A, unit(5))
    assert again.search(A, unit(5), floor=0.9)[0].seq == again.high


def test_others_see_what_one_writes_kills_and_lets_go(tmp_path: Path) -> None:
    reader = open_index(tmp_path)
    with start_writer(tmp_path, 0, 400) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "done\n"
        assert reader.high == 400
        assert reader.low == 196
        for seq in range(150, 401):
            dead = seq < 196 or ((seq + 3) % 7 == 0 and seq + 3 <= 400)
            assert [f.seq for f in reader.search(A, unit(1000 * seq), floor=0.9)] == ([] if dead else [seq])
        assert reader.missing([200, 201, 400]) == [s for s in (200, 201, 400) if (s + 3) % 7 == 0]
        reader.kill([399])  # and the other way round
        reader.advance(300)
        writer.communicate("go\n")
    assert open_index(tmp_path).low == 300
    assert not open_index(tmp_path).search(A, unit(399_000), floor=0.9)


def test_a_reader_follows_a_rebuild_by_another(tmp_path: Path) -> None:
    reader, writer = open_index(tmp_path), open_index(tmp_path)
    for seq in range(1, 131):
        writer.add(seq, A, unit(seq))
    assert reader.search(A, unit(100), floor=0.9)
    writer.rebuild((seq, A, unit(seq + 5000)) for seq in range(50, 200))
    assert not reader.search(A, unit(100), floor=0.9)
    assert [f.seq for f in reader.search(A, unit(5100), floor=0.9)] == [100]
    assert (reader.high, len(reader), reader.incomplete) == (199, 150, False)
    reader.add(200, A, unit(5200))
    assert [f.seq for f in writer.search(A, unit(5200), floor=0.9)] == [200]


def test_writers_take_turns_over_threads_and_processes(tmp_path: Path) -> None:
    indexes = [open_index(tmp_path), open_index(tmp_path)]
    wrong: list[object] = []
    done = threading.Event()

    def write(index: VectorIndex, first: int) -> None:
        for i in range(first, 200, 4):
            index.add(i + 1, A, unit(i + 1))

    def read() -> None:
        while not done.is_set():
            for seq in range(1, 200, 17):
                for hit in indexes[1].search(A, near(unit(seq), 0.95), floor=0.6):
                    if abs(hit.cosine - float(near(unit(seq), 0.95) @ unit(hit.seq))) > 2e-3:
                        wrong.append((seq, hit))

    watch = threading.Thread(target=read)
    watch.start()
    threads = [threading.Thread(target=write, args=(indexes[i % 2], i)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    watch.join()
    assert not wrong
    # Numbers that came later than their window was sealed are ignored, never misplaced.
    assert indexes[0].high == 200
    assert [f.seq for f in indexes[0].search(A, unit(200), floor=0.9)] == [200]
    assert indexes[0].verify() == []


def test_a_child_takes_its_own_turn(tmp_path: Path) -> None:
    index = open_index(tmp_path)
    index.add(1, A, unit(1))
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            for seq in range(100, 140):
                index.add(seq, A, unit(seq))
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    index.add(140, A, unit(140))
    assert [f.seq for f in index.search(A, unit(139), floor=0.9)] == [139]
    assert [f.seq for f in index.search(A, unit(140), floor=0.9)] == [140]
