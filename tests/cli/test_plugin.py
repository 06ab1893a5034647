"""A third-party plugin is installed by pip and does everything that a bundled one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, install


@pytest.fixture
def hello(pyagent: Any, hello_site: Path) -> Any:
    """The program with examples/plugin installed."""

    def run(*args: str, **more: Any) -> Any:
        env = {"PYTHONPATH": str(hello_site), **more.pop("env", {})}
        return pyagent(*args, env=env, **more)

    return run


def test_it_is_listed_with_what_it_brings(hello: Any) -> None:
    rows = {row["name"]: row for row in json.loads(hello("plugin", "list", "--json").stdout)}
    assert rows["hello"]["state"] == "ok"
    assert rows["hello"]["version"] == "0.1.0"
    brought = {"commands", "config", "steps", "engines", "models", "checks", "web_panels"}
    assert set(rows["hello"]["brings"].split()) == brought
    shown = hello("plugin", "show", "hello").stdout
    assert "pyagent-hello 0.1.0" in shown
    assert "hello, plugin greet" in shown


def test_its_commands_run_and_read_their_settings(hello: Any, home: Path) -> None:
    assert hello("hello", "greet", "you").stdout == "Hello, you!\n"
    assert hello("plugin", "greet").stdout == "Hello, world!\n"
    (home / "config.toml").write_text("[plugins.hello]\ngreeting = 'Ahoy'\n")
    assert json.loads(hello("hello", "greet", "--json").stdout) == {"greeting": "Ahoy", "name": "world"}
    assert "Say hello." in hello("--help").stdout
    assert "greet" in hello("plugin", "--help").stdout


def test_its_step_stands_in_the_pipeline(hello: Any) -> None:
    rows = json.loads(hello("plugin", "show", "--steps", "--json").stdout)
    names = [row["step"] for row in rows]
    assert names.index("journal") < names.index("loud") < names.index("attempt") < names.index("engine")
    assert next(row for row in rows if row["step"] == "loud")["from"] == "hello"
    assert [row["order"] for row in rows] == sorted(row["order"] for row in rows)


def test_its_engine_answers(hello: Any) -> None:
    assert hello("model", "test", "parrot").stdout == "Say hello.\n"
    assert "parrot" in hello("model", "list").stdout


def test_its_engine_and_step_answer_a_file_of_tasks(hello: Any, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.jsonl"
    rows = [{"id": "a", "prompt": "soft"}, {"id": "b", "prompt": "loud", "meta": {"loud": True}}]
    tasks.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = hello("swarm", "run", str(tasks), "-m", "parrot", "--ordered")
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["id"], row["output"]) for row in results] == [("a", "soft"), ("b", "LOUD")]


def test_it_can_be_left_out(hello: Any, home: Path) -> None:
    assert hello("--plugins", "swarm", "hello", "greet").returncode == 2
    (home / "config.toml").write_text("[plugins]\nblock = ['hello']\n")
    assert hello("hello", "greet").returncode == 2
    rows = {row["name"]: row for row in json.loads(hello("plugin", "list", "--json").stdout)}
    assert (rows["hello"]["state"], rows["hello"]["reason"]) == ("blocked", "by [plugins] block")


def test_a_broken_one_is_named_in_list_and_doctor_and_the_rest_works(
    hello: Any, hello_site: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "bad-1.0.dist-info").mkdir(parents=True)
    (site / "bad-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n")
    (site / "bad-1.0.dist-info" / "entry_points.txt").write_text("[pyagent]\nbad = bad_plugin\n")
    (site / "bad_plugin.py").write_text("import nowhere_to_be_found\n")
    env = {"PYTHONPATH": f"{hello_site}{os.pathsep}{site}"}
    listed = hello("plugin", "list", env=env)
    assert listed.returncode == 0
    assert "nowhere_to_be_found" in next(line for line in listed.stdout.splitlines() if line.startswith("bad"))
    assert hello("hello", "greet", env=env).stdout == "Hello, world!\n"
    unknown = hello("zzz", env=env)
    assert unknown.returncode == 2
    assert "hint: it may belong to a broken plugin (bad)" in unknown.stderr
    done = hello("doctor", "--json", env=env)
    assert done.returncode == 1
    row = next(row for row in json.loads(done.stdout) if row["check"] == "plugins")
    assert row["state"] == "fail"
    assert "bad: cannot be imported" in row["reason"]
    assert "[plugins] block" in row["remedy"]


def test_its_own_tests_pass(hello_site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "examples/plugin/tests")],
        env={**os.environ, "PYTHONPATH": str(hello_site)},
        cwd=hello_site,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_a_new_plugin_works_as_it_is_written(pyagent: Any, tmp_path: Path) -> None:
    made = pyagent("plugin", "new", "my-tool", "--dir", str(tmp_path))
    assert made.returncode == 0
    assert pyagent("plugin", "new", "my-tool", "--dir", str(tmp_path)).returncode == 2
    assert pyagent("plugin", "new", "My Tool", "--dir", str(tmp_path)).returncode == 2
    project, site = tmp_path / "pyagent-my-tool", tmp_path / "site"
    install(project, site)
    env = {"PYTHONPATH": str(site)}
    assert pyagent("my-tool", "hello", env=env).stdout == "Hello\n"
    assert "my-tool" in pyagent("plugin", "show", "--steps", env=env).stdout
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(project / "tests")],
        env={**os.environ, **env},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
