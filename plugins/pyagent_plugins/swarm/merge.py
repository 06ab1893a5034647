"""`swarm merge`: the results of shards as if one process had done the whole file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pyagent.errors import UsageError
from pyagent_plugins.swarm.reports import Shapes, print_document, write_document

RANK = {"ok": 0, "failed": 1, "skipped": 2}


def merge_files(files: Iterable[Path], tasks: Path | None, output: Path | None, format: str, more: Shapes) -> int:
    """Write the union; gives 1 when a task has no good result (or, with ``tasks``, none at all), else 0."""
    merged: dict[str, Mapping[str, Any]] = {}
    for path in files:
        for line in read_lines(path):
            known = merged.get(line["id"])
            if known is None or RANK.get(line["status"], 3) < RANK.get(known["status"], 3):
                merged[line["id"]] = line
    missing = 0
    if tasks is not None:
        wanted = _ids(tasks)
        missing = sum(id not in merged for id in wanted)
        merged = {id: merged[id] for id in wanted if id in merged}
    if output is None:
        print_document(format, merged.values(), more)
    else:
        write_document(output, format, merged.values(), more)
    return int(missing > 0 or any(line["status"] != "ok" for line in merged.values()))


def read_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Result lines of a file; frames of --stream are passed over. Raises UsageError naming file and line."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                if text.strip():
                    line = _parsed(text, f"{path}:{number}")
                    if "epoch" not in line:
                        yield line
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read ({error})", "name the files that `swarm run` wrote") from None


def _parsed(text: str, place: str) -> Mapping[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict) or "id" not in line or not ("status" in line or "epoch" in line):
        raise UsageError(f"{place} is not a result line", "name the JSONL files that `swarm run` wrote")
    return line


def _ids(tasks: Path) -> list[str]:
    from pyagent.run.tasks import TaskIndex

    index = TaskIndex.scan(tasks, lambda task, parents: bytes(32))
    return [task.id for _, task in index.tasks()]
