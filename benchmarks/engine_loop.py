"""What one engine process makes of its core: tokens a second, and the share that Python takes of the decoding.

    python benchmarks/engine_loop.py [--sequences 16] [--requests 32] [--sequential] [--check]

One process, one thread, the bundled model (Q8_0): chat requests that share a warm system prompt of 250 tokens,
48 tokens each, greedy and at temperature 0.8. Tokens are counted by the second of wall time and of the process's
CPU time: on a busy machine only the latter means something. ``--sequential`` measures
``Llama.create_chat_completion`` at one thread on the same requests. With ``--check`` it exits with 1 when Python
takes more than 3 %.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pyagent.engine.llama import kernels
from pyagent.engine.llama.files import bundled_model
from pyagent.engine.llama.process import Load
from pyagent.engine.llama.wire import Reader, pack

READY = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"
LIMIT = 0.03
TOKENS = 48
RULES = "You answer the tickets of a small shop for printers and their parts. Be short, kind and exact. "
SYSTEM = (RULES * 13)[:1200]


def user(i: int) -> str:
    return f"Ticket {i}: my printer prints page {i * 3 % 97} twice. What can I do?"


class Process:
    """An engine process, and the CPU time that it used."""

    def __init__(self, path: Path, sequences: int) -> None:
        self._socket, theirs = socket.socketpair()
        command = [sys.executable, "-m", "pyagent.engine.llama.worker", str(theirs.fileno())]
        self._child = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        self._reader, self._queue, self._id = Reader(), list[dict[str, Any]](), 0
        fast = str(kernels.compiled(READY) or "")
        self._say(op="load", **asdict(Load(str(path), 8192, sequences, kernels=fast)))
        self._hear("ready")

    def _say(self, **message: Any) -> None:
        self._socket.sendall(pack(message))

    def _hear(self, op: str) -> dict[str, Any]:
        while True:
            while not self._queue:
                self._queue += self._reader.feed(self._socket.recv(1 << 20))
            message = self._queue.pop(0)
            if message["op"] == op:
                return message

    def health(self) -> dict[str, Any]:
        self._say(op="health")
        return self._hear("health")

    def cpu(self) -> float:
        stat = Path(f"/proc/{self._child.pid}/stat")
        if not stat.exists():
            return float("nan")
        fields = stat.read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, count: int, temperature: float, tokens: int = TOKENS) -> int:
        """Output tokens of ``count`` requests, none asked before."""
        for _ in range(count):
            self._id += 1
            segments = [["<|im_start|>system\n", True], [SYSTEM, False], ["<|im_end|>\n<|im_start|>user\n", True]]
            segments += [[user(self._id), False], ["<|im_end|>\n<|im_start|>assistant\n", True]]
            self._say(
                op="submit", id=self._id, segments=segments, max_tokens=tokens, temperature=temperature, seed=1,
                stop=[], schema=None, grammar=None, logprobs=False, samples=1, stream=False,
            )  # fmt: skip
        answers = [self._hear("done") for _ in range(count)]
        return sum(sample["tokens"] for answer in answers for sample in answer["samples"])

    def close(self) -> None:
        self._say(op="stop")
        self._child.wait()


def measure(process: Process, requests: int, temperature: float) -> float:
    """Prints one line; gives back Python's share."""
    before, cpu, started = process.health(), process.cpu(), time.perf_counter()
    tokens = process.ask(requests, temperature)
    wall, cpu, after = time.perf_counter() - started, process.cpu() - cpu, process.health()
    python, native = (after[k] - before[k] for k in ("python_seconds", "decode_seconds"))
    print(
        f"temperature {temperature}: {tokens} tokens, {tokens / wall:.1f}/s wall, {tokens / cpu:.1f}/s CPU; "
        f"Python {100 * python / native:.2f} % of decoding, {after['steps'] - before['steps']} steps"
    )
    return float(python / native)


def sequential(path: Path, requests: int) -> None:
    from llama_cpp import Llama

    llama = Llama(str(path), n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)

    def ask(i: int, tokens: int) -> int:
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user(i)}]
        reply: Any = llama.create_chat_completion(messages, max_tokens=tokens, temperature=0.0)  # type: ignore[arg-type]
        return int(reply["usage"]["completion_tokens"])

    ask(0, 1)
    started, cpu = time.perf_counter(), time.process_time()
    tokens = sum(ask(i + 1, TOKENS) for i in range(requests))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"Llama in sequence: {tokens} tokens, {tokens / wall:.1f}/s wall, {tokens / cpu:.1f}/s CPU")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sequences", type=int, default=16, help="places of the engine")
    parser.add_argument("--requests", type=int, default=32)
    parser.add_argument("--sequential", action="store_true", help="measure Llama.create_chat_completion too")
    parser.add_argument("--check", action="store_true", help="exit with 1 when Python takes more than 3 %%")
    options = parser.parse_args()
    path = bundled_model(READY)
    process = Process(path, options.sequences)
    process.ask(1, 0.0, tokens=1)
    shares = [measure(process, options.requests, temperature) for temperature in (0.0, 0.8)]
    process.close()
    if options.sequential:
        sequential(path, options.requests)
    return int(options.check and max(shares) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
