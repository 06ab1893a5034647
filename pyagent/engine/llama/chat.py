"""Turns a conversation into the model's own prompt, in segments that keep a user's text from posing as markup.

The template comes from the model file (Jinja, as Hugging Face defined it). Its own text is tokenised with special
tokens, what people and tools wrote without: nobody can write ``<|im_end|>`` and speak as the system.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from pyagent.engine.base import Request
from pyagent.engine.llama.calls import Turn, turns
from pyagent.engine.llama.gguf import GGUFInfo
from pyagent.errors import EngineError, ModelMissing

Segment = tuple[str, bool]  # text, and whether special tokens count in it

# For a file without a template: what most small models were tuned on, and llama.cpp's own default.
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] }}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class Chat:
    """Renders requests by one model's template; ``variables`` go to the template as they are."""

    def __init__(self, info: GGUFInfo, variables: Mapping[str, Any] | None = None) -> None:
        self._info = info
        self._template = _compile(info.template or CHATML)
        self._variables = {"bos_token": info.bos, "eos_token": info.eos, **(variables or {})}

    def text(self, request: Request) -> str:
        """The exact prompt, special tokens written out."""
        return "".join(text for text, _ in self.segments(request))

    def segments(self, request: Request) -> tuple[Segment, ...]:
        """The prompt cut where markup and content meet. Raises EngineError when the template refuses it."""
        spoken = turns(request)
        text = self._render(spoken)
        if isinstance(text, Exception) or not _says(text, spoken):
            # No system role, or strictly alternating turns (Gemma, Mistral): fold what it does not take.
            spoken = _folded(spoken)
            text = self._render(spoken)
        if isinstance(text, Exception):
            raise EngineError(
                f"the model's chat template refuses these messages: {text}",
                "Use a prompt and at most one system text, or another model.",
            ) from text
        cut = self._cut(spoken, text) or self._harmless(spoken)
        if self._info.add_bos and self._info.bos and not text.startswith(self._info.bos):
            return ((self._info.bos, True), *cut)
        return cut

    def _render(self, spoken: Iterable[Turn]) -> str | Exception:
        messages = [{"role": role, "content": content} for role, content in spoken]
        try:
            return str(self._template.render(messages=messages, add_generation_prompt=True, **self._variables))
        except Exception as error:  # a template is foreign code, and its refusals are of any kind
            return error

    def _cut(self, spoken: list[Turn], text: str) -> tuple[Segment, ...] | None:
        """Render with every content between two marks; sound only when nothing else has changed.

        Tried with the contents as they are, then stripped, as many templates strip them.
        """
        marks = _unused(text)
        for change in (_same, str.strip):
            marked = self._render([(role, _between(change(content), marks)) for role, content in spoken])
            segments = _split(marked, marks) if isinstance(marked, str) else None
            if segments is not None and "".join(part for part, _ in segments) == text:
                return segments
        return None

    def _harmless(self, spoken: list[Turn]) -> tuple[Segment, ...]:
        """For a template that rewrites contents: one segment, with the control tokens in contents broken up."""
        text = self._render([(role, self._broken(content)) for role, content in spoken])
        plain = self._render([(role, "x") for role, _ in spoken])
        if isinstance(text, Exception) or isinstance(plain, Exception) or self._markup(text) != self._markup(plain):
            raise EngineError(
                "the model's chat template turns this text into markup", "Write the text without the model's markup."
            )
        return ((text, True),)

    def _markup(self, text: str) -> list[int]:
        return [text.count(token) for token in sorted(self._info.control)]

    def _broken(self, content: str) -> str:
        while found := next((token for token in self._info.control if token in content), None):
            content = content.replace(found, f"{found[0]} {found[1:]}")
        return content


def _compile(source: str) -> Any:
    try:
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError:
        raise ModelMissing(
            "jinja2, which renders chat templates, is not installed", "Run: pip install 'pyagent-swarm[local]'"
        ) from None
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals.update(raise_exception=_refuse, strftime_now=time.strftime)
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise ModelMissing(
            f"the chat template in the model file cannot be read: {error}", "Use another model file."
        ) from None


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    # Jinja's own escapes <, > and & for HTML, which a model would read as text.
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _says(text: str, spoken: Iterable[Turn]) -> bool:
    """Whether the system's words came through; some templates drop them without a word."""
    return all(content.strip() in text for role, content in spoken if role == "system")


def _folded(spoken: Iterable[Turn]) -> list[Turn]:
    """System turns as the beginning of what the user says next, and one turn where a role speaks twice."""
    folded: list[Turn] = []
    for role, content in spoken:
        role = "user" if role == "system" else role
        if folded and folded[-1][0] == role:
            folded[-1] = (role, f"{folded[-1][1]}\n\n{content}")
        else:
            folded.append((role, content))
    return folded


Marks = tuple[str, str]


def _unused(text: str) -> Marks:
    """Two characters of the private use area that the prompt does not hold."""
    free = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in text)
    return next(free), next(free)


def _same(content: str) -> str:
    return content


def _between(content: str, marks: Marks) -> str:
    # An empty content stays empty: templates ask `if message.content`.
    return f"{marks[0]}{content}{marks[1]}" if content else ""


def _split(marked: str, marks: Marks) -> tuple[Segment, ...] | None:
    """Cut at the marks; None when they do not pair up, because the template took a content apart."""
    head, *rest = marked.split(marks[0])
    segments = [(head, True)]
    for part in rest:
        content, close, markup = part.partition(marks[1])
        if not close:
            return None
        segments += [(content, False), (markup, True)]
    if any(mark in text for text, _ in segments for mark in marks):
        return None
    return tuple(segment for segment in segments if segment[0])
