"""`pyagent serve`: the web pages and the API, on this machine or for a phone in the same network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyagent.cli import context
from pyagent.errors import ConfigError

if TYPE_CHECKING:
    from pyagent.cli.output import Output
    from pyagent.web.serve import Started


def serve(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Listen there; others than loopback need --tls.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0 takes a free one.")] = 8421,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open a browser.")] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypt, with a certificate made here.")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="Other hosts without encryption.")] = False,
    phone: Annotated[bool, typer.Option("--phone", help="For a phone in this network: TLS and a QR code.")] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Also answer to this host name; repeatable.")
    ] = None,
) -> None:
    """Serve the web pages and the API; prints a link that signs in once. Runs do not depend on it."""
    try:
        from pyagent.web.serve import Options, names
        from pyagent.web.serve import serve as serve_until_signal
    except ImportError as error:
        raise ConfigError(
            f"the web server cannot be loaded: {error}", "install it with: pip install 'pyagent-swarm[web]'"
        ) from None
    app, out = context.app(ctx), context.output(ctx)
    options = Options(host, port, tls, insecure, phone, names(allow_host or []))
    opened: list[Path] = []

    def ready(started: Started) -> None:
        show(out, started)
        if not no_open and (page := _open(Path(app.data_dir) / "web", started.link)):
            opened.append(page)

    try:
        number = serve_until_signal(app, options, ready, out.note)
    finally:
        for page in opened:
            page.unlink(missing_ok=True)
    out.note("stopped; runs that were started here go on")
    raise typer.Exit(128 + number)


def show(out: Output, started: Started) -> None:
    """Links on stdout, where a script can read them; what to do with them on stderr."""
    if out.json:
        keys = ("url", "link", "pairing", "fingerprint")
        out.emit({key: getattr(started, key) for key in keys})
        sys.stdout.flush()
        return
    out.print(started.link)
    if started.pairing:
        out.print(started.pairing)
        _draw(out, started.pairing)
    sys.stdout.flush()
    out.note("open this link in a browser; it signs in once, within 15 minutes. Stop with Ctrl-C")
    if started.fingerprint:
        out.note("the certificate is this machine's own, so the browser asks; it is the right one when it shows")
        out.note(f"SHA-256 {started.fingerprint}")


def _draw(out: Output, link: str) -> None:
    try:
        import segno
    except ImportError:
        out.note("a QR code needs the package segno: pip install 'pyagent-swarm[mobile]'")
        return
    if not out.quiet:
        segno.make(link, error="m").terminal(out=sys.stderr, compact=True, border=2)
        out.note("scan this with the phone; it pairs once, within 15 minutes")


def _open(folder: Path, link: str) -> Path | None:
    """Open a browser where there is a screen and a person. The link goes through a file of mode 600: other users
    of the machine see what a process is started with."""
    screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if not screen or not sys.stdout.isatty():
        return None
    import webbrowser

    page = folder / f"open-{os.getpid()}.html"
    handle = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={link}"><title>PyAgent</title>\n')
    webbrowser.open(page.as_uri())
    return page
