"""How an error is shown: what happened in one line, what to do in one, and no traceback unless asked."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyagent.errors import PyAgentError, StoreError, TaskFileError, UsageError

FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
}
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"(?:Bearer\s+|sk-|AIza)[\w.\-]{8,}")


def show(error: BaseException, args: Sequence[str], env: Mapping[str, str] = os.environ) -> int:
    """Say what went wrong on stderr and give the exit code."""
    if "--debug" in args or env.get("PYAGENT_DEBUG"):
        traceback.print_exception(error)
    known = understood(error)
    if known is None:
        return _crashed(error, args, env)
    _print(known, "--json" in args or bool(env.get("PYAGENT_JSON")))
    return known.exit_code


def understood(error: BaseException) -> PyAgentError | None:
    """The error as one of ours, or None when nobody foresaw it."""
    if isinstance(error, PyAgentError):
        return error
    if isinstance(error, BaseExceptionGroup):
        inner = [understood(each) for each in error.exceptions]
        return inner[0] if inner and all(inner) else None
    if isinstance(error, OSError) and error.errno in FULL:
        where = f": {error.filename}" if error.filename else ""
        return StoreError(FULL[error.errno] + where, "make room, then run the same command again to go on")
    return _from_parser(error)


def _from_parser(error: BaseException) -> PyAgentError | None:
    """typer's complaints about the command line, in our words."""
    # Imported here: without typer there is no such error.
    exceptions = sys.modules.get("typer._click.exceptions")
    if exceptions is None or not isinstance(error, exceptions.ClickException):
        return None
    if isinstance(error, exceptions.NoArgsIsHelpError):
        return UsageError(error.format_message())
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    command = error.ctx.command_path if getattr(error, "ctx", None) else "pyagent"
    hint = f"see `{command} --help`"
    if isinstance(error, exceptions.NoSuchOption):
        message = f"no such option: {error.option_name}"
        if error.possibilities:
            hint = f"did you mean {', '.join(sorted(error.possibilities))}?"
    elif found := re.fullmatch(r"(no such command .+?)\. Did you mean '(.*)'\?", message):
        message, hint = found[1], f"did you mean {found[2]}?"
    return UsageError(message, hint)


def _print(error: PyAgentError, as_json: bool) -> None:
    problems = error.problems if isinstance(error, TaskFileError) else ()
    if as_json:
        row: dict[str, Any] = {"error": str(error), "hint": error.hint, "code": error.exit_code}
        if problems:
            row["problems"] = list(problems)
        print(json.dumps(row, ensure_ascii=False), file=sys.stderr)
        return
    for problem in problems:
        print(problem, file=sys.stderr)
    # Help that is shown for want of arguments is no error to name.
    print(str(error) if str(error).startswith("Usage:") else f"error: {error}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def _crashed(error: BaseException, args: Sequence[str], env: Mapping[str, str]) -> int:
    """An error that nobody foresaw: keep a report, give one line and 70."""
    path = _write(report(error, args, env), env)
    what = f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]}"
    hint = f"the report is in {path}" if path else "run it again with --debug"
    _print(PyAgentError(redact(what, env), hint), "--json" in args or bool(env.get("PYAGENT_JSON")))
    return 70


def report(error: BaseException, args: Sequence[str], env: Mapping[str, str]) -> str:
    """Version, platform, command line and traceback, without what looks like a key."""
    import platform

    from pyagent import __version__

    lines = [
        f"pyagent {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"command: pyagent {' '.join(args)}",
        "",
        *traceback.format_exception(error),
    ]
    return redact("\n".join(lines), env)


def redact(text: str, env: Mapping[str, str]) -> str:
    """``text`` without the values of variables that are named like secrets, and without what has a key's shape."""
    for name, value in env.items():
        if _SECRET_NAME.search(name) and len(value) >= 6:
            text = text.replace(value, f"<{name}>")
    return _SECRET_TEXT.sub("<secret>", text)


def _write(text: str, env: Mapping[str, str]) -> Path | None:
    """Into the data folder, else the temporary one; None when neither can be written."""
    from pyagent.host.paths import Paths

    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
    for folder in (Paths.find(env).data / "reports", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Tracebacks can quote what the user works on: for their eyes.
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return folder / name
        except OSError:
            continue
    return None
