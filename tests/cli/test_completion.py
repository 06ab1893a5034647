"""TAB offers what can be typed there, from the scripts that ship."""

from __future__ import annotations

import os
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


@pytest.mark.parametrize(("shell", "check"), [("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])])
def test_other_shells_can_read_their_script(shell: str, check: list[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([*check, str(ROOT / "completions" / FILES[shell])], check=True)
