"""`pyagent serve` as a person meets it: the link, refusals in one line, TLS, and the last line."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.program import pyagent, start_pyagent
from tests.web.server import serving, start


def one_line(err: str) -> bool:
    return err.startswith("error: ") and "Traceback" not in err and len(err.splitlines()) <= 2


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("--host", "0.0.0.0"), 2, "--tls"),
        (("--host", "::"), 2, "--tls"),
        (("--host", "203.0.113.7", "--insecure"), 2, "cannot listen"),
        (("--host", "no such name", "--insecure"), 2, "cannot listen"),
        (("--port", "70000"), 2, "65535"),
        (("--allow-host", "http://x/"), 2, "no host name"),
        (("--allow-host", "*"), 2, "no host name"),
    ],
)
def test_an_unsafe_or_impossible_wish_is_refused(args: tuple[str, ...], code: int, told: str) -> None:
    ended = pyagent("serve", "--no-open", *args)
    assert ended.code == code, ended.err
    assert told in ended.err
    assert one_line(ended.err)
    assert ended.out == ""


def test_a_port_in_use_is_busy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = pyagent("serve", "--no-open", "--port", str(port))
    assert ended.code == 75
    assert str(port) in ended.err
    assert one_line(ended.err)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_prints_a_link_and_ends_with_one_line(number: signal.Signals, code: int) -> None:
    process = start_pyagent("serve", "--port", "0", "--no-open")
    assert process.stdout is not None
    link = process.stdout.readline().strip()
    url, _, token = link.partition("/#token=")
    assert httpx.get(f"{url}/api/v1/health").json()["status"] == "ok"
    with httpx.Client(base_url=url, headers={"origin": url}) as page:
        assert page.post("/api/v1/session", json={"token": token}).status_code == 200
        with page.stream("GET", "/api/v1/events?topics=runs") as open_page:
            next(open_page.iter_lines())
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert out == ""
    assert err.splitlines()[1:] == ["stopped; runs that were started here go on"]
    assert token not in err


def test_tls_is_this_machines_own_and_the_same_the_next_time(home: Path, tmp_path: Path) -> None:
    with serving(home, tmp_path, "--tls") as served:
        pem = ssl.get_server_certificate(("127.0.0.1", served.port))
        trusted = ssl.create_default_context(cadata=pem)
        with served.sign_in(verify=trusted) as page:
            assert page.get("/api/v1/runs").status_code == 200
            assert served.url.startswith("https://127.0.0.1:")
    assert (home / "web" / "key.pem").stat().st_mode & 0o077 == 0
    with serving(home, tmp_path, "--tls") as again:
        assert ssl.get_server_certificate(("127.0.0.1", again.port)) == pem
        assert again.said["fingerprint"].count(":") == 31


def test_a_phone_gets_a_link_of_its_own_and_a_code_to_scan(home: Path, tmp_path: Path) -> None:
    served = start(home, tmp_path, "--phone")
    try:
        pairing = served.said["pairing"]
        assert "/pair#token=" in pairing
        assert pairing.startswith("https://")
        token = pairing.partition("#token=")[2]
        unchecked = ssl.create_default_context()
        unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
        with served.sign_in(token, verify=unchecked) as phone:
            assert phone.get("/api/v1/session").json()["name"] == "phone"
            page = phone.get("/pair")
            assert "<script src=" in page.text
            assert phone.get("/pair.js").headers["content-type"].startswith("text/javascript")
    finally:
        served.kill()


def test_without_a_screen_nothing_is_opened_and_json_says_all(tmp_path: Path, home: Path) -> None:
    with serving(home, tmp_path) as served:
        assert set(served.said) == {"url", "link", "pairing", "fingerprint"}
        assert json.dumps(served.said).count(served.token) == 1
        assert not list((home / "web").glob("open-*.html"))
