"""Reading files: what is below an allowed folder, and nothing else, whatever the path says."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from pyagent.errors import ToolError
from pyagent_plugins.tools.files import LARGEST, Folders, Lines, excerpt, read_file


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed"
    folder.mkdir()
    (folder / "notes.txt").write_text("one\ntwo\nthree\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "allowed-not").mkdir()
    (tmp_path / "allowed-not" / "notes.txt").write_text("secret", encoding="utf-8")
    return folder


def read(folder: Path, path: str, **lines: int) -> str:
    return str(asyncio.run(read_file(Folders([str(folder)])).run({"path": path, **lines})))


def refused(folder: Path, path: str) -> str:
    with pytest.raises(ToolError) as caught:
        read(folder, path)
    return f"{caught.value} {caught.value.hint}"


def test_a_file_is_read_by_its_relative_or_absolute_path(allowed: Path) -> None:
    assert read(allowed, "notes.txt") == "one\ntwo\nthree\n"
    assert read(allowed, str(allowed / "notes.txt")) == "one\ntwo\nthree\n"
    assert read(allowed, "./sub/../notes.txt") == "one\ntwo\nthree\n"


def test_nothing_leads_out_of_the_folder(allowed: Path) -> None:
    (allowed / "link.txt").symlink_to("../secret.txt")
    (allowed / "up").symlink_to("..")
    ways = [
        "../secret.txt",
        str(allowed.parent / "secret.txt"),
        "link.txt",
        "up/secret.txt",
        "up/allowed-not/notes.txt",
        "../allowed-not/notes.txt",
        "/etc/passwd",
        "/proc/self/environ",
        "",
        "notes.txt\0",
    ]
    for way in ways:
        assert "is not below an allowed folder" in refused(allowed, way), way


def test_outside_nobody_can_tell_what_exists(allowed: Path) -> None:
    assert refused(allowed, "../secret.txt").replace("secret", "x") == refused(allowed, "../x.txt")


def test_a_link_that_stays_inside_is_followed(allowed: Path) -> None:
    (allowed / "alias.txt").symlink_to("notes.txt")
    assert read(allowed, "alias.txt").startswith("one")
    (allowed / "loop").symlink_to("loop")
    assert "cannot be read" in refused(allowed, "loop")


def test_an_allowed_folder_may_itself_be_a_link(allowed: Path) -> None:
    link = allowed.parent / "shortcut"
    link.symlink_to(allowed)
    assert read(link, "notes.txt").startswith("one")
    assert read(link, str(link / "notes.txt")).startswith("one")


def test_what_is_no_text_file_is_refused(allowed: Path) -> None:
    (allowed / "image.png").write_bytes(b"\x89PNG\0\0")
    (allowed / "latin.txt").write_bytes("Grüße".encode("latin-1"))
    (allowed / "folder").mkdir()
    (allowed / "folder" / "a.txt").write_text("")
    # A pipe that nobody writes to would hang a reader for ever.
    os.mkfifo(allowed / "pipe")
    with (allowed / "huge.txt").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "binary" in refused(allowed, "image.png")
    assert "not UTF-8" in refused(allowed, "latin.txt")
    assert "is a folder it holds: a.txt" in refused(allowed, "folder")
    assert "not a plain file" in refused(allowed, "pipe")
    assert "larger than 10 MB" in refused(allowed, "huge.txt")
    assert "there is no file" in refused(allowed, "missing.txt")


def test_a_byte_order_mark_is_no_text(allowed: Path) -> None:
    (allowed / "bom.txt").write_bytes(b"\xef\xbb\xbfhello")
    assert read(allowed, "bom.txt") == "hello"


def test_lines_are_chosen_and_those_that_do_not_exist_are_told(allowed: Path) -> None:
    assert read(allowed, "notes.txt", start_line=2, end_line=2) == "two\n"
    assert read(allowed, "notes.txt", start_line=2, end_line=99) == "two\nthree\n"
    for lines in (Lines(4, None), Lines(3, 2)):
        with pytest.raises(ToolError, match="do not exist") as caught:
            excerpt("one\ntwo\nthree\n", lines)
        assert caught.value.hint == "it has 3 lines"
    assert excerpt("", Lines()) == ""


def test_a_long_file_is_read_page_by_page(allowed: Path) -> None:
    lines = [f"line {number}\n" for number in range(1, 3001)]
    (allowed / "long.txt").write_text("".join(lines))
    text, start = "", 1
    for _ in range(20):
        page = read(allowed, "long.txt", start_line=start)
        assert len(page) <= 8_000
        body, note, rest = page.partition("[lines ")
        text += body
        if not note:
            break
        start = int(rest.split("start_line ")[1].rstrip("]"))
    assert text == "".join(lines)
    (allowed / "wide.txt").write_text("x" * 20_000)
    assert read(allowed, "wide.txt").endswith("[line 1 is cut: it has 20000 characters]")


def test_the_first_folder_that_has_the_file_gives_it(allowed: Path) -> None:
    other = allowed.parent / "other"
    other.mkdir()
    (other / "notes.txt").write_text("other")
    (other / "more.txt").write_text("more")
    folders = Folders([str(allowed), str(other)])
    assert folders.read("notes.txt").startswith("one")
    assert folders.read("more.txt") == "more"
    # A file that appears in the first folder would change the answer, so that it is a dependency, too.
    reads = read_file(folders).reads
    assert reads is not None
    assert list(reads({"path": "more.txt"})) == [str(allowed / "more.txt"), str(other / "more.txt")]
    assert list(reads({"path": "notes.txt"})) == [str(allowed / "notes.txt")]
    assert list(reads({"path": "/etc/passwd"})) == []


def test_without_allowed_folders_nothing_can_be_read(allowed: Path) -> None:
    tool = read_file(Folders([]))
    assert tool.spec.description.endswith("Folders that may be read: none")
    with pytest.raises(ToolError, match="not below an allowed folder"):
        asyncio.run(tool.run({"path": str(allowed / "notes.txt")}))
