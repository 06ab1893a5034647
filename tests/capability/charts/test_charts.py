"""The pictures: drawn from a real registry, the same bytes twice, and nothing where nothing is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyagent_plugins.capability.charts import series
from pyagent_plugins.capability.charts.draw import CHARTS, draw
from pyagent_plugins.capability.registry.registry import FILE, Registry
from pyagent_plugins.capability.registry.rows import Alert
from tests.capability.weeks import CLOUD, LOCAL, able, check
from tests.program import pyagent

pytest.importorskip("matplotlib", reason="the extra `capability` is not installed")


@pytest.fixture
def held(tmp_path: Path) -> Registry:
    """Two models over three weeks; the dear one falls in the last."""
    registry = Registry.open(tmp_path / FILE)
    for week, theta in (("2026-W46", 1.0), ("2026-W47", 1.0), ("2026-W48", -1.5)):
        for who, ability, cost in ((LOCAL, -1.0, 0.0), (CLOUD, theta, 0.002)):
            number = check(registry, who, week, able(ability))
            cells = registry.cells(who.name, week)
            registry.finish(number, "valid", cells, {"op.tps": 40.0, "op.cost_per_pass": cost})
    registry.alert(Alert("cloud", "2026-W48", "regression", "it fell", severity="regression"))
    return registry


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("format", ["svg", "png"])
def test_each_picture_is_drawn(held: Registry, tmp_path: Path, name: str, format: str) -> None:
    path = tmp_path / f"{name}.{format}"
    assert draw(name, held, held.models(), path)
    start = path.read_bytes()[:300]
    assert start.startswith(b"\x89PNG") if format == "png" else b"<svg" in start


def test_a_picture_is_the_same_when_drawn_again(held: Registry, tmp_path: Path) -> None:
    for path in (tmp_path / "one.svg", tmp_path / "two.svg"):
        draw("ability", held, held.models(), path)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_the_week_of_a_regression_is_marked(held: Registry, tmp_path: Path) -> None:
    lines = {line.model: line for line in series.lines(held, held.models())}
    assert lines["cloud"].marks == {"2026-W48"}
    assert lines["tiny"].marks == set()
    draw("ability", held, held.models(), tmp_path / "a.svg")
    assert "regression" in (tmp_path / "a.svg").read_text()


def test_last_weeks_place_stands_beside_this_weeks(held: Registry) -> None:
    points = {point.model: point for point in series.points(held, held.models())}
    assert points["tiny"].cost == 0.0
    cloud = points["cloud"]
    assert cloud.before is not None
    assert cloud.before[1].solved > cloud.share.solved


def test_an_empty_registry_draws_nothing(tmp_path: Path) -> None:
    empty = Registry.open(tmp_path / FILE)
    for name in CHARTS:
        assert not draw(name, empty, [], tmp_path / f"{name}.svg")
        assert not (tmp_path / f"{name}.svg").exists()


def test_the_command_prints_bars_and_writes_files(held: Registry, home: Path, tmp_path: Path) -> None:
    held.close()
    (tmp_path / FILE).rename(home / FILE)
    plain = pyagent("capability", "chart")
    assert plain.code == 0
    assert "cloud" in plain.out
    assert "2026-W46 to 2026-W48" in plain.out
    told = json.loads(pyagent("--json", "capability", "chart", "heat", "-o", str(tmp_path / "pictures")).out)
    assert [Path(file).name for file in told["files"]] == ["heat.svg"]
    assert Path(told["files"][0]).exists()


def test_nothing_measured_is_said_with_what_to_do(home: Path) -> None:
    done = pyagent("capability", "chart")
    assert done.code == 4
    assert "pyagent capability check" in done.err
    assert pyagent("capability", "chart", "-m", "nobody").code == 4
