"""Export and import: what arrives is what was sent; what was damaged is named; nothing newer is overwritten."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pyagent.errors import StoreError, UsageError
from pyagent_plugins.cache.entry import Dependency, Entry, Scope, exact_key
from pyagent_plugins.cache.shelf.depends import Versions
from pyagent_plugins.cache.shelf.limits import Limits
from pyagent_plugins.cache.shelf.lines import line_of
from pyagent_plugins.cache.shelf.portable import Imported, export, import_
from pyagent_plugins.cache.shelf.shelf import Shelf

A, B = Scope.of({"tenant": "a"}), Scope.of({"tenant": "b"})


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Shelf]:
    with Shelf.open(tmp_path / "old") as shelf:
        yield shelf


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Shelf]:
    with Shelf.open(tmp_path / "new") as shelf:
        yield shelf


def keep(shelf: Shelf, question: str, answer: str = "yes", scope: Scope = A, **more: object) -> Entry:
    return shelf.store(scope.digest, exact_key(scope, question), question, answer, **more)


def ask(shelf: Shelf, question: str, scope: Scope = A) -> str | None:
    entry = shelf.exact(scope.digest, exact_key(scope, question))
    return entry.answer if entry else None


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(384).astype(np.float32)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("name", ["cache.jsonl", "cache.jsonl.gz"])
def test_what_arrives_is_what_was_sent(old: Shelf, new: Shelf, tmp_path: Path, name: str) -> None:
    sent = keep(
        old, "Wörter \ud800?", "an answer", vector=unit(1), embedder="e", features=b"f\x00", model="m", usd=0.5,
        input_tokens=3, output_tokens=4, expires=9e9, dependencies=(Dependency("file", "/x", "v"),),
    )  # fmt: skip
    keep(old, "q", "of b", scope=B)
    keep(old, "over", expires=1.0)
    assert export(old, tmp_path / name) == 2
    indexed: list[int] = []
    keep(new, "here before")
    assert import_(new, tmp_path / name, on_write=lambda seq, *_: indexed.append(seq)) == Imported(2, 0, 0, 0, ())
    (found,) = new.exacts(A.digest, exact_key(A, "Wörter \ud800?"))
    assert (found.answer, found.created, found.expires) == (sent.answer, sent.created, sent.expires)
    assert (found.dependencies, found.model, found.usd) == (sent.dependencies, "m", 0.5)
    meaning = new.meanings([found.seq])[found.seq]
    assert (meaning.embedder, meaning.features, indexed) == ("e", b"f\x00", [found.seq])
    assert float(meaning.vector @ unit(1)) > 0.9999
    assert (ask(new, "q", B), ask(new, "q", A)) == ("of b", None), "a scope keeps its answers to itself"
    assert import_(new, tmp_path / name).known == 2, "a second time changes nothing"
    assert new.verify() == []


def test_an_import_never_hides_a_newer_answer_and_renews_an_older_one(old: Shelf, new: Shelf, tmp_path: Path) -> None:
    keep(old, "q", "old answer", created=100.0)
    keep(old, "r", "new answer", created=300.0)
    keep(new, "q", "newer here", created=200.0)
    keep(new, "r", "older here", created=200.0)
    export(old, tmp_path / "x")
    assert import_(new, tmp_path / "x") == Imported(1, 1, 0, 0, ())
    assert (ask(new, "q"), ask(new, "r")) == ("newer here", "new answer")


def test_an_export_of_one_scope_holds_no_other(old: Shelf, tmp_path: Path) -> None:
    keep(old, "q", "secret of b", scope=B)
    keep(old, "q", "of a")
    assert export(old, tmp_path / "x", A.digest) == 1
    assert "secret" not in (tmp_path / "x").read_text()


def test_what_was_invalidated_here_does_not_come_back_and_counts_stay_at_home(
    old: Shelf, new: Shelf, tmp_path: Path
) -> None:
    tag, other = Dependency("tag", "t"), Dependency("tag", "u")
    Versions(old).invalidate([other])
    keep(old, "q", dependencies=Versions(old).record([tag]), created=100.0)
    keep(old, "r", dependencies=Versions(old).record([other]), created=100.0)
    export(old, tmp_path / "x")
    here = Versions(new)
    here.invalidate([tag])
    assert import_(new, tmp_path / "x", here) == Imported(1, 0, 1, 0, ())
    (entry,) = new.exacts(A.digest, exact_key(A, "r"))
    assert here.changed(entry) is None, "the other store's count of invalidations means nothing here"
    here.invalidate([other])
    assert ask(new, "r") is None


def test_damaged_lines_are_named_and_the_others_come_in(old: Shelf, new: Shelf, tmp_path: Path) -> None:
    for n in range(5):
        keep(old, f"q{n}", f"answer {n}")
    file = tmp_path / "cache.jsonl"
    export(old, file)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b"answer 0", b"poison 0")
    lines[2] = b"\xff\xfe not json\n"
    lines[4] = line_of({"scope": "zz", "exact": ""})
    lines[5] = line_of({**json.loads(lines[5])["row"], "answer": 7})
    del lines[6]
    file.write_bytes(b"".join(lines))
    done = import_(new, file)
    assert done.kept == 1
    assert [problem.split(" (")[0] for problem in done.problems] == [
        "cache.jsonl:2: its checksum differs",
        "cache.jsonl:3: it is not a line of an export",
        "cache.jsonl:5: it is not an entry",
        "cache.jsonl:6: it is not an entry",
        "cache.jsonl:7: the file ends too early",
    ]
    assert [ask(new, f"q{n}") for n in range(5)] == [None, None, "answer 2", None, None]


def test_missing_lines_and_cut_files_are_named(old: Shelf, new: Shelf, tmp_path: Path) -> None:
    for n in range(3):
        keep(old, f"q{n}")
    file = tmp_path / "x.gz"
    export(old, file)
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    (tmp_path / "less").write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert import_(new, tmp_path / "less").problems == ("less:4: 3 entries were exported and 2 are here",)
    file.write_bytes(file.read_bytes()[:-20])
    (problem,) = import_(new, file).problems
    assert "damaged from here on" in problem
    (tmp_path / "head").write_bytes(b"".join([lines[0].replace(b"1", b"2"), *lines[1:]]))
    assert import_(new, tmp_path / "head").problems == ("head:1: its checksum differs",)


def test_what_is_no_export_is_refused(new: Shelf, tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl").write_text('{"id": "a", "prompt": "x"}\n')
    (tmp_path / "empty").write_text("")
    (tmp_path / "newer").write_bytes(line_of({"pyagent_cache": 9}))
    for name, what in (("tasks.jsonl", "is no export"), ("empty", "is no export"), ("newer", "format 9")):
        with pytest.raises(UsageError, match=what):
            import_(new, tmp_path / name)
    with pytest.raises(UsageError, match="cannot be read"):
        import_(new, tmp_path / "none")
    with pytest.raises(StoreError, match="cannot be written"):
        export(new, tmp_path / "no" / "folder")


def test_limits_and_vectors_of_a_wrong_length_hold_nothing_up(old: Shelf, tmp_path: Path) -> None:
    keep(old, "small", vector=unit(1)[:10] / np.linalg.norm(unit(1)[:10]), embedder="e")
    keep(old, "large", "0123456789abcdef" * 200)
    export(old, tmp_path / "x")
    with Shelf.open(tmp_path / "tiny", Limits(entry=2000)) as tiny:
        first = keep(tiny, "here", vector=unit(2), embedder="e")
        assert import_(tiny, tmp_path / "x", embedder="e") == Imported(1, 0, 0, 1, ())
        assert ask(tiny, "small") == "yes"
        assert [seq for seq, _, _ in tiny.vectors("e")] == [first.seq]
