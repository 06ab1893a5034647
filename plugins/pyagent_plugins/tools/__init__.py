"""The tools that come with PyAgent: a calculator, reading files, querying JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyagent.host.hookspecs import Context, hookimpl

if TYPE_CHECKING:
    from pyagent.engine.base import Tool


@hookimpl
def pyagent_tools(context: Context) -> Iterable[Tool]:
    from pyagent_plugins.tools.calculator import calculator
    from pyagent_plugins.tools.files import Folders, read_file
    from pyagent_plugins.tools.query import query_json

    folders = Folders(context.allow)
    return [calculator(), read_file(folders), query_json(folders)]
