"""The core's own commands, called as a user and as a program would."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any


def test_a_value_is_set_and_found_with_its_origin(pyagent: Any, home: Path, tmp_path: Path) -> None:
    config = home / "config.toml"
    assert pyagent("config", "get", "swarm.jobs").stdout == ""
    assert pyagent("config", "set", "swarm.jobs", "4").returncode == 0
    assert pyagent("config", "get", "swarm.jobs").stdout == "4\n"
    pyagent("config", "set", "--project", "swarm.jobs", "5")
    assert tomllib.loads((tmp_path / "pyagent.toml").read_text()) == {"swarm": {"jobs": 5}}
    rows = json.loads(pyagent("config", "show", "--origin", "--json", env={"PYAGENT_SEED": "1"}).stdout)
    origins = {row["setting"]: (row["value"], row["origin"]) for row in rows}
    assert origins["swarm.jobs"] == (5, f"{tmp_path / 'pyagent.toml'}:2")
    assert origins["swarm.seed"] == (1, "PYAGENT_SEED")
    assert origins["swarm.retries"] == (3, "default")
    assert json.loads(pyagent("config", "show", "--json").stdout)["swarm.jobs"] == 5
    assert config.read_text() == "[swarm]\njobs = 4\n"


def test_a_plugins_setting_takes_the_type_of_its_default(pyagent: Any, home: Path) -> None:
    assert pyagent("config", "set", "plugins.cache.risk", "0.05").returncode == 0
    assert pyagent("config", "set", "plugins.cache.stale", "yes").returncode == 0
    assert tomllib.loads((home / "config.toml").read_text()) == {"plugins": {"cache": {"risk": 0.05, "stale": True}}}
    assert pyagent("cache", "stats").returncode == 0
    unknown = pyagent("config", "set", "plugins.cache.riks", "0.05")
    assert (unknown.returncode, "did you mean risk?" in unknown.stderr) == (2, True)


def test_a_path_that_is_typed_is_meant_from_here(pyagent: Any, home: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pyagent("config", "set", "tools.allow", "data")
    assert pyagent("config", "get", "tools.allow").stdout == f"{tmp_path / 'data'}\n"


def test_the_places_and_the_schema_are_shown(pyagent: Any, home: Path) -> None:
    places = json.loads(pyagent("config", "path", "--json").stdout)
    assert places["user"] == str(home / "config.toml")
    assert places["store"] == str(home / "pyagent.db")
    moved = json.loads(pyagent("config", "path", "--json", "--store", "/elsewhere").stdout)
    assert moved["store"] == "/elsewhere/pyagent.db"
    assert json.loads(pyagent("config", "schema").stdout)["properties"]["swarm"]["type"] == "object"
    assert "`swarm.max_tokens`" in pyagent("config", "schema", "--markdown").stdout


PROJECT = "[swarm]\njobs = 2\n[tools]\nallow = ['data']\n[providers.own]\nbase_url = 'http://10.0.0.1/v1'\n"


def test_usage_shows_names_as_they_are_typed(pyagent: Any) -> None:
    for words, usage in (
        (("swarm", "run"), "[OPTIONS] TASKS"),
        (("swarm", "merge"), "[OPTIONS] RESULTS..."),
        (("swarm", "status"), "[OPTIONS] [RUN]"),
        (("completion",), "[OPTIONS] {bash|zsh|fish|powershell}"),
    ):
        first = pyagent(*words, "--help").stdout.splitlines()[0]
        assert first == f"Usage: pyagent {' '.join(words)} {usage}"


def test_a_project_is_trusted_by_word_and_a_change_ends_it(pyagent: Any, tmp_path: Path) -> None:
    file = tmp_path / "pyagent.toml"
    file.write_text(PROJECT)
    done = pyagent("config", "get", "tools.allow")
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("note: ignored until you run `pyagent trust`: tools.allow")
    assert "providers.own.base_url" in line
    as_json = pyagent("--json", "config", "get", "tools.allow")
    assert "tools.allow" in json.loads(as_json.stderr)["note"]
    assert pyagent("-q", "config", "get", "tools.allow").stderr == ""
    assert pyagent("config", "get", "swarm.jobs").stdout == "2\n"
    checks = {row["check"]: row for row in json.loads(pyagent("doctor", "--json").stdout)}
    assert checks["trust"]["state"] == "warn"
    said = pyagent("trust")
    assert said.returncode == 0
    assert "http://10.0.0.1/v1" in said.stdout, "the user sees what they agree to"
    done = pyagent("config", "get", "tools.allow")
    assert (done.stdout, done.stderr) == (f"{tmp_path / 'data'}\n", "")
    assert str(file) in pyagent("trust", "--list").stdout
    file.write_text(PROJECT.replace("10.0.0.1", "10.0.0.2"))
    assert pyagent("config", "get", "tools.allow").stdout == ""
    pyagent("trust")
    pyagent("trust", "--revoke")
    assert pyagent("config", "get", "tools.allow").stdout == ""


def test_models_are_added_listed_and_shown(pyagent: Any, tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(b"GGUF")
    assert pyagent("model", "add", "tiny", "--path", "tiny.gguf", "--context", "64").returncode == 0
    args = ["--provider", "openai", "--remote", "gpt-4.1-mini", "--input-price", "0.4", "--output-price", "1.6"]
    assert pyagent("model", "add", "mini", *args).returncode == 0
    rows = {row["name"]: row for row in json.loads(pyagent("model", "list", "--json").stdout)}
    assert rows["tiny"]["asks"] == str(tmp_path / "tiny.gguf")
    assert (rows["mini"]["asks"], rows["mini"]["output_price"]) == ("gpt-4.1-mini", 1.6)
    assert rows["smollm2-135m"]["default"] is True
    shown = json.loads(pyagent("model", "show", "mini", "--json", env={"OPENAI_API_KEY": "sk-hidden"}).stdout)
    assert (shown["key_env"], shown["local"]) == ("OPENAI_API_KEY", False)
    assert "hidden" not in json.dumps(shown)
    assert pyagent("model", "add", "x").returncode == 2
    assert pyagent("model", "add", "x", "--path", "no.gguf").returncode == 4
    assert "did you mean" not in pyagent("model", "add", "x", "--provider", "nobody").stdout


def test_the_bundled_model_answers(pyagent: Any) -> None:
    done = pyagent("model", "test", "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert row["model"] == "smollm2-135m"
    assert row["answer"]
    assert 0 < row["output_tokens"] <= 24


def test_the_doctor_finds_a_working_installation(pyagent: Any) -> None:
    done = pyagent("doctor", "--json")
    rows = {row["check"]: row for row in json.loads(done.stdout)}
    assert done.returncode == 0, rows
    assert {"python", "data folder", "store", "llama.cpp", "bundled model", "http", "plugins", "trust"} <= set(rows)
    assert all(set(row) == {"check", "state", "reason", "remedy"} for row in rows.values())


def test_the_doctor_names_a_torn_store(pyagent: Any, home: Path) -> None:
    (home / "pyagent.db").write_bytes(b"this is not a database, whatever its name says" * 100)
    done = pyagent("doctor", "--json")
    row = next(row for row in json.loads(done.stdout) if row["check"] == "store")
    assert (done.returncode, row["state"]) == (1, "fail")
    assert row["remedy"]


def test_every_command_is_described_for_programs(pyagent: Any) -> None:
    tree = json.loads(pyagent("commands", "--json").stdout)
    commands = {row["name"]: row for row in tree["commands"]}
    assert {"swarm", "plugin", "config", "doctor", "model", "trust"} <= set(commands)
    assert not [row for row in commands.values() if "error" in row]
    verbs = {row["name"]: row for row in commands["model"]["commands"]}
    (window,) = [o for o in verbs["add"]["options"] if "--context" in o["names"]]
    assert (window["type"], window["required"]) == ("int range", False)
    assert verbs["add"]["arguments"][0]["required"] is True
    (shell,) = commands["completion"]["arguments"]
    assert shell["choices"] == ["bash", "zsh", "fish", "powershell"]
    assert "--json" in [name for option in tree["options"] for name in option["names"]]
    assert tree["exit_codes"]["3"].startswith("stopped by a budget")


def test_the_same_list_reads_well(pyagent: Any) -> None:
    lines = pyagent("commands").stdout.splitlines()
    assert any(line.startswith("swarm run ") for line in lines)
    assert any(line.startswith("config show ") for line in lines)


def test_every_help_can_be_had_with_h(pyagent: Any) -> None:
    tree = json.loads(pyagent("commands", "--json").stdout)
    for group in tree["commands"]:
        assert group["help"], f"{group['name']} has no help"
        for verb in group.get("commands", []):
            assert verb["help"], f"{group['name']} {verb['name']} has no help"
            for option in verb.get("options", []):
                assert option["help"], f"{group['name']} {verb['name']} {option['names']} has no help"
    short, long = pyagent("plugin", "list", "-h"), pyagent("plugin", "list", "--help")
    assert short.stdout == long.stdout != ""
    assert pyagent().returncode == 2
