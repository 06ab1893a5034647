"""From the link in a QR code to a token that stays: what the app on the phone does once.

In a browser the server's own page does the same with a cookie. The link's token works once and for a quarter of an
hour; it is exchanged for a session, and the session for a bearer token with the same rights.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import httpx

from pyagent_plugins.mobile.backend import Refusal
from pyagent_plugins.mobile.http import PATIENCE, refused, trusting

HINT = "scan the code that `pyagent serve --phone` shows"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link leads to. ``certificate`` is PEM text where the server made it itself, and ``fingerprint`` what the
    person compares with the server's terminal."""

    base_url: str
    token: str
    certificate: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Paired:
    """What is kept on the phone."""

    base_url: str
    token: str
    certificate: str


async def offer(link: str) -> Offer:
    """Read a pairing link and look whose certificate the server shows. Raises Refusal."""
    parts = urlsplit("".join(link.split()))
    token = parse_qs(parts.fragment).get("token", [""])[0]
    if parts.scheme not in ("http", "https") or not parts.hostname or not token:
        raise Refusal(422, "that is no pairing link", HINT)
    base_url = f"{parts.scheme}://{parts.netloc}"
    if parts.scheme == "http" or await _known(base_url):
        return Offer(base_url, token, "", "")
    where = (parts.hostname, parts.port or 443)
    try:
        certificate = await asyncio.to_thread(ssl.get_server_certificate, where, timeout=10)
    except OSError as error:
        raise Refusal(0, "the server does not answer", str(error)) from None
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest().upper()
    return Offer(base_url, token, certificate, ":".join(digest[n : n + 2] for n in range(0, len(digest), 2)))


async def pair(offered: Offer) -> Paired:
    """Exchange the link's token for one that stays. Raises Refusal: the link was used, or its time is over."""
    verify = trusting(offered.certificate) if offered.certificate else True
    headers = {"origin": offered.base_url}
    base = f"{offered.base_url}/api/v1"
    async with httpx.AsyncClient(base_url=base, verify=verify, headers=headers, timeout=PATIENCE) as client:
        session = await _post(client, "/session", {"token": offered.token})
        client.headers["x-pyagent-csrf"] = session["csrf"]
        wanted = {"name": f"phone ({platform.system() or 'app'})", "scopes": session["scopes"]}
        token = (await _post(client, "/tokens", wanted))["token"]
        await client.request("DELETE", "/session")
    return Paired(offered.base_url, token, offered.certificate)


async def _known(base_url: str) -> bool:
    """Whether the phone trusts the server's certificate anyway."""
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            await client.get(f"{base_url}/api/v1/health")
    except httpx.HTTPError as error:
        if "CERTIFICATE" in str(error).upper():
            return False
        raise Refusal(
            0, "the server does not answer", str(error) or "is it running, and in the same network?"
        ) from None
    return True


async def _post(client: httpx.AsyncClient, path: str, body: Mapping[str, object]) -> dict[str, str]:
    try:
        answer = await client.post(path, json=body)
    except httpx.HTTPError as error:
        raise Refusal(0, "the server does not answer", str(error) or type(error).__name__) from None
    if answer.is_error:
        raise refused(answer)
    found: dict[str, str] = answer.json()
    return found
