"""Runs, agents, traces and approvals as a person meets them in the page, over real runs in other processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.program import pyagent, start_pyagent
from tests.web.browser.tab import Tab
from tests.web.server import Served, start, until

Website = Callable[..., Served]
Open = Callable[..., Tab]


def write(folder: Path, count: int, **more: object) -> Path:
    path = folder / "work.jsonl"
    path.write_text(
        "".join(json.dumps({"id": f"t{n}", "prompt": f"question {n}", **more}) + "\n" for n in range(count))
    )
    return path


def legend(tab: Tab, state: str) -> int:
    """How many agents the legend counts in a state."""
    text = tab.page.locator(".legend button").filter(has_text=state).locator(".num").inner_text()
    return int(text.replace(",", ""))


def test_a_run_is_started_from_the_form_watched_and_read(website: Website, tab: Open) -> None:
    page = tab(website("--answer", "<img src=x onerror=alert(1)> **ok**", "--latency", "0.1"))
    page.press("n")
    page.page.get_by_role("textbox", name="Tasks").fill("one?\ntwo?\nthree?")
    page.page.get_by_text("Model, limits and more").click()
    page.page.get_by_label("Name", exact=True).fill("mine")
    page.button("Start run").click()
    page.page.get_by_role("heading", name="Swarm").wait_for()
    until(lambda: legend(page, "ok") == 3)

    # By keyboard: the second agent, then its trace.
    page.page.locator(".grid-view").focus()
    page.press("ArrowRight", "Enter")
    page.see("<img src=x onerror=alert(1)> **ok**", ".agent-pane")
    page.page.get_by_role("link", name="Open trace").click()
    page.see("two?", ".words")
    page.page.get_by_role("treegrid", name="Trace").get_by_text("call").click()
    page.see("12 in, 8 out", ".span-detail")
    assert page.page.locator("img[src='x']").count() == 0


def test_a_bad_file_is_refused_line_by_line_and_the_form_stays(website: Website, tab: Open) -> None:
    page = tab(website())
    page.expected.append("422")
    page.press("n")
    page.button("JSONL").click()
    page.page.get_by_role("textbox", name="Tasks").fill('{"prompt": "good"}\n{"prompt": 7}\nnot json')
    page.button("Start run").click()
    said = page.page.get_by_role("alert").inner_text()
    assert "2" in said
    assert "3" in said
    assert page.page.get_by_role("textbox", name="Tasks").input_value().endswith("not json")


def test_a_run_of_a_shell_is_steered_from_the_page(website: Website, tab: Open) -> None:
    served = website("--latency", "0.4")
    process = start_pyagent("swarm", "run", str(write(served.folder, 160)), "-j", "4", "--run", "shell")
    page = tab(served, "swarm")
    page.see("running", "main")
    until(lambda: legend(page, "ok") > 4)
    page.button("Pause").click()
    page.see("paused", ".page-bar")
    until(lambda: legend(page, "at work") == 0)
    held = legend(page, "ok")
    page.button("Resume").click()
    until(lambda: legend(page, "ok") > held)
    page.button("More agents at once").click()
    page.see("shell works", ".toasts")
    page.button("Stop all").click()
    page.button("Stop all", "dialog").click()
    assert process.wait(timeout=30) in (15, 143)
    process.communicate()
    page.see("stopped", ".page-bar")
    # Its command finishes it, and the page shows that too.
    assert pyagent("swarm", "run", str(served.folder / "work.jsonl"), "--run", "shell", "-j", "64").code == 0
    until(lambda: legend(page, "ok") == 160)


def test_agents_are_filtered_selected_and_found_in_every_view(website: Website, tab: Open) -> None:
    served = website("--latency", "2", "--faults", "401", "--every", "3")
    process = start_pyagent("swarm", "run", str(write(served.folder, 60)), "-j", "6", "--run", "many")
    page = tab(served, "swarm")
    until(lambda: legend(page, "at work") == 6)
    page.press("3")
    until(lambda: page.page.locator(".topo-dot").count() == 6)
    assert "many" in page.text(".topology")
    page.press("2")
    page.page.locator(".legend button").filter(has_text="at work").click()
    until(lambda: page.page.locator("[role=row]").count() == 7)
    page.press("1")
    page.page.locator(".legend button").filter(has_text="at work").click()
    page.page.locator(".grid-view").focus()
    page.press("Control+a")
    page.see("60 selected", ".picked")
    page.press("Escape")
    page.page.locator(".picked").wait_for(state="detached")
    page.press(" ", "ArrowRight", " ")
    page.see("2 selected", ".picked")
    process.terminate()
    process.communicate(timeout=30)


def test_an_answer_is_read_while_it_is_made(website: Website, tab: Open) -> None:
    served = website()
    path = served.folder / "story.jsonl"
    path.write_text(
        json.dumps({"id": "tale", "prompt": "Tell me a long story.", "max_tokens": 400, "stream": True}) + "\n"
    )
    process = start_pyagent("swarm", "run", str(path), "-m", "smollm2-135m", "--run", "tale")
    page = tab(served, "swarm")
    until(lambda: legend(page, "at work") == 1)
    page.page.locator(".grid-view").focus()
    page.press("Enter")
    answer = page.page.locator(".pane-text.answer")
    first = until(lambda: len(answer.inner_text()) > 20 and answer.inner_text())
    longer = until(lambda: len(answer.inner_text()) > len(first) + 20 and answer.inner_text())
    assert longer.startswith(first)
    process.communicate(timeout=120)
    until(lambda: page.page.locator(".agent-pane .badge").inner_text() == "ok")
    assert answer.inner_text().startswith(longer)


def test_approvals_are_decided_by_one_key_each_and_undone(website: Website, tab: Open) -> None:
    served = website("--answer", "send it")
    process = start_pyagent("swarm", "run", str(write(served.folder, 3, approve=True)), "--run", "asks")
    page = tab(served, "approvals")
    page.see("3 wait", "main")
    page.press("a")
    page.see("2 wait", "main")
    page.see("Approved", ".undo")
    page.press("u")
    page.see("3 wait", "main")
    page.press("r")
    page.page.get_by_label("Reason (the agent is told)").fill("too early")
    page.press("Enter")
    page.see("2 wait", "main")
    page.button("Decided").click()
    page.see("too early", "main")
    decided = page.page.request.get(f"{served.url}/api/v1/approvals?state=decided").json()["items"]
    assert [(one["state"], one["decision"]["reason"]) for one in decided] == [("rejected", "too early")]
    process.terminate()
    process.communicate(timeout=30)


def test_the_page_shows_the_truth_after_the_server_was_killed(website: Website, tab: Open) -> None:
    served = website("--latency", "0.5")
    process = start_pyagent("swarm", "run", str(write(served.folder, 40)), "-j", "4", "--run", "lives")
    page = tab(served, "swarm")
    page.expected += ["ERR_CONNECTION_REFUSED", "Failed to load", "ERR_INCOMPLETE", "ERR_NETWORK", "ERR_EMPTY"]
    until(lambda: legend(page, "ok") > 2)
    before = legend(page, "ok")
    served.kill()
    page.see("Reconnecting")
    process.communicate(timeout=60)
    again = start(served.home, served.folder, port=served.port)
    try:
        until(lambda: legend(page, "ok") == 40 > before)
        page.page.get_by_text("Reconnecting").wait_for(state="detached")
        page.see("finished", ".page-bar")
    finally:
        again.kill()
