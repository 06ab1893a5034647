"""A large JSON file does not fit into a prompt, so that a model asks it for the few values it needs, by JMESPath."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pyagent.engine.base import Tool, ToolSpec
from pyagent.errors import ToolError
from pyagent_plugins.tools.files import READ_ONLY, Folders

LONGEST = 1_000


def query_json(folders: Folders) -> Tool:
    """The tool `query_json`: over a file below the allowed folders, or over JSON text that the model has."""
    spec = ToolSpec(
        name="query_json",
        description=(
            "Ask a JSON file, or JSON text, by a JMESPath query, for example orders[?status=='open'].id or "
            f"length(orders) or keys(@). Folders that may be read: {folders}"
        ),
        parameters={
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "path": {"type": "string", "description": "a JSON file"},
                "json": {"type": "string", "description": "JSON text, instead of a file"},
            },
            "required": ["query"],
            "additionalProperties": False,
        },
    )

    async def run(arguments: Mapping[str, Any]) -> Any:
        return await asyncio.to_thread(_ask, folders, arguments)

    def reads(arguments: Mapping[str, Any]) -> Iterable[str]:
        path = arguments.get("path")
        return [str(place) for place in folders.candidates(path)] if path else []

    return Tool(spec, run, reads, READ_ONLY)


def ask(query: str, value: Any) -> Any:
    """What ``query`` finds in ``value``; None when it finds nothing. Raises ToolError for a query that is none."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    if len(query) > LONGEST:
        raise ToolError(f"the query has {len(query)} characters, more than {LONGEST}")
    try:
        return jmespath.search(query, value)
    except JMESPathError as error:
        raise ToolError(f"{query!r} is not a JMESPath query for this: {' '.join(str(error).split())[:200]}") from None
    except RecursionError:
        raise ToolError("the query is nested too deeply") from None


def _ask(folders: Folders, arguments: Mapping[str, Any]) -> Any:
    path, text = arguments.get("path"), arguments.get("json")
    if (path is None) == (text is None):
        raise ToolError("give either path or json")
    value = _parse(path or "the JSON text", folders.read(path) if path is not None else str(text))
    return ask(arguments["query"], value)


def _parse(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ToolError(f"{name} is not JSON: {error}") from None
    except RecursionError:
        raise ToolError(f"{name} is nested too deeply") from None
