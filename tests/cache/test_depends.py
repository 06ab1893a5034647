"""Freshness: an answer lives as long as what it was made from, in every process, whatever happens in between."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pyagent_plugins.cache.entry import Dependency, Entry, Scope, exact_key
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.digests import Digests
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.shelf.validators import Validators
from pyagent_plugins.cache.shelf.versions import GONE, UNKNOWN, together

SCOPE = Scope.of({"tenant": "a"})


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Shelf.open(tmp_path / "cache") as shelf:
        yield shelf


@pytest.fixture
def versions(shelf: Shelf) -> Iterator[Versions]:
    versions = Versions(shelf)
    yield versions
    versions.close()


def keep(shelf: Shelf, question: str, made_from: tuple[Dependency, ...]) -> Entry:
    return shelf.store(SCOPE.digest, exact_key(SCOPE, question), question, "answer", dependencies=made_from)


def ask(shelf: Shelf, versions: Versions, question: str) -> str | None:
    """As a look-up does: the newest answer with which nothing is wrong."""
    for entry in shelf.exacts(SCOPE.digest, exact_key(SCOPE, question)):
        if versions.changed(entry) is None:
            return entry.answer
    return None


def file(path: Path | str) -> Dependency:
    return Dependency("file", str(path))


def test_an_edit_ends_exactly_what_was_made_from_the_file(shelf: Shelf, versions: Versions, tmp_path: Path) -> None:
    one, two = tmp_path / "one.txt", tmp_path / "two.txt"
    one.write_text("a")
    two.write_text("a")
    keep(shelf, "of one", versions.record([file(one)]))
    keep(shelf, "of two", versions.record([file(two)]))
    both = keep(shelf, "of both", versions.record([file(one), file(two)]))
    one.write_text("b")  # the same length, a moment later
    assert [ask(shelf, versions, f"of {name}") for name in ("one", "two", "both")] == [None, "answer", None]
    assert versions.changed(both) == f"file {one} changed"
    one.write_text("a")
    assert ask(shelf, versions, "of one") == "answer", "who switches back to a branch finds its answers"
    one.unlink()
    assert versions.changed(both) == f"file {one} is gone"


def test_an_edit_while_the_answer_is_computed_leaves_it_stale(shelf: Shelf, versions: Versions, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("before")
    recorded = versions.record([file(source)])
    source.write_text("edited meanwhile")
    keep(shelf, "q", recorded)
    assert ask(shelf, versions, "q") is None


def test_a_file_that_appears_later_is_noticed(shelf: Shelf, versions: Versions, tmp_path: Path) -> None:
    missing = tmp_path / "none.txt"
    entry = keep(shelf, "q", versions.record([file(missing)]))
    assert entry.dependencies[0].version == GONE
    assert ask(shelf, versions, "q") == "answer"
    missing.write_text("now")
    assert ask(shelf, versions, "q") is None


def test_an_edit_that_hides_its_time_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("before")
    old = time.time() - 1000
    os.utime(source, (old, old))
    digests = Digests()
    time.sleep(0.01)
    first = digests(str(source))
    source.write_text("after!")
    os.utime(source, (old, old))
    assert digests(str(source)) != first


def test_an_untouched_file_is_read_once_when_it_has_settled(tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("x")
    digests = Digests()
    for _ in range(3):
        digests(str(source))
    assert not digests.remembers(str(source)), "it was changed a moment ago and may change within the same tick"
    time.sleep(2.1)
    digests(str(source))
    assert digests.remembers(str(source))


def test_a_folder_is_the_names_in_it_and_what_is_no_file_is_never_fresh(
    shelf: Shelf, versions: Versions, tmp_path: Path
) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    keep(shelf, "list", versions.record([file(folder)]))
    (folder / "new.py").write_text("")
    assert ask(shelf, versions, "list") is None
    os.mkfifo(tmp_path / "pipe")
    entry = keep(shelf, "pipe", versions.record([file(tmp_path / "pipe")]))
    assert entry.dependencies[0].version == UNKNOWN
    assert "could not be checked" in (versions.changed(entry) or "")


def test_a_relative_path_means_the_same_file_from_everywhere(
    shelf: Shelf, versions: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "deeper").mkdir()
    monkeypatch.chdir(tmp_path)
    keep(shelf, "q", versions.record([file("a.txt")]))
    monkeypatch.chdir(tmp_path / "deeper")
    assert ask(shelf, versions, "q") == "answer"
    assert len(versions.invalidate([file("../a.txt")])) == 1


def test_a_new_version_of_a_tool_ends_exactly_its_dependents(shelf: Shelf, versions: Versions) -> None:
    versions.register("tool", "grep", "1")
    versions.register("model", "m", "rev1")
    keep(shelf, "with grep", versions.record([Dependency("tool", "grep"), Dependency("model", "m")]))
    keep(shelf, "with m", versions.record([Dependency("model", "m")]))
    newer = Versions(shelf)  # another process, after an update
    newer.register("tool", "grep", "2")
    newer.register("model", "m", "rev1")
    assert ask(shelf, newer, "with grep") is None
    assert ask(shelf, newer, "with m") == "answer"
    assert ask(shelf, versions, "with grep") == "answer", "who still runs the old one may use it"
    assert ask(shelf, Versions(shelf), "with grep") is None, "nor may who knows no such tool"


def test_invalidating_a_tag_ends_what_it_made_and_what_it_is_making(shelf: Shelf, versions: Versions) -> None:
    prices, news = Dependency("tag", "prices"), Dependency("tag", "news")
    dead = keep(shelf, "price", versions.record([prices]))
    keep(shelf, "news", versions.record([news]))
    in_flight = versions.record([prices])
    assert versions.invalidate([prices]) == [dead.seq]
    assert ask(shelf, versions, "price") is None
    assert ask(shelf, versions, "news") == "answer"
    late = keep(shelf, "price", in_flight)
    assert versions.changed(late) == "tag prices was invalidated"
    keep(shelf, "price", versions.record([prices]))
    assert ask(shelf, versions, "price") == "answer", "what is made after it lives"


def test_invalidating_a_folder_ends_all_below_it_also_what_is_being_made(
    shelf: Shelf, versions: Versions, tmp_path: Path
) -> None:
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src2").mkdir()
    inside, beside = tmp_path / "src" / "deep" / "a.py", tmp_path / "src2" / "a.py"
    inside.write_text("")
    beside.write_text("")
    inner = keep(shelf, "inside", versions.record([file(inside)]))
    keep(shelf, "beside", versions.record([file(beside)]))
    in_flight = versions.record([file(inside)])
    assert versions.invalidate([file(tmp_path / "src")]) == [inner.seq]
    keep(shelf, "late", in_flight)
    assert [ask(shelf, versions, q) for q in ("inside", "beside", "late")] == [None, "answer", None]


def test_invalidating_a_link_reaches_the_file_behind_it(shelf: Shelf, versions: Versions, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    entry = keep(shelf, "q", versions.record([file(tmp_path / "real")]))
    assert versions.invalidate([file(tmp_path / "link")]) == [entry.seq]


INVALIDATE = """
import os, signal, sys
from pathlib import Path
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.entry import Dependency
from pyagent_plugins.cache.shelf.shelf import Shelf
shelf = Shelf.open(Path(sys.argv[1]))
Versions(shelf).invalidate([Dependency("tag", "t")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_another_process_invalidates_and_dies_and_the_next_look_up_knows(
    shelf: Shelf, versions: Versions, tmp_path: Path
) -> None:
    tag = Dependency("tag", "t")
    keep(shelf, "q", versions.record([tag]))
    in_flight = versions.record([tag])
    assert ask(shelf, versions, "q") == "answer"
    done = subprocess.run([sys.executable, "-c", INVALIDATE, str(tmp_path / "cache")], check=False)
    assert done.returncode == -9
    assert ask(shelf, versions, "q") is None
    keep(shelf, "q", in_flight)
    assert ask(shelf, versions, "q") is None
    with Shelf.open(tmp_path / "cache") as restarted:
        assert ask(restarted, Versions(restarted), "q") is None


def test_what_was_read_in_two_versions_is_never_fresh(shelf: Shelf, versions: Versions) -> None:
    deps = together([Dependency("tag", "t", "1"), Dependency("tag", "u", "1"), Dependency("tag", "t", "2")])
    assert [dep.key for dep in deps] == ["t", "u"]
    assert "could not be checked" in (versions.changed(keep(shelf, "q", deps)) or "")


def test_an_ended_time_is_a_reason(shelf: Shelf, versions: Versions) -> None:
    entry = shelf.store(SCOPE.digest, b"k" * 16, "q", "a", expires=shelf.clock.now() - 5)
    assert (versions.changed(entry) or "").startswith("its time ended 5 s ago")


class Page(BaseHTTPRequestHandler):
    """A page whose validators and fate the test sets on the server."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.server.asked.append(self.command)  # type: ignore[attr-defined]
        status, headers = self.server.page  # type: ignore[attr-defined]
        if status == 405 and self.command == "GET":
            status = 200
        self.send_response(status)
        for name, value in {"content-length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.daemon_threads = True
    server.asked = []  # type: ignore[attr-defined]
    server.page = (200, {"ETag": '"1"'})  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_page_is_fresh_while_its_server_says_so(shelf: Shelf, server: ThreadingHTTPServer) -> None:
    page = Dependency("url", f"http://127.0.0.1:{server.server_port}/a")
    versions = Versions(shelf, urls=Validators(seconds=0))
    entry = keep(shelf, "q", versions.record([page]))
    assert ask(shelf, versions, "q") == "answer"
    changes: list[tuple[tuple[int, dict[str, str]], str]] = [
        ((200, {"ETag": '"2"'}), "changed"),
        ((200, {"Last-Modified": "Tue, 24 Nov 2026 10:00:00 GMT"}), "changed"),
        ((200, {}), "cannot be checked now"),
        ((500, {}), "cannot be checked now"),
        ((404, {}), "is gone"),
    ]
    for answer, what in changes:
        server.page = answer  # type: ignore[attr-defined]
        assert versions.changed(entry) == f"url {page.key} {what}"
    server.page = (405, {"ETag": '"1"'})  # type: ignore[attr-defined]
    assert versions.changed(entry) is None, "a server that knows no HEAD is asked with GET"
    assert server.asked[-2:] == ["HEAD", "GET"]  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    assert versions.changed(entry) == f"url {page.key} cannot be checked now"
    entry = keep(shelf, "r", versions.record([page]))
    assert ask(shelf, versions, "r") is None, "what nobody could check is never fresh"
    versions.close()


def test_a_server_is_not_asked_at_every_look_up(shelf: Shelf, server: ThreadingHTTPServer) -> None:
    page = Dependency("url", f"http://127.0.0.1:{server.server_port}/a")
    versions = Versions(shelf, urls=Validators(seconds=60))
    assert versions.waits([page])
    entry = keep(shelf, "q", versions.record([page]))
    assert not versions.waits([page])
    for _ in range(20):
        assert versions.changed(entry) is None
    assert len(server.asked) == 1  # type: ignore[attr-defined]
    versions.close()
