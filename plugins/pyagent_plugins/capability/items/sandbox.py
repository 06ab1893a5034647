"""Runs a model's program where it can do no harm: limits, a folder of its own, no network where the system allows.

The child gets one JSON line on standard input, ``{"code", "call", "cases"}``, and writes one on standard output, a
list with what each case gave. It is killed with its process group when its time is up.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from typing import Any

SECONDS = 3.0  # wall time of all cases of one answer; CPU time is limited to a second less
MEMORY = 256 << 20
FILE = 1 << 20
LONGEST = 200_000  # bytes of output that are read

# Audit events (docs.python.org, "Audit events table") that no answer needs. The hook keeps honest mistakes from doing
# harm on every system; the namespaces keep the rest in where there are some.
DENIED = (
    "os.kill", "os.killpg", "os.fork", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.remove", "os.rename",
    "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate", "os.utime", "os.putenv", "shutil.",
    "subprocess.", "socket.", "ctypes.", "pty.", "signal.", "resource.", "mmap.", "sqlite3.", "webbrowser.", "urllib.",
)  # fmt: skip

# What the child runs. Limits come first: they hold for the code and for whatever it starts. Answers are compared
# as JSON, so that a result that is no JSON value (a class, an endless iterator) is an error of that case.
RUNNER = f"""
import json, os, resource, sys
limit = lambda what, value: resource.setrlimit(what, (value, value))
limit(resource.RLIMIT_CPU, {int(SECONDS) - 1})
limit(resource.RLIMIT_AS, {MEMORY})
limit(resource.RLIMIT_FSIZE, {FILE})
limit(resource.RLIMIT_NOFILE, 16)
limit(resource.RLIMIT_CORE, 0)
limit(resource.RLIMIT_NPROC, 0)
job = json.loads(sys.stdin.readline())
out = os.fdopen(os.dup(1), "w")
null = os.open(os.devnull, os.O_RDWR)
os.dup2(null, 0); os.dup2(null, 1); os.dup2(null, 2)
results = []
DENIED = {DENIED!r}
def guard(event, args):
    if event.startswith(DENIED):
        raise PermissionError(event + " is not allowed")
    if event == "open" and isinstance(args[0], (str, bytes)):
        wants = args[2] if isinstance(args[2], int) else 0
        if wants & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) and "/" in os.fsdecode(args[0]):
            raise PermissionError("only files of its own folder may be written")
sys.addaudithook(guard)
try:
    space = {{"__name__": "answer"}}
    exec(compile(job["code"], "answer", "exec"), space)
    function = space[job["call"]]
except BaseException as error:
    results = [{{"error": f"{{type(error).__name__}}: {{error}}"[:200]}}] * len(job["cases"])
else:
    for case in job["cases"]:
        try:
            results.append({{"value": json.loads(json.dumps(function(*case)))}})
        except BaseException as error:
            results.append({{"error": f"{{type(error).__name__}}: {{error}}"[:200]}})
out.write(json.dumps(results))
out.flush()
os._exit(0)
"""


def run(code: str, call: str, cases: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Call the function ``call`` of ``code`` with each case's arguments: ``{"value": ...}`` or ``{"error": ...}``.

    Never raises for what the code does. A program that is killed gives an error for every case.
    """
    job = json.dumps({"code": code, "call": call, "cases": cases}) + "\n"
    folder = tempfile.mkdtemp(prefix="pyagent-sandbox-")
    try:
        text, why = _child(job, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    try:
        results = json.loads(text)
        if len(results) == len(cases):
            return list(results)
    except (ValueError, TypeError):
        pass
    return [{"error": why or "it ended without a result"}] * len(cases)


def _child(job: str, folder: str) -> tuple[str, str]:
    """What the child wrote, and why nothing where it was killed."""
    # -I -S: nothing of the user's environment, no site packages. -B: no files beside the code.
    command = [*_alone(), sys.executable, "-I", "-S", "-B", "-c", RUNNER]
    environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        out, _ = process.communicate(job.encode(), timeout=SECONDS)
        return out[:LONGEST].decode("utf-8", "replace"), "" if out else _ending(process.returncode)
    except subprocess.TimeoutExpired:
        return "", f"no result within {SECONDS:g} s"
    finally:
        # The group, also after a good end: it may have left children behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def _ending(code: int) -> str:
    return f"it was killed by signal {-code}" if code < 0 else f"it ended with {code}"


@cache
def _alone() -> tuple[str, ...]:
    """A prefix that takes network and other processes away, on a Linux that lets users make namespaces."""
    tool = shutil.which("unshare")
    if tool is None:
        return ()
    command = (tool, "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        if subprocess.run([*command, "true"], capture_output=True, timeout=5, check=False).returncode == 0:
            return command
    return ()


def isolated() -> bool:
    """Whether programs run without a network here."""
    return bool(_alone())
