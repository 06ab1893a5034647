"""What is at /m: behind the guard like everything, without a foreign address, compressed, and kept by the browser."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

pytest.importorskip("flet_web", reason="the extra `mobile` is not installed")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from pyagent_plugins.mobile.files import FIRST, Files
from tests.web.server import Served

ELSEWHERE = re.compile(r"""(https?:)?//(?!www\.w3\.org)[a-z0-9-]+\.[a-z]""")
LARGEST = 6_000_000


@pytest.fixture(scope="module")
def client(shared: Served) -> Iterator[httpx.Client]:
    with shared.sign_in() as signed_in:
        yield signed_in


def base(client: httpx.Client) -> str:
    found = re.search(r'"entrypointBaseUrl": "([^"]+)"', client.get("/m/config.js").text)
    assert found
    return found[1]


def dial(served: Served, **headers: str) -> ClientConnection:
    origin = headers.pop("origin", served.url)
    return connect(
        f"ws://127.0.0.1:{served.port}/m/ws", origin=origin or None, additional_headers=headers, open_timeout=20
    )


@pytest.mark.parametrize("path", ["", "index.html", "config.js", "-1.0/main.dart.wasm", "icon.svg", "manifest.json"])
def test_without_a_session_there_is_nothing(shared: Served, path: str) -> None:
    answer = httpx.get(f"{shared.url}/m/{path}")
    assert answer.status_code == 401
    assert answer.json()["hint"]


def test_the_page_has_its_own_policy_and_no_script_in_it(client: httpx.Client) -> None:
    answer = client.get("/m/")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert "'unsafe-inline'" not in policy["script-src"]
    assert "'unsafe-eval'" not in policy["script-src"].split()
    assert policy["default-src"] == "'self'"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=", answer.text)
    assert answer.headers["cross-origin-embedder-policy"] == "require-corp"
    assert "no-cache" in answer.headers["cache-control"]
    assert not any(name.startswith("access-control-") for name in answer.headers)


def test_what_the_first_view_loads_names_no_other_host_and_is_small(client: httpx.Client) -> None:
    for path in ("/m/", "/m/config.js", "/m/look.css", "/m/manifest.json", "/m/icon.svg"):
        assert not ELSEWHERE.search(client.get(path).text), path
    sizes = {}
    for name in FIRST:
        answer = client.get(f"{base(client)}{name}")
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
        sizes[name] = int(answer.headers["content-length"])
    assert sum(sizes.values()) < LARGEST, sizes
    assert client.get(f"{base(client)}main.dart.wasm").content.startswith(b"\0asm")


def test_the_icons_that_the_manifest_names_are_there(client: httpx.Client) -> None:
    for icon in client.get("/m/manifest.json").json()["icons"]:
        answer = client.get(f"/m/{icon['src']}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, icon["type"])


def test_a_browser_that_takes_no_gzip_gets_the_file_as_it_is(client: httpx.Client) -> None:
    plain = client.get(f"{base(client)}canvaskit/skwasm.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == client.get(f"{base(client)}canvaskit/skwasm.js").text


def test_fonts_at_start_are_the_two_that_the_screens_use(client: httpx.Client) -> None:
    fonts = client.get(f"{base(client)}assets/FontManifest.json").json()
    assert {font["family"] for font in fonts} == {"MaterialIcons", "Roboto"}
    for font in fonts:
        assert client.get(f"{base(client)}assets/{font['fonts'][0]['asset']}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "pyodide/pyodide.mjs",
        "no-such-file",
        "assets/fonts/notosanssc/v36/x.0.woff2",
        "%2e%2e/%2e%2e/flet_web/version.py",
    ],
)
def test_what_is_not_there_is_told_at_once(client: httpx.Client, path: str) -> None:
    assert client.get(f"{base(client)}{path}").status_code == 404
    assert client.get(f"/m/{path}").status_code == 404


def test_nothing_is_written_there(client: httpx.Client) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert client.request(method, "/m/").status_code == 405


def test_the_socket_opens_for_the_own_page_only(shared: Served, client: httpx.Client) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    for refused in (
        {},
        {"cookie": f"pyagent_{shared.port}=made-up"},
        {"cookie": cookie, "origin": "http://evil.example"},
        {"cookie": cookie, "origin": f"http://127.0.0.1:{shared.port + 1}"},
        {"cookie": cookie, "origin": ""},
        {"authorization": "Bearer made-up"},
    ):
        with pytest.raises(InvalidStatus):
            dial(shared, **refused)
    with dial(shared, cookie=cookie) as line:
        line.ping().wait(10)


def test_rubbish_on_the_socket_ends_that_socket_only(shared: Served, client: httpx.Client) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    for rubbish in (b"\x00\xff\xff", b"", b"\x00" + b"\x93\x63\xc0\xc0", b"\x01\x00", b"\x07abc", "text"):
        with dial(shared, cookie=cookie) as line:
            line.send(rubbish)
            with suppress(TimeoutError, ConnectionClosed):
                line.recv(timeout=0.3)
    assert client.get("/api/v1/health").status_code == 200
    assert shared.process.poll() is None


def test_a_font_of_the_users_own_is_served_for_its_script(tmp_path: Path) -> None:
    files = Files(tmp_path / "web", "1", tmp_path / "cache", tmp_path / "fonts")
    (tmp_path / "fonts").mkdir()
    asked = "/-1/assets/fonts/notosanssc/v36/k3kCo84MPvpLmixcA63oeAL7Iqp5IZJF9bmaG9_FnYw.0.woff2"
    assert files.answer(asked, {}).status_code == 404
    (tmp_path / "fonts" / "notosanssc.woff2").write_bytes(b"wOF2")
    assert files.answer(asked, {}).status_code == 200


def test_files_are_compressed_once(tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "main.dart.wasm").write_bytes(b"wasm " * 1000)
    files = Files(web, "1", tmp_path / "cache", tmp_path / "fonts")
    files.warm(["main.dart.wasm", "not-there.js"])
    (packed,) = (tmp_path / "cache").rglob("*.gz")
    assert gzip.decompress(packed.read_bytes()) == b"wasm " * 1000
    before = packed.stat().st_mtime_ns
    files.warm(["main.dart.wasm"])
    assert packed.stat().st_mtime_ns == before
