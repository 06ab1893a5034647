"""What a model is known to have, against what a prompt must have: who can be asked at all, and what the others lack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.errors import PyAgentError
from pyagent.model import Model
from pyagent_plugins.capability.needs.language import NAMES, code_of
from pyagent_plugins.capability.needs.need import Hard
from pyagent_plugins.capability.words import Cell

MEDIA = ("image", "audio", "video")
# Above this share of failed calls in its check a service counts as ill.
ILL = 0.5
# A model measured on so many items, of which not one in five was solved at best, does not speak other languages.
SPEAKS, ITEMS = 0.2, 20
# One that solves so many of what needs tools, or JSON, for sure, has them, whatever is declared.
SHOWS = 0.3


@dataclass(frozen=True, slots=True)
class Facts:
    """``context`` in tokens, None: unknown, taken to be enough. ``languages`` None: nobody said. ``ttft`` seconds,
    ``tps`` tokens a second, ``errors`` a share, as measured."""

    model: Model
    local: bool
    context: int | None = None
    media: frozenset[str] = frozenset()
    tools: bool = True
    json: bool = True
    languages: frozenset[str] | None = None
    ttft: float | None = None
    tps: float | None = None
    errors: float | None = None

    @property
    def name(self) -> str:
        return self.model.name


def facts(model: Model, local: bool, ops: Mapping[str, float], cells: Mapping[str, Cell]) -> Facts:
    """What is declared, and over it what was measured: ``ops`` and ``cells`` (by dimension) of the model."""
    can = None if model.can is None else frozenset(word.lower() for word in model.can)
    spoken = None
    if can is not None and (words := can - {*MEDIA, "tools", "json", "text"}):
        spoken = frozenset(code_of(word) for word in words)
    cell = cells.get("lang.multi")
    if spoken is None and cell is not None and cell.n >= ITEMS and cell.high < SPEAKS:
        spoken = frozenset({"en"})
    return Facts(
        model,
        local,
        context_of(model),
        frozenset(MEDIA) & (can or frozenset()),
        _has(can is None or "tools" in can, cells, "tool.select", "tool.args"),
        _has(can is None or "json" in can, cells, "format.json"),
        spoken,
        ops.get("op.ttft"),
        ops.get("op.tps"),
        ops.get("op.error_rate"),
    )


def _has(declared: bool, cells: Mapping[str, Cell], *dims: str) -> bool:
    """What was measured, where enough was asked to tell; else what is declared."""
    found = [cells[dim] for dim in dims if dim in cells and cells[dim].n >= ITEMS]
    if any(cell.low > SHOWS for cell in found):
        return True
    return declared and not (found and all(cell.high < SPEAKS for cell in found))


def lacks(known: Facts, hard: Hard, answer: int = 150) -> list[str]:
    """What the model lacks, each in a few words; empty: it can be asked."""
    found = []
    if known.context is not None and known.context < hard.context:
        found.append(f"room for {hard.context:,} tokens (it has {known.context:,})")
    found += [f"{kind} input" for kind in hard.modality if kind not in known.media]
    if hard.tools and not known.tools:
        found.append("tools")
    if hard.json and not known.json:
        found.append("JSON by a schema")
    if hard.local and not known.local:
        found.append("being local")
    if hard.language and hard.language != "en" and known.languages is not None and hard.language not in known.languages:
        found.append(NAMES.get(hard.language, hard.language))
    if hard.deadline is not None and (seconds := expected(known, answer)) is not None and seconds > hard.deadline:
        found.append(f"the speed for {hard.deadline:g} s (it takes about {seconds:.1f})")
    if known.errors is not None and known.errors > ILL:
        found.append(f"health ({known.errors:.0%} of its measured calls failed)")
    return found


def expected(known: Facts, answer: int) -> float | None:
    """Seconds until an answer of so many tokens is there, None when nobody measured."""
    if known.ttft is None and not known.tps:
        return None
    return (known.ttft or 0.0) + (answer / known.tps if known.tps else 0.0)


def context_of(model: Model) -> int | None:
    """Tokens that fit: as configured, else what the model's file says, else what genai-prices knows."""
    said: Any = model.context or model.options.get("context")
    if isinstance(said, int) and said > 0:
        return said
    if model.engine == "llama":
        from pyagent.engine.llama.files import bundled_source
        from pyagent.engine.llama.gguf import check_gguf

        try:
            return check_gguf(Path(model.path) if model.path else bundled_source()).context or None
        except (PyAgentError, OSError):
            return None
    return _listed(model)


def _listed(model: Model) -> int | None:
    from pyagent.engine.http.address import private
    from pyagent.run.prices import OFFICIAL

    url = (model.provider.base_url if model.provider else "") or OFFICIAL.get(model.engine, "")
    if not url or private(url):
        return None
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, info = get_snapshot().find_provider_model(model.remote or model.name, None, None, url)
    except LookupError:
        return None
    window = getattr(info, "context_window", None)
    return window if isinstance(window, int) else None
