"""What the API's description says of its answers is what real ones are: every route is asked, none is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.program import Server
from tests.web.server import MODEL, Served, serving, until

JSON = "application/json"
Serve = Callable[..., Server]


class Described:
    """The API's own description; ``check`` holds an answer against it and remembers the route."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told
        self.seen: set[tuple[str, str]] = set()
        # A path of fixed words before one with parameters, as the server itself goes.
        self.paths = sorted(told["paths"], key=lambda path: path.count("{"))

    def routes(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, verbs in self.told["paths"].items():
            for verb, route in verbs.items():
                yield verb.upper(), path, route

    def route(self, method: str, path: str) -> str:
        for each in self.paths:
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(each))
            if re.fullmatch(pattern, path) and method.lower() in self.told["paths"][each]:
                return each
        raise AssertionError(f"{method} {path} is not described")

    def check(self, answer: httpx.Response) -> None:
        import jsonschema

        method, path = answer.request.method, answer.request.url.path
        place = self.route(method, path)
        said = self.told["paths"][place][method.lower()]["responses"][str(answer.status_code)]
        self.seen.add((method, place))
        if answer.status_code == 204:
            assert answer.content == b""
            return
        kind = answer.headers["content-type"].partition(";")[0]
        schema = said["content"][kind]["schema"]
        if kind == JSON:
            whole = {**schema, "components": self.told["components"]}
            jsonschema.Draft202012Validator(whole).validate(answer.json())


@pytest.fixture
def described(home: Path, tmp_path: Path, serve: Serve) -> Iterator[tuple[Served, httpx.Client, Described]]:
    (home / "config.toml").write_text(MODEL.format(url=serve("--latency", "0.3").url))
    with serving(home, tmp_path) as served, served.sign_in() as client:
        told = Described(client.get("/api/v1/openapi.json").json())
        yield served, client, told


def ask(client: httpx.Client, told: Described, method: str, path: str, **more: Any) -> Any:
    answer = client.request(method, f"/api/v1/{path}", **more)
    assert answer.status_code in (200, 201, 204), f"{path}: {answer.text}"
    told.check(answer)
    return answer.json() if answer.headers.get("content-type") == JSON else answer


def test_every_answer_is_described_and_as_described(described: tuple[Served, httpx.Client, Described]) -> None:
    _, client, told = described

    def get(path: str) -> Any:
        return ask(client, told, "GET", path)

    def post(path: str, body: Any = None) -> Any:
        return ask(client, told, "POST", path, json=body)

    # A run at work, with a question to a person, steered in every way.
    tasks = [{"id": f"t{n}", "prompt": f"q{n}"} for n in range(30)] + [{"id": "ask", "prompt": "q", "approve": True}]
    id = post("runs", {"tasks": "".join(json.dumps(task) + "\n" for task in reversed(tasks)), "jobs": 2})["id"]
    until(lambda: get("agents")["items"])
    post(f"runs/{id}/scale", {"width": 3})
    post(f"runs/{id}/tasks/stop", {"tasks": [row["task"] for row in get("agents")["items"] if row["task"] != "ask"]})
    post(f"runs/{id}/pause")
    post(f"runs/{id}/resume")
    card = until(lambda: get("approvals")["items"])[0]["id"]
    get(f"approvals/{card}")
    post(f"approvals/{card}", {"verb": "reject", "reason": "no"})
    get("approvals?state=decided")
    post(f"approvals/{card}/undo")
    until(lambda: get(f"runs/{id}")["done"]["ok"] > 3)
    done = get(f"runs/{id}/tasks?state=ok")["items"][0]["id"]
    get(f"runs/{id}/tasks/{done}")
    trace = get(f"runs/{id}/traces/{done}")
    assert (
        len({len(trace[column]) for column in ("span", "parent", "name", "label", "started", "ended", "status")}) == 1
    )
    get(f"runs/{id}/spans/{trace['span'][-1]}/{done}")
    get(f"runs/{id}/tasks/{done}/spans")
    assert get("pulse")["done"]
    for path in (
        "overview",
        "stats",
        "models",
        "schedules",
        "plugins",
        "settings",
        "logs",
        "audit",
        "tokens",
        "panels",
    ):
        get(path)
    for path in ("health", "session", "runs", "panels/logs", f"runs/{id}/results.jsonl", f"runs/{id}/trace.otlp.json"):
        get(path)
    post("stop-all")
    ask(client, told, "PATCH", "panels/logs", json={"order": 3}, headers={"if-match": "*"})
    ask(client, told, "PATCH", "settings", json={"key": "swarm.retries", "value": 2}, headers={"if-match": "*"})
    post("tokens", {"name": "program", "scopes": ["read"]})
    token = next(row["id"] for row in get("tokens")["items"] if row["kind"] == "token")
    ask(client, told, "DELETE", f"tokens/{token}")
    with client.stream("GET", "/api/v1/events?topics=overview") as stream:
        next(stream.iter_lines())
        kind = stream.headers["content-type"].partition(";")[0]
        assert kind in told.told["paths"]["/api/v1/events"]["get"]["responses"]["200"]["content"]
    told.seen |= {("GET", "/api/v1/events")}
    problem = client.get("/api/v1/runs/nothing")
    (schema,) = told.told["paths"]["/api/v1/runs/{id}"]["get"]["responses"]["4XX"]["content"].values()
    assert set(problem.json()) == set(schema["schema"]["properties"])
    ask(client, told, "DELETE", "session")
    # Signing in was the fixture's first request.
    told.seen |= {("POST", "/api/v1/session")}
    assert {(method, path) for method, path, _ in told.routes()} - told.seen == set()


def test_no_route_answers_something_undescribed(described: tuple[Served, httpx.Client, Described]) -> None:
    told = described[2]
    empty = []
    for method, path, route in told.routes():
        for status, said in route["responses"].items():
            schemas = [each.get("schema") for each in said.get("content", {}).values()]
            if status != "204" and not (schemas and all(schemas)):
                empty.append(f"{method} {path} {status}")
    assert empty == []
    assert len(list(told.routes())) > 30
