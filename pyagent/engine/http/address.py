"""Where a provider lives: reads a base URL as users write it, and knows which hosts are the user's own."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from pyagent.errors import ConfigError

OWN_SUFFIXES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Address:
    """``base`` has no trailing slash, ``query`` is kept for services that want one (``?api-version=...``)."""

    base: str
    host: str
    port: int | None
    query: str = ""

    def at(self, path: str, query: str = "") -> str:
        """The URL of ``path`` below the base; a base that names the path already is left alone."""
        both = "&".join(filter(None, (self.query, query)))
        return (self.base if self.base.endswith(path) else self.base + path) + (f"?{both}" if both else "")

    @property
    def who(self) -> str:
        """The name for messages: host and port, without user or password."""
        return f"{self.host}:{self.port}" if self.port else self.host


def read(url: str, version: str) -> Address:
    """Read a base URL. A bare host gets ``version`` (``/v1``); any other path is the user's and stays.

    Raises ConfigError when it is not an http(s) URL.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise _wrong(url) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(url)
    path = parts.path.rstrip("/") or version
    return Address(f"{parts.scheme}://{parts.netloc}{path}", parts.hostname, port, parts.query)


def private(url: str) -> bool:
    """Whether the host is this machine or on a private network: no public price is known there."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(OWN_SUFFIXES)


def loopback(host: str) -> bool:
    """Whether ``host`` is this machine, which no proxy can reach for us."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _wrong(url: str) -> ConfigError:
    shown = url.rsplit("@", 1)[-1]
    return ConfigError(f"{shown!r} is not the address of a server", "Write it like http://127.0.0.1:8080/v1.")
