"""Which task waits for which, as arrays of numbers, so that a file without ``after`` pays nothing for it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence


class Graph:
    """Edges between the indices 0..n-1: 8 bytes an edge and 8 a task, or nothing when there are no edges.

    Edges come by ``add``; ``seal`` makes them readable both ways, parents in the order in which they were added.
    """

    def __init__(self) -> None:
        self._n = 0
        self._tails = array("I")  # who waits
        self._heads = array("I")  # for whom
        self._parents = _Rows()
        self._children = _Rows()

    def add(self, child: int, parents: Iterable[int]) -> None:
        for parent in parents:
            self._tails.append(child)
            self._heads.append(parent)

    def seal(self, n: int) -> None:
        self._n = n
        if self._tails:
            self._parents = _Rows.of(n, self._tails, self._heads)
            self._children = _Rows.of(n, self._heads, self._tails)
            self._tails, self._heads = array("I"), array("I")

    def parents(self, i: int) -> tuple[int, ...]:
        return tuple(self._parents[i])

    def children(self, i: int) -> tuple[int, ...]:
        return tuple(self._children[i])

    def order(self, waiting: Sequence[int]) -> Iterator[int]:
        """``waiting`` with parents first (Kahn 1962); what is on a cycle or waits for one never comes."""
        inside, missing = bytearray(self._n), array("I", bytes(4 * self._n))
        for i in waiting:
            inside[i] = 1
        for i in waiting:
            missing[i] = sum(inside[parent] for parent in self._parents[i])
        ready = array("I", (i for i in waiting if not missing[i]))
        while ready:
            i = ready.pop()
            yield i
            for child in self._children[i]:
                missing[child] -= 1
                if not missing[child]:
                    ready.append(child)

    def cycles(self, stuck: Sequence[int]) -> Iterator[list[int]]:
        """Cycles among the tasks that `order` left out, none sharing a task, each from its first line on.

        Each task of ``stuck`` has a parent in it, so a walk from child to parent ends in a cycle.
        """
        inside, walked = set(stuck), set[int]()
        for start in stuck:
            path: dict[int, None] = {}
            i = start
            while i not in path and i not in walked:
                path[i] = None
                i = next(parent for parent in self._parents[i] if parent in inside)
            if i in path:
                steps = list(path)
                yield _from_least(steps[steps.index(i) :])
            walked.update(path)

    def components(self) -> array[int]:
        """For each index the first index of those that it is connected with, whichever way."""
        root = array("I", range(self._n))

        def find(i: int) -> int:
            while root[i] != i:
                root[i] = root[root[i]]
                i = root[i]
            return i

        for i in range(self._n):
            for parent in self._parents[i]:
                a, b = find(i), find(parent)
                root[max(a, b)] = min(a, b)
        return array("I", map(find, range(self._n)))


class _Rows:
    """For each index a row of numbers, all in one array (compressed sparse rows)."""

    def __init__(self, starts: array[int] | None = None, values: array[int] | None = None) -> None:
        self._starts = starts
        self._values = values if values is not None else array("I")

    @classmethod
    def of(cls, n: int, rows: Sequence[int], values: Sequence[int]) -> _Rows:
        """Sort pairs by row; within a row they keep their order (counting sort)."""
        starts = array("I", bytes(4 * (n + 1)))
        for row in rows:
            starts[row + 1] += 1
        for row in range(n):
            starts[row + 1] += starts[row]
        free = starts[:]
        sorted_values = array("I", bytes(4 * len(values)))
        for row, value in zip(rows, values, strict=True):
            sorted_values[free[row]] = value
            free[row] += 1
        return cls(starts, sorted_values)

    def __getitem__(self, row: int) -> array[int]:
        if self._starts is None:
            return self._values
        return self._values[self._starts[row] : self._starts[row + 1]]


def _from_least(steps: list[int]) -> list[int]:
    at = steps.index(min(steps))
    return steps[at:] + steps[:at]
