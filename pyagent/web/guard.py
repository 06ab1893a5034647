"""The one door: every request and every WebSocket passes here, the API's, the pages' and the mounted apps' alike.

Pure ASGI, because Starlette's own middleware base does not see WebSockets. In this order: the Host allow-list
(the only defence against DNS rebinding), the Origin, who asks, CSRF, rate, size; then security headers on the way out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from pyagent.web import limits, problems, signin
from pyagent.web.access import Access, Principal, same
from pyagent.web.audit import Audit
from pyagent.web.sockets import Socket

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

API = "/api/"
SAFE = ("GET", "HEAD", "OPTIONS")
# What shows the sign-in itself. These hold no data of the user's.
OPEN = (
    "/",
    "/index.html",
    "/favicon.ico",
    "/favicon.svg",
    "/pair",
    "/pair.js",
    "/pair.css",
    "/signed-out",
    "/api/v1/health",
)
OPEN_BELOW = ("/assets/",)
SIGN_IN = "/api/v1/session"
# 16 MB of task lines; a larger file is named by its path.
LARGEST = 16 << 20
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"x-frame-options": b"SAMEORIGIN",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Door:
    """What the guard goes by: ``hosts`` allowed in Host, the ``port`` and ``scheme`` that it answers at, and the
    CSP of each mounted path."""

    hosts: frozenset[str]
    port: int
    scheme: str = "http"
    policies: Mapping[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        # Cookies do not know ports: two servers on one machine must not sign each other out.
        return f"pyagent_{self.port}"

    @classmethod
    def at(cls, port: int, scheme: str, more: Iterable[str], policies: Mapping[str, str]) -> Door:
        return cls(frozenset([*LOOPBACK, *(host.lower() for host in more)]), port, scheme, policies)


class Refused(Exception):
    """Turned away; ``reason`` goes to the audit log, ``hint`` to the caller."""

    def __init__(self, status: int, reason: str, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(reason)
        self.status, self.reason, self.hint, self.wait = status, reason, hint, wait


class Guard:
    """Wraps the whole application; what comes through carries its Principal as ``scope["principal"]``."""

    def __init__(self, app: App, door: Door, access: Access, audit: Audit) -> None:
        self._app, self._door, self._access, self._audit = app, door, access, audit
        self._requests = limits.Buckets(limits.REQUESTS)
        self._logins = limits.Buckets(limits.LOGINS)
        self._refusals = limits.Buckets(limits.REFUSALS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        try:
            scope["principal"] = who = self._admit(scope, headers)
        except Refused as refused:
            self._note(scope, refused)
            await _turn_away(scope, receive, send, refused, _page_wanted(scope, headers))
            return
        if scope["type"] == "websocket":
            # A socket is never opened without a caller.
            assert who is not None
            await Socket(receive, send).run(lambda *ends: self._app(scope, *ends), self._access, who)
            return
        answer = _Answer(send, self._policy(scope["path"]), scope["path"].startswith(API))
        try:
            await self._app(scope, _bounded(receive, answer), answer)
        except Refused as refused:
            answer.refused = answer.refused or refused
        if answer.refused is not None and not answer.status:
            await _turn_away(scope, receive, answer.instead(), answer.refused)
        self._log(scope, who, answer.status)

    # ---- who may come in

    def _admit(self, scope: Scope, headers: Mapping[str, str]) -> Principal | None:
        """The caller, or None where nobody need be known. Raises Refused."""
        self._host(headers)
        socket, path = scope["type"] == "websocket", scope["path"]
        unsafe = socket or scope["method"] not in SAFE
        bearer = headers.get("authorization", "")
        self._origin(headers, unsafe, bearer.lower().startswith("bearer ") and not socket)
        self._size(headers)
        signing_in = path == SIGN_IN and not socket and scope["method"] == "POST"
        if signing_in:
            self._slow(self._logins, _address(scope))
            return None
        if not unsafe and (path in OPEN or path.startswith(OPEN_BELOW)):
            return None
        who = self._caller(headers, bearer, scope)
        self._slow(self._requests, who.id)
        if unsafe and not socket and path.startswith(API) and who.kind == "session":
            self._csrf(headers, who)
        if "read" not in who.scopes:
            raise Refused(403, f"{who.name} may not read", "ask for a token with the scope read")
        return who

    def _host(self, headers: Mapping[str, str]) -> None:
        # Not the port: `ssh -L 9000:localhost:8421` is asked for as localhost:9000.
        name, _ = split_host(headers.get("host", ""))
        if name not in self._door.hosts:
            raise Refused(
                403, "this host name is not served here", "open the printed link, or serve with --allow-host NAME"
            )

    def _origin(self, headers: Mapping[str, str], unsafe: bool, bearer: bool) -> None:
        """A page of another origin may neither change anything nor open a socket."""
        host = headers.get("host", "").lower()
        own = {f"{self._door.scheme}://{host}"}
        if split_host(host)[0] not in LOOPBACK:
            # A proxy that was allowed by --allow-host may speak TLS for us.
            own.add(f"https://{host}")
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in own and (unsafe or origin != "null"):
            raise Refused(403, "the request comes from another origin")
        if origin is None and unsafe and not bearer:
            raise Refused(403, "the request names no origin", "programs use a bearer token")
        # Browsers say where a request comes from; only going to a page by a link may come from elsewhere.
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and (unsafe or headers.get("sec-fetch-mode") != "navigate"):
            raise Refused(403, "the request comes from another site")

    def _size(self, headers: Mapping[str, str]) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST:
            raise Refused(413, "the request is larger than 16 MB", "name the file by its path")

    def _caller(self, headers: Mapping[str, str], bearer: str, scope: Scope) -> Principal:
        if bearer:
            kind, _, token = bearer.partition(" ")
            who = self._access.bearer(token.strip()) if kind.lower() == "bearer" else None
        else:
            cookie = _cookie(headers.get("cookie", ""), self._door.cookie)
            who = self._access.session(cookie) if cookie else None
        if who is None:
            if bearer:
                self._slow(self._logins, _address(scope))
            raise Refused(401, "you are not signed in", "open the link that `pyagent serve` printed")
        return who

    def _csrf(self, headers: Mapping[str, str], who: Principal) -> None:
        if not same(headers.get("x-pyagent-csrf", ""), who.csrf):
            raise Refused(403, "the header X-PyAgent-CSRF is missing or wrong", "GET /api/v1/session gives it")

    def _slow(self, buckets: limits.Buckets, caller: str) -> None:
        if wait := buckets.take(caller):
            raise Refused(429, "too many requests", "try again later", wait)

    # ---- what is kept of it

    def _policy(self, path: str) -> str:
        for mount, policy in self._door.policies.items():
            if path == mount or path.startswith(mount + "/"):
                return policy
        return CSP

    def _log(self, scope: Scope, who: Principal | None, status: int) -> None:
        """Each change with its outcome; a sign-in that fails is one too."""
        if scope["method"] not in SAFE and scope["path"].startswith(API):
            name = who.name if who else "nobody"
            self._audit.add(name, f"{scope['method']} {scope['path']}", status, address=_address(scope))

    def _note(self, scope: Scope, refused: Refused) -> None:
        # A page that asks without its cookie is no attack; a flood must not fill the log.
        if (refused.status == 401 and scope.get("method") in SAFE) or self._refusals.take(_address(scope)):
            return
        what = f"{scope.get('method', 'WEBSOCKET')} {scope['path']}"
        self._audit.add("nobody", what, refused.status, refused.reason, _address(scope))


class _Answer:
    """Puts the security headers on, and takes off what would let foreign pages read."""

    def __init__(self, send: Send, policy: str, api: bool) -> None:
        self._send, self._policy, self._api, self._open = send, policy.encode(), api, False
        self.status = 0
        self.refused: Refused | None = None

    def instead(self) -> _Answer:
        """Let through what is said instead of the application's answer."""
        self._open = True
        return self

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if self.refused is not None and not self.status and not self._open:
            # FastAPI takes what went wrong while it read a body for a broken body, and answers so.
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kept = [(k, v) for k, v in message.get("headers", ()) if self._keep(k.lower())]
            names = {k.lower() for k, _ in kept}
            added = [*HEADERS.items(), (b"content-security-policy", self._policy)]
            if self._api and b"cache-control" not in names:
                added.append((b"cache-control", b"no-store"))
            message["headers"] = [*kept, *added]
        await self._send(message)

    def _keep(self, name: bytes) -> bool:
        return not name.startswith(b"access-control-") and name not in HEADERS and name != b"content-security-policy"


def _bounded(receive: Receive, answer: _Answer) -> Receive:
    """A body without a length is counted as it comes."""
    seen = 0

    async def count() -> MutableMapping[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST:
            answer.refused = Refused(413, "the request is larger than 16 MB", "name the file by its path")
            raise answer.refused
        return message

    return count


async def _turn_away(scope: Scope, receive: Receive, send: Send, refused: Refused, page: bool = False) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4400 + refused.status % 100, "reason": refused.reason})
        return
    headers = {"retry-after": str(int(refused.wait) + 1)} if refused.wait else {}
    if refused.status == 401:
        headers["www-authenticate"] = "Bearer"
    answer: App = problems.response(refused.status, refused.reason, refused.hint, headers)
    if page and refused.status == 401:
        answer = signin.page(scope, headers)
    out = send if isinstance(send, _Answer) else _Answer(send, CSP, True)
    await answer(scope, receive, out)


def _page_wanted(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a person's browser asks for a page: programs, and the API in any case, are answered in JSON."""
    safe = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    return safe and not scope["path"].startswith(API) and "text/html" in headers.get("accept", "")


def split_host(host: str) -> tuple[str, int | None]:
    """(name, port) of a Host header; the name is empty when it is no such thing."""
    host = host.strip().lower()
    name, colon, port = host, "", ""
    if host.startswith("["):
        name, bracket, rest = host.partition("]")
        name, colon, port = name + bracket, rest[:1], rest[1:]
        if rest and colon != ":":
            return "", None
    elif ":" in host:
        name, colon, port = host.partition(":")
    if colon and not (port.isdecimal() and len(port) <= 5):
        return "", None
    return name.removesuffix("."), int(port) if port else None


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name. A header that must be there once and is not makes both useless."""
    found: dict[str, str] = {}
    for key, value in scope["headers"]:
        name, text = key.decode("latin-1").lower(), value.decode("latin-1")
        once = name in ("host", "origin", "authorization", "content-length") and name in found
        found[name] = "?" if once else f"{found[name]}; {text}" if name == "cookie" and name in found else text
    return found


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""
