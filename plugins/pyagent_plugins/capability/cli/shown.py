"""How measurements look on a line: a share with its interval and n, an age, weeks as a small picture."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Protocol

from pyagent.errors import ConfigError, ModelMissing, UsageError
from pyagent.host.schema import nearest

if TYPE_CHECKING:
    from pyagent.cli.output import Output
    from pyagent.host.app import App
    from pyagent_plugins.capability.registry.registry import Registry

BARS = "▁▂▃▄▅▆▇█"


class Sure(Protocol):
    """What has a share and its interval: a Cell or a Share."""

    @property
    def solved(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def registry(app: App, readonly: bool = True) -> Registry:
    """The user's registry; read, it need not exist. Raises ConfigError when the statistics cannot be computed."""
    from importlib.util import find_spec

    from pyagent_plugins.capability.registry.registry import FILE, Registry

    if find_spec("scipy") is None:
        raise ConfigError("measurements need scipy", "run: pip install 'pyagent-swarm[capability]'")
    if readonly:
        return Registry.open(Path(app.paths.data) / FILE, readonly=True)
    return Registry.open(app.data_dir / FILE)


def known(held: Registry, model: str) -> str:
    """``model`` if it was ever checked; ModelMissing (4) else."""
    names = held.models()
    if model not in names:
        hint = nearest(model, names) or (f"measured: {', '.join(names)}" if names else "run `pyagent capability check`")
        raise ModelMissing(f"the model {model!r} was never measured", hint)
    return model


def week(text: str) -> str:
    """An ISO week, also in small letters; raises UsageError."""
    from pyagent_plugins.capability.registry.begun import week_of

    return week_of(text.strip().upper())


def later(before: str, after: str) -> None:
    """Raises UsageError unless ``before`` is the earlier week."""
    if before >= after:
        raise UsageError(f"{before} is not before {after}", "name the earlier week first")


def share(value: Sure | None) -> str:
    """Percent with the interval: 62 [49-73]."""
    return "-" if value is None else percent(value.solved, value.low, value.high)


def percent(solved: float, low: float, high: float, n: int = 0) -> str:
    """The same from the numbers; ``n`` stands beside it, in the table."""
    return f"{100 * solved:.0f} [{100 * low:.0f}-{100 * high:.0f}]"


def span(delta: float, low: float, high: float) -> str:
    """A change in points with its interval: -12.5 [-20.1, -4.9]."""
    return f"{100 * delta:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"


def wide(out: Output, columns: int) -> bool:
    """Whether a table of so many characters can be shown whole: always in a pipe."""
    return out.json or not out.color or get_terminal_size().columns >= columns


def age(then: float | None) -> str:
    """How long ago, in the largest unit that says something."""
    if then is None:
        return "-"
    past = max(0.0, time.time() - then)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if past >= length:
            return f"{past / length:.0f} {unit}"
    return "now"


def sparkline(shares: Sequence[float | None]) -> str:
    """Shares 0..1 as bars, one a week; a week without one is a dot."""
    return "".join("·" if x is None else BARS[min(7, int(8 * max(0.0, min(1.0, x))))] for x in shares)
