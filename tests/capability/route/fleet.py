"""Models to route between: real servers with prices, and a registry that says how well each was measured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from pyagent.host.paths import Paths
from pyagent.run.needs import DIMS
from pyagent_plugins.capability.registry.registry import Registry
from pyagent_plugins.capability.words import Cell, Measured


def this_week() -> str:
    year, week, _ = date.today().isocalendar()
    return f"{year}-W{week:02}"


def registry_path() -> Path:
    return Path(Paths.find(dict(os.environ)).data) / "capability.db"


def cell(model: str, dim: str, solved: float, n: int = 60, applicable: bool = True) -> Cell:
    """A cell with the interval that so many independent items give."""
    half = 1.96 * (max(solved * (1 - solved), 0.01) / n) ** 0.5
    return Cell(
        model, this_week(), dim, n, solved, max(0, solved - half), min(1, solved + half), 1.0, None, None, applicable
    )


def cells(shares: Mapping[str, float | Mapping[str, float]], n: int = 60) -> list[Cell]:
    """Every dimension of each model: one share for all, or shares by dimension with the rest under ``""``."""
    found = []
    for model, share in shares.items():
        by = share if isinstance(share, Mapping) else {"": share}
        found += [cell(model, dim, by.get(dim, by.get("", 0.5)), n) for dim in DIMS]
    return found


def measure(
    shares: Mapping[str, float | Mapping[str, float]],
    n: int = 60,
    ops: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Write a finished check of each model into the user's registry."""
    path = registry_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with Registry.open(path) as registry:
        for model in shares:
            row = registry.model(Measured(model, "openai", model, "1", "", 8192))
            check = registry.begin(this_week(), row, "weekly-1", [])
            registry.finish(check.id, "valid", cells({model: shares[model]}, n), (ops or {}).get(model, {}))
    return path


def configure(home: Path, models: Mapping[str, tuple[str, float, str]]) -> None:
    """``models`` by name: (address, price of a million tokens either way, more lines of TOML)."""
    lines = []
    for name, (url, price, more) in models.items():
        lines += [f"[providers.at-{name}]", f'base_url = "{url}"', f"[models.{name}]", f'provider = "at-{name}"']
        lines += [f"input_price = {price}", f"output_price = {price}", more]
    (home / "config.toml").write_text("\n".join(lines) + "\n")
