"""Setting one value by command leaves the rest of the file as the user wrote it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyagent.errors import ConfigError
from pyagent.host.edit import store, toml

FILE = """\
# my settings
[swarm]   # the main job
jobs = 4  # two a core
system = \"\"\"
jobs = 9
\"\"\"

[models."gpt-4.1"]
provider = "openai"
"""


def test_comments_and_neighbours_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    store(path, ("swarm", "jobs"), 8)
    assert path.read_text() == FILE.replace("jobs = 4  # two a core", "jobs = 8  # two a core")
    store(path, ("models", "gpt-4.1", "context"), 1000)
    store(path, ("models", "new one", "path"), 'a "b" \\ c.gguf')
    store(path, ("plugins", "block"), ("x", "y"))
    document = tomllib.loads(path.read_text())
    assert document["models"] == {
        "gpt-4.1": {"provider": "openai", "context": 1000},
        "new one": {"path": 'a "b" \\ c.gguf'},
    }
    assert document["plugins"] == {"block": ["x", "y"]}
    assert document["swarm"]["system"] == "jobs = 9\n"
    assert path.read_text().startswith("# my settings\n[swarm]   # the main job\n")


def test_a_file_that_cannot_be_edited_safely_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    for text in ('[swarm]\nsystem = """\na\n"""\n', "swarm = { jobs = 1 }\n"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="cannot be edited safely"):
            store(path, ("swarm", "system"), "b")
        assert path.read_text() == text


def test_a_broken_file_is_reported_and_not_edited(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[swarm\n")
    with pytest.raises(ConfigError, match="not TOML"):
        store(path, ("swarm", "jobs"), 1)
    assert path.read_text() == "[swarm\n"


VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_every_value_survives_being_written_as_toml(value: Any) -> None:
    assert tomllib.loads(f"v = {toml(value)}")["v"] == value
