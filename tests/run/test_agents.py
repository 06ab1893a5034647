"""Recipes: what a person writes is checked to the last key, and nothing is found out in the middle of a run."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from pyagent.errors import ConfigError, UsageError
from pyagent.model import Agent
from pyagent.run.agents import agent_digest, check_tools, find_agent, load_agents, reachable


def write(folder: Path, **recipes: str) -> Path:
    (folder / "agents").mkdir(parents=True, exist_ok=True)
    for name, text in recipes.items():
        (folder / "agents" / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_recipe_says_everything_an_agent_needs(tmp_path: Path) -> None:
    text = """
    instructions = "Answer in one word."
    description = "Sorts tickets"
    model = "small"
    tools = ["calculator"]
    handoffs = ["billing"]
    max_turns = 3
    max_tool_calls = 2
    max_handoffs = 1
    temperature = 0.5
    max_tokens = 64
    tool_choice = "required"
    """
    write(tmp_path, desk=text, billing='instructions = "Say what it costs."')
    desk = load_agents([tmp_path])["desk"]
    assert desk == Agent(
        name="desk",
        instructions="Answer in one word.",
        description="Sorts tickets",
        model="small",
        tools=("calculator",),
        handoffs=("billing",),
        max_turns=3,
        max_tool_calls=2,
        max_handoffs=1,
        temperature=0.5,
        max_tokens=64,
        tool_choice="required",
        path=str(tmp_path / "agents" / "desk.toml"),
    )


def test_the_project_hides_the_users_recipe_of_the_same_name(tmp_path: Path) -> None:
    project = write(tmp_path / "project", desk='instructions = "project"')
    user = write(tmp_path / "user", desk='instructions = "user"', other='instructions = "user"')
    agents = load_agents([project, user])
    assert {name: agent.instructions for name, agent in agents.items()} == {"desk": "project", "other": "user"}


def test_no_folder_is_no_agents(tmp_path: Path) -> None:
    assert load_agents([tmp_path / "nowhere"]) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('instruction = "x"', "did you mean 'instructions'?"),
        ("max_turns = 0", "max_turns must be a whole number, 1 or more"),
        ("max_turns = true", "max_turns must be a whole number"),
        ("max_turns = 2.5", "max_turns must be a whole number"),
        ('tools = "calculator"', "tools must be a list of names"),
        ("tools = [1]", "tools must be a list of names"),
        ("temperature = 3", "temperature must be a number from 0 to 2"),
        ("temperature = nan", "temperature must be a number from 0 to 2"),
        ("model = 1", "model must be text"),
        ('tool_choice = "none"', "tool_choice must be auto or required"),
        ("instructions = \nmax_turns = 1", "at line 1"),
        ('handoffs = ["x"]', "it hands over to itself"),
        ('handoffs = ["y"]', "there is no agent 'y' to hand over to"),
    ],
)
def test_a_wrong_recipe_is_named_with_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, x=text)
    with pytest.raises(ConfigError) as caught:
        load_agents([tmp_path])
    assert "x.toml" in str(caught.value)
    assert said in f"{caught.value} {caught.value.hint}"
    assert caught.value.hint


def test_files_that_are_no_recipes_are_refused_in_one_line(tmp_path: Path) -> None:
    folder = write(tmp_path) / "agents"
    (folder / "a.toml").write_bytes(b"instructions = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_agents([tmp_path])
    (folder / "a.toml").unlink()
    (folder / "b.toml").mkdir()
    with pytest.raises(ConfigError, match=r"b\.toml"):
        load_agents([tmp_path])
    (folder / "b.toml").rmdir()
    (folder / "two words.toml").write_text("")
    with pytest.raises(ConfigError, match="cannot be an agent's name"):
        load_agents([tmp_path])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_recipe_that_may_not_be_read(tmp_path: Path) -> None:
    (write(tmp_path, a="") / "agents" / "a.toml").chmod(0)
    with pytest.raises(ConfigError, match="Permission denied"):
        load_agents([tmp_path])


def test_a_missing_agent_is_named_with_the_nearest(tmp_path: Path) -> None:
    agents = load_agents([write(tmp_path, billing="")])
    with pytest.raises(UsageError) as caught:
        find_agent(agents, "biling")
    assert "did you mean 'billing'?" in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_digest_changes_with_every_recipe_that_can_come_to_work() -> None:
    agents = {
        "a": Agent("a", handoffs=("b",)),
        "b": Agent("b", handoffs=("c", "a")),
        "c": Agent("c", instructions="one"),
    }
    assert [agent.name for agent in reachable(agents["a"], agents)] == ["a", "b", "c"]
    before = agent_digest(agents["a"], agents)
    assert before == agent_digest(replace(agents["a"], path="/elsewhere/a.toml"), agents)
    assert before != agent_digest(agents["a"], agents | {"c": Agent("c", instructions="two")})
    assert agent_digest(agents["c"]) != agent_digest(replace(agents["c"], temperature=0.0))


def test_a_tool_that_nobody_gives_is_found_before_the_run(tmp_path: Path) -> None:
    agents = load_agents([write(tmp_path, a='tools = ["calculater"]')])
    with pytest.raises(ConfigError, match="no tool 'calculater'") as caught:
        check_tools(agents.values(), {"calculator"})
    assert "calculator" in caught.value.hint
