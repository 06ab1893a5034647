"""What a step of the bundled model costs with our kernels and with llama.cpp's: CPU milliseconds, one thread.

Sequences of 250 cells each, forked from one prompt; the median of 12 steps for each number of rows.

    python benchmarks/kernels.py
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pyagent.engine.llama import kernels
from pyagent.engine.llama.files import bundled_model

READY = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"
ROWS = (1, 2, 4, 8, 12, 16)
PROMPT = 250
TEXT = "The quick brown fox jumps over the lazy dog. "


def measure(path: str, library: str) -> dict[str, float]:
    """Milliseconds of the prompt and of a step, by rows."""
    from pyagent.engine.llama.binding import Context, Model

    if library and not kernels.load(library):
        raise SystemExit("llama.cpp does not take the library")
    model = Model(path)
    context = Context(model, 4096, max(ROWS) + 1, 512)
    tokens = model.tokenize(TEXT * 40, False)[:PROMPT]

    def decode(rows: list[tuple[int, int, int, int]]) -> float:
        batch, started = context.batch, time.process_time()
        for i, (token, pos, seq, wants) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.seq[i], batch.wants[i] = token, pos, seq, wants
        if not context.decode(len(rows)):
            raise SystemExit("no free cells")
        return 1e3 * (time.process_time() - started)

    found = {"prompt": decode([(token, i, 0, int(i == PROMPT - 1)) for i, token in enumerate(tokens)])}
    for seq in range(1, max(ROWS) + 1):
        context.fork(0, seq, PROMPT)
    ends = dict.fromkeys(range(1, max(ROWS) + 1), PROMPT)

    def step(rows: int, turn: int) -> float:
        spent = decode([(tokens[(7 * turn + seq) % PROMPT], ends[seq], seq, 1) for seq in range(1, rows + 1)])
        for seq in range(1, rows + 1):
            ends[seq] += 1
        return spent

    take: Callable[[int], float] = lambda rows: statistics.median(step(rows, turn) for turn in range(12))  # noqa: E731
    return found | {str(rows): take(rows) for rows in ROWS}


def main() -> int:
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
        return 0
    library = kernels.compiled(READY)
    if library is None:
        print(f"our kernels do not run here: {kernels.why_not() or 'they are off or failed their trial'}")
        return 1
    # Each in its own process: a library that llama.cpp took stays.
    table = []
    for which in (str(library), ""):
        command = [sys.executable, __file__, str(bundled_model(READY)), which]
        table.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    print(f"{'rows':>6} {'ours':>8} {'llama.cpp':>10}")
    for name in table[0]:
        print(f"{name:>6} {table[0][name]:>8.1f} {table[1][name]:>10.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
