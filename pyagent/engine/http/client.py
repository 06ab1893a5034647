"""One way over the wire for every HTTP engine: a POST of JSON, answered by JSON or by server-sent events.

httpx with its aiohttp transport, called below httpx's client: the client's merging of headers, cookies,
redirects and hooks costs 0.30 ms of CPU a call at 64 in flight, the transport alone 0.13, and an API needs none
of it (benchmarks/http_client.py). Proxies (HTTPS_PROXY, NO_PROXY) and CA files (SSL_CERT_FILE) are as httpx takes
them.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pyagent.engine.http.address import Address, loopback
from pyagent.engine.http.failure import Crowded, failure
from pyagent.engine.http.sse import Events
from pyagent.errors import EngineUnreachable, PyAgentError, ReplyError, TransientError

if TYPE_CHECKING:
    import httpx

# A chat answer is some kB; 64 MB is a broken or hostile server, and would be held in memory by each call.
LARGEST_REPLY = 64 << 20
# Of an error page only its beginning is of use.
LARGEST_ERROR = 64 << 10
CONNECT_SECONDS = 15.0

Event = Callable[[str], None]


class Client:
    """Asks one provider. ``headers`` are sent with each request, the key among them; ``timeout`` bounds a call."""

    def __init__(self, address: Address, headers: Mapping[str, str], secret: str, key_env: str, timeout: float) -> None:
        self.address = address
        self._headers = dict(headers)
        self.secret = secret
        self._key_env = key_env
        self._timeout = timeout
        self._transport: httpx.AsyncBaseTransport | None = None
        self._raw: httpx.Headers | None = None
        self._kept = False
        self._urls: dict[str, httpx.URL] = {}

    def __repr__(self) -> str:
        return f"Client({self.address.who})"

    async def post(self, url: str, body: bytes, event: Event) -> Any:
        """Send ``body``; give the JSON value of the reply, or None when the server streamed: then ``event`` got
        the data of each event. Raises the errors of ``Engine.generate``."""
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._begin(url, body)
                try:
                    return await self._take(response, event)
                finally:
                    await response.aclose()
                    self._kept = True
        except TimeoutError as error:
            raise Crowded(
                f"{self.address.who} took longer than {self._timeout:g} s",
                "Raise --timeout, lower max_tokens or ask for less at a time with -j.",
                charged=True,
            ) from error
        except Exception as error:
            if (known := self._broken(error)) is None:
                raise
            raise known from error

    async def aclose(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def _begin(self, url: str, body: bytes) -> httpx.Response:
        """Send the request and wait for the head of its reply; once more if the line was a kept one.

        A server may close a kept connection at any moment (llama.cpp's does after a stream), so that the request
        never reaches it: RFC 9112 section 9.3.1. aiohttp repeats only methods that are idempotent by name.
        """
        if self._transport is None:
            self._transport = transport(self.address)
        import aiohttp
        import httpx

        try:
            return await self._send(url, body)
        except httpx.TransportError as error:
            lost = isinstance(error.__cause__, (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError))
            if not self._kept or not lost or isinstance(error.__cause__, aiohttp.ClientConnectorError):
                raise
        return await self._send(url, body)

    async def _send(self, url: str, body: bytes) -> httpx.Response:
        import httpx

        assert self._transport is not None
        if self._raw is None:
            self._raw = httpx.Headers(self._headers)
        if (target := self._urls.get(url)) is None:
            target = self._urls[url] = httpx.URL(url)
        request = httpx.Request("POST", target, headers=self._raw, stream=httpx.ByteStream(body))
        # With a stream httpx adds no headers of its own (aiohttp adds Host and Content-Length); reading it makes
        # it plain content again. Saves 25 µs a call.
        request.read()
        # Known to be ASCII: httpx would try three encodings on each of its many looks at a header.
        request.headers.encoding = "ascii"
        request.extensions = {"timeout": {"connect": CONNECT_SECONDS}}
        return await self._transport.handle_async_request(request)

    async def _take(self, response: httpx.Response, event: Event) -> Any:
        headers, status = response.headers, response.status_code
        if status != 200:
            body = await self._read(response, LARGEST_ERROR, cut=True)
            raise failure(status, headers, body, self.address.who, self.secret, self._key_env)
        kind = headers.get("content-type", "")
        if "event-stream" in kind:
            return await self._stream(response, event)
        body = await self._read(response, LARGEST_REPLY)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._not_json(kind, body) from error

    async def _stream(self, response: httpx.Response, event: Event) -> None:
        events, size = Events(), 0
        async for chunk in _chunks(response):
            size += len(chunk)
            if size > LARGEST_REPLY:
                raise self._too_large()
            for data in events.feed(chunk):
                event(data)

    async def _read(self, response: httpx.Response, most: int, cut: bool = False) -> bytes:
        """The body, at most ``most`` bytes of it: beyond that it is cut or refused."""
        parts: list[bytes] = []
        size = 0
        async for chunk in _chunks(response):
            parts.append(chunk)
            size += len(chunk)
            if size > most:
                if cut:
                    break
                raise self._too_large()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _too_large(self) -> ReplyError:
        return ReplyError(
            f"{self.address.who} sent more than {LARGEST_REPLY >> 20} MB for one answer",
            "Check base_url: this is no chat API, or it is broken.",
            charged=True,
        )

    def _not_json(self, kind: str, body: bytes) -> TransientError:
        if "json" in kind or not kind or not body:
            what = f"JSON that cannot be read ({len(body)} bytes)" if body else "an empty reply"
        else:
            what = f"{kind.split(';')[0].strip()} instead of JSON"
        return TransientError(f"{self.address.who} sent {what}", "If it stays so, check base_url.", charged=True)

    def _broken(self, error: Exception) -> PyAgentError | None:
        """What a failure below HTTP means; None for any other. aiohttp's class decides, because the transport
        calls a cut line a timeout."""
        import aiohttp
        import httpx

        if not isinstance(error, (aiohttp.ClientError, httpx.HTTPError, httpx.StreamError)):
            return None
        cause, who = error.__cause__ or error, self.address.who
        if isinstance(cause, (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError)):
            return EngineUnreachable(f"The certificate of {who} is not trusted", "Name its CA file in SSL_CERT_FILE.")
        if isinstance(cause, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
            return EngineUnreachable(
                f"Nothing answers at {who} ({_reason(cause)})", "Start the server, or check base_url and the network."
            )
        if isinstance(cause, aiohttp.ClientResponseError):
            return TransientError(f"{who} sent what is not HTTP", "If it stays so, check base_url.")
        return TransientError(f"{who} cut the connection ({_reason(cause)})", "It is tried again.", charged=True)


def transport(address: Address) -> httpx.AsyncBaseTransport:
    """httpx's aiohttp transport to ``address``, through the proxy that the environment names for it."""
    without_its_command_line()
    with certificates_when_used():
        import aiohttp
    import httpx
    from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

    url = httpx.URL(address.base)
    # Reading the CA file costs 25 ms, for nothing when there is no TLS.
    verify = url.scheme == "https"
    if loopback(address.host):
        chosen: httpx.AsyncBaseTransport = AiohttpTransport(verify=verify)
    else:
        # httpx reads the proxies of the environment only in its client, and only that knows which one is meant.
        chosen = HttpxAiohttpClient(verify=verify)._transport_for_url(url)
    assert isinstance(chosen, AiohttpTransport)
    ssl = chosen.ssl_context
    chosen.client = lambda: aiohttp.ClientSession(
        # The engine's gate bounds the width; aiohttp's own limit of 100 would do so without being asked.
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl, keepalive_timeout=15),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )
    return chosen


def without_its_command_line() -> None:
    """Import httpx without the command that it also is: click, pygments and rich cost 40 of its 70 ms.

    httpx does without where they are not installed; None in sys.modules says so to its import.
    """
    if "httpx" not in sys.modules:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
        try:
            import httpx  # noqa: F401
        finally:
            del sys.modules["httpx._main"]


@contextmanager
def certificates_when_used() -> Iterator[None]:
    """Import aiohttp without reading the machine's CA files twice: 45 ms each, for two contexts that none of our
    calls uses. Whoever else does gets them read at the first handshake, which goes through `wrap_bio`.
    """
    import ssl

    def put_off(context: Any) -> None:
        def wrap_bio(*args: Any, **more: Any) -> Any:
            del context.wrap_bio
            context.set_default_verify_paths()
            return context.wrap_bio(*args, **more)

        context.wrap_bio = wrap_bio

    # The method is the C class's; this hides it from here on and until the end of the import.
    ssl.SSLContext.set_default_verify_paths = put_off  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        del ssl.SSLContext.set_default_verify_paths


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes, unpacked where a server packs it although it was asked not to."""
    import httpx

    if "content-encoding" in response.headers:
        async for chunk in response.aiter_bytes():
            yield chunk
        return
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for chunk in response.stream:
        yield chunk


def _reason(error: BaseException) -> str:
    """A few words for a failure of the network; never a URL or a header."""
    inner = getattr(error, "os_error", None) or error
    # A resolver's numbers are its own; strerror of others holds addresses or the URL.
    if isinstance(inner, socket.gaierror):
        return "the name is not known"
    return os.strerror(inner.errno).lower() if isinstance(inner, OSError) and inner.errno else type(error).__name__
