"""Finds an index by a 64-bit number at 6 to 12 bytes an entry, where a dict of 100,000 needs 120."""

from __future__ import annotations

from array import array
from collections.abc import Callable


class Lookup:
    """Open addressing over one array; who owns the entries says whether two are the same, so collisions are safe.

    ``size`` is the most entries there will be. Entries are counted from 0 and kept as index + 1; 0 is free.
    """

    def __init__(self, size: int) -> None:
        # At most 2/3 full: probes stay short, on average two.
        self._mask = (1 << (size + size // 2).bit_length()) - 1
        self._slots = array("I", bytes(4 * (self._mask + 1)))

    def find(self, number: int, same: Callable[[int], bool]) -> int | None:
        """The index that was put under ``number`` and is the ``same``."""
        slots, mask = self._slots, self._mask
        at = number & mask
        while found := slots[at]:
            if same(found - 1):
                return found - 1
            at = (at + 1) & mask
        return None

    def put(self, number: int, index: int, same: Callable[[int, int], bool]) -> int | None:
        """Put ``index`` under ``number``; one that is the ``same`` as it gives its place and is given back."""
        slots, mask = self._slots, self._mask
        at = number & mask
        while found := slots[at]:
            if same(found - 1, index):
                break
            at = (at + 1) & mask
        slots[at] = index + 1
        return found - 1 if found else None
