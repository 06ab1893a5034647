"""`--watch`: the run again whenever its file changes, so that an edited line is answered as soon as it is saved."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from pyagent.cli.output import Output
from pyagent.errors import Interrupted, PyAgentError, UsageError
from pyagent.host.app import App
from pyagent_plugins.swarm.execution import Execution, prepare
from pyagent_plugins.swarm.options import RunOptions

POLL = 0.5


def keep_running(app: App, options: RunOptions, out: Output, argv: list[str]) -> int:
    """Until a signal; a broken file is told and waited for. Gives the last exit code."""
    if options.tasks == "-":
        raise UsageError("--watch needs a file", "write the tasks to a file first")
    path, code = Path(options.tasks), 0
    while True:
        seen = _version(path)
        try:
            code = Execution(app, options, prepare(app, options), progress=not out.quiet).execute(argv)
        except Interrupted:
            raise
        except PyAgentError as error:
            code = error.exit_code
            out.note(f"{error}; {error.hint}" if error.hint else str(error))
        out.note(f"watching {path}; stop with Ctrl-C")
        # What `--rerun` asked for is done.
        options = replace(options, rerun=None)
        try:
            while _version(path) == seen:
                time.sleep(POLL)
        except KeyboardInterrupt:
            return code


def _version(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_mtime_ns, stat.st_size)
