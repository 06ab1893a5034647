"""TAB offers what can be typed there, from the scripts that ship."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyagent.cli.completion import FILES, SCRIPTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_that_ships_is_the_one_that_is_printed(pyagent: Any, shell: str) -> None:
    shipped = (ROOT / "completions" / FILES[shell]).read_text("utf-8")
    assert shipped == SCRIPTS[shell], "run `make completions`"
    assert pyagent("completion", shell).stdout == shipped


def offers(pyagent: Any, *words: str, **more: Any) -> list[str]:
    done = pyagent("__complete", *words, **more)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.partition("\t")[0] for line in done.stdout.splitlines()]


def test_groups_verbs_options_and_choices_are_offered(pyagent: Any, hello_site: Path) -> None:
    assert offers(pyagent, "comp") == ["completion"]
    assert set(offers(pyagent, "plugin", "")) == {"list", "show", "new"}
    assert offers(pyagent, "plugin", "show", "--s") == ["--steps"]
    assert offers(pyagent, "completion", "") == ["bash", "zsh", "fish", "powershell"]
    assert "run" in offers(pyagent, "--json", "--plugins", "swarm", "swarm", "")
    assert offers(pyagent, "model", "add", "x", "--path", "") == []
    assert offers(pyagent, "nonsense", "") == []
    env = {"PYTHONPATH": str(hello_site)}
    assert offers(pyagent, "hel", env=env) == ["hello"]
    assert set(offers(pyagent, "plugin", "", env=env)) == {"list", "show", "new", "greet"}


def test_a_broken_file_does_not_break_the_shell(pyagent: Any, tmp_path: Path) -> None:
    (tmp_path / "pyagent.toml").write_text("[nonsense\n")
    done = pyagent("__complete", "mod")
    assert (done.returncode, done.stdout.split("\t")[0]) == (0, "model")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_with_the_shipped_script(tmp_path: Path) -> None:
    script = f"""
        pyagent() {{ "{sys.executable}" -m pyagent "$@"; }}
        source "{ROOT / "completions" / "pyagent.bash"}"
        COMP_WORDS=(pyagent config s) COMP_CWORD=2
        _pyagent
        printf '%s\\n' "${{COMPREPLY[@]}}"
        COMP_WORDS=(pyagent "") COMP_CWORD=1
        _pyagent
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ
    )
    lines = done.stdout.split()
    assert lines[:3] == ["show", "set", "schema"]
    assert {"swarm", "doctor", "model"} <= set(lines[3:])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file of tasks, and `pyagent` on the PATH as an installed one is."""
    programs, folder = tmp_path / "bin", tmp_path / "desk"
    programs.mkdir()
    folder.mkdir()
    (folder / "notes.jsonl").touch()
    (programs / "pyagent").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pyagent "$@"\n')
    (programs / "pyagent").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return folder


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes_with_the_shipped_script(desk: Path) -> None:
    def offered(line: str) -> dict[str, str]:
        command = f"source {ROOT / 'completions' / 'pyagent.fish'}; complete -C {line!r}"
        done = subprocess.run(["fish", "-c", command], cwd=desk, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return dict(row.partition("\t")[::2] for row in done.stdout.splitlines())

    assert offered("pyagent config s")["show"] == "Show the settings in effect."
    assert {"swarm", "doctor", "model"} <= set(offered("pyagent "))
    assert set(offered("pyagent completion ")) == {"bash", "zsh", "fish", "powershell"}
    assert "--dry-run" in offered("pyagent swarm run --dr")
    assert set(offered("pyagent swarm run no")) == {"notes.jsonl"}


class Terminal:
    """An interactive shell on a terminal of its own, as somebody types into it."""

    def __init__(self, *command: str, cwd: Path) -> None:
        self._master, theirs = pty.openpty()
        env = {**os.environ, "TERM": "dumb", "COLUMNS": "120", "LINES": "50"}
        self._process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env, start_new_session=True
        )
        os.close(theirs)

    def type(self, keys: str, wanted: str) -> str:
        """What the shell shows until ``wanted`` is there; the test's own time limit ends a wait in vain."""
        os.write(self._master, keys.encode())
        shown = b""
        while wanted.encode() not in shown:
            shown += os.read(self._master, 65536)
        return shown.decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.mark.timeout(60)
@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_with_the_shipped_script(desk: Path) -> None:
    shell = Terminal("zsh", "-f", "-i", cwd=desk)
    try:
        # The word that is waited for is not in what is typed: the terminal echoes that.
        shell.type(
            f"fpath=({ROOT / 'completions'} $fpath); autoload -Uz compinit; compinit -u -D; PROMPT='RE''ADY '\n",
            "READY ",
        )
        listed = shell.type("pyagent config s\t\t", "Show the settings in effect.")
        assert "Print the JSON Schema" in listed
        # Only what TAB adds is waited for: that the terminal does not echo.
        shell.type("\x15pyagent comple\t", "tion ")
        shell.type("power\t", "shell ")
        shell.type("\x15pyagent swarm run --show-p\t", "rompts ")
        shell.type("\x15pyagent swarm run not\t", "es.jsonl ")
    finally:
        shell.close()


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="PowerShell is not installed")
def test_powershell_completes_with_the_shipped_script(desk: Path) -> None:
    script = f"""
        . '{ROOT / "completions" / "pyagent.ps1"}'
        foreach ($line in 'pyagent config s', 'pyagent completion ') {{
            (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches.CompletionText
        }}
    """
    done = subprocess.run(
        ["pwsh", "-NoProfile", "-Command", script], cwd=desk, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["show", "set", "schema", "bash", "zsh", "fish", "powershell"]
