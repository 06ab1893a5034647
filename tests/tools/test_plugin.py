"""The tools reach a run as a plugin: with the folders that the user allowed, and not at all without the plugin."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pyagent_plugins.tools
from pyagent.engine.tools import check
from pyagent.errors import ToolError
from pyagent.host.app import App
from pyagent.host.plugins import modules
from pyagent.run.agents import check_tools, load_agents

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def host(project: Path, **env: str) -> App:
    plugins: dict[str, ModuleType] = {"tools": pyagent_plugins.tools}
    return App(cwd=project, env={"PYAGENT_HOME": os.environ["PYAGENT_HOME"], **env}, sources=modules(plugins))


def test_the_bundled_tools_are_there_and_their_examples_are_right(tmp_path: Path) -> None:
    tools = host(tmp_path).tools()
    assert sorted(tools) == ["calculator", "query_json", "read_file"]
    for tool in tools.values():
        assert tool.annotations["readOnlyHint"]
        for example in tool.spec.parameters.get("examples", []):
            check(example, tool.spec)


def test_a_projects_folders_are_read_once_it_is_trusted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.txt").write_text("hello")
    (tmp_path / "pyagent.toml").write_text('[tools]\nallow = ["data"]\n')
    with pytest.raises(ToolError, match="not below an allowed folder"):
        asyncio.run(host(tmp_path).tools()["read_file"].run({"path": "x.txt"}))
    subprocess.run([sys.executable, "-m", "pyagent", "trust"], cwd=tmp_path, check=True, capture_output=True)
    assert asyncio.run(host(tmp_path).tools()["read_file"].run({"path": "x.txt"})) == "hello"


def test_the_user_may_allow_a_folder_for_one_call(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"a": [1, 2]}')
    tools = host(tmp_path, PYAGENT_TOOLS__ALLOW=str(tmp_path)).tools()
    assert asyncio.run(tools["query_json"].run({"path": "x.json", "query": "a[1]"})) == 2


def test_the_example_agents_name_tools_that_exist(tmp_path: Path) -> None:
    agents = load_agents([EXAMPLES])
    assert sorted(agents) == ["clerk", "desk"]
    check_tools(agents.values(), host(tmp_path).tools())


def pyagent(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyagent", *args]
    return subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=60, check=False)


def test_agents_are_listed_and_shown_on_the_command_line() -> None:
    listed = pyagent("--json", "swarm", "agents", "list")
    assert [(row["name"], row["tools"]) for row in json.loads(listed.stdout)] == [("clerk", "calculator"), ("desk", "")]
    shown = json.loads(pyagent("--json", "swarm", "agents", "show", "desk").stdout)
    assert (shown["handoffs"], shown["reaches"], shown["max_handoffs"]) == (["clerk"], ["clerk"], 1)
    assert len(shown["digest"]) == 64
    assert "Takes every question first" in pyagent("swarm", "agents", "show", "desk").stdout


def test_an_agent_that_does_not_exist_is_a_usage_error() -> None:
    wrong = pyagent("swarm", "agents", "show", "dask")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "there is no agent 'dask'" in wrong.stderr
    assert "did you mean 'desk'?" in wrong.stderr
