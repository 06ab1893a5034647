"""Whatever goes wrong: one line what, one what to do, the right exit code, and no traceback."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pyagent.cli import failure
from pyagent.errors import EngineUnreachable, Interrupted, TaskFileError


@pytest.mark.parametrize(
    ("args", "code", "says", "hint"),
    [
        (["swarn"], 2, "no such command 'swarn'", "did you mean swarm?"),
        (["zzz"], 2, "no such command 'zzz'", "see `pyagent --help`"),
        (["plugin", "lits"], 2, "no such command 'lits'", "did you mean list?"),
        (["model", "show", "--jsn"], 2, "no such option: --jsn", "did you mean --json?"),
        (["model", "show", "a", "b"], 2, "got unexpected extra argument(s) (b)", "--help"),
        (["config", "get"], 2, "missing argument 'NAME'", "see `pyagent config get --help`"),
        (["config", "get", "swarm.job"], 2, "no setting 'swarm.job'", "did you mean swarm.jobs?"),
        (["config", "set", "swarm.jobs", "many"], 2, "must be a whole number", "correct the value"),
        (["model", "show", "smolm2"], 4, "no model 'smolm2'", "did you mean smollm2-135m?"),
        (["model", "test", "no.gguf"], 4, "no.gguf does not exist", "give the path of a GGUF file"),
        (["--plugins", "swarn", "plugin", "list"], 2, "no plugin 'swarn'", "did you mean swarm?"),
        (["plugin", "show", "nobody"], 2, "no plugin 'nobody'", "installed:"),
        (["completion", "tcsh"], 2, "'tcsh' is not one of", "see `pyagent completion --help`"),
        (["trust"], 2, "no pyagent.toml here or above", "go into the project"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(pyagent: Any, args: list[str], code: int, says: str, hint: str) -> None:
    done = pyagent(*args)
    assert done.returncode == code
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("error: ")
    assert says in first
    assert second.startswith("hint: ")
    assert hint in second
    as_json = pyagent("--json", *args)
    assert (as_json.returncode, as_json.stdout) == (code, "")
    row = json.loads(as_json.stderr)
    assert set(row) == {"error", "hint", "code"}
    assert row["code"] == code
    assert says in row["error"]


def test_a_broken_file_stops_what_needs_it_and_nothing_else(pyagent: Any, tmp_path: Path) -> None:
    (tmp_path / "pyagent.toml").write_text("[swarm]\njbos = 1\n")
    done = pyagent("model", "list")
    assert done.returncode == 78
    assert f"{tmp_path}/pyagent.toml:2: no setting swarm.jbos" in done.stderr
    assert "hint: did you mean jobs?" in done.stderr
    assert pyagent("config", "path").returncode == 0
    assert pyagent("--help").returncode == 0
    checks = json.loads(pyagent("doctor", "--json").stdout)
    assert {row["check"]: row["state"] for row in checks}["settings"] == "fail"


def test_a_home_that_cannot_be_written_is_74(pyagent: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = pyagent("config", "set", "swarm.jobs", "2", env={"PYAGENT_HOME": str(tmp_path / "file")})
    assert done.returncode == 74
    assert "hint: choose another one with PYAGENT_HOME" in done.stderr
    assert "Traceback" not in done.stderr


CRASH = """
import sys
from pyagent.__main__ import run
import pyagent.cli.plugin as target
def explode(plugin):
    raise RuntimeError("key " + "hunter2-secret and Bearer abcdefgh12345678")
target._row = explode
sys.exit(run(sys.argv[1:]))
"""


def test_an_unforeseen_error_leaves_a_report_without_keys(tmp_path: Path, home: Path) -> None:
    env = {**os.environ, "MY_API_KEY": "hunter2-secret"}

    def crash(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", CRASH, *args]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = crash("plugin", "list")
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    error, hint = done.stderr.splitlines()
    assert error == "error: internal error: RuntimeError: key <MY_API_KEY> and <secret>"
    report = Path(hint.removeprefix("hint: the report is in "))
    assert report.parent == home / "reports"
    assert report.stat().st_mode & 0o777 == 0o600
    text = report.read_text()
    assert "in explode" in text
    assert "command: pyagent plugin list" in text
    for secret in ("hunter2", "abcdefgh12345678"):
        assert secret not in text + done.stderr
    assert json.loads(crash("--json", "plugin", "list").stderr)["code"] == 70
    assert "Traceback" in crash("--debug", "plugin", "list").stderr


def test_every_bad_line_of_a_task_file_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    error = TaskFileError("2 lines of a.jsonl are wrong", "correct them", ["a.jsonl:1: x", "a.jsonl:3: y"])
    assert failure.show(error, []) == 2
    assert capsys.readouterr().err == (
        "a.jsonl:1: x\na.jsonl:3: y\nerror: 2 lines of a.jsonl are wrong\nhint: correct them\n"
    )
    assert failure.show(error, ["--json"]) == 2
    assert json.loads(capsys.readouterr().err)["problems"] == ["a.jsonl:1: x", "a.jsonl:3: y"]


def test_errors_from_a_group_and_from_the_disk_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert failure.show(ExceptionGroup("tasks", [EngineUnreachable("nobody answers")]), []) == 69
    assert failure.show(OSError(28, "No space left on device", "/x/pyagent.db"), []) == 74
    assert failure.show(Interrupted("stopped", signal=15), []) == 143
    said = capsys.readouterr().err
    assert "error: the disk is full: /x/pyagent.db" in said
    assert "internal" not in said


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m pyagent commands --json | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "{\n", "")
    closed = f"{sys.executable} -m pyagent commands --json >&-"
    done = subprocess.run(["bash", "-c", closed], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


SLEEP = """
import sys, time
from pyagent.__main__ import run
import pyagent.cli.plugin as target
def wait(plugin):
    print("waiting", flush=True)
    time.sleep(60)
target._row = wait
sys.exit(run(["plugin", "list"]))
"""


def test_control_c_is_130_and_one_line() -> None:
    child = subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "waiting\n"
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert said.splitlines() == ["error: stopped by SIGINT", "hint: Run the same command again."]


def on_terminal(args: list[str], env: dict[str, str]) -> str:
    """What the program prints when stdout is a terminal of 100 columns."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pyagent", *args],
        stdin=child,
        stdout=child,
        stderr=child,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm-256color", **env},
    )
    os.close(child)
    text = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    process.wait(timeout=20)
    os.close(parent)
    return text.decode()


def test_colour_is_for_terminals_that_want_it(pyagent: Any) -> None:
    escape = re.compile(r"\x1b\[")
    args = ["model", "list"]
    assert escape.search(on_terminal(args, {}))
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"PYAGENT_NO_COLOR": "1"}):
        text = on_terminal(args, env)
        assert not escape.search(text)
        assert "smollm2-135m" in text
    assert not escape.search(on_terminal(["--no-color", *args], {}))
    assert not escape.search(on_terminal([*args, "--no-color"], {}))
    assert json.loads(on_terminal([*args, "--json"], {}))[0]["name"] == "smollm2-135m"
    assert not escape.search(pyagent(*args, env={"TERM": "xterm-256color"}).stdout)
