"""The shelf: what was stored is found by its own scope only, in its time and window; faults cost answers, not runs."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyagent.errors import StoreError, StoreTooNew
from pyagent_plugins.cache.entry import Dependency, Entry, Scope, exact_key
from pyagent_plugins.cache.shelf.limits import TIMELY, EntryRefused, Limits
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.shelf.steady import Clock

SCOPE = Scope.of({"tenant": "a"})
OTHER = Scope.of({"tenant": "b"})


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Shelf.open(tmp_path) as shelf:
        yield shelf


def keep(shelf: Shelf, question: str, answer: str = "yes", scope: Scope = SCOPE, **more: object) -> Entry:
    return shelf.store(scope.digest, exact_key(scope, question), question, answer, **more)


def ask(shelf: Shelf, question: str, scope: Scope = SCOPE) -> str | None:
    entry = shelf.exact(scope.digest, exact_key(scope, question))
    return entry.answer if entry else None


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(384).astype(np.float32)
    return vector / np.linalg.norm(vector)


def test_an_answer_comes_back_whole(shelf: Shelf, tmp_path: Path) -> None:
    deps = (Dependency("file", "/a/b\udcff.txt", "v1"), Dependency("tag", "t", ""))
    long = "a long answer \udc80 " * 2000
    stored = keep(
        shelf, "Why?\nÄ \ud800", long, model="m", input_tokens=3, output_tokens=5, usd=0.25, expires=9e9,
        dependencies=deps, vector=unit(1), embedder="e", features=b"f",
    )  # fmt: skip
    with Shelf.open(tmp_path) as other:
        found = other.exact(SCOPE.digest, exact_key(SCOPE, "Why? Ä \ud800"))
        assert found == stored
        assert found.answer == long
        assert other.compared([stored.seq, 99], SCOPE.digest) == [(stored, b"f")]
        assert other.compared([stored.seq], OTHER.digest) == []
        meaning = other.meanings([stored.seq])[stored.seq]
        assert meaning.embedder == "e"
        assert float(meaning.vector @ unit(1)) > 0.9999
        assert other.stats().bytes < len(long), "a long answer is kept compressed"


def test_the_newest_answer_is_given_and_an_equal_one_replaced(shelf: Shelf) -> None:
    keep(shelf, "q", "old")
    keep(shelf, "q", "new")
    assert ask(shelf, "q") == "new"
    assert shelf.stats().entries == 1


def test_answers_from_different_versions_stay_side_by_side(shelf: Shelf) -> None:
    for n in range(6):
        keep(shelf, "q", f"from {n}", dependencies=(Dependency("file", "/f", f"v{n}"),))
    found = shelf.exacts(SCOPE.digest, exact_key(SCOPE, "q"))
    assert [entry.answer for entry in found] == ["from 5", "from 4", "from 3", "from 2"]


def test_a_hit_does_not_renew_the_time_to_live_and_a_clock_set_back_revives_nothing(tmp_path: Path) -> None:
    wall, boot = [1_000_000.0], [50.0]

    def clock() -> Clock:
        return Clock(tmp_path / "clock", wall=lambda: wall[0], boot=lambda: boot[0])

    def pass_time(seconds: float) -> None:
        wall[0] += seconds
        boot[0] += seconds

    with Shelf.open(tmp_path, clock=clock()) as shelf:
        keep(shelf, "short", expires=shelf.clock.now() + 10)
        keep(shelf, "long", expires=shelf.clock.now() + 100)
        for _ in range(9):
            pass_time(1)
            assert ask(shelf, "short") == "yes"
        pass_time(1)
        assert ask(shelf, "short") is None
        wall[0] -= 86_400  # somebody sets the clock back by a day
        assert ask(shelf, "short") is None, "it does not live twice"
        assert ask(shelf, "long") == "yes", "and nothing is killed"
        pass_time(89)
        assert ask(shelf, "long") == "yes"
    with Shelf.open(tmp_path, clock=clock()) as shelf:  # another process, the clock is still wrong
        assert ask(shelf, "long") == "yes"
        pass_time(1)
        assert ask(shelf, "long") is None, "its time passes at the right pace all the same"
        assert shelf.exacts(SCOPE.digest, exact_key(SCOPE, "long"), ended=True), "kept for who takes a stale one"


def test_cache_time_goes_on_from_its_mark_after_a_damaged_clock_file(tmp_path: Path) -> None:
    (tmp_path / "clock").write_bytes(b"\xff" * 32)
    with Shelf.open(tmp_path) as shelf:
        keep(shelf, "q", expires=shelf.clock.now() + 60)
        assert ask(shelf, "q") == "yes"
    (tmp_path / "clock").write_bytes(b"x")
    with Shelf.open(tmp_path) as shelf:
        assert ask(shelf, "q") == "yes"


def test_a_question_about_now_lives_shortly_and_what_declares_its_sources_lives_with_them() -> None:
    limits = Limits()
    assert limits.lifetime("What is a cache?") == limits.ttl
    assert limits.lifetime("What is a cache?", (Dependency("tag", "t"),)) is None
    for word in TIMELY:
        assert limits.lifetime(f"Tell me {word.title()}, please", (Dependency("tag", "t"),)) == limits.timely
    assert limits.lifetime("I know nothing of snow and lively knowledge") == limits.ttl
    assert limits.lifetime("What is new today?", ttl=5.0) == 5.0


def test_moving_the_window_is_one_number_and_later_stores_clear_up(shelf: Shelf) -> None:
    for n in range(200):
        keep(shelf, f"q{n}", vector=unit(n), embedder="e")
    before = shelf.db.all("SELECT count(*) FROM entry")[0][0]
    assert shelf.advance(151) == 151
    assert shelf.db.all("SELECT count(*) FROM entry")[0][0] == before, "no entry was touched"
    assert ask(shelf, "q149") is None
    assert ask(shelf, "q150") == "yes"
    assert shelf.entries([150, 151]) == [shelf.exact(SCOPE.digest, exact_key(SCOPE, "q150"))]
    assert shelf.alive([1, 150, 151, 200, 999]) == {151, 200}
    assert [seq for seq, _, _ in shelf.vectors("e")] == list(range(151, 201))
    assert shelf.advance(10) == 151, "it never moves back"
    for n in range(3):
        keep(shelf, f"new {n}")
    assert shelf.db.all("SELECT count(*) FROM entry")[0][0] == 53
    assert shelf.verify() == []
    assert shelf.advance(10_000) == 10_000
    assert keep(shelf, "beyond").seq == 10_000, "an entry is born inside the window"


def test_windows_by_count_and_by_age_begin_where_they_should(tmp_path: Path) -> None:
    now = [1000.0]
    with Shelf.open(tmp_path, clock=Clock(tmp_path / "clock", wall=lambda: now[0], boot=lambda: now[0])) as shelf:
        for n in range(10):
            now[0] = 1000.0 + n
            keep(shelf, f"q{n}")
        assert shelf.newest(3) == 8
        assert shelf.newest(99) == shelf.low
        assert shelf.oldest_since(1004.0) == 5
        assert shelf.oldest_since(2000.0) == 11


def test_the_oldest_go_first_when_a_limit_is_reached(tmp_path: Path) -> None:
    with Shelf.open(tmp_path, Limits(entries=10)) as shelf:
        for n in range(25):
            keep(shelf, f"q{n}")
        assert (shelf.stats().entries, shelf.low, shelf.high) == (10, 16, 25)
        assert ask(shelf, "q14") is None
        assert ask(shelf, "q15") == "yes"
    with Shelf.open(tmp_path, Limits(bytes=20_000)) as shelf:
        for n in range(100):
            keep(shelf, f"r{n}", "x" * 1000)
        assert 15 <= shelf.stats().entries <= 20
        assert shelf.stats().bytes <= 20_000
        assert ask(shelf, "r99") == "x" * 1000


def test_what_was_found_stale_goes_before_what_is_older(tmp_path: Path) -> None:
    def made_from(version: str) -> tuple[Dependency, ...]:
        return (Dependency("file", "/f", version),)

    with Shelf.open(tmp_path, Limits(entries=10)) as shelf:
        for n in range(10):
            keep(shelf, f"q{n}", dependencies=made_from("old") if n in (4, 6) else made_from("new"))
        shelf.outdated(*made_from("new"))
        keep(shelf, "r0")
        assert (ask(shelf, "q4"), ask(shelf, "q6"), shelf.low) == (None, "yes", 0)
        shelf.outdated(*made_from("old"))  # somebody has switched back
        keep(shelf, "r1")
        assert (ask(shelf, "q6"), ask(shelf, "q0"), shelf.low) == ("yes", None, 0)
        shelf.outdated(*made_from("neither"))
        shelf.kill([2, 3, 4, 5, 6, 7, 8, 9, 10])
        for n in range(8):
            keep(shelf, f"s{n}")
        assert (ask(shelf, "r0"), ask(shelf, "r1"), shelf.low) == ("yes", "yes", 0)
        keep(shelf, "t")
        assert (ask(shelf, "r0"), ask(shelf, "r1"), shelf.low) == (None, "yes", 12)
        assert shelf.verify() == []


def test_a_thing_in_two_versions_makes_an_entry_that_is_never_fresh(shelf: Shelf) -> None:
    entry = keep(shelf, "q", dependencies=(Dependency("file", "/f", "1"), Dependency("file", "/f", "2")))
    assert entry.dependencies == (Dependency("file", "/f", "mixed"),)
    assert shelf.find("1") == [entry]


def test_an_entry_larger_than_the_limit_is_refused_with_the_reason(tmp_path: Path) -> None:
    import random

    noise = "".join(random.Random(0).choices("0123456789abcdefghijklmnop", k=60_000))
    with Shelf.open(tmp_path, Limits(entry=10_000)) as shelf:
        with pytest.raises(EntryRefused, match=r"larger than the cache keeps \(10,000\)") as refused:
            keep(shelf, "q", noise)
        assert refused.value.hint
        assert keep(shelf, "q", "small")
        assert shelf.stats().entries == 1


def test_a_hook_that_fails_undoes_the_store_and_a_number_it_saw_is_not_used_again(shelf: Shelf) -> None:
    seen: list[int] = []

    def add(seq: int, scope: bytes, vector: np.ndarray) -> None:
        seen.append(seq)
        if len(seen) == 1:
            raise OSError("no space")

    more = {"vector": unit(1), "embedder": "e", "on_write": add, "above": lambda: max(seen, default=0)}
    with pytest.raises(OSError, match="no space"):
        keep(shelf, "q", **more)
    assert ask(shelf, "q") is None
    assert keep(shelf, "q", **more).seq == seen[0] + 1


def test_feedback_deletes_what_was_wrong_and_counts_both(shelf: Shelf) -> None:
    good, bad = keep(shelf, "good"), keep(shelf, "bad")
    shelf.feedback(good.seq, correct=True)
    shelf.feedback(bad.seq, correct=False)
    assert (ask(shelf, "good"), ask(shelf, "bad")) == ("yes", None)
    assert shelf.memory.told() == (1, 1)


def test_clearing_takes_what_was_meant_and_keeps_what_was_learned(shelf: Shelf) -> None:
    keep(shelf, "q", created=100.0)
    keep(shelf, "r", created=200.0)
    keep(shelf, "r", scope=OTHER, created=200.0)
    shelf.memory.set("calibration", b"state")
    shelf.memory.add({"hits": 2, "usd": 0.5})
    shelf.memory.add({"hits": 1})
    assert shelf.clear(older_than=150.0) == 1
    assert shelf.clear(scope=OTHER.digest) == 1
    assert ask(shelf, "r") == "yes"
    assert shelf.clear() == 1
    assert shelf.stats().entries == 0
    assert shelf.memory.get("calibration") == b"state"
    assert shelf.memory.change("calibration", lambda old: (old or b"") + b"!") == b"state!"
    assert shelf.stats().tallies == {"hits": 3.0, "usd": 0.5}
    assert keep(shelf, "r").seq == shelf.low == 4, "an index drops all that it had, at once"


def test_an_entry_is_found_by_what_a_person_types(shelf: Shelf) -> None:
    entry = keep(shelf, "q")
    assert shelf.find("1") == shelf.find(entry.exact.hex()[:6]) == shelf.find(entry.exact.hex().upper()) == [entry]
    assert shelf.find("2") == shelf.find("ff") == shelf.find("zz*?") == shelf.find("****") == []


scopes = st.sampled_from([Scope.of({"tenant": name}) for name in "abc"])
actions = st.lists(
    st.tuples(st.sampled_from(["store", "kill", "advance", "clear"]), scopes, st.integers(0, 3)), max_size=40
)


@settings(max_examples=60, deadline=None)
@given(actions)
def test_no_interleaving_gives_one_tenant_the_answer_of_another(moves: list[tuple[str, Scope, int]]) -> None:
    """The worst case: the tenants' keys for a question are the same 16 bytes, as if somebody had found a collision."""
    with tempfile.TemporaryDirectory() as folder, Shelf.open(Path(folder), Limits(entries=8)) as shelf:
        mine: dict[tuple[bytes, int], str] = {}
        seqs: list[int] = []
        for step, (move, scope, n) in enumerate(moves):
            key = bytes([n]) * 16
            if move == "store":
                answer = f"{scope.digest.hex()} {step}"
                seqs.append(shelf.store(scope.digest, key, f"question {n}", answer).seq)
                mine[scope.digest, n] = answer
            elif move == "kill" and seqs:
                shelf.kill([seqs[n % len(seqs)]])
            elif move == "advance":
                shelf.advance(shelf.low + n)
            elif move == "clear":
                shelf.clear(scope=scope.digest)
            for tenant in (Scope.of({"tenant": name}) for name in "abc"):
                for question in range(4):
                    found = shelf.exact(tenant.digest, bytes([question]) * 16)
                    assert found is None or found.answer == mine[tenant.digest, question]
                assert all(entry.scope == tenant.digest for entry in shelf.entries(seqs, tenant.digest))


WRITER = """
import sys
from pathlib import Path
from pyagent_plugins.cache.entry import Scope, exact_key
from pyagent_plugins.cache.shelf.shelf import Shelf
scope = Scope.of({"tenant": "a"})
with Shelf.open(Path(sys.argv[1])) as shelf:
    for n in range(150):
        question = f"{sys.argv[2]} {n}"
        shelf.store(scope.digest, exact_key(scope, question), question, question)
"""


def test_two_processes_write_at_once_and_nothing_is_lost(shelf: Shelf, tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("one", "two")]
    for n in range(50):
        keep(shelf, f"three {n}", f"three {n}")
    assert [writer.wait(30) for writer in writers] == [0, 0]
    for name, count in (("one", 150), ("two", 150), ("three", 50)):
        assert all(ask(shelf, f"{name} {n}") == f"{name} {n}" for n in range(count))
    assert shelf.stats().entries == 350
    assert shelf.verify() == []


def test_threads_share_one_shelf(shelf: Shelf) -> None:
    wrong: list[str] = []

    def work(name: str) -> None:
        for n in range(60):
            keep(shelf, f"{name} {n}", f"{name} {n}", dependencies=(Dependency("tag", name, ""),))
            if ask(shelf, f"{name} {n}") != f"{name} {n}":
                wrong.append(f"{name} {n}")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert shelf.stats().entries == 240


def test_a_full_disk_is_told_and_what_was_there_is_still_given(shelf: Shelf) -> None:
    keep(shelf, "before")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file of this process may grow any more: for SQLite the same as a disk without space.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        with pytest.raises(StoreError, match="full or failing") as told:
            keep(shelf, "now", "x" * 3000)
        assert told.value.exit_code == 74
        assert ask(shelf, "before") == "yes"
        assert ask(shelf, "now") is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    keep(shelf, "after")
    assert ask(shelf, "after") == "yes"
    assert shelf.verify() == []


def test_a_file_that_is_no_database_is_set_aside_and_the_cache_goes_on_empty(tmp_path: Path) -> None:
    (tmp_path / "cache.db").write_bytes(b"this is not a database" * 100)
    with Shelf.open(tmp_path) as shelf:
        (aside,) = shelf.broken
        assert aside.read_bytes().startswith(b"this is not")
        assert aside.parent == tmp_path
        assert ".broken-" in aside.name
        keep(shelf, "q")
        assert ask(shelf, "q") == "yes"
    with Shelf.open(tmp_path) as shelf:
        assert shelf.broken == []
        assert ask(shelf, "q") == "yes"


def _damage(path: Path) -> None:
    """Overwrite every page behind the first, as a failing disk would."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


def test_pages_that_break_while_it_runs_cost_the_answers_and_no_error(tmp_path: Path) -> None:
    with Shelf.open(tmp_path) as shelf:
        for n in range(300):
            keep(shelf, f"q{n}", "x" * 500)
        name = shelf.identity
    _damage(tmp_path / "cache.db")
    with Shelf.open(tmp_path) as one, Shelf.open(tmp_path) as two:
        assert two.verify()
        assert ask(one, "q5") is None
        assert len(one.broken) == 1
        assert ask(two, "q5") is None
        assert two.broken == [], "it was set aside once"
        keep(one, "new")
        assert ask(two, "new") == "yes", "both work on the new file"
        assert one.identity == two.identity != name
    # The one that still had the broken file open did not take the new one's log with it.
    with Shelf.open(tmp_path) as shelf:
        assert ask(shelf, "new") == "yes"


def test_a_text_that_was_altered_on_the_disk_is_named_and_never_given(shelf: Shelf, tmp_path: Path) -> None:
    keep(shelf, "q")
    keep(shelf, "r")
    with sqlite3.connect(tmp_path / "cache.db") as db:
        db.execute("UPDATE entry SET answer = X'6E6F' WHERE seq = 1")
    db.close()
    assert ask(shelf, "q") is None
    assert ask(shelf, "r") == "yes"
    assert shelf.verify() == ["entry 1: its text is not what was stored (the checksum differs)"]


def test_a_folder_that_somebody_removed_is_made_again(shelf: Shelf, tmp_path: Path) -> None:
    keep(shelf, "q")
    for path in tmp_path.iterdir():
        path.unlink()
    tmp_path.rmdir()
    assert ask(shelf, "q") is None
    keep(shelf, "q", "again")
    assert ask(shelf, "q") == "again"


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    Shelf.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "cache.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreTooNew, match="version 99"):
        Shelf.open(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as refused:
        Shelf.open(tmp_path / "file" / "cache")
    assert "--cache off" in refused.value.hint
