"""The rules of the house, read from the source: arrows point inward, files are small, plugins can be left out."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE, PLUGINS = ROOT / "pyagent", ROOT / "plugins" / "pyagent_plugins"
GROUND = {"model", "event", "errors", "__init__"}
INNER = GROUND | {"store", "engine", "embed"}
# Each room with what it may import, itself aside; a room that is not here may be imported by nobody but its kind.
MAY = {
    **dict.fromkeys(GROUND, GROUND),
    "store": GROUND,
    "engine": GROUND,
    "embed": GROUND,
    "run": INNER,
    "cluster": INNER | {"run"},
    "report": INNER | {"run"},
    "host": INNER | {"run", "cluster", "report"},
    "plugin": INNER | {"run", "host"},
    "testing": INNER | {"run", "host"},
    # The command line starts the two others; they know nothing of it.
    "cli": INNER | {"run", "cluster", "report", "host", "web", "tui"},
    "web": INNER | {"run", "cluster", "report", "host"},
    "tui": INNER | {"run", "cluster", "report", "host"},
    "__main__": INNER | {"run", "cluster", "report", "host", "cli"},
}
BUNDLED = sorted(ep.name for ep in entry_points(group="pyagent") if ep.value.startswith("pyagent_plugins."))


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every name that a file imports, in functions and for types too, with its line."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def room(dotted: str) -> str:
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def known(name: str) -> str:
    """The room of an imported name: a name from the package itself, as __version__, lives on the ground."""
    return name if name in MAY else "__init__"


def test_arrows_in_the_core_point_inward() -> None:
    wrong = []
    for path in modules(CORE):
        here = path.relative_to(CORE).parts[0].removesuffix(".py")
        for name, line in imports(path):
            there = known(room(name)) if name.split(".")[0] == "pyagent" else None
            if there and there != here and there not in MAY[here]:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {here} imports {name}")
    assert wrong == []


def test_the_core_never_imports_a_plugin() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules(CORE)
        for name, line in imports(path)
        if name.split(".")[0] == "pyagent_plugins"
    ]
    assert wrong == []


def test_a_plugin_imports_the_core_and_itself_only() -> None:
    wrong = []
    for path in modules(PLUGINS):
        own = path.relative_to(PLUGINS).parts[0]
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] == "pyagent_plugins" and parts[1] != own:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {own} imports {name}")
    assert wrong == []


def test_pluggy_stays_behind_its_door() -> None:
    users = {path.relative_to(CORE).as_posix() for path in modules(CORE) for n, _ in imports(path) if "pluggy" in n}
    assert users == {"host/hookspecs.py", "host/plugins.py"}


@pytest.mark.parametrize("path", [*modules(CORE), *modules(PLUGINS)], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_one_noun_and_says_why_it_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    if not text:
        return
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), "a module begins with why it exists"


def test_the_plugins_folder_is_a_namespace() -> None:
    """So that a plugin can leave with its import path."""
    assert not (PLUGINS / "__init__.py").exists()
    assert set(BUNDLED) == {path.parent.name for path in PLUGINS.glob("*/__init__.py")}


@pytest.mark.parametrize("name", [name for name in BUNDLED if name != "swarm"])
def test_a_bundled_plugin_can_be_left_out_and_the_swarm_still_answers(name: str, tmp_path: Path, home: Path) -> None:
    (home / "config.toml").write_text(f"[plugins]\nblock = ['{name}']\n")
    (tmp_path / "tasks.jsonl").write_text('{"id": "a", "prompt": "Say hello.", "max_tokens": 4}\n')
    command = [sys.executable, "-m", "pyagent", "swarm", "run", "tasks.jsonl"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"


def test_without_any_plugin_the_core_still_works(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pyagent", "--no-plugins"]
    listed = subprocess.run([*command, "plugin", "list", "--json"], cwd=tmp_path, capture_output=True, check=True)
    assert {row["state"] for row in json.loads(listed.stdout)} == {"blocked"}
    gone = subprocess.run([*command, "swarm", "run", "x"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert gone.returncode == 2
    assert "no such command 'swarm'" in gone.stderr
