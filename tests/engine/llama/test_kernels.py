"""Our kernels compute what llama.cpp computes, and stay away where they cannot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.llama import child as children
from pyagent.engine.llama import kernels
from tests.conftest import MODELS

needed = pytest.mark.skipif(bool(kernels.why_not()), reason=kernels.why_not() or "they run here")

SHAPES = """
import ctypes, json, sys
from llama_cpp import llama_cpp
library = ctypes.CDLL(sys.argv[1])
check = getattr(library, sys.argv[2])
check.restype = ctypes.c_double
print(json.dumps([check(*shape) for shape in json.loads(sys.argv[3])]))
"""

# Reads one text alone, then beside others, and its likelihood from the prompt's logits.
READ = """
import json, sys
from pyagent.engine.llama import kernels
from pyagent.engine.llama.binding import Context, Model
import numpy as np

path, library = sys.argv[1:]
if library:
    assert kernels.load(library)
model = Model(path)
context = Context(model, 1024, 8, 128)
tokens = model.tokenize(sys.stdin.read(), False)[:120]

def decode(rows):
    batch = context.batch
    for i, (token, pos, seq) in enumerate(rows):
        batch.token[i], batch.pos[i], batch.seq[i], batch.wants[i] = token, pos, seq, 1
    assert context.decode(len(rows))
    return context.logits(len(rows)).copy()

logits = decode([(token, i, 0) for i, token in enumerate(tokens)]).astype(np.float64)
logits -= logits.max(1, keepdims=True)
likely = logits - np.log(np.exp(logits).sum(1, keepdims=True))
loss = -likely[np.arange(len(tokens) - 1), tokens[1:]].mean()
end = len(tokens)
for seq in range(1, 8):
    context.fork(0, seq, end)
alone = decode([(tokens[0], end, 1)])[0]
among = decode([(tokens[0] if seq == 2 else tokens[seq], end, seq) for seq in range(2, 8)])[0]
print(json.dumps({"loss": loss, "best": likely.argmax(1).tolist(), "same": bool((alone == among).all())}))
"""

DRAW = """
import json, sys
import numpy as np
from llama_cpp import llama_cpp
from pyagent.engine.llama import kernels
from pyagent.engine.llama.sampling import Sampler

row = (np.random.default_rng(0).standard_normal(49155) * 3).astype(np.float32)
plain = Sampler(len(row))
assert kernels.load(sys.argv[1])
fast = Sampler(len(row))
banned = set(np.argsort(-row)[:3].tolist())
def draws(sampler):
    return [sampler.pick(row, t, 7, i, lambda token: token not in banned) for t in (0.05, 0.8, 2.0) for i in range(400)]
print(json.dumps([draws(plain), draws(fast)]))
"""

TEXT = (
    "The lighthouse keeper climbed the stairs every evening before the sun went down. He lit the lamp, wound the clock "
    "and wrote the weather into a book: the wind, the height of the waves, the ships that passed. In winter the storms "
    "came from the north, and on some nights he could not hear his own voice. Still he loved the place, because nobody "
    "asked him for anything, and because the light was needed."
)


@pytest.fixture(scope="session")
def library() -> str:
    made = kernels.compiled(MODELS)
    assert made is not None
    return str(made)


def run(code: str, *arguments: str, text: str = "") -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=text,
        env=children.environment(2),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needed
def test_products_of_every_height_are_right_to_the_rounding_of_the_inputs(library: str) -> None:
    # inputs, outputs, rows, threads
    shapes = [(576, 192, rows, 1) for rows in range(1, 14)] + [(32, 16, 1, 1), (1536, 80, 25, 2), (64, 48, 130, 3)]
    for shape, error in zip(shapes, run(SHAPES, library, "check_product", json.dumps(shapes)), strict=True):
        assert 0 <= error < 0.01, shape


@needed
def test_attention_is_right_for_every_number_of_heads_and_any_hole_in_the_mask(library: str) -> None:
    # size, heads, heads of the keys, past, rows, streams, every nth hidden, threads
    shapes = [(64, heads * 2, 2, 37, 3, 1, 0, 1) for heads in range(1, 10)]
    shapes += [(64, 9, 3, 0, 1, 1, 0, 1), (64, 9, 3, 300, 40, 1, 3, 2), (128, 32, 8, 70, 3, 2, 2, 1)]
    shapes += [(256, 4, 1, 20, 17, 1, 0, 1), (64, 6, 2, 9000, 4, 1, 5, 2)]
    for shape, error in zip(shapes, run(SHAPES, library, "check_attention", json.dumps(shapes)), strict=True):
        assert 0 <= error < 1e-5, shape


@needed
def test_what_they_are_not_made_for_they_refuse(library: str) -> None:
    assert run(SHAPES, library, "check_product", "[[576, 100, 3, 1]]") == [-1]
    assert run(SHAPES, library, "check_attention", "[[80, 4, 4, 5, 5, 1, 0, 1]]") == [-1]


@needed
def test_the_model_reads_as_well_and_a_row_does_not_depend_on_its_neighbours(library: str, gguf: Path) -> None:
    ours, theirs = (run(READ, str(gguf), which, text=TEXT) for which in (library, ""))
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=0.01)
    agree = sum(a == b for a, b in zip(ours["best"], theirs["best"], strict=True))
    assert agree >= 0.9 * len(ours["best"])
    assert ours["same"]


@needed
def test_draws_are_the_same_with_and_without_them(library: str) -> None:
    plain, fast = run(DRAW, library)
    # A draw that falls within the rounding of a sum may go to the neighbour.
    assert sum(a == b for a, b in zip(plain, fast, strict=True)) >= len(plain) - 2
    assert len(set(fast)) > 100


def test_they_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYAGENT_KERNEL", "off")
    assert kernels.compiled(tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("missing", "value", "said"),
    [
        ("_cpu", lambda: {"avx2"}, "AVX-512"),
        ("_compiler", lambda: None, "compiler"),
        ("_llama", lambda: None, "not known"),
    ],
)
def test_without_what_they_need_llama_cpp_does_it_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str, value: Callable[[], Any], said: str
) -> None:
    monkeypatch.setattr(kernels, "_cpu", lambda: set(kernels._CPU))
    monkeypatch.setattr(kernels, missing, value)
    assert said in kernels.why_not()
    assert kernels.compiled(tmp_path) is None


@needed
def test_what_does_not_compile_or_work_is_tried_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kernels, "_SOURCES", ("nothing.cpp",))
    assert kernels.compiled(tmp_path) is None
    (made,) = (tmp_path / "kernels").glob("*.so")
    assert made.stat().st_size == 0
    monkeypatch.setattr(kernels, "_compile", lambda *_: pytest.fail("tried again"))
    assert kernels.compiled(tmp_path) is None


@needed
def test_a_library_that_computes_nonsense_or_crashes_is_not_taken(library: str, tmp_path: Path) -> None:
    assert kernels._works(Path(library))
    broken = tmp_path / "broken.so"
    broken.write_bytes(Path(library).read_bytes()[:4096])
    assert not kernels._works(broken)


@needed
def test_a_library_that_others_could_have_written_is_not_loaded(library: str, tmp_path: Path) -> None:
    (tmp_path / "kernels").mkdir()
    copy = tmp_path / "kernels" / Path(library).name
    copy.write_bytes(Path(library).read_bytes())
    copy.chmod(0o722)
    assert kernels.compiled(tmp_path) is None
    copy.chmod(0o700)
    assert kernels.compiled(tmp_path) == copy


@needed
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "kernels").write_text("a file where a folder should be")
    assert kernels.compiled(tmp_path) is None
    assert os.listdir(tmp_path) == ["kernels"]


@needed
def test_processes_share_the_packed_weights_and_one_that_died_over_them_is_replaced(
    child: Callable[..., Any], chat: Any
) -> None:
    file = kernels.shared_file()

    def tell() -> str:
        worker = child(weights=file)
        worker.until("ready")
        worker.submit(1, chat("Name three colours."), max_tokens=12)
        text: str = worker.until("done")["samples"][0]["text"]
        assert "memfd:weights" in Path(f"/proc/{worker.process.pid}/maps").read_text()
        return text

    first = tell()
    packed = os.fstat(file).st_size
    assert packed > 100e6
    blank = bytes(4096)
    os.pwrite(file, blank, 0)
    assert tell() != first, "the second reads what the first has written"
    os.pwrite(file, blank[:8], packed - 8)  # as if the first had died before its mark
    assert tell() == first
    os.close(file)
