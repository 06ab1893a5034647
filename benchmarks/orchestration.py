"""What the program costs around the model: CPU a task and peak memory, against a server that answers at once.

    python benchmarks/orchestration.py [--sizes 1000,10000] [--memory]

Each size is one `pyagent swarm run` process, 64 in flight, start-up included; the server is another process and
counts the requests. Beside it stands the least that any client can do: a bare asyncio loop over the same
keep-alive connections, without journal, files or checks. `--memory` adds 100,000 tasks and what each one costs
in memory over a run of 1,000. Modules come from compiled files, as after any first start, also where the
environment forbids to write them: compiling all of them at each start costs 0.2 s.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 64
COMPILED = tempfile.TemporaryDirectory()

BARE = """
import asyncio, json, sys
host, port, count, width = "127.0.0.1", int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
async def agent(numbers):
    reader, writer = await asyncio.open_connection(host, port)
    for n in numbers:
        body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": f"question number {n}"}]}).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\n"
                     b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
        head = await reader.readuntil(b"\\r\\n\\r\\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\\r\\n")[0])
        json.loads(await reader.readexactly(length))["choices"][0]["message"]["content"]
    writer.close()
async def main():
    numbers = iter(range(count))
    await asyncio.gather(*(agent(numbers) for _ in range(width)))
asyncio.run(main())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument("--memory", action="store_true")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")] + ([100_000] if options.memory else [])
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/servers/stub.py"), "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    port = int(server.stdout.readline())
    try:
        run(port, 1)
        print(f"{'tasks':>8} {'bare ms':>8} {'ms/task':>8} {'ratio':>6} {'RSS MB':>7} {'asked a task':>13}")
        memory: dict[int, float] = {}
        for size in sizes:
            bare = min(cpu([sys.executable, "-c", BARE, str(port), str(size), str(WIDTH)])[0] for _ in range(2))
            mine, memory[size], asked = min(run(port, size) for _ in range(1 if size > 10_000 else 3))
            print(
                f"{size:8} {1000 * bare / size:8.3f} {1000 * mine / size:8.3f} {mine / bare:6.1f}"
                f" {memory[size] / 1e6:7.1f} {asked / size:13.3f}"
            )
        if options.memory:
            growth = (memory[100_000] - memory[sizes[0]]) / (100_000 - sizes[0])
            print(f"memory a task: {growth:.0f} bytes, from {sizes[0]} to 100000 tasks")
    finally:
        server.kill()


def run(port: int, size: int) -> tuple[float, float, int]:
    """(CPU seconds, peak RSS in bytes, requests) of one run."""
    with tempfile.TemporaryDirectory() as folder:
        tasks = Path(folder, "tasks.jsonl")
        tasks.write_text("".join(json.dumps({"prompt": f"question number {n}"}) + "\n" for n in range(size)))
        before = requests(port)
        command = [sys.executable, "-m", "pyagent", "-q", "swarm", "run", str(tasks), "-m", "stub", "--cache", "off"]
        command += ["--base-url", f"http://127.0.0.1:{port}/v1", "-j", str(WIDTH)]
        seconds, rss = cpu(command, {"PYAGENT_HOME": folder})
        return seconds, rss, requests(port) - before


def cpu(command: list[str], env: dict[str, str] | None = None) -> tuple[float, float]:
    """CPU seconds (user and system) and peak RSS in bytes of one process."""
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": COMPILED.name}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **compiled, **(env or {})})
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def requests(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/count") as reply:
        return int(json.load(reply)["requests"])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
