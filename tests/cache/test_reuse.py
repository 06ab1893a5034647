"""`swarm run` with the cache: asked once for each meaning, said so, and never given what has died."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import Server, pyagent, write_tasks


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve("--echo", "--keep", "--latency", "0.2")


def ask(server: Server, path: Path, *more: str) -> tuple[str, ...]:
    return ("swarm", "run", str(path), "-m", "stub", "--base-url", server.url, "--ordered", "-q", *more)


def sources(ended: Any) -> list[str]:
    assert ended.code == 0, ended.err
    return [line["source"] for line in ended.lines]


def test_equal_questions_at_once_are_one_call_and_later_ones_none(tmp_path: Path, server: Server) -> None:
    path = write_tasks(tmp_path / "a.jsonl", *({"prompt": "What is the capital of France?"} for _ in range(20)))
    first = pyagent(*ask(server, path))
    assert sorted(sources(first)) == ["coalesced"] * 19 + ["computed"]
    assert all(line["cost_usd"] == 0.0 for line in first.lines if line["source"] == "coalesced")
    other = write_tasks(tmp_path / "b.jsonl", {"id": "x", "prompt": "What is the capital of France?"})
    assert sources(pyagent(*ask(server, other))) == ["exact"]
    assert server.count()["requests"] == 1


def test_what_differs_in_anything_that_matters_is_asked_again(tmp_path: Path, server: Server) -> None:
    prompt = "What is the capital of France?"
    greeting = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    path = write_tasks(
        tmp_path / "a.jsonl",
        {"prompt": prompt},
        {"prompt": prompt, "tenant": "other"},
        {"prompt": prompt, "system": "Be brief."},
        {"prompt": prompt, "max_tokens": 7},
        {"prompt": prompt, "temperature": 1.0},
        {"prompt": prompt, "temperature": 1.0, "seed": 1},
        {"prompt": prompt, "temperature": 1.0, "seed": 2},
        {"messages": [*greeting, {"role": "user", "content": prompt}]},
        {"prompt": "What is the capital of Spain?"},
    )  # fmt: skip
    assert set(sources(pyagent(*ask(server, path)))) == {"computed"}
    again = write_tasks(tmp_path / "b.jsonl", *[json.loads(line) for line in path.read_text().splitlines()])
    found = sources(pyagent(*ask(server, again)))
    assert found[4] == "computed", "sampled without a seed"
    assert [*found[:4], *found[5:]] == ["exact"] * 8


def test_an_edited_file_makes_a_task_new_and_the_others_stay(tmp_path: Path, server: Server) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_text(name)
    tasks = [{"prompt": f"Sum up {name}.", "depends_on": [f"{name}.txt"]} for name in ("one", "two")]
    path = write_tasks(tmp_path / "a.jsonl", *tasks)
    assert sources(pyagent(*ask(server, path))) == ["computed", "computed"]
    (tmp_path / "one.txt").write_text("another text")
    assert sources(pyagent(*ask(server, path))) == ["computed", "computed"], "the second is known to the run"
    assert server.count()["requests"] == 3
    fresh = write_tasks(tmp_path / "b.jsonl", *tasks)
    assert sources(pyagent(*ask(server, fresh))) == ["exact", "exact"]
    gone = pyagent("cache", "invalidate", "--depends-on", str(tmp_path / "two.txt"))
    assert "1 kept answer is gone" in gone.err
    last = write_tasks(tmp_path / "c.jsonl", *tasks)
    assert sources(pyagent(*ask(server, last))) == ["exact", "computed"]


def test_only_replays_bit_for_bit_and_asks_nobody(tmp_path: Path, server: Server) -> None:
    path = write_tasks(tmp_path / "a.jsonl", *({"prompt": f"What is {n} plus {n}?"} for n in range(5)))
    assert pyagent(*ask(server, path)).code == 0
    server.process.kill()
    first = pyagent(*ask(server, path, "--cache", "only"))
    again = pyagent(*ask(server, path, "--cache", "only", "--rerun", "all"))
    assert sources(first) == ["exact"] * 5
    assert first.out == again.out
    new = write_tasks(tmp_path / "b.jsonl", {"prompt": "What is this?"})
    missed = pyagent(*ask(server, new, "--cache", "only"))
    assert missed.code == 1
    assert missed.lines[0]["error"].startswith("not in the cache")


def test_a_dry_run_knows_what_is_kept(tmp_path: Path, server: Server) -> None:
    path = write_tasks(tmp_path / "a.jsonl", {"prompt": "Where is Rome?"})
    assert pyagent(*ask(server, path)).code == 0
    more = write_tasks(tmp_path / "b.jsonl", {"prompt": "Where is Rome?"}, {"prompt": "Where is Oslo?"})
    forecast = json.loads(pyagent("--json", *ask(server, more, "--dry-run")).out)
    assert (forecast["done"], forecast["models"][0]["tasks"]) == (1, 1)
    assert server.count()["requests"] == 1


def test_refresh_asks_again_and_off_neither_looks_nor_keeps(tmp_path: Path, server: Server) -> None:
    def fresh(n: int) -> Path:
        return write_tasks(tmp_path / f"{n}.jsonl", {"prompt": "q"})

    assert sources(pyagent(*ask(server, fresh(1), "--cache", "off"))) == ["computed"]
    assert sources(pyagent(*ask(server, fresh(2)))) == ["computed"]
    assert sources(pyagent(*ask(server, fresh(3), "--cache", "refresh"))) == ["computed"]
    assert sources(pyagent(*ask(server, fresh(4)))) == ["exact"]
    assert server.count()["requests"] == 3


def test_a_joined_stream_says_the_same_as_the_leaders(tmp_path: Path, server: Server) -> None:
    path = write_tasks(tmp_path / "a.jsonl", *({"id": f"t{n}", "prompt": "one two three"} for n in range(3)))
    ended = pyagent(*ask(server, path, "--stream"))
    for id in ("t0", "t1", "t2"):
        pieces = [line for line in ended.lines if line["id"] == id and "epoch" in line]
        newest = max(piece["epoch"] for piece in pieces)
        assert "".join(piece["text"] for piece in pieces if piece["epoch"] == newest) == "one two three"
    assert server.count()["requests"] == 1


def test_failures_are_not_kept_and_fail_alone(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve("--faults", "500", "--every", "1", "--latency", "0.05")
    path = write_tasks(tmp_path / "a.jsonl", {"prompt": "q"}, {"prompt": "q"})
    ended = pyagent(*ask(server, path, "--retries", "0"))
    assert [line["status"] for line in ended.lines] == ["failed", "failed"]
    assert server.count()["requests"] == 2
    stats = json.loads(pyagent("--json", "cache", "stats").out)
    assert stats["entries"] == 0


def test_a_cache_that_cannot_be_written_costs_its_answers_not_the_run(
    tmp_path: Path, home: Path, server: Server
) -> None:
    (home / "answers").write_text("in the way")
    path = write_tasks(tmp_path / "a.jsonl", {"prompt": "q"})
    ended = pyagent(*ask(server, path))
    assert ended.code == 0, ended.err
    assert "goes on without kept answers" in ended.err


def test_the_cache_commands(tmp_path: Path, home: Path, server: Server) -> None:
    path = write_tasks(tmp_path / "a.jsonl", {"prompt": "Where is Rome?"}, {"prompt": "Where is Oslo?"})
    assert pyagent(*ask(server, path)).code == 0
    stats = json.loads(pyagent("--json", "cache", "stats").out)
    assert (stats["entries"], stats["misses"]["new"]) == (2, 2)
    assert stats["semantic"]["mode"] == "strict"
    assert "strict hits only" in pyagent("cache", "stats").out
    (entry,) = json.loads(pyagent("--json", "cache", "show", "1").out)
    assert (entry["prompt"], entry["state"]) == ("Where is Rome?", "fresh")
    assert pyagent("cache", "verify").code == 0
    exported = tmp_path / "kept.jsonl"
    assert "2 entries" in pyagent("cache", "export", str(exported)).err
    assert "2 entries are deleted" in pyagent("cache", "clear").err
    assert "2 entries are new here" in pyagent("cache", "import", str(exported)).err
    other = write_tasks(tmp_path / "b.jsonl", {"prompt": "Where is Rome?"})
    assert sources(pyagent(*ask(server, other))) == ["exact"]
    assert pyagent("cache", "show", "999").code == 2
