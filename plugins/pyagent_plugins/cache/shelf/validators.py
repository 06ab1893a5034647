"""Whether a page is still the one that an answer was made from, asked of its server without fetching it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyagent_plugins.cache.shelf.versions import GONE, UNKNOWN

if TYPE_CHECKING:
    import httpx


@dataclass(slots=True)
class Validators:
    """ETag or Last-Modified by URL, through HEAD. Not asked again for ``seconds``, also when nobody answered.

    A page can change within these seconds and be taken for the older one; with 0 every look-up asks. ``timeout``
    (seconds) bounds how long a look-up waits for a server. Blocks: see ``waits``. Safe for several threads.
    """

    seconds: float = 5.0
    timeout: float = 2.0
    _seen: dict[str, tuple[float, str]] = field(default_factory=dict)
    _client: httpx.Client | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, url: str) -> str:
        """The validator, GONE for 404 and 410, UNKNOWN for a server that does not answer or says nothing of it."""
        seen = self._seen.get(url)
        if seen is not None and time.monotonic() < seen[0]:
            return seen[1]
        version = self._ask(url)
        self._seen[url] = (time.monotonic() + self.seconds, version)
        return version

    def waits(self, url: str) -> bool:
        """Whether the next call would ask the server."""
        seen = self._seen.get(url)
        return seen is None or time.monotonic() >= seen[0]

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def _ask(self, url: str) -> str:
        import httpx

        try:
            reply = self._open().head(url)
            if reply.status_code in (405, 501):  # a server that knows no HEAD: the same by GET, without the body
                with self._open().stream("GET", url) as reply:
                    return _validator(reply)
            return _validator(reply)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError):
            return UNKNOWN

    def _open(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                # identity: the ETag of a compressed reply is another one.
                headers = {"accept-encoding": "identity"}
                self._client = httpx.Client(timeout=self.timeout, follow_redirects=True, headers=headers)
            return self._client


def _validator(reply: httpx.Response) -> str:
    if reply.status_code in (404, 410):
        return GONE
    if not reply.is_success:
        return UNKNOWN
    for name in ("etag", "last-modified"):
        if name in reply.headers:
            return f"{name} {reply.headers[name]}"
    return UNKNOWN
