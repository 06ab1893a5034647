"""Who may come in: one-time launch links, sessions in a cookie, bearer tokens. Only digests are kept.

Secrets are 256 random bits, so that a plain SHA-256 keeps them as well as a slow hash would.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from pyagent.errors import UsageError
from pyagent.web.database import Database

SCOPES = ("read", "approve", "admin")
Kind = Literal["session", "token", "launch"]
# A launch link is for the person who just started the server; 30 days is how long a browser stays signed in.
LAUNCH_SECONDS, SESSION_SECONDS = 15 * 60.0, 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: ``kind`` session or token; ``csrf`` is what a session must say with each change."""

    id: str
    kind: Kind
    name: str
    scopes: tuple[str, ...]
    expires: float | None
    csrf: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A session or token as the list of them shows it; times in seconds since the epoch."""

    id: str
    kind: Kind
    name: str
    scopes: tuple[str, ...]
    created: float
    expires: float | None
    used: float | None


class Access:
    """Makes, knows and revokes secrets. ``revoked`` callbacks end what is still open, such as event streams."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.time) -> None:
        self._db, self._clock = db, clock
        self._watchers: dict[int, tuple[str, Callable[[], None]]] = {}
        self._numbers = itertools.count()
        self._db.write("DELETE FROM access WHERE expires < ?", (clock(),))

    def launch(self, name: str = "launch link", scopes: Iterable[str] = SCOPES) -> str:
        """A token that can be exchanged for a session once, within a quarter of an hour."""
        return self._make("launch", name, scopes, self._clock() + LAUNCH_SECONDS)

    def token(self, name: str, scopes: Iterable[str]) -> str:
        """A bearer token until it is revoked. Raises UsageError (2) for a scope that does not exist."""
        return self._make("token", name, scopes, None)

    def exchange(self, token: str) -> tuple[str, Principal] | None:
        """(cookie, who) for a launch token, which is used up by it; None for anything else."""
        found = self._db.all(
            "SELECT id, name, scopes FROM access WHERE digest = ? AND kind = 'launch' AND expires >= ?",
            (digest(token), self._clock()),
        )
        # The row that is deleted decides, so that of two who come at once only one gets in.
        if not found or not self._db.write("DELETE FROM access WHERE id = ?", (found[0][0],)):
            return None
        _, name, scopes = found[0]
        cookie = self._make("session", name, scopes.split(), self._clock() + SESSION_SECONDS)
        who = self.session(cookie)
        return (cookie, who) if who else None

    def session(self, cookie: str) -> Principal | None:
        return self._known(cookie, "session")

    def bearer(self, token: str) -> Principal | None:
        return self._known(token, "token")

    def rows(self) -> list[Row]:
        """Tokens and sessions, the newest first."""
        query = "SELECT id, kind, name, scopes, created, expires, used FROM access WHERE kind != 'launch'"
        found = self._db.all(f"{query} AND (expires IS NULL OR expires >= ?) ORDER BY created DESC", (self._clock(),))
        return [Row(id, kind, name, tuple(scopes.split()), *rest) for id, kind, name, scopes, *rest in found]

    def revoke(self, id: str) -> bool:
        """End a token or session and whatever it holds open; False when there is none."""
        gone = bool(self._db.write("DELETE FROM access WHERE id = ?", (id,)))
        for owner, close in list(self._watchers.values()):
            if owner == id:
                close()
        return gone

    def watch(self, who: Principal, close: Callable[[], None]) -> Callable[[], None]:
        """Call ``close`` in this event loop when ``who`` is revoked, by whatever thread; the answer stops watching."""
        number, loop = next(self._numbers), asyncio.get_running_loop()
        # Requests are answered in threads, and what a stream waits for may be set in its own loop only.
        self._watchers[number] = (who.id, lambda: _tell(loop, close))
        return lambda: self._watchers.pop(number, None) and None

    def _make(self, kind: Kind, name: str, scopes: Iterable[str], expires: float | None) -> str:
        wanted = [scope for scope in SCOPES if scope in set(scopes)]
        if not wanted or set(scopes) - set(SCOPES):
            raise UsageError(f"no such scopes: {' '.join(scopes) or 'none'}", f"choose from {', '.join(SCOPES)}")
        secret = secrets.token_urlsafe(32)
        row = (secrets.token_hex(6), digest(secret), kind, name[:80], " ".join(wanted), self._clock(), expires)
        self._db.write("INSERT INTO access VALUES (?,?,?,?,?,?,?,NULL)", row)
        return secret

    def _known(self, secret: str, kind: Kind) -> Principal | None:
        query = "SELECT id, name, scopes, expires, used FROM access WHERE digest = ? AND kind = ?"
        found = self._db.all(query, (digest(secret), kind))
        if not found:
            return None
        id, name, scopes, expires, used = found[0]
        now = self._clock()
        if expires is not None and expires < now:
            return None
        if used is None or now - used > 60:
            self._db.write("UPDATE access SET used = ? WHERE id = ?", (now, id))
        return Principal(id, kind, name, tuple(scopes.split()), expires, csrf(secret) if kind == "session" else "")


def _tell(loop: asyncio.AbstractEventLoop, close: Callable[[], None]) -> None:
    # A loop that is closed holds nothing open.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(close)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def csrf(cookie: str) -> str:
    """What the page says back: it follows from the cookie, which a foreign page can send but not read."""
    return hmac.new(cookie.encode(), b"pyagent csrf", hashlib.sha256).hexdigest()[:40]


def same(given: str, expected: str) -> bool:
    """Equal, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
