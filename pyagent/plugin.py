"""What a plugin author imports: the hooks' marker, the records they give, and the words of the domain.

A plugin is a module under an entry point of the group ``pyagent``::

    from pyagent.plugin import Command, hookimpl

    PYAGENT_API = 1

    @hookimpl
    def pyagent_commands():
        yield Command("hello", "hello.cli:app", "Say hello.")

Keep that module thin, for it is imported at each start; targets are imported when they are used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pyagent.host.hookspecs import (
    API,
    Check,
    Command,
    Context,
    Mount,
    Option,
    Panel,
    Reporter,
    ScheduledJob,
    hookimpl,
)

if TYPE_CHECKING:
    from pyagent.engine.base import (
        Bound,
        Choice,
        Engine,
        EngineKind,
        EngineOptions,
        Piece,
        Reply,
        Request,
        Tool,
        ToolSpec,
    )
    from pyagent.event import Event
    from pyagent.model import Message, Model, Provider, Result, Task, ToolCall, Usage
    from pyagent.run.pipeline import Job, Proceed, Step

# Where the words of the domain stand. They are imported when a plugin names one: the module that registers
# is loaded at each start, and these cost 15 ms.
_HOMES = {
    "pyagent.engine.base": "Bound Choice Engine EngineKind EngineOptions Piece Reply Request Tool ToolSpec",
    "pyagent.event": "Event",
    "pyagent.model": "Message Model Provider Result Task ToolCall Usage",
    "pyagent.run.pipeline": "Job Proceed Step",
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "API",
    "Bound",
    "Check",
    "Choice",
    "Command",
    "Context",
    "Engine",
    "EngineKind",
    "EngineOptions",
    "Event",
    "Job",
    "Message",
    "Model",
    "Mount",
    "Option",
    "Panel",
    "Piece",
    "Proceed",
    "Provider",
    "Reply",
    "Reporter",
    "Request",
    "Result",
    "ScheduledJob",
    "Step",
    "Task",
    "Tool",
    "ToolCall",
    "ToolSpec",
    "Usage",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"pyagent.plugin has no {name}")
    return getattr(import_module(home), name)
