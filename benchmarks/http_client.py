"""What one HTTP call costs in CPU, layer by layer, against a server that answers at once.

    python benchmarks/http_client.py [--calls 4000] [--width 64]

Each row is one process; the server is another. "import" is the CPU of importing what the row needs. The engine's
row holds all that a task's call needs: the body, the gate, the wire, reading the reply.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PROMPT = "What is the capital of France?"
BODY = json.dumps({"model": "stub", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 512}).encode()
HEADERS = {"content-type": "application/json", "authorization": "Bearer x"}

Call = Callable[[], Awaitable[Any]]


def bare_aiohttp(url: str) -> Call:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=HEADERS)

    async def call() -> None:
        async with session.post(url, data=BODY) as reply:
            json.loads(await reply.read())

    return call


def httpx_pool(url: str) -> Call:
    import httpx

    client = httpx.AsyncClient(headers=HEADERS, limits=httpx.Limits(max_connections=1000))

    async def call() -> None:
        json.loads((await client.post(url, content=BODY)).content)

    return call


def httpx_over_aiohttp(url: str) -> Call:
    import httpx
    from httpx_aiohttp import HttpxAiohttpClient

    client = HttpxAiohttpClient(headers=HEADERS, limits=httpx.Limits(max_connections=1000))

    async def call() -> None:
        json.loads((await client.post(url, content=BODY)).content)

    return call


def engine(url: str, stream: bool = False) -> Call:
    from pyagent.engine.base import EngineOptions, Request
    from pyagent.engine.http.client import without_its_command_line
    from pyagent.engine.http.openai import open_openai
    from pyagent.model import Message, Model, Provider

    model = Model("stub", "openai", provider=Provider("stub", base_url=url))
    asked = open_openai(model, EngineOptions())
    without_its_command_line()
    import httpx_aiohttp  # noqa: F401  (the engine imports it with its first call; here it counts as import)

    request = Request("stub", (Message("user", PROMPT),))

    async def call() -> None:
        await asked.generate(request, (lambda text, token: None) if stream else None)

    return call


ROWS: dict[str, Callable[[str], Call]] = {
    "aiohttp alone": bare_aiohttp,
    "httpx, its own pool": httpx_pool,
    "httpx over aiohttp": httpx_over_aiohttp,
    "OpenAIEngine": engine,
    "OpenAIEngine, streaming": lambda url: engine(url, stream=True),
}


async def measure(row: str, url: str, calls: int, width: int) -> None:
    start = time.process_time()
    call = ROWS[row](url)
    imported = time.process_time() - start
    numbers = iter(range(calls))

    async def agent() -> None:
        for _ in numbers:
            await call()

    await call()
    start = time.process_time()
    await asyncio.gather(*(agent() for _ in range(width)))
    cpu = time.process_time() - start
    print(f"{row:<26} {imported * 1000:>9.0f} {cpu * 1000 / calls:>11.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        asyncio.run(measure(options.row, options.url, options.calls, options.width))
        return
    stub = [sys.executable, str(ROOT / "tests/servers/stub.py"), "--port", "0"]
    server = subprocess.Popen(stub, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}/v1/chat/completions"
    print(
        f"{options.calls} calls, {options.width} in flight\n{'':<26} {'import ms':>9} {'CPU ms/call':>11}", flush=True
    )
    size = ["--calls", str(options.calls), "--width", str(options.width)]
    try:
        for row in ROWS:
            # A client that is dropped open complains on stderr at exit; it is not what is measured.
            command = [sys.executable, __file__, *size, "--row", row, "--url", url]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    finally:
        server.kill()


if __name__ == "__main__":
    main()
