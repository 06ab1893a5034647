"""`pyagent swarm run` as its users meet it: budgets, faults, orders, outputs, and what each exit code means."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import Server, pyagent, start_pyagent, write_tasks


@pytest.fixture
def ask(serve: Callable[..., Server]) -> Callable[..., tuple[str, ...]]:
    """The command line for a file against a stub with these options."""

    def command(path: Path, *options: str) -> tuple[str, ...]:
        return ("swarm", "run", str(path), "-m", "stub", "--base-url", serve(*options).url)

    return command


def test_results_on_stdout_progress_on_stderr(tmp_path: Path, ask: Any) -> None:
    ended = pyagent(*ask(write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "hello"}), "--echo"))
    assert ended.code == 0
    (line,) = ended.lines
    assert list(line) == [
        "id", "status", "output", "source", "model", "usage", "cost_usd", "attempts", "seconds", "error",
    ]  # fmt: skip
    assert (line["id"], line["status"], line["output"], line["source"]) == ("a", "ok", "hello", "computed")
    assert line["usage"] == {"input_tokens": 12, "output_tokens": 8}
    assert "1/1 done" in ended.err


def test_stdin_is_spooled_named_by_its_content_and_resumed(tmp_path: Path, ask: Any) -> None:
    command = ask(Path("-"), "--echo")
    first = pyagent(*command, stdin="one\ntwo\n")
    assert [line["output"] for line in first.lines] == ["one", "two"]
    again = pyagent(*command, stdin="one\ntwo\n")
    assert sorted(again.out.splitlines()) == sorted(first.out.splitlines())
    assert "2 known" in again.err


def test_csv_and_text_files_are_read_as_they_look(tmp_path: Path, ask: Any) -> None:
    (tmp_path / "t.csv").write_text('id,prompt\nx,"two\nlines"\n')
    assert pyagent(*ask(tmp_path / "t.csv", "--echo")).lines[0]["output"] == "two\nlines"
    (tmp_path / "t.txt").write_text("first\n\nsecond\n")
    ended = pyagent(*ask(tmp_path / "t.txt", "--echo"), "--ordered")
    assert [(line["id"], line["output"]) for line in ended.lines] == [("1", "first"), ("3", "second")]


def test_results_of_earlier_tasks_are_filled_in_wherever_they_stand(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(
        tmp_path / "t.jsonl",
        {"id": "sum", "after": ["a", "b"], "prompt": "{{ results.a }} and {{ results.b }}"},
        {"id": "a", "prompt": "left"},
        {"id": "b", "prompt": "right {{ kept }}"},
    )
    ended = pyagent(*ask(path, "--echo"), "--ordered")
    assert [line["output"] for line in ended.lines] == ["left and right {{ kept }}", "left", "right {{ kept }}"]


def test_a_result_that_lacks_what_is_quoted_fails_the_one_task(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(
        tmp_path / "t.jsonl",
        {"id": "a", "prompt": '{"n": 1}', "schema": {"type": "object"}},
        {"id": "b", "after": ["a"], "prompt": "{{ results.a.m }}"},
        {"id": "c", "after": ["a"], "prompt": "{{ results.a.n }}"},
    )
    ended = pyagent(*ask(path, "--echo"), "--ordered")
    assert ended.code == 1
    assert [line["status"] for line in ended.lines] == ["ok", "failed", "ok"]
    assert ended.lines[2]["output"] == "1"
    dry = pyagent("--json", *ask(path, "--echo"), "--dry-run")
    assert sum(model["tasks"] for model in json.loads(dry.out)["models"]) == 3


def test_what_waits_for_a_failed_task_is_skipped_and_done_by_rerun(tmp_path: Path, serve: Any) -> None:
    path = write_tasks(
        tmp_path / "t.jsonl", {"id": "a", "prompt": "x"}, {"id": "b", "after": ["a"], "prompt": "{{ results.a }}"}
    )
    server = serve("--faults", "500", "--every", "1")
    command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--ordered", "--retries", "0")
    ended = pyagent(*command)
    assert ended.code == 1
    assert [line["status"] for line in ended.lines] == ["failed", "skipped"]
    assert "a is failed" in ended.lines[1]["error"]
    assert pyagent(*command).code == 1, "the same command does not ask again what has failed"
    assert server.count()["requests"] == 1
    assert pyagent(*command, "--fail-on", "2").code == 0
    assert pyagent(*command, "--fail-on", "100%").code == 0
    assert pyagent(*command, "--rerun", "failed").code == 1
    assert server.count()["requests"] == 2


def test_passing_faults_cost_a_retry_and_no_result(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(12)))
    ended = pyagent(*ask(path, "--faults", "500,cut,503", "--every", "4"), "-j", "2")
    assert ended.code == 0, ended.err
    assert len(ended.lines) == 12
    assert any(line["attempts"] > 1 for line in ended.lines)


def test_a_token_budget_is_never_overshot_and_a_larger_one_goes_on(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}", "max_tokens": 8} for n in range(20)))
    command = ask(path)
    stopped = pyagent(*command, "--max-tokens", "300")
    assert stopped.code == 3
    used = sum(sum(line["usage"].values()) for line in stopped.lines)
    assert 0 < used <= 300
    on = pyagent(*command, "--max-tokens", "100000")
    assert on.code == 0
    assert len(on.lines) == 20


def test_a_money_budget_without_a_price_is_refused_and_with_one_kept(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}", "max_tokens": 8} for n in range(20)))
    command = ask(path)
    refused = pyagent(*command, "--max-cost", "1")
    assert refused.code == 2
    assert "price of stub" in refused.err
    (tmp_path / "config.toml").write_text(
        f'[models.stub]\nprovider = "here"\nremote = "stub"\ninput_price = 1000.0\noutput_price = 1000.0\n'
        f'[providers.here]\nbase_url = "{command[-1]}"\n'
    )
    env = {**os.environ, "PYAGENT_HOME": str(tmp_path)}
    priced = pyagent("swarm", "run", str(path), "-m", "stub", "--max-cost", "0.3", env=env)
    assert priced.code == 3, priced.err
    assert 0 < sum(line["cost_usd"] for line in priced.lines) <= 0.3


def test_time_is_up(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(50)))
    command = ask(path, "--latency", "0.2")
    ended = pyagent(*command, "-j", "2", "--max-time", "0.5")
    assert ended.code == 3
    assert "--max-time" in ended.err
    assert len(ended.lines) < 50


def test_fail_fast_stops_at_the_first_failure(tmp_path: Path, serve: Any) -> None:
    server = serve("--faults", "500", "--every", "3")
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(30)))
    command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--retries", "0", "-j", "1")
    ended = pyagent(*command, "--fail-fast")
    assert ended.code == 1
    assert [line["status"] for line in ended.lines] == ["ok", "ok", "failed"]


def test_nobody_there_is_69_and_nothing_is_lost(tmp_path: Path, serve: Any) -> None:
    server = serve()
    server.process.kill()
    server.process.wait()
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "q"})
    ended = pyagent("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--retries", "1")
    assert ended.code == 69
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_a_refused_key_is_77(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "q"})
    ended = pyagent(*ask(path, "--faults", "401", "--every", "1"), env={**os.environ, "OPENAI_API_KEY": "sk-secret"})
    assert ended.code == 77
    assert "sk-secret" not in ended.err + ended.out


def test_a_stream_is_pieces_then_the_result(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "one two three"})
    ended = pyagent(*ask(path, "--echo"), "--stream")
    *pieces, result = ended.lines
    assert "".join(piece["text"] for piece in pieces) == result["output"] == "one two three"
    assert [piece["index"] for piece in pieces] == list(range(len(pieces)))


@pytest.mark.parametrize("format", ["json", "csv", "table"])
def test_whole_documents_in_other_formats(tmp_path: Path, ask: Any, format: str) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "x"}, {"id": "b", "prompt": "y"})
    command = (*ask(path, "--echo"), "--format", format)
    ended = pyagent(*command)
    assert ended.code == 0, ended.err
    if format == "json":
        assert [row["id"] for row in json.loads(ended.out)] == ["a", "b"]
    elif format == "csv":
        assert [row["output"] for row in csv.DictReader(io.StringIO(ended.out))] == ["x", "y"]
    else:
        assert "a" in ended.out
        assert "ok" in ended.out


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}", "max_tokens": 8} for n in range(20)))
    target = tmp_path / "out.jsonl"
    command = (*ask(path), "-o", str(target))
    assert pyagent(*command, "--max-tokens", "300").code == 3
    assert not target.exists()
    ended = pyagent(*command)
    assert (ended.code, ended.out) == (0, "")
    assert len(target.read_text().splitlines()) == 20
    assert [file.name for file in tmp_path.iterdir() if "part" in file.name] == []


def test_reports_for_ci(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"id": "a", "prompt": "x"})
    files = [tmp_path / name for name in ("j.xml", "s.md", "s.sarif")]
    ended = pyagent(*ask(path), "--junit", str(files[0]), "--summary", str(files[1]), "--sarif", str(files[2]))
    assert ended.code == 0, ended.err
    assert "<testcase" in files[0].read_text()
    assert "1" in files[1].read_text()
    assert json.loads(files[2].read_text())["version"] == "2.1.0"


def test_shards_are_merged_into_the_whole(tmp_path: Path, serve: Any) -> None:
    server = serve("--echo", "--keep")
    path = write_tasks(tmp_path / "t.jsonl", *({"id": f"t{n}", "prompt": f"q{n}"} for n in range(11)))
    parts = []
    for share in (1, 2, 3):
        part = tmp_path / f"part{share}.jsonl"
        command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--shard", f"{share}/3")
        assert pyagent(*command, "-o", str(part)).code == 0
        parts.append(str(part))
    merged = pyagent("swarm", "merge", *parts, "--tasks", str(path))
    assert merged.code == 0
    assert [line["id"] for line in merged.lines] == [f"t{n}" for n in range(11)]
    assert set(server.count()["prompts"].values()) == {1}
    assert pyagent("swarm", "merge", *parts[:2], "--tasks", str(path)).code == 1


def test_a_dry_run_asks_nobody_and_knows_what_is_done(tmp_path: Path, serve: Any) -> None:
    server = serve()
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "x", "max_tokens": 5}, {"prompt": "x", "max_tokens": 5})
    command = ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url)
    dry = pyagent("--json", *command, "--dry-run")
    assert dry.code == 0, dry.err
    forecast = json.loads(dry.out)
    assert (forecast["tasks"], forecast["duplicates"], forecast["done"]) == (2, 1, 0)
    (model,) = forecast["models"]
    assert (model["model"], model["tasks"], model["output_tokens"]) == ("stub", 2, 10)
    assert server.count()["requests"] == 0
    shown = pyagent(*command, "--dry-run", "--show-prompts")
    assert '"content":"x"' in shown.out
    assert pyagent(*command).code == 0
    assert json.loads(pyagent("--json", *command, "--dry-run").out)["done"] == 2


def test_a_dry_run_counts_what_turns_and_repairs_add_and_says_what_it_cannot_know(tmp_path: Path) -> None:
    def dry(task: dict[str, Any], *more: str) -> dict[str, Any]:
        path = write_tasks(tmp_path / "one.jsonl", {"prompt": "What is 2 + 2?", "max_tokens": 100, **task})
        said = pyagent("--json", "swarm", "run", str(path), "-m", "openai/gpt-4.1-mini", "--dry-run", *more)
        forecast: dict[str, Any] = json.loads(said.out)
        return {**forecast["models"][0], "estimated": forecast["estimated"]}

    plain, schema = dry({}), dry({"schema": {"type": "integer"}}, "--repairs", "2")
    assert (plain["estimated"], plain["output_tokens"], schema["output_tokens"]) == (0, 100, 300)
    # Each repair holds the refused answer and what was wrong with it.
    assert schema["input_tokens"] > 3 * plain["input_tokens"] + 2 * 100
    tools = dry({"tools": ["calculator"]})
    assert (tools["estimated"], tools["output_tokens"]) == (1, 800)
    assert tools["input_tokens"] >= 8 * plain["input_tokens"] + 28 * 100
    told = pyagent("swarm", "run", str(tmp_path / "one.jsonl"), "-m", "openai/gpt-4.1-mini", "--dry-run").out
    assert "1 task with tools or hand-offs: an estimate" in told


def test_status_results_resume_and_stop(tmp_path: Path, serve: Any) -> None:
    server = serve("--latency", "0.1")
    path = write_tasks(tmp_path / "work.jsonl", *({"prompt": f"q{n}"} for n in range(80)))
    process = start_pyagent(
        "swarm", "run", "work.jsonl", "-m", "stub", "--base-url", server.url, "-j", "1", cwd=tmp_path
    )
    assert process.stdout is not None
    process.stdout.readline()
    (row,) = json.loads(pyagent("--json", "swarm", "status").out)
    assert (row["status"], row["run"].startswith("work-")) == ("running", True)
    assert pyagent("swarm", "scale", row["run"], "4").code == 0
    assert pyagent("swarm", "pause", row["run"]).code == 0
    time.sleep(1.2)  # commands are taken every half second, and four calls of 0.1 s come home
    paused = server.count()["requests"]
    time.sleep(0.6)
    assert server.count()["requests"] == paused
    assert "goes on" in pyagent("swarm", "resume", row["run"]).err
    assert pyagent("swarm", "stop", "work").code == 0
    process.communicate(timeout=20)
    assert process.returncode == 143
    (row,) = json.loads(pyagent("--json", "swarm", "status").out)
    assert row["status"] == "stopped"
    resumed = pyagent("swarm", "resume", row["run"])
    assert resumed.code == 0, resumed.err
    assert len(resumed.lines) == 80
    results = pyagent("swarm", "results", row["run"])
    assert sorted(line["id"] for line in results.lines) == sorted(line["id"] for line in resumed.lines)
    unknown = pyagent("swarm", "results", "wrok")
    assert unknown.code == 2
    assert path.exists()


def test_a_reader_that_has_enough_ends_the_run_and_loses_nothing(tmp_path: Path, serve: Any) -> None:
    server = serve("--latency", "0.02")
    path = write_tasks(tmp_path / "t.jsonl", *({"prompt": f"q{n}"} for n in range(200)))
    command = [sys.executable, "-m", "pyagent", "swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "-q"]
    piped = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" -j 2 | head -1', "-", *command],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert len(piped.stdout.splitlines()) == 1
    assert "Traceback" not in piped.stderr
    assert "BrokenPipe" not in piped.stderr
    assert piped.returncode == 141
    assert server.count()["requests"] < 200
    asked = server.count()["requests"]
    whole = pyagent(*command[3:], "-j", "8")
    assert len(whole.lines) == 200
    assert server.count()["requests"] <= 200 + 4, f"{asked} were asked before"


def test_stdout_on_a_full_disk_is_74(tmp_path: Path, ask: Any) -> None:
    path = write_tasks(tmp_path / "t.jsonl", {"prompt": "q"})
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "pyagent", *ask(path)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert ended.returncode == 74
    assert "stdout cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr
