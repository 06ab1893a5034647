"""What goes wrong on the wire, each against a server that really does it."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.base import Reply, Request
from pyagent.engine.http import client
from pyagent.engine.http.failure import Crowded
from pyagent.errors import EngineUnreachable, KeyRefused, PyAgentError, ReplyError, TransientError
from tests.engine.http.opening import ask, open_at
from tests.servers.faulty import Answer, Faulty, chunk, completion, events, hang, huge, raw, send


def answered(*replies: Answer, request: Request | None = None, stream: bool = False, **more: Any) -> Reply:
    """The reply of one call to a server with this script."""

    async def story() -> Reply:
        async with Faulty(list(replies)) as server:
            engine = open_at(server.url, **more)
            try:
                reply: Reply = await engine.generate(request or ask(), (lambda text, token: None) if stream else None)
                return reply
            finally:
                await engine.aclose()

    return asyncio.run(story())


def refused(*replies: Answer, **more: Any) -> PyAgentError:
    with pytest.raises(PyAgentError) as caught:
        answered(*replies, **more)
    assert caught.value.hint
    return caught.value


def test_429_says_how_long_to_wait() -> None:
    error = refused(send(429, {"error": {"message": "slow"}}, retry_after="7"))
    assert isinstance(error, TransientError)
    assert (error.limited, error.retry_after) == (True, 7.0)


def test_429_pauses_and_narrows_the_whole_engine() -> None:
    async def story() -> None:
        async with Faulty([send(429, b"{}", retry_after="0.3")] * 8 + [send(200, completion())]) as server:
            engine = open_at(server.url)
            results = await asyncio.gather(*(engine.generate(ask()) for _ in range(8)), return_exceptions=True)
            assert all(isinstance(each, TransientError) for each in results)
            server.most_open = 0
            await asyncio.gather(*(engine.generate(ask()) for _ in range(8)))
            assert server.seen[8].at - server.seen[7].at >= 0.299  # nobody asks during the pause
            assert server.most_open <= 5  # 8 at a time were too many
            await engine.aclose()

    asyncio.run(story())


def test_500_is_worth_another_try() -> None:
    assert isinstance(refused(send(500, b"<html>", "text/html")), TransientError)


def test_malformed_json_is_worth_another_try_and_may_have_been_charged() -> None:
    error = refused(send(200, b'{"choices": [{"mess'))
    assert isinstance(error, TransientError)
    assert error.charged


@pytest.mark.parametrize("body", [[], 3, None, {"choices": []}, {"choices": [{"message": {"content": 5}}]}, {}])
def test_json_of_another_shape_is_an_error_not_a_crash(body: Any) -> None:
    assert isinstance(refused(send(200, body)), TransientError)


def test_an_error_inside_a_200_is_an_error() -> None:
    assert isinstance(refused(send(200, {"error": {"message": "busy", "code": 429}})), TransientError)


def test_a_wrong_content_type_names_it() -> None:
    error = refused(send(200, b"<html>Please log in</html>", "text/html; charset=utf-8"))
    assert isinstance(error, TransientError)
    assert "text/html" in str(error)


def test_json_is_taken_under_any_name() -> None:
    assert answered(send(200, completion("hi"), "text/plain")).choices[0].text == "hi"


def test_slow_headers_end_at_the_timeout() -> None:
    error = refused(hang, timeout=0.2)
    assert isinstance(error, Crowded)
    assert "0.2 s" in str(error)


def test_a_stream_that_stops_talking_ends_at_the_timeout() -> None:
    assert isinstance(refused(events(chunk("a"), chunk("b"), pause=30), stream=True, timeout=0.3), TransientError)


def test_a_cut_stream_is_worth_another_try() -> None:
    for script in (events(chunk("He"), chunk("llo"), end=False), events(chunk("He"))):
        error = refused(script, stream=True)
        assert isinstance(error, TransientError)
        assert error.charged


def test_a_cut_body_and_no_reply_at_all() -> None:
    whole = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"
    assert isinstance(refused(raw(whole)), TransientError)
    assert isinstance(refused(raw(b"")), TransientError)
    assert isinstance(refused(raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")), TransientError)


def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def story() -> None:
        await open_at(f"http://127.0.0.1:{port}").generate(ask())

    with pytest.raises(EngineUnreachable, match=str(port)):
        asyncio.run(story())


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(EngineUnreachable, match=r"no-such-host\.invalid"):
        asyncio.run(open_at("http://no-such-host.invalid").generate(ask()))


def test_401_names_the_variable_and_never_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    body = {"error": {"message": "Incorrect API key provided: sk-very-secret"}}
    error = refused(send(401, body), key_env="TEST_KEY")
    assert isinstance(error, KeyRefused)
    assert "TEST_KEY" in error.hint
    trail, shown = error, ""
    while trail is not None:
        shown += f"{trail!r} {trail} {vars(trail)}"
        trail = trail.__cause__ or trail.__context__  # type: ignore[assignment]
    assert "secret" not in shown


def test_an_error_inside_a_stream_does_not_repeat_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "plain secret")
    script = events({"error": {"message": "no quota for plain secret", "code": 500}})
    error = refused(script, stream=True, key_env="TEST_KEY")
    assert "no quota for ***" in str(error)


def test_the_key_goes_out_as_a_header_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", " sk-very-secret\n")

    async def story() -> None:
        async with Faulty([send(200, completion())]) as server:
            engine = open_at(server.url, key_env="TEST_KEY")
            await engine.generate(ask())
            assert server.seen[0].headers["authorization"] == "Bearer sk-very-secret"
            assert b"secret" not in server.seen[0].raw
            assert "secret" not in engine.render(ask()) + repr(engine) + repr(engine._client)
            await engine.aclose()

    asyncio.run(story())


def test_a_public_server_is_not_asked_without_its_key() -> None:
    with pytest.raises(KeyRefused, match="NO_SUCH_KEY"):
        asyncio.run(open_at("https://api.example.com/v1", key_env="NO_SUCH_KEY").generate(ask()))


def test_another_server_is_never_sent_openais_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")

    async def story() -> None:
        async with Faulty([send(200, completion())]) as server:
            engine = open_at(server.url)
            await engine.generate(ask())
            assert "authorization" not in server.seen[0].headers
            await engine.aclose()

    asyncio.run(story())


def test_a_redirect_is_told_and_not_followed() -> None:
    error = refused(send(307, b"", location="https://elsewhere.example/v1"))
    assert isinstance(error, EngineUnreachable)
    assert "elsewhere.example" in str(error)


def test_a_huge_body_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LARGEST_REPLY", 4 << 20)
    error = refused(huge(1 << 30))
    assert isinstance(error, ReplyError)
    assert "4 MB" in str(error)


def test_a_huge_error_page_still_gives_its_status() -> None:
    error = refused(huge(1 << 30, status=502))
    assert isinstance(error, TransientError)
    assert "502" in str(error)


def test_a_server_that_packs_unasked_is_understood() -> None:
    packed = gzip.compress(json.dumps(completion("hi")).encode())
    assert answered(send(200, packed, content_encoding="gzip")).choices[0].text == "hi"


def test_a_proxy_is_used_as_the_environment_says_but_never_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with Faulty([send(200, completion("proxied"))]) as proxy, Faulty([send(200, completion())]) as local:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("NO_PROXY", "")
            for url in ("http://api.example.test/v1", local.url):
                engine = open_at(url)
                await engine.generate(ask())
                await engine.aclose()
            assert [each.path for each in proxy.seen] == ["http://api.example.test/v1/chat/completions"]
            assert len(local.seen) == 1

    asyncio.run(story())


def test_a_private_ca_is_trusted_when_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {cert}"
    subprocess.run([*command.split(), "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    async def story() -> None:
        async with Faulty([send(200, completion())], tls=context) as server:
            untrusted, trusted = (open_at(f"https://localhost:{server.port}") for _ in range(2))
            with pytest.raises(EngineUnreachable, match="certificate"):
                await untrusted.generate(ask())
            monkeypatch.setenv("SSL_CERT_FILE", str(cert))
            assert (await trusted.generate(ask())).choices[0].text == "fine"
            await untrusted.aclose()
            await trusted.aclose()

    asyncio.run(story())


def test_cancelling_hangs_up_and_frees_the_place() -> None:
    async def story() -> None:
        async with Faulty([hang, send(200, completion())]) as server:
            engine = open_at(server.url, width=1)
            call = asyncio.ensure_future(engine.generate(ask()))
            await server.asked.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(engine.generate(ask()), 5)
            await server.dropped.wait()
            await engine.aclose()

    asyncio.run(story())


def test_what_watches_a_stream_may_fail_as_itself() -> None:
    class Full(Exception):
        pass

    async def story() -> None:
        def piece(text: str, token: int | None) -> None:
            raise Full("no space left")

        async with Faulty([events(chunk("a"), chunk("b"))]) as server:
            engine = open_at(server.url)
            with pytest.raises(Full):
                await engine.generate(ask(), piece)
            await engine.aclose()

    asyncio.run(story())


def test_a_kept_connection_that_the_server_closed_costs_no_attempt() -> None:
    async def story() -> None:
        fine = send(200, completion())
        async with Faulty([fine, raw(b""), fine, raw(b""), raw(b""), fine]) as server:
            engine = open_at(server.url)
            await engine.generate(ask())
            await engine.generate(ask())
            assert len(server.seen) == 3
            with pytest.raises(TransientError):
                await engine.generate(ask())
            assert len(server.seen) == 5  # once more, not for ever
            await engine.aclose()

    asyncio.run(story())


def test_the_machines_certificates_are_read_by_whoever_uses_them() -> None:
    """Importing aiohttp for us reads no CA file; its own contexts, which a plugin may use, are whole when used."""
    script = """
import ssl
from pyagent.engine.http.client import certificates_when_used
with certificates_when_used():
    from aiohttp.connector import _SSL_CONTEXT_VERIFIED as context
assert not context.get_ca_certs()
context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
assert len(context.get_ca_certs()) == len(ssl.create_default_context().get_ca_certs())
"""
    subprocess.run([sys.executable, "-c", script], check=True)
