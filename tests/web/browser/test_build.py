"""What is built keeps to its budget, and comes from nowhere but the lock file."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from pathlib import Path

import pytest

import hatch_build
from tests.web.browser.tab import DIST

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not (DIST / "index.html").is_file(), reason="the web pages are not built (`make web`)")


def packed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 9))


def shell() -> set[Path]:
    """What the page needs before it shows anything: what index.html names, and what that imports at once."""
    found = {
        DIST / name for name in re.findall(r'(?:src|href)="\./([^"]+\.(?:js|css))"', (DIST / "index.html").read_text())
    }
    waiting = [path for path in found if path.suffix == ".js"]
    while waiting:
        path = waiting.pop()
        for name in re.findall(r'(?:from|import)\s*"\./([^"]+\.js)"', path.read_text()):
            if (other := path.parent / name) not in found:
                found.add(other)
                waiting.append(other)
    return found


def test_the_shell_is_at_most_130_kb_and_each_part_at_most_200() -> None:
    assert len(shell()) >= 2
    assert sum(map(packed, shell())) <= 130_000
    parts = [path for path in (DIST / "assets").iterdir() if path.suffix in (".js", ".css")]
    assert len(parts) > 10
    assert {path.name: packed(path) for path in parts if packed(path) > 200_000} == {}


def test_the_page_holds_no_script_of_its_own_and_no_address_of_another_machine() -> None:
    page = (DIST / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"https?://(?!www\.w3\.org)", page) == []
    assert re.findall(r"\son\w+=", page) == []


def test_the_lock_file_names_no_host_and_pins_every_package() -> None:
    packages = json.loads((ROOT / "webui" / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_the_sources_are_sound_typescript() -> None:
    if not (ROOT / "webui" / "node_modules" / "typescript").is_dir():
        pytest.skip("the packages of webui/ are not installed (`make web`)")
    npm, environment = hatch_build.tools()
    done = subprocess.run(
        [*npm, "run", "--silent", "check"], cwd=ROOT / "webui", env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_build_knows_when_sources_changed(tmp_path: Path) -> None:
    (tmp_path / "webui" / "src").mkdir(parents=True)
    source = tmp_path / "webui" / "src" / "main.ts"
    source.write_text("1")
    before = hatch_build.digest(tmp_path)
    (tmp_path / "webui" / "node_modules").mkdir()
    (tmp_path / "webui" / "node_modules" / "x.js").write_text("2")
    assert hatch_build.digest(tmp_path) == before
    source.write_text("3")
    assert hatch_build.digest(tmp_path) != before
    assert hatch_build.wanted(tmp_path)


def test_english_and_german_have_the_same_words_and_blanks() -> None:
    words = {}
    for language in ("en", "de"):
        text = (ROOT / "webui" / "src" / "i18n" / f"{language}.ts").read_text()
        words[language] = dict(re.findall(r'^  "([^"]+)": "(.*)",$', text, re.M))
    assert words["en"].keys() == words["de"].keys()
    assert len(words["en"]) > 200
    for key, english in words["en"].items():
        blanks = set(re.findall(r"\{\w+\}", english))
        assert set(re.findall(r"\{\w+\}", words["de"][key])) == blanks, key
        assert (" | " in english) == (" | " in words["de"][key]), key
