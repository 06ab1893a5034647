"""`swarm run` without a model: each task goes to the cheapest that is measured to be good enough."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pyagent.host.app import DEFAULT_MODEL
from pyagent_plugins.capability.registry.registry import Registry
from tests.capability.route.fleet import configure, measure, registry_path
from tests.program import Ended, Server, pyagent, write_tasks

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.fixture
def fleet(home: Path, serve: Callable[..., Server]) -> dict[str, Server]:
    """A cheap server that writes no JSON and a dear one that does; the small local model knows nothing."""
    servers = {"cheap": serve("--answer", "seven", "--keep"), "dear": serve("--answer", '{"n": 7}', "--keep")}
    configure(home, {"cheap": (servers["cheap"].url, 1.0, ""), "dear": (servers["dear"].url, 30.0, "")})
    return servers


def run(path: Path, *more: str) -> Ended:
    return pyagent("swarm", "run", str(path), "--ordered", *more)


def test_each_task_goes_to_the_cheapest_that_suffices(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.02, "cheap": {"": 0.9, "code.write": 0.1}, "dear": 0.92})
    path = write_tasks(
        tmp_path / "t.jsonl",
        {"id": "easy", "prompt": "What is the capital of Peru?", "max_tokens": 8},
        {
            "id": "code",
            "prompt": "Implement a function in Rust which merges two sorted lists. Return only the code.",
            "max_tokens": 8,
        },
    )
    ended = run(path, "--deterministic")
    assert ended.code == 0, ended.err
    assert [line["model"] for line in ended.lines] == ["cheap", "dear"]
    lax = run(path, "--quality", "0", "--deterministic", "--cache", "off")
    assert {line["model"] for line in lax.lines} == {DEFAULT_MODEL}, "nothing has to be reached, so what costs nothing"


def test_nothing_measured_means_the_default_model_and_says_so(tmp_path: Path, fleet: dict[str, Server]) -> None:
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"Say {n}.", "max_tokens": 2} for n in range(3)))
    ended = run(path)
    assert {line["model"] for line in ended.lines} == {DEFAULT_MODEL}
    assert ended.err.count("no model was measured") == 1
    strict = run(path, "--require-measured", "--run", "strict")
    assert strict.code == 4
    assert "was not measured" in strict.err
    assert fleet["cheap"].count()["requests"] == fleet["dear"].count()["requests"] == 0


def test_a_model_that_the_user_names_is_not_chosen_away(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.9, "cheap": 0.9, "dear": 0.9})
    path = write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "x"}, {"id": "b", "prompt": "y", "model": "cheap"})
    assert [line["model"] for line in run(path, "-m", "dear").lines] == ["dear", "cheap"]
    assert [line["model"] for line in run(path, "-m", "dear", "--require-measured", "--run", "r").lines] == [
        "dear", "cheap"]  # fmt: skip


def test_a_cheap_answer_that_misses_its_schema_climbs_and_both_are_billed(
    tmp_path: Path, fleet: dict[str, Server]
) -> None:
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.9, "dear": 0.95})
    path = write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "Give n as JSON: seven.", "schema": SCHEMA})
    (line,) = run(path, "--deterministic", "--repairs", "0").lines
    assert (line["status"], line["output"], line["model"], line["attempts"]) == ("ok", {"n": 7}, "dear", 2)
    assert fleet["cheap"].count()["requests"] == fleet["dear"].count()["requests"] == 1
    assert line["cost_usd"] == pytest.approx(20 * 1e-6 + 20 * 30e-6), "12 + 8 tokens with each"
    with Registry.open(registry_path(), readonly=True) as registry:
        (row,) = registry.routes()
    assert (row.chosen, row.good) == ("cheap", 0.0)


def test_a_server_that_is_gone_is_left_alone_and_another_answers(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.9, "dear": 0.9})
    fleet["cheap"].process.kill()
    fleet["cheap"].process.wait()
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"What is {n} + 1?"} for n in range(6)))
    ended = run(path, "--retries", "0", "-j", "1", "--deterministic")
    assert ended.code == 0, ended.err
    assert {line["model"] for line in ended.lines} == {"dear"}


def test_resume_keeps_its_results_whoever_would_answer_now(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.9, "dear": 0.9})
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"What is {n} + 1?"} for n in range(3)))
    first = run(path, "--deterministic")
    assert {line["model"] for line in first.lines} == {"cheap"}
    registry_path().unlink()
    for beside in registry_path().parent.glob("capability.db-*"):
        beside.unlink()
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.1, "dear": 0.9})
    again = run(path, "--deterministic")
    assert again.out == first.out
    assert fleet["dear"].count()["requests"] == 0
    write_tasks(path, *({"prompt": f"What is {n} + 1?"} for n in range(4)))
    assert Counter(line["model"] for line in run(path, "--deterministic", "--cache", "off").lines) == {
        "cheap": 3, "dear": 1}  # fmt: skip


def test_a_kept_answer_counts_only_when_its_model_is_enough(tmp_path: Path, fleet: dict[str, Server]) -> None:
    """The scope in the cache is the quality, not the model; who made the answer is looked at."""
    question = {"id": "a", "prompt": "What is the capital of Peru?"}
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.9, "dear": 0.9})
    path = write_tasks(tmp_path / "t.jsonl", question)
    assert run(path, "--deterministic").lines[0]["model"] == "cheap"
    kept = run(path, "--deterministic", "--run", "two").lines[0]
    assert (kept["source"], kept["model"]) == ("exact", "cheap")
    registry_path().unlink()
    for beside in registry_path().parent.glob("capability.db-*"):
        beside.unlink()
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.1, "dear": 0.9})
    anew = run(path, "--deterministic", "--run", "three").lines[0]
    assert (anew["source"], anew["model"]) == ("computed", "dear")
    better = run(path, "--deterministic", "--run", "four").lines[0]
    assert (better["source"], better["model"]) == ("exact", "dear")


def test_a_budget_is_kept_with_the_model_that_is_chosen(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.5, "dear": 0.95})
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"Is {n} odd?", "max_tokens": 8} for n in range(9)))
    ended = run(path, "--max-cost", "0.01", "--deterministic", "-j", "1")
    spent = sum(line["cost_usd"] for line in ended.lines)
    assert 0 < spent <= 0.01
    models = [line["model"] for line in ended.lines]
    assert models[0] == "dear"
    assert models[-1] != "dear", "what the budget cannot pay for any more goes to whom it can"


def test_a_need_that_nobody_meets_ends_with_four_and_names_the_nearest(
    tmp_path: Path, fleet: dict[str, Server]
) -> None:
    measure({DEFAULT_MODEL: 0.5, "cheap": 0.5})
    needs = {"local": True, "context": 500_000}
    ended = run(write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "x", "needs": needs}))
    assert ended.code == 4
    assert "room for 500,000 tokens" in ended.err
    assert "Traceback" not in ended.err
    local = write_tasks(tmp_path / "l.jsonl", {"id": "a", "prompt": "x", "max_tokens": 2, "needs": {"local": True}})
    assert run(local).lines[0]["model"] == DEFAULT_MODEL


def test_a_dry_run_shows_the_model_of_each_task(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.02, "cheap": {"": 0.9, "code.write": 0.1}, "dear": 0.92})
    path = write_tasks(
        tmp_path / "t.jsonl",
        {"id": "easy", "prompt": "What is the capital of Peru?"},
        {"id": "code", "prompt": "Write a Python function that reverses a string."},
    )
    shown = json.loads(pyagent("--json", "swarm", "run", str(path), "--dry-run").out)
    assert shown["routes"] == {"easy": "cheap", "code": "dear"}
    assert "easy -> cheap" in pyagent("swarm", "run", str(path), "--dry-run").out
    with Registry.open(registry_path(), readonly=True) as registry:
        assert registry.routes() == [], "a dry run leaves nothing behind"


def test_decisions_are_kept_with_their_propensity(tmp_path: Path, fleet: dict[str, Server]) -> None:
    measure({DEFAULT_MODEL: 0.0, "cheap": 0.9, "dear": 0.9})
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"What is {n} + 1?"} for n in range(40)))
    ended = run(path)
    with Registry.open(registry_path(), readonly=True) as registry:
        rows = registry.routes()
    assert len(rows) == 40
    by = Counter(line["model"] for line in ended.lines)
    assert Counter(row.chosen for row in rows) == by
    for row in rows:
        assert row.propensity == pytest.approx(0.99 if row.chosen == "cheap" else 0.01)
        assert "What is" not in json.dumps(row.needs), "prompts stay out of it"
        assert [each["model"] for each in row.candidates] == [DEFAULT_MODEL, "cheap", "dear"]


def test_two_local_models_by_name(tmp_path: Path, home: Path) -> None:
    """The same weights under two names, of which one was measured to be better: it answers, for real."""
    model = next((home / "cache" / "models").glob("*.gguf"), None)
    if model is None:
        assert run(write_tasks(tmp_path / "w.jsonl", {"prompt": "Hi.", "max_tokens": 1})).code == 0
        model = next((home / "cache" / "models").glob("*.gguf"))
    (home / "config.toml").write_text(f'[models.twin]\npath = "{model}"\n')
    measure({DEFAULT_MODEL: 0.2, "twin": 0.6})
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "What is the capital of France?", "max_tokens": 4})
    (line,) = run(path, "--deterministic").lines
    assert (line["status"], line["model"]) == ("ok", "twin")


def test_a_fresh_machine_with_one_model_just_answers(tmp_path: Path, home: Path) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "Say hello.", "max_tokens": 2})
    first = run(path)
    assert (first.code, first.lines[0]["status"]) == (0, "ok")
    assert "measured" not in first.err, "there is nothing to choose, so nothing to measure first"
    asks = write_tasks(tmp_path / "n.jsonl", {"prompt": "x", "needs": {"modality": "image"}})
    assert run(asks).code == 4, "what must be met is held against the only model, too"
