"""The page around the panels: signing in, the keyboard, looks and languages, and plugins that behave or do not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.web.browser.tab import Tab
from tests.web.server import Served

Website = Callable[..., Served]
Open = Callable[..., Tab]
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "plugin" / "pyagent_hello"


def test_the_launch_link_signs_in_once_and_leaves_the_address_bar(website: Website, chromium: Any) -> None:
    served = website()
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/#token={served.token}")
    page.get_by_role("heading", name="Overview").wait_for()
    assert served.token not in page.url
    assert page.evaluate("document.cookie") == ""
    page.reload()
    page.get_by_role("heading", name="Overview").wait_for()

    stranger = chromium.new_context()
    other = stranger.new_page()
    other.goto(f"{served.url}/#token={served.token}")
    other.get_by_role("heading", name="Sign in to PyAgent").wait_for()
    other.get_by_label("Launch link or token").fill(f"{served.url}/#token={served.token}")
    other.get_by_role("button", name="Sign in").click()
    other.get_by_role("alert").wait_for()
    context.close()
    stranger.close()


def test_all_is_reached_by_keyboard(served: Served, tab: Open) -> None:
    page = tab(served)
    for key, title in (("s", "Swarm"), ("r", "Runs"), ("t", "Statistics"), ("u", "Audit"), ("o", "Overview")):
        page.press("g", key)
        page.page.get_by_role("heading", level=1, name=title).wait_for()
    page.press("?")
    page.see("Lists and grids", "dialog")
    page.press("Escape")
    page.press("Control+k")
    page.page.keyboard.type("models")
    page.press("Enter")
    page.page.get_by_role("heading", level=1, name="Models").wait_for()
    page.see("smollm2-135m", "main")
    # A letter typed into a field is no command.
    page.press("/")
    page.page.keyboard.type("n")
    assert page.page.locator("dialog[open]").count() == 0
    assert page.page.evaluate("document.activeElement.value") == "n"


def test_looks_and_languages_are_kept(served: Served, tab: Open) -> None:
    page = tab(served)
    page.button("Look and language").click()
    page.button("Contrast").click()
    assert page.page.locator("html").get_attribute("data-theme") == "contrast"
    page.button("Deutsch").click()
    page.page.get_by_role("heading", name="Übersicht").wait_for()
    page.page.reload()
    page.page.get_by_role("heading", name="Übersicht").wait_for()
    assert page.page.locator("html").get_attribute("data-theme") == "contrast"
    assert page.page.locator("html").get_attribute("lang") == "de"


def test_an_empty_house_says_what_to_do(served: Served, tab: Open) -> None:
    page = tab(served)
    for panel, text in (
        ("overview", "pyagent swarm run tasks.jsonl"),
        ("swarm", "Nothing to watch yet"),
        ("approvals", "Nothing waits for you"),
        ("runs", "No runs yet"),
        ("statistics", "No model was measured yet"),
        ("logs", "Nothing has happened yet"),
    ):
        page.go(panel)
        page.see(text, "main")


def installed(folder: Path, name: str, module: str) -> None:
    """Make a package in ``folder`` a plugin, as an installation would."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[pyagent]\n{name} = {module}\n")


BROKEN = """
from pathlib import Path
from pyagent.plugin import Panel, hookimpl

@hookimpl
def pyagent_web_panels(context):
    return [Panel("broken", "Broken", module=str(Path(__file__).parent / "files" / "panel.js"))]
"""


@pytest.fixture
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugins")
    shutil.copytree(EXAMPLE, folder / "pyagent_hello")
    installed(folder, "hello", "pyagent_hello")
    (folder / "breaks" / "files").mkdir(parents=True)
    (folder / "breaks" / "__init__.py").write_text(BROKEN)
    (folder / "breaks" / "files" / "panel.js").write_text(
        "export function mount() { throw new Error('out of cheese'); }"
    )
    installed(folder, "breaks", "breaks")
    return folder


def test_a_plugin_brings_a_panel_and_a_broken_one_harms_only_itself(website: Website, tab: Open, plugins: Path) -> None:
    page = tab(website(python_path=plugins))
    page.expected.append("out of cheese")
    page.page.get_by_role("link", name="Hello").click()
    page.button("Greet").click()
    page.see("from the server", "main")
    page.page.get_by_role("link", name="Broken").click()
    page.see("Broken could not be shown", "main")
    page.see("out of cheese", "main")
    page.page.get_by_role("link", name="Hello").click()
    page.button("Greet").click()
    page.see("from the server", "main")


def test_a_panel_is_turned_off_and_on_for_everybody(served: Served, tab: Open) -> None:
    page, other = tab(served, "settings/panels"), tab(served)
    page.page.get_by_role("switch", name="Show Logs").click()
    page.page.get_by_role("link", name="Logs").wait_for(state="detached")
    other.page.reload()
    other.page.get_by_role("link", name="Runs", exact=True).wait_for()
    assert other.page.get_by_role("link", name="Logs").count() == 0
    page.page.get_by_role("switch", name="Show Logs").click()
    page.page.get_by_role("link", name="Logs").wait_for()


def test_a_setting_is_changed_and_a_token_is_shown_once(served: Served, tab: Open) -> None:
    page = tab(served, "settings/settings")
    page.page.get_by_role("row").filter(has_text="swarm.max_tokens").click()
    page.page.get_by_label("Value").fill("77")
    page.button("Save").click()
    page.page.get_by_role("row").filter(has_text="swarm.max_tokens").filter(has_text="77").wait_for()
    assert "77" in (served.home / "config.toml").read_text()

    page.go("settings/tokens")
    page.page.reload()
    page.button("New token").click()
    page.page.get_by_label("Name").fill("cron")
    page.button("Make token").click()
    token = page.page.locator(".secret").inner_text()
    assert len(token) >= 20
    page.button("Close", "dialog footer").click()
    page.see("cron", "main")
    assert token not in page.page.content()


def test_who_may_only_read_is_offered_nothing_else(website: Website, chromium: Any) -> None:
    served = website()
    with served.sign_in() as client:
        made = client.post("/api/v1/tokens", json={"name": "reader", "scopes": ["read"]}).json()
    context = chromium.new_context(extra_http_headers={"authorization": f"Bearer {made['token']}"})
    page = context.new_page()
    page.goto(f"{served.url}/#/overview")
    page.get_by_role("heading", name="Overview").wait_for()
    assert page.get_by_role("button", name="New run").count() == 0
    assert page.get_by_role("button", name="Stop all").count() == 0
    assert page.get_by_role("link", name="Audit").count() == 0
    context.close()
