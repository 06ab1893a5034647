"""Attacks on a real server over real sockets: each is turned away, and says so without telling a secret."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.server import Served, serving

RUNS, SESSION = "/api/v1/runs", "/api/v1/session"
WISH = {"tasks": '{"prompt": "q"}'}


@pytest.fixture
def stranger(served: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30) as nobody:
        yield nobody


def bearer(client: httpx.Client, *scopes: str) -> str:
    answer = client.post("/api/v1/tokens", json={"name": " ".join(scopes), "scopes": list(scopes)})
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


def raw(served: Served, request: str) -> bytes:
    """Bytes as no decent client would send them."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as wire:
        wire.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        return wire.recv(65536)


# ---- who


@pytest.mark.parametrize(
    "path",
    ["overview", "runs", "runs/x", "events?topics=runs", "logs", "settings", "tokens", "audit", "openapi.json", "x"],
)
def test_without_a_session_nothing_is_told(stranger: httpx.Client, path: str) -> None:
    answer = stranger.get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["hint"]


def test_a_made_up_cookie_or_token_is_nobody(served: Served, stranger: httpx.Client) -> None:
    assert stranger.get(RUNS, headers={"cookie": f"pyagent_{served.port}=made-up"}).status_code == 401
    assert stranger.get(RUNS, headers={"authorization": "Bearer made-up"}).status_code == 401
    assert stranger.get(RUNS, headers={"authorization": "Basic YTpi"}).status_code == 401


def test_a_token_in_the_address_is_not_taken(client: httpx.Client, stranger: httpx.Client) -> None:
    token = bearer(client, "read")
    for name in ("token", "access_token", "key"):
        assert stranger.get(f"{RUNS}?{name}={token}").status_code == 401
    assert stranger.get(RUNS, headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_a_launch_link_is_good_once(served: Served, client: httpx.Client, stranger: httpx.Client) -> None:
    again = stranger.post(SESSION, json={"token": served.token}, headers={"origin": served.url})
    assert again.status_code == 401
    assert "set-cookie" not in again.headers


def test_the_cookie_is_kept_from_scripts_and_from_other_sites(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path) as served, httpx.Client(base_url=served.url) as page:
        answer = page.post(SESSION, json={"token": served.token}, headers={"origin": served.url})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert served.token not in cookie, "what signed in is not what stays"


def test_two_who_use_one_link_at_once_do_not_both_get_in(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path) as served:

        async def both() -> list[int]:
            async with httpx.AsyncClient(base_url=served.url, headers={"origin": served.url}) as page:
                asked = [page.post(SESSION, json={"token": served.token}) for _ in range(8)]
                return [answer.status_code for answer in await asyncio.gather(*asked)]

        assert sorted(asyncio.run(both())) == [200] + [401] * 7


def test_guessing_is_slowed_down(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path) as served, httpx.Client(base_url=served.url, headers={"origin": served.url}) as page:
        codes = [page.post(SESSION, json={"token": f"guess {n}"}).status_code for n in range(12)]
        assert codes[:10] == [401] * 10
        last = page.post(SESSION, json={"token": served.token})
        assert last.status_code == 429
        assert int(last.headers["retry-after"]) >= 1


def test_signing_out_ends_the_session_everywhere(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path) as served, served.sign_in() as page:
        cookie = page.headers.get("cookie") or "; ".join(f"{k}={v}" for k, v in page.cookies.items())
        assert page.delete(SESSION).status_code == 204
        with httpx.Client(base_url=served.url, headers={"cookie": cookie}) as copy:
            assert copy.get(RUNS).status_code == 401


# ---- where from


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example:{port}", "localhost:99999999", "127.0.0.1:{port}@evil.example", "", "[::"],
)
def test_a_foreign_host_name_is_not_served(served: Served, client: httpx.Client, host: str) -> None:
    """DNS rebinding: the page of evil.example, whose name now leads here, sends its own name."""
    answer = client.get(RUNS, headers={"host": host.format(port=served.port)})
    assert answer.status_code in (400, 403)
    assert "items" not in answer.text


def test_two_host_headers_are_none(served: Served) -> None:
    answer = raw(served, f"GET / HTTP/1.1\nHost: 127.0.0.1:{served.port}\nHost: evil.example\n\n")
    assert answer.split()[1] in (b"400", b"403")


@pytest.mark.parametrize("origin", ["http://evil.example", "https://127.0.0.1:{port}", "http://localhost:1", "null"])
def test_a_page_of_another_origin_changes_nothing(served: Served, client: httpx.Client, origin: str) -> None:
    answer = client.post(RUNS, json=WISH, headers={"origin": origin.format(port=served.port)})
    assert answer.status_code == 403
    assert client.get(RUNS).json()["items"] == []


def test_a_page_of_another_origin_reads_nothing(client: httpx.Client) -> None:
    answer = client.get(RUNS, headers={"origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = client.options(RUNS, headers={"origin": "http://evil.example", "access-control-request-method": "POST"})
    assert not [name for name in preflight.headers if name.startswith("access-control")]
    asked = client.get(RUNS, headers={"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"})
    assert asked.status_code == 403, "another port of this machine is another origin"


def test_a_change_without_an_origin_needs_a_bearer_token(served: Served, client: httpx.Client) -> None:
    cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
    with httpx.Client(base_url=served.url, headers={"cookie": cookie}) as form:
        answer = form.post(RUNS, json=WISH, headers={"x-pyagent-csrf": client.headers["x-pyagent-csrf"]})
        assert answer.status_code == 403


@pytest.mark.parametrize("csrf", ["", "0" * 40])
def test_a_change_needs_the_csrf_header(client: httpx.Client, csrf: str) -> None:
    answer = client.post("/api/v1/stop-all", headers={"x-pyagent-csrf": csrf})
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


# ---- WebSockets


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://localhost:1"])
def test_a_socket_needs_a_session_and_its_own_origin(served: Served, client: httpx.Client, origin: str | None) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect as dial

    cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
    url = f"ws://127.0.0.1:{served.port}/m/ws"
    with pytest.raises(InvalidStatus) as refused:
        dial(url, origin=origin, additional_headers={"Cookie": cookie})  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        dial(url, origin=served.url)  # type: ignore[arg-type]


@pytest.mark.parametrize("by", ["token", "session"])
def test_a_silent_socket_ends_when_its_owner_is_revoked(home: Path, tmp_path: Path, by: str) -> None:
    """Neither side says a word: what ends it is the revocation itself."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect as dial

    with serving(home, tmp_path) as served, served.sign_in() as client:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in client.cookies.items())}
        if by == "token":
            headers = {"Authorization": f"Bearer {bearer(client, 'read')}"}
        id = next(row["id"] for row in client.get("/api/v1/tokens").json()["items"] if row["kind"] == by)
        url = f"ws://127.0.0.1:{served.port}/m/ws"
        with dial(url, origin=served.url, additional_headers=headers) as wire:  # type: ignore[arg-type]
            with pytest.raises(TimeoutError):
                wire.recv(timeout=0.3)
            assert client.delete(f"/api/v1/tokens/{id}").status_code == 204
            with pytest.raises(ConnectionClosed) as ended:
                wire.recv(timeout=10)
            assert ended.value.rcvd is not None
            assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (4401, "signed out")


@pytest.mark.parametrize("path", ["/m/", "/m/triage", "/plugins/x/1/index.js", "/nothing"])
def test_a_browser_without_a_session_is_told_how_to_get_in(stranger: httpx.Client, path: str) -> None:
    page = stranger.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert "pyagent serve --phone" in page.text
    assert "<script" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'self'; script-src 'self';")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in page.headers
    german = stranger.get(path, headers={"accept": "text/html", "accept-language": "de-DE,de;q=0.9"})
    assert 'lang="de"' in german.text
    assert stranger.get(path).headers["content-type"] == "application/problem+json"


def test_a_program_is_never_told_in_html(stranger: httpx.Client) -> None:
    answer = stranger.get(RUNS, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


# ---- what


def test_scopes_are_kept_apart(served: Served, client: httpx.Client) -> None:
    reader = {"authorization": f"Bearer {bearer(client, 'read')}"}
    approver = {"authorization": f"Bearer {bearer(client, 'read', 'approve')}"}
    with httpx.Client(base_url=served.url) as program:
        assert program.get(RUNS, headers=reader).status_code == 200
        assert program.post("/api/v1/stop-all", headers=reader).status_code == 403
        assert program.post("/api/v1/stop-all", headers=approver).status_code == 200
        for path, body in ((RUNS, WISH), ("/api/v1/tokens", {"name": "more", "scopes": ["admin"]})):
            assert program.post(path, json=body, headers=approver).status_code == 403
        assert program.get("/api/v1/audit", headers=approver).status_code == 403
        assert program.patch("/api/v1/settings", json={"key": "x", "value": 1}, headers=approver).status_code == 403


def test_a_revoked_token_is_nobody_and_its_stream_ends(served: Served, client: httpx.Client) -> None:
    token = bearer(client, "read")
    with httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {token}"}, timeout=30) as program:
        id = next(row["id"] for row in client.get("/api/v1/tokens").json()["items"] if row["kind"] == "token")
        with program.stream("GET", "/api/v1/events?topics=runs") as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("data: "))
            assert client.delete(f"/api/v1/tokens/{id}").status_code == 204
            assert list(lines)[-2:] == [": closed", ""]
        assert program.get(RUNS).status_code == 401


def test_secrets_are_kept_as_digests_and_never_told(served: Served, client: httpx.Client) -> None:
    token = bearer(client, "read")
    client.get(RUNS, headers={"authorization": f"Bearer {token}x"})
    client.post(SESSION, json={"token": token})
    cookie = next(iter(client.cookies.values()))
    seen = [client.get(f"/api/v1/{path}").text for path in ("audit", "tokens", "logs", "settings")]
    with sqlite3.connect(served.home / "web" / "web.db") as db:
        seen.append("\n".join(db.iterdump()))
    for secret in (token, cookie, served.token):
        assert not any(secret in text for text in seen)
    assert (served.home / "web" / "web.db").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py", "/assets/%2e%2e/app.py", "/assets/..%2f..%2fapp.py", "/..%2f..%2fpyproject.toml",
        "/%2e%2e%2fguard.py", "/assets//etc/passwd", "/assets/%00", "/plugins/../x/y", "/plugins/x/../../etc/passwd",
    ],
)  # fmt: skip
def test_paths_lead_nowhere_else(served: Served, client: httpx.Client, path: str) -> None:
    cookie = "; ".join(f"{k}={v}" for k, v in client.cookies.items())
    answer = raw(served, f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{served.port}\nCookie: {cookie}\nConnection: close\n\n")
    assert answer.split()[1] in (b"404", b"401", b"400")
    assert b"root:" not in answer
    assert b"import" not in answer


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside.jsonl", "link.jsonl", "\0", "a" * 5000])
def test_a_run_reads_no_file_outside_its_folder(served: Served, client: httpx.Client, path: str) -> None:
    (served.folder.parent / "outside.jsonl").write_text('{"prompt": "secret"}\n')
    link = served.folder / "link.jsonl"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    assert client.post(RUNS, json={"path": path}).status_code == 422
    assert client.get(RUNS).json()["items"] == []


@pytest.mark.parametrize("name", ["--help", "-x", "../x", "a b", "a\nb", ".hidden"])
def test_a_name_is_no_option_and_no_path(client: httpx.Client, name: str) -> None:
    assert client.post(RUNS, json={**WISH, "name": name}).status_code == 422


def test_a_system_prompt_names_no_file(client: httpx.Client) -> None:
    assert client.post(RUNS, json={**WISH, "system": "@/etc/passwd"}).status_code == 422


@pytest.mark.parametrize(
    ("method", "body"),
    [("post", b"{"), ("post", b"[]"), ("post", b"\xff\xfe"), ("post", b'{"tasks": 1}'), ("post", b'{"extra": 1}')],
)
def test_rubbish_is_one_problem(client: httpx.Client, method: str, body: bytes) -> None:
    answer = client.request(method, RUNS, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert set(answer.json()) == {"type", "title", "status", "detail", "hint"}


def test_a_body_that_never_ends_is_cut(served: Served, client: httpx.Client) -> None:
    head = f"POST {RUNS} HTTP/1.1\nHost: 127.0.0.1:{served.port}\nOrigin: {served.url}\nContent-Length: {1 << 40}\n\n"
    assert raw(served, head).split()[1] == b"413"
    block = b"x" * (1 << 20)
    answer = client.post(RUNS, content=(block for _ in range(20)), headers={"content-type": "application/json"})
    assert answer.status_code == 413


def test_every_answer_carries_the_headers(client: httpx.Client, stranger: httpx.Client) -> None:
    pages = [stranger.get(path) for path in (RUNS, "/signed-out", "/m/")]
    for answer in (client.get("/"), client.get(RUNS), client.get("/pair"), client.get("/nothing"), *pages):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "unsafe" not in policy
    assert client.get(RUNS).headers["cache-control"] == "no-store"


def test_settings_that_say_where_keys_go_are_not_changed_here(client: httpx.Client) -> None:
    for key in ("providers.openai.base_url", "swarm.base_url", "tools.allow", "plugins.block", "nonsense"):
        answer = client.patch("/api/v1/settings", json={"key": key, "value": "http://evil"}, headers={"if-match": "*"})
        assert answer.status_code == 422, key


def test_the_audit_log_names_who_was_turned_away(client: httpx.Client) -> None:
    client.post("/api/v1/stop-all", headers={"origin": "http://evil.example"})
    newest = client.get("/api/v1/audit", params={"limit": 1}).json()["items"][0]
    assert newest["status"] == 403
    assert newest["what"] == "POST /api/v1/stop-all"
    assert "origin" in newest["detail"]
