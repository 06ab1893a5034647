"""`pyagent serve` from the options to the last line: bind, say where, serve until a signal."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from pyagent.errors import Busy, UsageError
from pyagent.host.app import App
from pyagent.web.app import build
from pyagent.web.core import Core
from pyagent.web.guard import split_host
from pyagent.web.tls import Certificate, certificate, lan_address

PORT = 8421
# Seconds that open replies get after a signal; event streams are ended at once.
GRACE = 3


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say; ``allow`` are further names that the server answers to."""

    host: str = "127.0.0.1"
    port: int = PORT
    tls: bool = False
    insecure: bool = False
    phone: bool = False
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server binds, the names that it answers to beside loopback, and the one in its links."""

    bind: str
    names: tuple[str, ...]
    shown: str


@dataclass(frozen=True, slots=True)
class Started:
    """What there is to say once the port is bound. Links hold a token behind ``#``, which no server sees."""

    url: str
    link: str
    pairing: str | None
    fingerprint: str | None


def serve(app: App, options: Options, said: Callable[[Started], None], note: Callable[[str], None]) -> int:
    """Serve until SIGINT or SIGTERM; gives the signal's number.

    Raises UsageError (2) for an unsafe wish and Busy (75) when the port is taken. ``said`` is called once the
    server can be reached.
    """
    address = where(options)
    bound = bind(address.bind, options.port)
    with bound:
        port = bound.getsockname()[1]
        core = Core(app, note)
        tls = _tls(core.own, options, address)
        scheme = "https" if tls else "http"
        asgi = build(core, port, scheme, address.names)
        server = _server(asgi, tls)
        url = f"{scheme}://{address.shown}:{port}"
        pairing = f"{url}/pair#token={core.access.launch('phone')}" if options.phone else None
        started = Started(url, f"{url}/#token={core.access.launch()}", pairing, tls.fingerprint if tls else None)
        return asyncio.run(_serve(server, bound, core, lambda: said(started)))


def where(options: Options) -> Address:
    """Raises UsageError when others could listen in and nobody said that they may."""
    host = options.host
    if options.phone and loopback(host):
        host = "0.0.0.0"
    if loopback(host):
        return Address(host, options.allow, "127.0.0.1" if host == "localhost" else _bracketed(host))
    if not (options.tls or options.insecure or options.phone):
        raise UsageError(
            f"--host {host} lets others on the network listen in", "add --tls, or --insecure if that is what you want"
        )
    lan = lan_address()
    every = host in ("0.0.0.0", "::", "")
    shown = (lan or "127.0.0.1") if every else host
    return Address(host, (*options.allow, *_names(shown)), _bracketed(shown))


def _names(shown: str) -> list[str]:
    """What others in the network call this machine; `.local` is its name by mDNS (RFC 6762)."""
    name = socket.gethostname().lower()
    return [_bracketed(shown), name, *([] if "." in name else [f"{name}.local"])]


def loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises Busy (75), or UsageError (2) for an address that is not ours."""
    name = host.strip("[]")
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    # A server that was killed leaves connections behind that would block its port for a minute.
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((name, port))
        bound.listen(512)
    except OSError as error:
        bound.close()
        raise _refused(host, port, error) from None
    return bound


def _refused(host: str, port: int, error: OSError) -> Busy | UsageError:
    if error.errno == errno.EADDRINUSE:
        return Busy(f"port {port} is in use", "stop the other server, or choose a port: --port 0 takes a free one")
    if error.errno == errno.EACCES:
        return UsageError(f"port {port} needs more rights ({error.strerror})", "choose one from 1024 upwards")
    return UsageError(f"cannot listen at {host}:{port} ({error.strerror or error})", "give an address of this machine")


def _tls(own: Path, options: Options, address: Address) -> Certificate | None:
    if options.insecure or not (options.tls or options.phone):
        return None
    names = ["localhost", "127.0.0.1", "::1", *(name.strip("[]") for name in address.names)]
    return certificate(own, list(dict.fromkeys(names)))


class _Server(uvicorn.Server):
    """Signals are ours: uvicorn would raise them again when it is done, and Python would show that."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.up.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def _server(asgi: object, tls: Certificate | None) -> _Server:
    config = uvicorn.Config(
        asgi,  # type: ignore[arg-type]
        # Nothing of a request goes to a log: links and headers hold secrets. The audit log says who did what.
        access_log=False,
        log_level="error",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        ws_max_size=1 << 20,
        ssl_certfile=str(tls.chain) if tls else None,
        ssl_keyfile=str(tls.key) if tls else None,
    )
    return _Server(config)


async def _serve(server: _Server, bound: socket.socket, core: Core, ready: Callable[[], None]) -> int:
    """Until a signal; gives its number. A second one ends at once."""
    loop, got = asyncio.get_running_loop(), [0]

    def stop(number: int) -> None:
        if got[0]:
            os._exit(128 + number)
        got[0] = number
        core.hub.close()
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    up = asyncio.create_task(server.up.wait())
    await asyncio.wait([serving, up], return_when=asyncio.FIRST_COMPLETED)
    if up.done():
        ready()
    up.cancel()
    await serving
    return got[0] or signal.SIGTERM


def names(given: list[str]) -> tuple[str, ...]:
    """`--allow-host`, checked. Raises UsageError."""
    for name in given:
        if not split_host(name)[0] or split_host(name)[1] is not None or "/" in name or "*" in name:
            raise UsageError(f"--allow-host {name!r} is no host name", "give a name without a port, like pc.local")
    return tuple(given)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
