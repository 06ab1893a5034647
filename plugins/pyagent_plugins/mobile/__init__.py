"""The phone: a Flutter client at /m of the web server, for triage by swipe and for watching runs on the way."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from pyagent.plugin import Context, Mount, hookimpl

PYAGENT_API = 1
# Flutter compiles WebAssembly and starts its painter from a blob; its text fields come with inline styles.
CSP = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)


@hookimpl
def pyagent_web_mounts(context: Context, core: Any) -> Iterator[Mount]:
    """Without the extra `mobile` there is no /m, and a phone that pairs goes to the pages."""
    if find_spec("flet") is None or find_spec("flet_web") is None:
        return
    from pyagent_plugins.mobile.mount import Phone

    yield Mount("/m", Phone(core), CSP)
