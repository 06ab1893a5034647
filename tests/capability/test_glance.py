"""What the statistics page shows of measurements and routes is what the registry holds."""

from __future__ import annotations

from pathlib import Path

from pyagent_plugins.capability.glance import glance
from pyagent_plugins.capability.registry.registry import Registry
from tests.capability.route.fleet import DIMS, measure


def test_measurements_and_routes_are_told_by_model(home: Path) -> None:
    path = measure({"small": {"code.write": 0.25, "": 0.5}, "large": 0.9}, n=40)
    with Registry.open(path) as registry:
        first = registry.routed({}, ["small", "large"], "small", 0.8, 0.7, 0.0, 1.0)
        registry.routed({}, ["small", "large"], "small", 0.6, 0.5, 0.0, 1.0)
        registry.routed({}, ["small", "large"], "large", 0.9, 0.8, 0.1, 1.0)
        registry.outcome(first, 1.0)
    told = dict(glance(path))
    assert {(row["model"], row["dim"]) for row in told["capability"]} == {
        (m, d) for m in ("small", "large") for d in DIMS
    }
    (row,) = [row for row in told["capability"] if (row["model"], row["dim"]) == ("small", "code.write")]
    assert (row["solved"], row["n"]) == (0.25, 40)
    assert row["low"] < 0.25 < row["high"]
    assert told["measured"]["small"]["code.write"] == 0.25
    assert told["measured"]["small"]["week"] == row["week"]
    small, large = told["routing"]
    assert (small["model"], small["tasks"], small["chance"], small["judged"], small["good"]) == (
        "small",
        2,
        0.7,
        1,
        1.0,
    )
    assert (large["model"], large["tasks"], large["judged"], large["good"]) == ("large", 1, 0, None)


def test_nothing_and_rubbish_are_told_as_nothing(tmp_path: Path) -> None:
    assert dict(glance(tmp_path / "nothing.db")) == {}
    (tmp_path / "rubbish.db").write_bytes(b"no database" * 1000)
    assert dict(glance(tmp_path / "rubbish.db")) == {}
