"""What a version says beyond its text: that the thing is gone, or that nobody can say, which is never fresh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyagent_plugins.cache.entry import Dependency

GONE = "gone"
UNKNOWN = "unknown"
# What was read in two versions by one computation: no version is equal to it.
MIXED = "mixed"
NEVER_FRESH = frozenset({UNKNOWN, MIXED})


def together(dependencies: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """Each thing once; what comes in two versions gets one that is never fresh."""
    found: dict[tuple[str, str], Dependency] = {}
    for dep in dependencies:
        known = found.setdefault((dep.kind, dep.key), dep)
        if known.version != dep.version:
            found[dep.kind, dep.key] = replace(dep, version=MIXED)
    return tuple(found.values())


def counted(version: str, count: int) -> str:
    """A version with how often it was invalidated."""
    return version if version in NEVER_FRESH or not count else f"{version}#{count}"


def content(version: str) -> str:
    """A version without the count of invalidations, which means something in one store only."""
    head, mark, count = version.rpartition("#")
    return head if mark and count.isdecimal() else version
