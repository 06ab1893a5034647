"""Several waits at once, of which the first failure ends all: nothing goes on alone behind an error."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def together(waits: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The values in the order of ``waits``. The first exception is raised itself, the other waits are cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(wait) for wait in waits]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
