"""What a browser shows to whoever is not signed in yet: how to get in, instead of a line of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response

PAGES = Path(__file__).with_name("pages")


def page(scope: Mapping[str, Any], headers: Mapping[str, str], status: int = 401) -> Response:
    """The small page, in German where the browser asks for it first. It runs no script."""
    asked = next((v for k, v in scope["headers"] if k.lower() == b"accept-language"), b"")
    name = "signin.de.html" if asked.strip().lower().startswith(b"de") else "signin.html"
    more = {**headers, "cache-control": "no-store", "vary": "accept-language"}
    # With the header a browser would ask for a password.
    more.pop("www-authenticate", None)
    return Response((PAGES / name).read_bytes(), status, more, "text/html; charset=utf-8")
