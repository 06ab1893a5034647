"""What a task of a large file costs: bytes of memory for its index, and CPU for the two passes over the file.

    python benchmarks/task_file.py [TASKS]

CPU is user and system time of this process over both passes, keys left out; bytes are Python's own (tracemalloc,
peak and kept) in a scan of their own.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

from pyagent.model import Task
from pyagent.run.tasks import TaskIndex

SCHEMA = {"type": "object", "properties": {"label": {"enum": ["bug", "billing"]}}, "required": ["label"]}


def key(task: Task, parents: Sequence[bytes]) -> bytes:
    return hashlib.sha256(f"{task.prompt}".encode()).digest()


def jsonl(n: int) -> list[str]:
    return [
        json.dumps({"id": f"t{i}", "prompt": f"Question {i}: what is {i} + 1?", "max_tokens": 32}) for i in range(n)
    ]


def with_schema(n: int) -> list[str]:
    return [json.dumps({"id": f"t{i}", "prompt": f"Ticket {i}: it fails.", "schema": SCHEMA}) for i in range(n)]


def chain(n: int) -> list[str]:
    """Conversations of ten turns, each after the one before."""
    return [
        json.dumps({"id": f"t{i}", "prompt": f"Turn {i}", **({"after": [f"t{i - 1}"]} if i % 10 else {})})
        for i in range(n)
    ]


def forward(n: int) -> list[str]:
    """Ten tasks of which each waits for the next line: the dearest kind."""
    return [
        json.dumps({"id": f"t{i}", "prompt": f"Turn {i}", **({"after": [f"t{i + 1}"]} if i % 10 < 9 else {})})
        for i in range(n)
    ]


def table(n: int) -> list[str]:
    return ["id,prompt,max_tokens", *(f'q{i},"Question {i}, what is {i} + 1?",32' for i in range(n))]


def text(n: int) -> list[str]:
    return [f"Question {i}: what is {i} + 1?" for i in range(n)]


CASES: list[tuple[str, str, Callable[[int], list[str]]]] = [
    ("jsonl", "jsonl", jsonl),
    ("jsonl, schema", "jsonl", with_schema),
    ("jsonl, after above", "jsonl", chain),
    ("jsonl, after below", "jsonl", forward),
    ("csv", "csv", table),
    ("text", "txt", text),
]


def measure(path: Path) -> tuple[float, float, float, float]:
    """(scan us, second pass us, peak bytes, kept bytes), each a task."""
    start = time.process_time()
    index = TaskIndex.scan(path, lambda task, parents: bytes(32))
    scanned = time.process_time()
    count = sum(1 for _ in index.tasks())
    done = time.process_time()
    del index
    tracemalloc.start()
    index = TaskIndex.scan(path, key)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (scanned - start) / count * 1e6, (done - scanned) / count * 1e6, peak / len(index), kept / len(index)


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{n:,} tasks, for each of them:")
    print(f"{'kind':<20} {'scan us':>9} {'second us':>9} {'both us':>9} {'peak B':>8} {'kept B':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name, ending, lines in CASES:
            path = Path(folder) / f"tasks.{ending}"
            path.write_text("\n".join(lines(n)) + "\n")
            scan, second, peak, kept = measure(path)
            print(f"{name:<20} {scan:9.1f} {second:9.1f} {scan + second:9.1f} {peak:8.0f} {kept:8.0f}")


if __name__ == "__main__":
    main()
