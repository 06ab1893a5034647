"""Providers' refusals, in their own words as documented, become the right error, without the key."""

import json
import time
from email.utils import formatdate

import pytest

from pyagent.engine.http.failure import Crowded, Refused, failure, retry_after, seconds
from pyagent.errors import (
    ContextOverflow,
    EngineUnreachable,
    KeyRefused,
    ModelMissing,
    PyAgentError,
    ReplyError,
    TransientError,
)

OPENAI = {"message": "m", "type": "invalid_request_error", "param": None, "code": None}
OPENAI_LONG = {"message": "maximum context length is 128 tokens", "code": "context_length_exceeded"}
GOOGLE_LONG = {"message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."}
LLAMA_LONG = {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}


def said(status: int, error: object, **headers: str) -> PyAgentError:
    body = error if isinstance(error, bytes) else json.dumps({"error": error}).encode()
    return failure(status, {k.replace("_", "-"): v for k, v in headers.items()}, body, "api.test", "sk-secret-key")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "Incorrect API key provided: sk-sec***-key", "code": "invalid_api_key"}, KeyRefused),
        (403, {"message": "Country not supported"}, KeyRefused),
        (400, {"message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}, KeyRefused),
        (429, {"message": "You exceeded your current quota", "code": "insufficient_quota"}, KeyRefused),
        (402, {"message": "pay"}, KeyRefused),
        (400, {"message": "Your credit balance is too low", "type": "invalid_request_error"}, KeyRefused),
        (404, {"message": "The model `x` does not exist", "code": "model_not_found"}, ModelMissing),
        (404, {"message": "models/x is not found for API version v1beta", "status": "NOT_FOUND"}, ModelMissing),
        (404, b"404 page not found", EngineUnreachable),
        (301, b"", EngineUnreachable),
        (400, OPENAI_LONG, ContextOverflow),
        (400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}, ContextOverflow),
        (400, GOOGLE_LONG, ContextOverflow),
        (400, LLAMA_LONG, ContextOverflow),
        (413, b"", ContextOverflow),
        (429, {"message": "slow down"}, Crowded),
        (503, {"message": "Loading model"}, Crowded),
        (529, {"type": "overloaded_error", "message": "Overloaded"}, Crowded),
        (500, b"<html>oops</html>", TransientError),
        (408, b"", TransientError),
        (409, b"", TransientError),
        (425, b"", TransientError),
        (502, b"", TransientError),
        (400, {**OPENAI, "message": "Unknown parameter: 'x'.", "param": "x"}, Refused),
        (422, {"message": "bad"}, Refused),
        (400, b'{"detail": "nope"}', ReplyError),
    ],
)
def test_each_refusal_is_the_right_error(status: int, error: object, kind: type[PyAgentError]) -> None:
    raised = said(status, error)
    assert isinstance(raised, kind)
    assert raised.hint
    assert "\n" not in str(raised)
    assert "api.test" in str(raised)


def test_only_429_is_the_limit_of_the_account() -> None:
    limited, crowded = said(429, b""), said(503, b"")
    assert isinstance(limited, TransientError)
    assert isinstance(crowded, TransientError)
    assert (limited.limited, crowded.limited) == (True, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 429, 500])
def test_a_key_that_the_server_echoes_is_not_in_the_error(status: int) -> None:
    raised = said(status, {"message": "your key sk-secret-key (or sk-proj-abcdefgh12345678) is odd\nreally"})
    assert "secret" not in f"{raised} {raised.hint} {raised!r}"
    assert "abcdefgh" not in f"{raised} {raised!r}"


def test_a_long_page_becomes_a_short_line() -> None:
    assert len(str(said(500, b"<p>" + b"x" * 10_000))) < 400


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("20ms", 0.02),
        ("6m0s", 360.0),
        ("1h1m1.5s", 3661.5),
        ("-3", 0.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        (None, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
    ],
)
def test_waits_as_providers_write_them(value: str | None, wait: float | None) -> None:
    assert seconds(value) == wait


def test_dates_and_epochs_count_from_now() -> None:
    for value in (formatdate(time.time() + 90, usegmt=True), str(time.time() + 90), str((time.time() + 90) * 1000)):
        wait = seconds(value)
        assert wait is not None
        assert 80 < wait <= 90


def test_the_most_exact_wish_wins() -> None:
    assert retry_after({"retry-after": "3", "retry-after-ms": "2500"}) == 2.5
    assert retry_after({"retry-after": "3", "x-ratelimit-reset": "9"}) == 3
    assert retry_after({}, {"details": [{"@type": "RetryInfo", "retryDelay": "13s"}]}) == 13
    used_up = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7s"}
    left = {"x-ratelimit-remaining-requests": "99", "x-ratelimit-reset-requests": "6m0s"}
    assert retry_after({**used_up, **left}) == 7
    assert retry_after(left) is None
