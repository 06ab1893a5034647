"""The files that `pyagent plugin new` writes: a plugin that works at once, to be changed."""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from pyagent.errors import UsageError

FILES = {
    "pyproject.toml": """\
[build-system]
requires = ["hatchling>=1.25"]
build-backend = "hatchling.build"

[project]
name = "pyagent-$name"
version = "0.1.0"
description = "A plugin for PyAgent"
requires-python = ">=3.11"
dependencies = ["pyagent-swarm"]

[project.entry-points.pyagent]
$name = "pyagent_$module"

[tool.hatch.build.targets.wheel]
packages = ["pyagent_$module"]
""",
    "README.md": """\
# pyagent-$name

A plugin for PyAgent.

    pip install -e .
    pyagent $name hello
    pyagent plugin show --steps
""",
    "pyagent_$module/__init__.py": '''\
"""What the plugin adds to PyAgent. Imported at each start, so it stays thin."""

from collections.abc import Iterable

from pyagent.plugin import Command, Context, Option, Step, hookimpl

# The version of the hooks that this plugin is written for.
PYAGENT_API = 1


@hookimpl
def pyagent_commands() -> Iterable[Command]:
    yield Command("$name", "pyagent_$module.cli:app", "Say hello.")


@hookimpl
def pyagent_config() -> Iterable[Option]:
    yield Option("greeting", "Hello", "What `pyagent $name hello` says.")


@hookimpl
def pyagent_steps(context: Context) -> Iterable[Step]:
    from pyagent_$module.steps import Shorten

    yield Shorten()
''',
    "pyagent_$module/cli.py": '''\
"""`pyagent $name`."""

import typer

from pyagent.cli import context

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Say hello.")


@app.callback()
def group() -> None:
    """Say hello."""


@app.command()
def hello(ctx: typer.Context) -> None:
    """Say hello, as [plugins.$name] greeting wants it."""
    settings = context.app(ctx).plugin_settings("$name")
    context.output(ctx).print(settings["greeting"])
''',
    "pyagent_$module/steps.py": '''\
"""A layer of the way of a task: it may answer, or pass the job on and touch what comes back."""

from dataclasses import replace

from pyagent.plugin import Job, Proceed, Result


class Shorten:
    """Takes the white space around an answer away."""

    name = "$name"
    order = 35

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        result = await proceed(job)
        if isinstance(result.output, str):
            return replace(result, output=result.output.strip())
        return result
''',
    "tests/test_$module.py": '''\
"""The plugin keeps the promises that PyAgent relies on."""

import pyagent_$module
from pyagent.testing import load_plugins, step_contract


def test_the_step_keeps_its_contract() -> None:
    host = load_plugins($module=pyagent_$module)
    (step,) = host.steps()
    step_contract(step)
''',
}


def write(name: str, folder: Path) -> list[Path]:
    """Write the plugin ``name`` into ``folder/pyagent-NAME`` and give the files; UsageError if it is there."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"{name!r} cannot be a plugin's name", "use small letters, digits and hyphens")
    root = folder / f"pyagent-{name}"
    if root.exists():
        raise UsageError(f"{root} is already there", "choose another name or --dir")
    words = {"name": name, "module": name.replace("-", "_")}
    written = []
    for path, text in FILES.items():
        target = root / Template(path).substitute(words)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(words), "utf-8")
        written.append(target)
    return written
