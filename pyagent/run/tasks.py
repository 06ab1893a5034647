"""A task file as an index, so that 100,000 tasks cost a few megabytes and every fault is found before a question.

The file is read twice: `TaskIndex.scan` checks each line and keeps numbers only; `TaskIndex.tasks` reads it again
when the tasks are wanted. An index holds about 70 bytes a task (benchmarks/task_file.py).
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from pyagent.errors import TaskFileError, UsageError
from pyagent.model import Task
from pyagent.run import source
from pyagent.run.fields import to_task
from pyagent.run.graph import Graph
from pyagent.run.lookup import Lookup
from pyagent.run.problems import Problems
from pyagent.run.readers import Reader, Record, open_reader
from pyagent.run.strict import BadLine, shown

KEY = 32  # bytes of a key
# Gives the 32-byte key of a task from the task and the keys of the tasks in its `after`, in that order.
Key = Callable[[Task, Sequence[bytes]], bytes]


class TaskIndex:
    """The tasks of one file by index 0..n-1 in file order; made by `scan`.

    What it gives back is read from the file again and must be what `scan` saw: TaskFileError otherwise.
    """

    def __init__(self, path: Path, name: str, reader: Reader) -> None:
        self.path = path
        self.name = name
        self.digest = ""
        self.duplicates = 0
        self._reader = reader
        self._size = 0
        self._offsets = array("Q")
        self._lines = array("I")
        self._sums = array("I")
        self._hashes = array("q")
        self._keys = bytearray()
        self._nths = array("I")
        self._graph = Graph()
        self._ids = Lookup(0)

    @classmethod
    def scan(cls, path: str | Path, key: Key, format: str | None = None, shown_as: str | None = None) -> TaskIndex:
        """Read and check the whole file; ``format`` is jsonl, csv or text, by default what the file looks like.

        ``key`` is asked for each task, parents first; a UsageError of it is a fault of that line. ``shown_as``
        is the file's name in errors. Raises TaskFileError with all bad lines, UsageError for an unknown format.
        """
        path, name = Path(path), shown_as or str(path)
        source.check(path, name)
        format = source.find_format(path, name, format)
        problems = Problems(name)
        raw = source.Hashed(path)
        with source.buffered(raw) as file:
            try:
                reader, at, line = open_reader(format, file)
            except BadLine as bad:
                problems.add(1, str(bad))
                raise problems.error() from None
            index = cls(path, name, reader)
            _Scan(index, key, problems).run(reader.records(file, at, line))
        index.digest, index._size = raw.digest.hexdigest(), raw.size
        return index

    def __len__(self) -> int:
        return len(self._offsets)

    def task(self, i: int) -> Task:
        """The task ``i``, read again."""
        with self._open() as file:
            return self._read(file, i)

    def tasks(self, indices: Iterable[int] | None = None) -> Iterator[tuple[int, Task]]:
        """(index, task) for all, or for ``indices`` in their order; ascending ones are one pass over the file."""
        wanted = range(len(self)) if indices is None else indices
        with self._open() as file:
            records, after = self._reader.records(file, 0, 0), None
            for i in wanted:
                if i != after:
                    file.seek(self._offsets[i])
                    records = self._reader.records(file, self._offsets[i], self._lines[i])
                raw = next(records, (0, 0, b""))[2]
                yield i, self._task(i, raw)
                after = i + 1

    def key(self, i: int) -> str:
        """The hex key: 64 characters."""
        return self._key(i).hex()

    def nth(self, i: int) -> int:
        """How many earlier tasks have the same key."""
        return self._nths[i]

    def parents(self, i: int) -> tuple[int, ...]:
        """The tasks in the ``after`` of task ``i``, in its order."""
        return self._graph.parents(i)

    def children(self, i: int) -> tuple[int, ...]:
        """The tasks that have task ``i`` in their ``after``, in file order."""
        return self._graph.children(i)

    def index_of(self, id: str) -> int | None:
        """The index of the task with this id, or None."""
        with self._open() as file:
            return self._find(file, id)

    def shard(self, i: int, n: int) -> array[int]:
        """The indices, ascending, of part ``i`` (1..n): connected tasks stay together, parts are about equal.

        The same for every process that reads the same file. Largest group first, to the smallest part.
        """
        roots = self._graph.components()
        sizes = array("I", bytes(4 * len(self)))
        for root in roots:
            sizes[root] += 1
        parts, loads = array("I", bytes(4 * len(self))), [0] * n
        for root in sorted(set(roots), key=lambda root: (-sizes[root], root)):
            parts[root] = loads.index(min(loads))
            loads[parts[root]] += sizes[root]
        return array("I", (task for task, root in enumerate(roots) if parts[root] == i - 1))

    def _open(self) -> BinaryIO:
        try:
            file = open(self.path, "rb")  # noqa: SIM115 - the callers close it
        except OSError:
            raise self._changed() from None
        if self._size and file.seek(0, 2) != self._size:
            file.close()
            raise self._changed()
        return file

    def _changed(self) -> TaskFileError:
        return TaskFileError(
            f"{self.name} changed while it was being read", "Run the same command again; what is done is kept."
        )

    def _raw(self, file: BinaryIO, i: int) -> bytes:
        file.seek(self._offsets[i])
        return next(self._reader.records(file, 0, 0), (0, 0, b""))[2]

    def _read(self, file: BinaryIO, i: int) -> Task:
        return self._task(i, self._raw(file, i))

    def _task(self, i: int, raw: bytes) -> Task:
        return to_task(self._fields(i, raw), self._lines[i])

    def _fields(self, i: int, raw: bytes) -> dict[str, Any]:
        if zlib.crc32(raw) != self._sums[i]:
            raise self._changed()
        return self._reader.fields(raw)

    def _id(self, file: BinaryIO, i: int) -> str:
        id = self._fields(i, self._raw(file, i)).get("id")
        return str(self._lines[i]) if id is None else id

    def _find(self, file: BinaryIO, id: str) -> int | None:
        number = hash(id)
        return self._ids.find(number, lambda j: self._hashes[j] == number and self._id(file, j) == id)

    def _key(self, i: int) -> bytes:
        return bytes(self._keys[KEY * i : KEY * i + KEY])


class _Scan:
    """The first pass: fills an index, or fails with all that is wrong with the file."""

    def __init__(self, index: TaskIndex, key: Key, problems: Problems) -> None:
        self.index = index
        self.key = key
        self.problems = problems
        self.waiting = array("I")  # tasks with `after`
        self.keyed = bytearray()
        self.unreadable = False

    def run(self, records: Iterable[Record]) -> None:
        self._lines(records)
        if not len(self.index) and not self.problems:
            raise TaskFileError(f"{self.index.name} holds no tasks", "Write a task a line.")
        with open(self.index.path, "rb") as again:
            self._ids(again)
            self._edges(again)
        if self.problems:
            raise self.problems.error()
        self._repeats()

    def _lines(self, records: Iterable[Record]) -> None:
        reader = self.index._reader
        for at, line, raw in records:
            try:
                task = to_task(reader.fields(raw), line)
            except BadLine as bad:
                self.problems.add(line, str(bad))
                if bad.id is None:
                    self.unreadable = True
                else:
                    # Its id is known, so that those who wait for it are not called wrong too.
                    self._append(at, line, raw, bad.id)
                continue
            self._append(at, line, raw, task.id)
            if task.after:
                self.waiting.append(len(self.index) - 1)
            else:
                self._give_key(len(self.index) - 1, task, ())

    def _append(self, at: int, line: int, raw: bytes, id: str) -> None:
        index = self.index
        index._offsets.append(at)
        index._lines.append(line)
        index._sums.append(zlib.crc32(raw))
        index._hashes.append(hash(id))
        index._keys.extend(bytes(KEY))
        self.keyed.append(0)

    def _give_key(self, i: int, task: Task, parents: Sequence[int]) -> None:
        self.keyed[i] = 1
        try:
            key = self.key(task, [self.index._key(parent) for parent in parents])
        except UsageError as error:
            self.problems.add(task.line, "; ".join(filter(None, (str(error), error.hint))))
            return
        if len(key) != KEY:
            raise ValueError(f"a key must have {KEY} bytes, not {len(key)}")
        self.index._keys[KEY * i : KEY * i + KEY] = key

    def _ids(self, file: BinaryIO) -> None:
        """Put every id where it is found by its hash; two tasks with one id are a fault of the later."""
        index, lines, hashes = self.index, self.index._lines, self.index._hashes
        index._ids = Lookup(len(index))

        def same(j: int, i: int) -> bool:
            # Beyond the faults that are shown an equal hash will do: the file is refused anyway.
            return hashes[j] == hashes[i] and (
                not self.problems.keeps(lines[i]) or index._id(file, j) == index._id(file, i)
            )

        for i in range(len(index)):
            earlier = index._ids.put(hashes[i], i, same)
            if earlier is not None:
                self.problems.add(lines[i], partial(self._twice, file, i, lines[earlier]))

    def _twice(self, file: BinaryIO, i: int, line: int) -> str:
        id = self.index._id(file, i)
        why = " (a task without an id has its line's number)" if id.isdecimal() else ""
        return f"the id {shown(id)} is already that of line {line}{why}"

    def _edges(self, file: BinaryIO) -> None:
        index, late = self.index, array("I")
        for i in self.waiting:
            task = index._read(file, i)
            parents = self._parents(file, i, task)
            index._graph.add(i, parents)
            if len(parents) == len(task.after) and all(self.keyed[parent] for parent in parents):
                self._give_key(i, task, parents)
            else:
                late.append(i)
        index._graph.seal(len(index))
        self._late(file, late)

    def _parents(self, file: BinaryIO, i: int, task: Task) -> list[int]:
        found = []
        for id in task.after:
            parent = self.index._find(file, id)
            if parent is None:
                self.problems.add(task.line, partial(self._no_such, file, i, id))
            else:
                found.append(parent)
        return found

    def _no_such(self, file: BinaryIO, i: int, id: str) -> str:
        index = self.index
        said = "no readable line has" if self.unreadable else "no task has"
        # 1,000 lines each way: a slip is near, and the whole of a large file would take minutes.
        around = range(max(0, i - 1000), min(len(index), i + 1000))
        near = get_close_matches(id, (index._id(file, j) for j in around if j != i), 1)
        advice = f"; did you mean {shown(near[0])}?" if near else ""
        return f"'after' names {shown(id)}, which {said} as its id{advice}"

    def _late(self, file: BinaryIO, late: Sequence[int]) -> None:
        """Keys of the tasks whose parents come further down, and the cycles among them."""
        index, graph = self.index, self.index._graph
        reached = bytearray(len(index))
        for i in graph.order(late):
            reached[i] = 1
            if not self.problems:
                self._give_key(i, index._read(file, i), graph.parents(i))
        for cycle in graph.cycles([i for i in late if not reached[i]]):
            ids = [shown(index._id(file, i))[1:-1] for i in [*cycle[:8], cycle[0]]]
            if len(cycle) > 8:
                ids.insert(-1, f"({len(cycle) - 8} more)")
            self.problems.add(index._lines[cycle[0]], f"'after' goes in a circle: {' -> '.join(ids)}")

    def _repeats(self) -> None:
        """Count for each task the earlier ones with its key."""
        index = self.index
        keys = memoryview(index._keys)
        index._nths = array("I", bytes(4 * len(index)))
        latest = Lookup(len(index))

        def same(j: int, i: int) -> bool:
            return keys[KEY * j : KEY * j + KEY] == keys[KEY * i : KEY * i + KEY]

        for i in range(len(index)):
            number = int.from_bytes(keys[KEY * i : KEY * i + 8], "little")
            earlier = latest.put(number, i, same)
            if earlier is not None:
                index._nths[i] = index._nths[earlier] + 1
                index.duplicates += 1
