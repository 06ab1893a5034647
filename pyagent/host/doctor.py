"""What `pyagent doctor` looks at: each probe is one question with a state, a reason and a remedy."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pyagent.errors import ModelMissing, PyAgentError
from pyagent.host.app import App
from pyagent.host.hookspecs import Check
from pyagent.host.paths import writable

Finding = tuple[str, str, str]
LLAMA = """
import sys
from llama_cpp import Llama
print(Llama(sys.argv[1], n_ctx=64, n_threads=1, verbose=False)("Hello", max_tokens=1)["usage"]["total_tokens"])
"""


def examine(app: App) -> Iterator[tuple[str, Finding]]:
    """(check, (state, reason, remedy)) of every check, the plugins' last; a probe that raises has failed."""
    for check in checks(app):
        yield check.name, _asked(check.probe)
    try:
        extra = app.checks()
    except PyAgentError as error:
        yield "plugin checks", ("fail", str(error), error.hint)
        return
    for check in extra:
        yield check.name, _asked(check.probe)


def checks(app: App) -> list[Check]:
    probes: list[tuple[str, Callable[[], Finding]]] = [
        ("python", _python),
        ("settings", lambda: _settings(app)),
        ("trust", lambda: _trust(app)),
        ("data folder", lambda: _folder(app.paths.data)),
        ("cache folder", lambda: _folder(app.paths.cache)),
        ("store", lambda: _store(app)),
        ("bundled model", _bundled),
        ("llama.cpp", lambda: _llama(app.paths.cache)),
        ("http", _http),
        ("keys", lambda: _keys(app)),
        ("plugins", lambda: _plugins(app)),
    ]
    return [Check(name, probe) for name, probe in probes]


def _asked(probe: Callable[[], Finding]) -> Finding:
    try:
        return probe()
    except PyAgentError as error:
        return "fail", str(error), error.hint
    except Exception as error:
        return "fail", f"{type(error).__name__}: {error}", "run `pyagent --debug doctor`"


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return "ok", f"Python {version} on {sys.platform}, {os.cpu_count()} cores", ""


def _settings(app: App) -> Finding:
    settings = app.settings
    count = len(settings.models)
    where = settings.project or "no project file"
    return "ok", f"{settings.user if settings.user.is_file() else 'no user file'}; {where}; {count} models", ""


def _trust(app: App) -> Finding:
    try:
        app.model()
    except ModelMissing as error:
        if "`pyagent trust`" in error.hint:
            return "warn", str(error), error.hint
    if ignored := app.settings.ignored:
        return "warn", f"not in effect: {', '.join(ignored)}", "read that file, then run `pyagent trust`"
    return "ok", "nothing waits for your word", ""


def _folder(folder: Path) -> Finding:
    return "ok", str(writable(folder)), ""


def _store(app: App) -> Finding:
    """Opens the store as a run would: a torn file, a newer version or a full disk show here."""
    from pyagent.store.db import Store

    if not app.paths.db.is_file():
        return "ok", f"{app.paths.db} is made by the first run", ""
    Store.open(app.paths.db).close()
    return "ok", f"{app.paths.db}, {app.paths.db.stat().st_size / 1e6:.1f} MB", ""


def _bundled() -> Finding:
    from pyagent.engine.llama.files import bundled_source

    path = bundled_source()
    return "ok", f"{path}, {path.stat().st_size / 1e6:.0f} MB", ""


def _llama(cache: Path) -> Finding:
    """One token in a child: a build for another CPU dies there with SIGILL, and not here."""
    import subprocess

    from pyagent.engine.llama import kernels
    from pyagent.engine.llama.child import REBUILD
    from pyagent.engine.llama.files import bundled_source

    command = [sys.executable, "-c", LLAMA, str(bundled_source())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 0:
        fast = kernels.compiled(cache) and "PyAgent's kernels"
        slow = f"its own kernels: {kernels.why_not() or 'ours are off or failed their trial'}"
        return "ok", f"answers in a child process with {fast or slow}", ""
    if done.returncode < 0:
        return "fail", f"its child was killed by signal {-done.returncode}", REBUILD
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return "fail", f"its child ended with {done.returncode}: {last}", REBUILD


def _http() -> Finding:
    import importlib.metadata

    names = ("httpx", "httpx-aiohttp", "aiohttp")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names]
    proxies = [name for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY") if os.environ.get(name)]
    return "ok", ", ".join(versions) + (f"; through {proxies[0]}" if proxies else ""), ""


def _keys(app: App) -> Finding:
    """Whether each configured model's key is there; its value is nobody's business."""
    needed = {m.provider.key_env for m in app.models().values() if m.provider and m.provider.key_env}
    missing = sorted(name for name in needed if not app.env.get(name))
    if missing:
        return "warn", f"not set: {', '.join(missing)}", "export them where you ask these models"
    return "ok", f"{len(needed)} needed, all set", ""


def _plugins(app: App) -> Finding:
    if broken := app.plugins.broken:
        reasons = "; ".join(f"{plugin.name}: {plugin.reason}" for plugin in broken)
        return "fail", reasons, "update or uninstall them, or name them in [plugins] block"
    # What they register is looked at too: the same name twice shows here and not in the middle of a run.
    app.engine_kinds(), app.models(), app.steps(), app.tools(), app.reports()
    return "ok", ", ".join(plugin.name for plugin in app.plugins.loaded) or "none", ""
