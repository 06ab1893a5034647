"""The main job: `pyagent swarm`, which is a plugin like any other."""

from __future__ import annotations

from collections.abc import Iterable

from pyagent.plugin import Command, hookimpl

PYAGENT_API = 1


@hookimpl
def pyagent_commands() -> Iterable[Command]:
    yield Command("swarm", "pyagent_plugins.swarm.cli:app", "Answer a file of tasks.")
