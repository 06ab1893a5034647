"""What a refusal means: one table from a provider's status and words to our errors, for every HTTP engine.

Facts behind it: OpenAI "Error codes", Anthropic "Errors" (529 is overload), Google RPC ``RetryInfo``,
llama.cpp's server (``exceed_context_size_error``), RFC 9110 section 10.2.3 (Retry-After).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from pyagent.errors import (
    ContextOverflow,
    EngineUnreachable,
    KeyRefused,
    ModelMissing,
    PyAgentError,
    ReplyError,
    TransientError,
)

OVERFLOW = re.compile(
    r"context[ _](length|window|size)|maximum context|prompt is too long|too many (input )?tokens|"
    r"token count.{0,40}exceeds|exceeds?.{0,40}(max\w* (number of )?tokens|context)|"
    r"input is too long|request_too_large",
    re.I,
)
NO_CREDIT = re.compile(
    r"insufficient_quota|credit balance|billing_hard_limit|insufficient.{0,12}(balance|credit)", re.I
)
BAD_KEY = re.compile(r"API_KEY_INVALID|api key not valid|invalid_api_key|authentication_error", re.I)
KEY_LIKE = re.compile(r"\b((sk|pk|gsk|xai|key)[-_]|AIza|Bearer )[\w*\-]{8,}")
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?$")

# llama_cpp.server answers 500 to a body that it does not understand.
NOT_UNDERSTOOD = re.compile(r"validation error|unprocessable|extra_forbidden", re.I)

SHOWN = 300
TRANSIENT = {408, 409, 425, 429, 529}
CROWDED = {408, 429, 503, 504, 529}


class Crowded(TransientError):
    """The provider is at its limit (429, 503, 529, a timeout): besides another try, ask it less at a time."""


class Refused(ReplyError):
    """The provider does not take the request as it is (400, 422); ``text`` is what it said, ``param`` about what."""

    def __init__(self, message: str, hint: str, text: str, param: str | None) -> None:
        super().__init__(message, hint)
        self.text = text
        self.param = param


def failure(
    status: int, headers: Mapping[str, str], body: bytes, who: str, secret: str = "", key_env: str = ""
) -> PyAgentError:
    """The error for a reply that is no answer. Neither the key nor what looks like one is ever in it."""
    error = payload(body)
    whole = clean(message_of(error) or body.decode("utf-8", "replace"), secret)
    text = whole if len(whole) <= SHOWN else whole[: SHOWN - 3] + "..."
    words = f"{whole} {error.get('code') or ''} {error.get('type') or ''} {error.get('status') or ''} {_reasons(error)}"
    said = f": {text}" if text else ""
    if status in (401, 403) or (status == 400 and BAD_KEY.search(words)):
        return _key(status, who, secret, key_env, "" if status != 403 else said)
    if status == 402 or NO_CREDIT.search(words):
        return KeyRefused(f"{who} wants to be paid ({status}){said}", "Add credit to the account of this key.")
    if status == 404 or "model_not_found" in words:
        return _missing(status, words, who, said)
    if status not in CROWDED and (status == 413 or OVERFLOW.search(words)):
        return ContextOverflow(
            f"{who} says that the prompt is too long ({status}){said}",
            "Shorten the prompt, lower max_tokens or take a model with a larger context.",
        )
    if status in TRANSIENT or (status >= 500 and status != 501 and not NOT_UNDERSTOOD.search(words)):
        kind = Crowded if status in CROWDED else TransientError
        wait = retry_after(headers, error)
        return kind(f"{who} answered {status}{said}", "It is tried again.", wait, limited=status == 429)
    if 300 <= status < 400:
        where = f" to {clean(headers.get('location', ''), secret)}" if headers.get("location") else ""
        return EngineUnreachable(f"{who} redirects{where} ({status})", "Set base_url to the final address.")
    param = error.get("param")
    return Refused(
        f"{who} refused the request ({status}){said}",
        "Compare --dry-run --show-prompts with what the provider takes.",
        words,
        param if isinstance(param, str) else None,
    )


def payload(body: bytes) -> dict[str, Any]:
    """The error object in a reply, in any of the shapes in use; empty when there is none."""
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    if isinstance(data, list) and data:  # Google's stream endpoint without alt=sse
        data = data[0]
    if not isinstance(data, dict):
        return {}
    error = data.get("error", data)
    return error if isinstance(error, dict) else {"message": str(error)}


def message_of(error: Mapping[str, Any]) -> str:
    for key in ("message", "detail", "error", "title"):
        if error.get(key):
            value = error[key]
            return value if isinstance(value, str) else json.dumps(value)
    return ""


def clean(text: str, secret: str) -> str:
    """One line, without the key or anything that looks like one."""
    if secret:
        text = text.replace(secret, "***")
    return " ".join(KEY_LIKE.sub("***", text[:4000]).split())


def retry_after(headers: Mapping[str, str], error: Mapping[str, Any] | None = None) -> float | None:
    """Seconds that the provider asks us to wait: from Retry-After, its millisecond twin, the x-ratelimit
    headers when they say what is used up, or Google's RetryInfo. None when it does not say."""
    if (milliseconds := seconds(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if (wait := seconds(headers.get("retry-after"))) is not None:
        return wait
    for detail in (error or {}).get("details") or ():
        if isinstance(detail, dict) and (wait := seconds(detail.get("retryDelay"))) is not None:
            return wait
    return _reset(headers)


def _reset(headers: Mapping[str, str]) -> float | None:
    waits = []
    for what in ("", "-requests", "-tokens"):
        wait = seconds(headers.get(f"x-ratelimit-reset{what}"))
        if wait is not None and headers.get(f"x-ratelimit-remaining{what}", "0").strip() == "0":
            waits.append(wait)
    return max(waits, default=None)


def seconds(value: Any) -> float | None:
    """Seconds from now in ``2``, ``0.5``, ``1m30s``, ``20ms``, an epoch time or an HTTP date; never negative."""
    if not isinstance(value, str) or not (value := value.strip()):
        return None
    try:
        number = float(value)
    except ValueError:
        return _duration(value)
    if number != number or number in (float("inf"), float("-inf")):
        return None
    if number > 1e12:
        number /= 1000
    return max(0.0, number - time.time() if number > 1e9 else number)


def _duration(value: str) -> float | None:
    if match := DURATION.match(value):
        hours, minutes, secs, milliseconds = (float(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + secs + milliseconds / 1000
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


def _reasons(error: Mapping[str, Any]) -> str:
    """Google names the cause in its details: ``{"reason": "API_KEY_INVALID"}``."""
    details = error.get("details")
    if not isinstance(details, list):
        return ""
    return " ".join(str(detail.get("reason", "")) for detail in details if isinstance(detail, dict))


def _key(status: int, who: str, secret: str, key_env: str, said: str) -> KeyRefused:
    where = f"{key_env} " if key_env else "the variable that key_env of the provider names "
    if secret:
        return KeyRefused(f"{who} refused the key ({status}){said}", f"Put a valid key into {where.strip()}.")
    return KeyRefused(f"{who} wants a key ({status})", f"Put it into {where.strip()}.")


def _missing(status: int, words: str, who: str, said: str) -> PyAgentError:
    if re.search(r"model|deployment", words, re.I):
        return ModelMissing(f"{who} has no such model ({status}){said}", "Check the model's name.")
    return EngineUnreachable(f"{who} has no such API ({status}){said}", "Check base_url, often it ends in /v1.")
