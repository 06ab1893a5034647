"""What is written when a run ends: the whole set of results as a document, for people, CI and code scanners."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pyagent.host.app import App
from pyagent.report.formats import Render, document
from pyagent.run.tasks import TaskIndex
from pyagent.store.db import Store
from pyagent_plugins.swarm.options import FORMATS, RunOptions, one_of
from pyagent_plugins.swarm.outputs import Lines, OutputClosed, write_file

Line = Mapping[str, Any]
Shapes = Mapping[str, Render]


def shapes(app: App, format: str) -> Shapes:
    """The shapes that plugins add, asked for only when ``format`` is none of the core's; UsageError if nobody's."""
    if format in FORMATS:
        return {}
    given: Shapes = {name: report.render for name, report in app.reports().items()}
    one_of("--format", format, (*FORMATS, *given))
    return given


def stored_lines(store: Store, run: str, index: TaskIndex, indices: Sequence[int]) -> Iterator[Line]:
    """The committed Result lines in file order, each under the id that its task has now."""
    for at, task in index.tasks(indices):
        name = (bytes.fromhex(index.key(at)), index.nth(at))
        line = store.bodies(run, [name]).get(name)
        if line is not None:
            yield {**line, "id": task.id}


def write_reports(
    store: Store,
    run: str,
    name: str,
    index: TaskIndex,
    mine: Sequence[int],
    options: RunOptions,
    whole: bool,
    more: Shapes,
) -> None:
    """Write what the user asked for. ``-o`` is written only when the run is ``whole``; the CI reports always."""

    def lines() -> Iterator[Line]:
        return stored_lines(store, run, index, mine)

    if options.output is not None and whole:
        write_document(options.output, options.format, lines(), more)
    elif options.output is None and options.format != "jsonl":
        print_document(options.format, lines(), more)
    for path, kind in ((options.junit, "junit"), (options.summary, "summary"), (options.sarif, "sarif")):
        if path is not None:
            # Each report is imported when it is asked for.
            write_file(path, import_module(f"pyagent.report.{kind}").render(lines(), name))


def print_document(format: str, lines: Iterable[Line], more: Shapes) -> None:
    """The whole document on stdout."""
    out = Lines(sys.stdout, "stdout")
    try:
        for part in document(format, lines, more):
            out.text(part)
    except OutputClosed:
        # Whoever reads has had enough; nothing is lost, the results stay in the store.
        return


def write_document(path: Path, format: str, lines: Iterable[Line], more: Shapes) -> None:
    """The whole document as a file that appears at once."""
    write_file(path, "".join(document(format, lines, more)))
