"""Whether what an answer was made from is still the same: the only thing that keeps a cache from telling old news.

Versions are taken when a computation starts. An edit while it runs then leaves the answer stale, whatever the
computation happened to read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pyagent_plugins.cache.entry import Dependency, Entry
from pyagent_plugins.cache.shelf.digests import Digests
from pyagent_plugins.cache.shelf.pace import Pace
from pyagent_plugins.cache.shelf.shelf import Shelf
from pyagent_plugins.cache.shelf.validators import Validators
from pyagent_plugins.cache.shelf.versions import GONE, NEVER_FRESH, UNKNOWN, content, counted, together


class Versions:
    """The versions of everything that answers are made from, as they are now.

    | kind | version |
    |---|---|
    | file | the digest of what it holds (a folder: of the names in it); ``gone`` when there is none |
    | url | its validator, asked with HEAD; ``unknown`` when nobody answers, and unknown is never fresh |
    | tool, model, prompt | what this process registered, else empty |
    | tag | empty |

    and for each kind ``#n`` behind it once somebody invalidated it n times. Files are named by absolute paths.
    """

    def __init__(
        self,
        shelf: Shelf,
        files: Digests | None = None,
        urls: Validators | None = None,
        pace: Pace | None = None,
    ) -> None:
        """``pace`` learns how fast things change, and ends what declares nothing; None: its time alone does."""
        self._shelf, self._pace = shelf, pace
        self._urls = urls or Validators()
        self._registered: dict[tuple[str, str], str] = {}
        self._ways: dict[str, Callable[[str], str]] = {"file": files or Digests(), "url": self._urls}

    def register(self, kind: str, key: str, digest: str) -> None:
        """Say which version of a tool, model or prompt this process works with."""
        self._registered[kind, key] = digest

    def current(self, dependency: Dependency) -> str:
        """The version of this thing now. May ask a server: see ``waits``."""
        return self._current((dependency,))[0].version

    def record(self, dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
        """These with their versions now and absolute paths, each once. Call it when the computation starts, and for
        what it reads on its way before that is read. A link brings the file that it leads to: whoever names that one
        as changed means what was read through the link, too."""
        named = tuple(replace(dep, key=key) for dep in dependencies for key in dict.fromkeys(_names(dep)))
        return together(self._current(named))

    def changed(self, entry: Entry) -> str | None:
        """Why this answer may not be given any more, None when all it was made from is as it was."""
        if entry.expires is not None:
            now = self._shelf.clock.now()
            if entry.expires <= now:
                return f"its time ended {now - entry.expires:.0f} s ago"
            if entry.guessed and self._pace is not None and now - entry.created > self._pace.life:
                return f"it declares nothing and is {now - entry.created:.3g} s old, of {self._pace.life:.3g} s at most"
        for then, today in zip(entry.dependencies, self._current(entry.dependencies), strict=True):
            if then.version in NEVER_FRESH:
                return f"{then.kind} {then.key} could not be checked when the answer was made"
            if then.version != today.version:
                if today.version not in NEVER_FRESH:
                    self._shelf.outdated(today)
                    self._watched(entry, True)
                return _sentence(then, today.version)
        if entry.dependencies:
            self._watched(entry, False)
        return None

    def _watched(self, entry: Entry, changed: bool) -> None:
        if self._pace is not None:
            self._pace.looked(entry, changed)

    def _current(self, dependencies: tuple[Dependency, ...]) -> list[Dependency]:
        if not dependencies:
            return []
        things = [(dep.kind, _key(dep)) for dep in dependencies]
        counts = self._shelf.counters.counts(things)
        return [
            replace(dep, key=thing[1], version=counted(self._content(*thing), count))
            for dep, thing, count in zip(dependencies, things, counts, strict=True)
        ]

    def _content(self, kind: str, key: str) -> str:
        way = self._ways.get(kind)
        return way(key) if way is not None else self._registered.get((kind, key), "")

    def waits(self, dependencies: Sequence[Dependency]) -> bool:
        """Whether checking these would ask a server, so that it belongs on a thread."""
        return any(dep.kind == "url" and self._urls.waits(dep.key) for dep in dependencies)

    def invalidate(self, dependencies: Iterable[Dependency]) -> list[int]:
        """Say that these changed. Gives the numbers of the entries deleted for it; no process returns one of them
        from its next look-up on, nor an answer that is being made from them now. No crash undoes it.

        A file counts under the path that was given and under the one that it links to; a folder counts for all files
        below it.
        """
        things = dict.fromkeys((dep.kind, key) for dep in dependencies for key in _names(dep))
        if self._pace is not None:
            dying = {seq for thing in things for seq in self._shelf.counters.dependents(*thing)}
            for entry in self._shelf.entries(dying):
                self._pace.looked(entry, True)
        return self._shelf.counters.bump(list(things))

    def close(self) -> None:
        self._urls.close()


def _key(dependency: Dependency) -> str:
    """Absolute, but not resolved: a link that is turned to another file changes what it says."""
    return os.path.abspath(dependency.key) if dependency.kind == "file" else dependency.key


def _names(dependency: Dependency) -> tuple[str, ...]:
    key = _key(dependency)
    return (key, os.path.realpath(key)) if dependency.kind == "file" else (key,)


def _sentence(dep: Dependency, version: str) -> str:
    if version == UNKNOWN:
        return f"{dep.kind} {dep.key} cannot be checked now"
    if content(version) == GONE and content(dep.version) != GONE:
        return f"{dep.kind} {dep.key} is gone"
    if content(version) == content(dep.version):
        return f"{dep.kind} {dep.key} was invalidated"
    return f"{dep.kind} {dep.key} changed"
