"""Starts runs as detached `pyagent` processes, so that a run neither waits for the server nor dies with it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.store.db import RunRow
from pyagent.store.views import Views
from pyagent.web.problems import Problem

# Reading and checking a million lines takes about 20 s.
PATIENCE, POLL = 90.0, 0.05
SUFFIX = {"jsonl": ".jsonl", "csv": ".csv", "text": ".txt"}
FLAGS = {
    "name": "--run", "model": "--model", "jobs": "--jobs", "system": "--system", "max_tokens": "--max-tokens",
    "max_cost": "--max-cost", "agent": "--agent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where processes are started (``folder``), and where this server keeps pasted tasks and logs (``own``)."""

    folder: Path
    own: Path
    store: Path


class Launcher:
    """Starts processes and reaps them; one that ends badly before its run began says why."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self, views: Views, wish: Mapping[str, Any]) -> RunRow:
        """Begin what ``wish`` asks for (the body of POST /runs). Raises Problem 422 with the reasons."""
        path = self._tasks(wish)
        argv = ["swarm", "run", str(path), "--stream", *_flags(wish)]
        return self._begin(views, argv, argv, path)

    def resume(self, views: Views, row: RunRow) -> RunRow:
        """Go on with a run that no process works on, by its own command."""
        return self._begin(views, ["swarm", "resume", row.id], row.argv, Path(row.file))

    def reap(self) -> None:
        """Let go of children that have ended: while nobody asks for their end, they look alive."""
        self._children = [child for child in self._children if child.poll() is None]

    def path(self, text: str) -> Path:
        """A task file below the folder where the server was started. Raises Problem 422."""
        folder = self._place.folder.resolve()
        try:
            path = (folder / text).resolve()
            found = path.is_file()
        except (OSError, ValueError):
            raise Problem(422, "that is no path", "give the path of a task file") from None
        if not path.is_relative_to(folder):
            raise Problem(422, "the task file lies outside the folder that is served", "paste the tasks instead")
        if not found:
            raise Problem(422, f"there is no file {text!r}", f"paths are relative to {folder}")
        return path

    def _tasks(self, wish: Mapping[str, Any]) -> Path:
        if wish.get("path"):
            return self.path(str(wish["path"]))
        folder = self._place.own / "tasks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stem = re.sub(r"[^\w-]+", "-", wish.get("name") or "tasks")[:40].strip("-") or "tasks"
        suffix = SUFFIX[wish.get("format") or "jsonl"]
        path = folder / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}{suffix}"
        path.write_text(str(wish["tasks"]), "utf-8")
        return path

    def _begin(self, views: Views, command: Sequence[str], argv: Sequence[str], tasks: Path) -> RunRow:
        """Run ``command``; ``argv`` is what the run's row will hold as its command line."""
        began, log = time.time(), self._log()
        with log.open("wb") as out:
            # A session of its own: neither Ctrl-C nor a hang-up of the server's terminal reaches the run.
            child = subprocess.Popen(
                [sys.executable, "-m", "pyagent", *command],
                cwd=self._place.folder,
                env={**os.environ, "PYAGENT_JSON": "1", "PYAGENT_STORE": str(self._place.store)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=out,
                start_new_session=True,
            )
        self._children.append(child)
        while time.time() - began < PATIENCE:
            code = child.poll()
            row = views.begun(child.pid, began, argv)
            if row is not None:
                return row
            if code is not None:
                raise _why(log, code, tasks)
            time.sleep(POLL)
        raise Problem(503, "the run has not begun yet", f"it may still do so; its log is {log}")

    def _log(self) -> Path:
        folder = self._place.own / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _drop_old(folder)
        return folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(2).hex()}.log"


def _flags(wish: Mapping[str, Any]) -> list[str]:
    """The wish as options. The value is one word with its option, so that a value cannot be an option itself."""
    found = [f"{flag}={wish[key]}" for key, flag in FLAGS.items() if wish.get(key) not in (None, "")]
    if wish.get("format"):
        found.append(f"--input-format={wish['format']}")
    return found


def _why(log: Path, code: int, tasks: Path) -> Problem:
    """What the process said before it ended, as the API says it."""
    for line in reversed(log.read_text("utf-8", "replace").splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "error" in said:
            status = {2: 422, 4: 422, 75: 409, 78: 409}.get(said.get("code", code), 500)
            detail = "\n".join([said["error"], *said.get("problems", ())])
            # Whoever pasted the tasks does not know the file that they went into.
            detail = detail.replace(f"{tasks}:", "line ").replace(str(tasks), tasks.name)
            return Problem(status, detail, said.get("hint", ""))
    return Problem(500, f"the run ended with {code} before it began", f"its log is {log}")


def _drop_old(folder: Path, kept: int = 200) -> None:
    logs = sorted(folder.glob("*.log"))
    for log in logs[:-kept]:
        log.unlink(missing_ok=True)
