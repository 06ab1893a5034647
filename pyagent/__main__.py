"""The front door: the one place where errors become a line, a hint and an exit code."""

from __future__ import annotations

import gc
import os
import sys

# OpenBLAS spins in its threads on the small matrices used here: fitting a router takes three times as long with two.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    """Run `pyagent` and leave with its exit code."""
    args = sys.argv[1:]
    # Answered before anything is imported: scripts ask for it often.
    if args == ["--version"]:
        from pyagent import __version__

        print(f"pyagent {__version__}")
        return
    sys.exit(run(args))


def run(args: list[str]) -> int:
    """One command line to its exit code; whatever goes wrong is shown here, once."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A file name or an answer that the terminal cannot show must not end a run.
            stream.reconfigure(errors="backslashreplace")
    try:
        # The default of 700 looks for cycles all the time: 15 % of the CPU of a run, start-up included, for no memory.
        gc.set_threshold(5_000, 20, 20)
        if args[:1] == ["__complete"]:
            from pyagent.cli.complete import complete

            return complete(args[1:])
        from pyagent.cli.root import call

        return call(args)
    except KeyboardInterrupt:
        # Before a run listens to signals itself: nothing has begun.
        from pyagent.cli.failure import show
        from pyagent.errors import Interrupted

        return show(Interrupted("stopped by SIGINT", "Run the same command again."), args)
    except BrokenPipeError:
        return _reader_left()
    except Exception as error:
        from pyagent.cli.failure import show

        try:
            return show(error, args)
        except BrokenPipeError:
            return _reader_left()


def _reader_left() -> int:
    """`| head -1` has what it wanted: nothing failed, and Python must not complain when it flushes at exit."""
    import os

    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    return 0


if __name__ == "__main__":
    main()
