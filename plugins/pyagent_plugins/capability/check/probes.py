"""What is measured of the service rather than of its answers: waiting, speed, faults, sameness, price of a pass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from pyagent_plugins.capability.check.asking import Asked, Asker, Heard, heard_by
from pyagent_plugins.capability.items.question import ask
from pyagent_plugins.capability.words import Outcome

# Asked one after the other, so that nobody waits for another.
SPEED = ("Tell a story about a cat.", "Explain how rain forms.", "Describe a day at the sea.")
TOKENS = 64


async def speed(asker: Asker) -> dict[str, float]:
    """Median seconds to the first piece and median tokens a second after it; what is not known is left out."""
    first, pace = [], []
    for text in SPEED:
        one = (await heard_by(asker, [(text, ask(text, "exact", "", "speed", max_tokens=TOKENS))]))[text]
        if one.error or one.ttft is None:
            continue
        first.append(one.ttft)
        if one.usage.output_tokens > 1 and one.seconds > one.ttft:
            pace.append((one.usage.output_tokens - 1) / (one.seconds - one.ttft))
    found = {"op.ttft": median(first)} if first else {}
    return {**found, "op.tps": median(pace)} if pace else found


async def same(asker: Asker, asked: Sequence[Asked], before: Mapping[str, str]) -> float | None:
    """The share of questions whose second answer is the first one (by its hash in ``before``), to the letter."""
    heard = await heard_by(asker, [pair for pair in asked if pair[0] in before])
    came = {name: answer_sha(each) for name, each in heard.items() if not each.error}
    return sum(sha == before[name] for name, sha in came.items()) / len(came) if came else None


def answer_sha(heard: Heard) -> str:
    """SHA-256 of what was said: text, calls and what scripted tools ended with."""
    said = heard.said
    row = [said.text, [[call.name, dict(call.arguments)] for call in said.calls], dict(said.state)]
    text = json.dumps(row, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def cost_per_pass(outcomes: Iterable[Outcome]) -> float | None:
    """USD for an item that was solved; None when a price is unknown or nothing was solved."""
    total, passed = 0.0, 0.0
    for outcome in outcomes:
        if outcome.cost_usd is None:
            return None
        total += outcome.cost_usd
        passed += outcome.solved
    return total / passed if passed else None


def error_rate(heard: Iterable[tuple[int, int]]) -> float | None:
    """The share of calls that failed, from (calls, failures)."""
    calls = failures = 0
    for made, failed in heard:
        calls, failures = calls + made, failures + failed
    return failures / calls if calls else None
