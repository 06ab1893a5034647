"""Runs seen and steered through the server: started here or in a shell, killed, resumed, and watched as they go."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.program import Server, start_pyagent, write_tasks
from tests.web.server import MODEL, events, serving, start, until

Serve = Callable[..., Server]
Place = tuple[Path, Path]


@pytest.fixture
def model(home: Path, serve: Serve) -> Serve:
    """Make the stub, with these options, the default model of this home."""

    def make(*options: str) -> Server:
        server = serve(*options)
        (home / "config.toml").write_text(MODEL.format(url=server.url))
        return server

    return make


def lines(count: int, start: int = 0) -> str:
    return "".join(json.dumps({"id": f"t{n}", "prompt": f"question {n}"}) + "\n" for n in range(start, start + count))


def run(client: httpx.Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/v1/runs/{id}").json()
    return found


def begin(client: httpx.Client, **wish: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/runs", json=wish)
    assert answer.status_code == 201, answer.text
    begun: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/runs/{begun['id']}"
    return begun


def test_a_run_started_here_is_answered_listed_and_told_task_by_task(place: Place, model: Serve) -> None:
    model("--answer", "<script>alert(1)</script> & more")
    with serving(*place) as served, served.sign_in() as client:
        id = begin(client, tasks=lines(7), name="first", jobs=2)["id"]
        done = until(lambda: (r := run(client, id))["status"] == "finished" and r)
        assert done["done"] == {"ok": 7, "failed": 0, "skipped": 0}
        assert done["tokens"] == {"input": 84, "output": 56}
        assert done["cost_usd"] == pytest.approx((84 + 2 * 56) / 1e6)
        first = client.get(f"/api/v1/runs/{id}/tasks", params={"limit": 5}).json()
        rest = client.get(f"/api/v1/runs/{id}/tasks", params={"limit": 5, "cursor": first["next"]}).json()
        assert {item["id"] for item in first["items"] + rest["items"]} == {f"t{n}" for n in range(7)}
        assert rest["next"] is None
        task = client.get(f"/api/v1/runs/{id}/tasks/t3")
        assert task.headers["content-type"] == "application/json", "what a model wrote is never a page"
        assert task.headers["x-content-type-options"] == "nosniff"
        told = task.json()
        assert told["output"] == told["text"] == "<script>alert(1)</script> & more"
        assert told["prompt"] == [{"role": "user", "content": "question 3"}]
        trace = client.get(f"/api/v1/runs/{id}/traces/t3").json()
        assert [trace["names"][name] for name in trace["name"]] == ["task", "call"]
        assert [trace["labels"][label] for label in trace["label"]][1] == "stub"
        assert (trace["parent"], trace["status"], trace["started"][0]) == ([None, 0], [0, 0], 0)
        listed = client.get(f"/api/v1/runs/{id}/tasks/t3/spans").json()["items"]
        opened = [client.get(f"/api/v1/runs/{id}/spans/{span}/t3").json() for span in trace["span"]]
        assert listed == opened
        assert opened[1]["parent"] == opened[0]["span"]
        assert opened[0]["data"]["input_tokens"] == opened[1]["data"]["input_tokens"] == 12
        assert opened[1]["data"]["messages"] == told["prompt"]
        for nothing in ("traces/nobody", "spans/1.9/t3", "spans/x/t3", "spans/1.0/nobody"):
            assert client.get(f"/api/v1/runs/{id}/{nothing}").status_code == 404
        results = client.get(f"/api/v1/runs/{id}/results.jsonl").text.splitlines()
        assert {json.loads(line)["id"] for line in results} == {f"t{n}" for n in range(7)}
        trace = client.get(f"/api/v1/runs/{id}/trace.otlp.json").json()
        assert len(trace["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 1 + 2 * 7
        stats = client.get("/api/v1/stats").json()
        assert sum(stats["series"]["tasks"]) == 7
        assert stats["models"][0]["model"] == "stub"
        assert stats["models"][0]["p50"] <= stats["models"][0]["p99"]
        assert stats["cache"]["computed"] == 7


def test_a_bad_file_is_told_line_by_line_and_nothing_is_asked(place: Place, model: Serve) -> None:
    server = model()
    with serving(*place) as served, served.sign_in() as client:
        answer = client.post("/api/v1/runs", json={"tasks": '{"prompt": "fine"}\n{"id": 3}\nnot json\n'})
        assert answer.status_code == 422
        assert "line 2: " in answer.json()["detail"]
        assert "line 3: " in answer.json()["detail"]
        for wish in ({"tasks": lines(1), "model": "nobody"}, {"tasks": lines(1), "agent": "nobody"}):
            refused = client.post("/api/v1/runs", json=wish)
            assert refused.status_code == 422
            assert "nobody" in refused.json()["detail"]
        assert server.count()["requests"] == 0


def test_a_run_in_a_shell_is_seen_live_and_stopped_from_here(place: Place, model: Serve) -> None:
    model("--latency", "0.2")
    folder = place[1]
    with serving(*place) as served, served.sign_in() as client:
        tasks = write_tasks(folder / "t.jsonl", *({"id": f"s{n}", "prompt": f"q{n}"} for n in range(200)))
        with client.stream("GET", "/api/v1/events?topics=overview,runs") as stream:
            told = events(stream.iter_lines())
            assert {next(told)[1]["topic"] for _ in range(2)} == {"overview", "runs"}
            shell = start_pyagent("swarm", "run", str(tasks), "--run", "shell", "-j", "4")
            fresh = next(data for kind, data, _ in told if kind == "delta" and data["topic"] == "runs")
            assert fresh["data"]["items"][0]["name"] == "shell"
        with client.stream("GET", "/api/v1/events?topics=agents:shell") as stream:
            told = events(stream.iter_lines())
            assert next(told)[1]["data"]["total"] == 200
            changed = next(data for kind, data, _ in told if kind == "delta")["data"]
            assert {state for _, state in changed["d"]} <= {1, 2}
        assert until(lambda: client.get("/api/v1/agents").json()["items"])[0]["run"] == "shell"
        assert client.post("/api/v1/runs/shell/scale", json={"width": 2}).status_code == 200
        assert client.post("/api/v1/stop-all").json() == {"stopped": ["shell"]}
        assert shell.wait(timeout=30) == 143
        stopped = run(client, "shell")
        assert stopped["status"] == "stopped"
        assert stopped["done"]["ok"] < 200
        assert client.post("/api/v1/runs/shell/pause").status_code == 409
        shell.communicate()


def test_a_single_task_is_stopped_and_the_run_goes_on(place: Place, model: Serve) -> None:
    server = model("--latency", "1.5")
    with serving(*place) as served, served.sign_in() as client:
        id = begin(client, tasks=lines(6), name="drop", jobs=2)["id"]
        at_work = until(lambda: client.get("/api/v1/agents").json()["items"])
        victim = at_work[0]["task"]
        assert client.post(f"/api/v1/runs/{id}/tasks/stop", json={"tasks": [victim, "nobody"]}).status_code == 200
        until(lambda: run(client, id)["status"] == "finished")
        done = run(client, id)["done"]
        assert (done["ok"], done["failed"]) == (5, 1)
        told = client.get(f"/api/v1/runs/{id}/tasks/{victim}").json()
        assert (told["state"], told["error"]) == ("failed", "stopped by a person")
        assert client.post(f"/api/v1/runs/{id}/tasks/stop", json={"tasks": []}).status_code == 422
    assert server.count()["requests"] <= 6


def test_pause_and_resume_are_told_as_they_are(place: Place, model: Serve) -> None:
    server = model("--latency", "0.05")
    with serving(*place) as served, served.sign_in() as client:
        id = begin(client, tasks=lines(60), name="p", jobs=2)["id"]
        client.post(f"/api/v1/runs/{id}/pause")
        assert run(client, id)["status"] == "paused"
        until(lambda: client.get("/api/v1/agents").json()["items"] == [])
        at_rest = server.count()["requests"]
        assert at_rest < 60
        client.post(f"/api/v1/runs/{id}/resume")
        until(lambda: run(client, id)["status"] == "finished")
        assert server.count()["requests"] == 60


def test_a_killed_server_costs_the_run_nothing_and_the_next_one_tells_the_truth(place: Place, model: Serve) -> None:
    server = model("--latency", "0.1", "--keep")
    served = start(*place)
    page = served.sign_in()
    id = begin(page, tasks=lines(80), name="long", jobs=2)["id"]
    with page.stream("GET", f"/api/v1/events?topics=agents:{id}") as stream:
        told = events(stream.iter_lines())
        next(told)
        _, _, last = next(told)
        served.kill()
    asked = server.count()["requests"]
    until(lambda: server.count()["requests"] > asked)
    again = start(*place, port=served.port)
    try:
        # The same cookie: the page need not sign in anew. The event that it saw last is another server's.
        with page.stream("GET", f"/api/v1/events?topics=agents:{id}", headers={"last-event-id": last}) as stream:
            kind, whole, _ = next(events(stream.iter_lines()))
            assert kind == "snapshot"
            assert whole["data"]["total"] == 80
        done = until(lambda: (r := run(page, id))["status"] == "finished" and r)
        assert done["done"]["ok"] == 80
        assert set(server.count()["prompts"].values()) == {1}, "nothing was asked twice"
    finally:
        again.kill()
        page.close()


def test_a_killed_run_is_dead_and_is_resumed_from_here(place: Place, model: Serve) -> None:
    server = model("--latency", "0.1", "--keep")
    with serving(*place) as served, served.sign_in() as client:
        id = begin(client, tasks=lines(40), name="dies", jobs=2)["id"]
        until(lambda: run(client, id)["done"]["ok"] > 3)
        os.kill(_pid(served.home, id), signal.SIGKILL)
        dead = until(lambda: (r := run(client, id))["status"] == "dead" and r)
        assert not dead["alive"]
        until(lambda: client.get("/api/v1/agents").json()["items"] == [])
        back = client.post(f"/api/v1/runs/{id}/resume")
        assert back.status_code == 200, back.text
        done = until(lambda: (r := run(client, id))["status"] == "finished" and r)
        assert done["done"]["ok"] == 40
        assert sum(count - 1 for count in server.count()["prompts"].values()) <= 2, "only what was in flight"


def _pid(home: Path, id: str) -> int:
    import sqlite3

    with sqlite3.connect(home / "pyagent.db") as db:
        return int(db.execute("SELECT pid FROM run WHERE id = ?", (id,)).fetchone()[0])


def test_a_request_sent_twice_starts_one_run(place: Place, model: Serve) -> None:
    model()
    with serving(*place) as served, served.sign_in() as client:
        wish, key = {"tasks": lines(2)}, {"idempotency-key": "once"}
        first, second = (client.post("/api/v1/runs", json=wish, headers=key) for _ in range(2))
        assert first.json()["id"] == second.json()["id"]
        assert second.headers["idempotency-replayed"] == "true"
        assert client.post("/api/v1/runs", json={"tasks": lines(3)}, headers=key).status_code == 422
        assert len(client.get("/api/v1/runs").json()["items"]) == 1


def test_a_skipped_task_is_told_as_skipped(place: Place, model: Serve) -> None:
    model()
    tasks = [{"id": "a", "prompt": "q", "schema": {"type": "object"}}, {"id": "b", "prompt": "then", "after": ["a"]}]
    with serving(*place) as served, served.sign_in() as client:
        id = begin(client, tasks="".join(json.dumps(task) + "\n" for task in tasks))["id"]

        def states() -> dict[str, str]:
            items = client.get(f"/api/v1/runs/{id}/tasks").json()["items"]
            return {item["id"]: item["state"] for item in items}

        until(lambda: states() == {"a": "failed", "b": "skipped"})
