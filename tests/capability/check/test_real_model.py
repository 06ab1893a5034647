"""The real model, whole and broken: the unchanged one raises no alarm, a seeded fault does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyagent.engine.base import Bound, Engine, EngineOptions, Piece, Reply, Request
from pyagent.engine.llama.gguf import check_gguf
from pyagent.host.app import App
from pyagent.model import Model
from pyagent_plugins.capability.check.asking import EngineAsker
from pyagent_plugins.capability.check.checker import Checker, Ended
from pyagent_plugins.capability.check.measured import measured
from pyagent_plugins.capability.check.sanity import no_template
from pyagent_plugins.capability.items.suite import Profile
from pyagent_plugins.capability.registry.alerts import compared
from pyagent_plugins.capability.registry.registry import Registry
from tests.capability.models import local_models

# Ten anchors of each cheap dimension: two of each level.
SMALL = Profile("small", 1, anchors=10, fresh=0, long_anchors=0, long_fresh=0, repeats=2)
# Twice as many, which a broken set-up does not get to.
MORE = Profile("more", 1, anchors=20, fresh=0, long_anchors=0, long_fresh=0, repeats=2)
DIMS = ["know", "text"]

pytestmark = pytest.mark.local


class Hot:
    """The engine as a provider might set it up: whatever temperature is asked for, it samples at 2."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.width = engine, engine.width

    async def generate(self, request: Request, piece: Piece | None = None) -> Reply:
        return await self._engine.generate(replace(request, temperature=2.0), piece)

    def bound(self, request: Request) -> Bound:
        return self._engine.bound(request)

    def render(self, request: Request) -> str:
        return self._engine.render(request)

    async def aclose(self) -> None:
        await self._engine.aclose()


def check(registry: Registry, path: Path, week: int, hot: bool = False, profile: Profile = SMALL) -> Ended:
    """Check a file under the name `m` in a week."""
    app = App()
    model = Model("m", "llama", path=str(path), input_price=0.0, output_price=0.0)
    monday = datetime.fromisocalendar(2026, week, 1).replace(tzinfo=UTC).timestamp()

    async def work() -> Ended:
        options = EngineOptions(deterministic=True, home=str(app.data_dir), cache_dir=str(app.cache_dir))
        engine = app.open_engine(model, options)
        asker = EngineAsker(Hot(engine) if hot else engine, model, 600)
        try:
            checker = Checker(registry, profile, DIMS, clock=lambda: monday, whole=profile is SMALL)
            return await checker.check(measured(app, model), asker, model)
        finally:
            await asker.aclose()

    return asyncio.run(work())


@pytest.fixture(scope="module")
def files() -> Mapping[str, Path]:
    return local_models()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, Path]) -> Iterator[Registry]:
    """Week 40 holds the model as it is: what later weeks are held against."""
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch, Registry.open(folder / "capability.db") as opened:
        patch.setenv("PYAGENT_HOME", str(folder))
        assert check(opened, files["q8"], 40, profile=MORE).status == "valid"
        yield opened


def test_the_unchanged_model_raises_no_alarm(registry: Registry, files: Mapping[str, Path]) -> None:
    ended = check(registry, files["q8"], 42)
    report = compared(registry, "m", "2026-W40", "2026-W42")
    assert (report.paired, report.changed) == (30, 0)
    assert [alert for alert in report.alerts if alert.severity == "regression"] == []
    assert ended.ops["op.determinism"] == 1.0
    by_level = {1: [0.0], 5: [0.0]}
    for outcome in registry.outcomes(registry.checks("m", "2026-W42")[0].id):
        by_level.setdefault(outcome.level, []).append(outcome.solved)
    # Level 1 is within reach of 135M parameters, and level 5 is not.
    assert sum(by_level[1]) >= 3
    assert sum(by_level[5]) <= sum(by_level[1]) / 2


def test_temperature_two_stops_the_check_early(registry: Registry, files: Mapping[str, Path]) -> None:
    ended = check(registry, files["q8"], 41, hot=True, profile=MORE)
    assert (ended.status, ended.cells) == ("invalid", ())
    assert "the check was stopped after" in ended.reason
    assert 10 <= ended.asked < 60
    (alert,) = [alert for alert in registry.alerts("m", "2026-W41") if alert.kind == "stopped"]
    assert alert.severity == "regression"
    assert "that were asked in 2026-W40" in alert.message


def test_another_models_chat_template_is_flagged(registry: Registry, files: Mapping[str, Path]) -> None:
    ended = check(registry, files["bent"], 43)
    if ended.status == "valid":
        report = compared(registry, "m", "2026-W40", "2026-W43")
        assert "regression" in {alert.severity for alert in report.alerts}
    else:
        assert ended.reason


def test_a_third_fewer_layers_is_much_worse(registry: Registry, files: Mapping[str, Path]) -> None:
    assert check(registry, files["cut"], 44).status == "valid"
    report = compared(registry, "m", "2026-W40", "2026-W44")
    assert report.overall.verdict == "regression"


def test_the_files_are_what_they_are_said_to_be(files: Mapping[str, Path]) -> None:
    whole, q4, cut = (check_gguf(files[name]) for name in ("q8", "q4", "cut"))
    assert (whole.quant, q4.quant) == ("Q8_0", "Q4_0")
    assert q4.size < 0.7 * whole.size
    assert cut.tensors < whole.tensors
    assert cut.cell_bytes * 3 == whole.cell_bytes * 2


def test_a_file_without_a_chat_template_is_a_base_model(files: Mapping[str, Path], tmp_path: Path) -> None:
    from benchmarks.weaker_models import File, write

    file = File(files["cut"])
    del file.entries["tokenizer.chat_template"]
    bare = tmp_path / "bare.gguf"
    write(bare, file.pieces([(tensor, tensor.name) for tensor in file.tensors]))
    assert "no chat template" in no_template(Model("b", "llama", path=str(bare)))
    assert no_template(Model("w", "llama", path=str(files["cut"]))) == ""
