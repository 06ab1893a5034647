"""Keys come from the environment or from a file with mode 600, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyagent.errors import KeyRefused
from pyagent.host.keys import lend


def keys(home: Path, text: str, mode: int = 0o600) -> Path:
    file = home / "keys.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_file_lends_what_the_environment_lacks(home: Path) -> None:
    file = keys(home, 'A_KEY = "from the file"\n')
    env = {"B_KEY": "from outside"}
    lend("A_KEY", file, env)
    lend("B_KEY", file, env)
    lend("C_KEY", file, env)
    assert env == {"A_KEY": "from the file", "B_KEY": "from outside"}
    env["A_KEY"] = "set by hand"
    lend("A_KEY", file, env)
    assert env["A_KEY"] == "set by hand"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_may_read_is_refused(home: Path, mode: int) -> None:
    with pytest.raises(KeyRefused, match="read by others") as refused:
        lend("A_KEY", keys(home, 'A_KEY = "secret"\n', mode), {})
    assert refused.value.exit_code == 77


def test_a_broken_file_is_told_without_its_content(home: Path) -> None:
    with pytest.raises(KeyRefused) as refused:
        lend("A_KEY", keys(home, "A_KEY = sk-secret-without-quotes\n"), {})
    assert "sk-secret" not in str(refused.value) + refused.value.hint
