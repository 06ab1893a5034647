"""What a prompt needs, put together: what must be, what matters how much, and the words to say so."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyagent.model import Message
from pyagent.run.needs import modalities
from pyagent_plugins.capability.needs.features import clipped, words
from pyagent_plugins.capability.needs.language import NAMES, code_of, language_of
from pyagent_plugins.capability.needs.soft import DIMS, PLACE, Soft, soft, stated, tokens_of

# A file or an address of one, or a data URL: whoever writes "image" in a text has not attached one.
_MEDIA = {
    "image": re.compile(r"data:image/|https?://\S+\.(?:png|jpe?g|gif|webp|bmp|tiff?)\b", re.I),
    "audio": re.compile(r"data:audio/|https?://\S+\.(?:mp3|wav|ogg|flac|m4a)\b", re.I),
    "video": re.compile(r"data:video/|https?://\S+\.(?:mp4|mov|webm|mkv)\b", re.I),
}
# Tokens that an answer of each kind usually has; the others have 150.
_ANSWER = {"code.write": 350, "code.fix": 350, "reason.math": 200, "text.extract": 60, "text.transform": 200,
           "tool.select": 60, "tool.args": 80, "tool.abstain": 60, "know.general": 120}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hard:
    """What a model must meet. ``context`` counts tokens, question and answer; ``language`` is a code, there when the
    task states it; ``deadline`` is seconds."""

    context: int
    modality: tuple[str, ...] = ()
    tools: bool = False
    json: bool = False
    local: bool = False
    language: str | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """``hard`` and ``soft`` needs; ``language`` is what the prompt is written in, ``sure`` 0..1 how surely;
    ``answer`` the tokens that its answer will have, about."""

    hard: Hard
    soft: Soft
    language: str
    sure: float
    answer: int

    def line(self) -> dict[str, Any]:
        """As one JSON object."""
        hard = self.hard
        return {
            "hard": {
                "context": hard.context, "modality": ["text", *hard.modality], "tools": hard.tools, "json": hard.json,
                "local": hard.local, "language": hard.language, "deadline": hard.deadline,
            },
            "dims": [
                {"dim": dim, "weight": round(weight, 3), "level": round(level, 1)}
                for dim, weight, level in self.soft.top(6, 0.02)
            ],
            "level_error": round(self.soft.spread, 2),
            "uncertainty": round(self.soft.doubt, 3),
            "language": {"code": self.language, "confidence": round(self.sure, 2)},
            "input_tokens": self.soft.tokens,
            "answer_tokens": self.answer,
        }  # fmt: skip


def needs_of(
    text: str,
    said: Mapping[str, Any] | None = None,
    *,
    system: str = "",
    tools: int = 0,
    schema: bool = False,
    turns: int = 1,
    max_tokens: int | None = None,
) -> Needs:
    """What ``text`` needs. ``said`` are the task's own words for it (``pyagent.run.needs``), which come first."""
    said = said or {}
    code, sure = language_of(text, words(clipped(text)))
    found = soft(text, tools, turns, schema or bool(said.get("json")))
    language = code_of(said["language"]) if said.get("language") else None
    if said.get("dims"):
        found = stated(found, said["dims"])
    elif (language or code) != "en" and (language or sure > 0.5):
        found = _shifted(found, "lang.multi", 0.35)
    answer = max_tokens or _answer(found)
    media = tuple(kind for kind, mark in _MEDIA.items() if mark.search(text[:20_000]))
    return Needs(
        Hard(
            context=max(found.tokens + (tokens_of(system) if system else 0) + answer, said.get("context") or 0),
            modality=modalities(said) or media,
            tools=bool(said.get("tools") or tools),
            json=bool(said.get("json") or schema),
            local=bool(said.get("local")),
            language=language,
            deadline=said.get("deadline"),
        ),
        found,
        language or code,
        1.0 if language else sure,
        answer,
    )


def asked(messages: Sequence[Message]) -> tuple[str, str, int]:
    """(what the conversation asks, its system text, its turns): the last question, with what was said before it."""
    system = "\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    return "\n".join(message.content for message in rest), system, max(1, sum(m.role == "user" for m in rest))


def _shifted(found: Soft, dim: str, share: float) -> Soft:
    weights = [weight * (1 - share) for weight in found.weights]
    weights[PLACE[dim]] += share
    return Soft(tuple(weights), found.levels, found.spread, found.doubt, found.tokens)


def _answer(found: Soft) -> int:
    return round(sum(weight * _ANSWER.get(name, 150) for name, weight in zip(DIMS, found.weights, strict=True)))


def explained(needs: Needs) -> list[str]:
    """The same in sentences, what must be first."""
    hard, told = needs.hard, []
    told.append(
        f"It must fit {hard.context:,} tokens: about {needs.soft.tokens:,} of prompt, the rest for the answer."
        if hard.context > needs.soft.tokens
        else f"It must fit {hard.context:,} tokens."
    )
    if hard.modality:
        told.append(f"The model must take {' and '.join(hard.modality)} besides text.")
    if hard.tools:
        told.append("The model must call tools.")
    if hard.json:
        told.append("The answer must be JSON that meets a schema.")
    if hard.local:
        told.append("Nothing may leave this machine.")
    if hard.deadline is not None:
        told.append(f"The answer must be there within {hard.deadline:g} s.")
    if hard.language:
        told.append(f"The model must speak {NAMES.get(hard.language, hard.language)}.")
    elif needs.language != "en" and needs.sure > 0.5:
        told.append(f"It is written in {NAMES.get(needs.language, needs.language)}, as far as its small words tell.")
    parts = [f"{dim} {weight:.0%} (level {level:.1f})" for dim, weight, level in needs.soft.top()]
    sure = "surely" if needs.soft.doubt < 0.25 else "probably" if needs.soft.doubt < 0.5 else "perhaps"
    told.append(f"What it asks for is {sure} {', '.join(parts)}.")
    if needs.soft.spread:
        told.append(f"Levels are guesses with an error of {needs.soft.spread:.1f}; a task may state its own.")
    return told
