"""How many tokens a second of wall time: one after the other, a native server, and PyAgent's pool.

Chat requests that share a warm system prompt of about 250 tokens, 48 tokens each, greedy, the same Q8_0 file.
Every contender runs in its own fresh process and is warmed by another set of requests with the same system
prompt; rounds are interleaved, and each contender's best thread count and best round counts.

    python benchmarks/throughput.py                  16, 32 and 64 requests, all contenders
    python benchmarks/throughput.py --long           1,000 requests of mixed lengths, warm and cold, PyAgent only
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pyagent.engine.base import EngineOptions, Request
from pyagent.engine.llama.engine import open_llama
from pyagent.engine.llama.files import bundled_model
from pyagent.model import Message, Model

CACHE = Path(os.environ.get("PYAGENT_BENCH_CACHE") or Path(tempfile.gettempdir()) / "pyagent-bench")
TOKENS = 48
SYSTEM = (
    "You are a careful assistant in the support department of a company that sells bicycles, parts and repairs. "
    "Read the letter of the customer and answer in plain words. Be polite, be brief, and never promise a date. "
    "If something is broken, ask for the number on the frame and for a photograph. If something was not delivered, "
    "ask for the order number. If somebody wants the money back, explain that it takes five working days once the "
    "goods have come back to us. Do not speak about competitors, do not give legal advice, do not invent prices. "
    "When the customer is angry, say first that you are sorry, and say it once. When the customer is happy, thank "
    "them and tell them about the club, which meets on the first Sunday of each month at the old mill. Write in the "
    "language of the customer. Sign with the name of the shop, which is Two Wheels. Keep paragraphs short. Use no "
    "lists, no headings and no emphasis. If you do not know the answer, say so and pass the letter to a colleague, "
    "who will answer within two days. Everything that you write may be read by the customer, so write nothing that "
    "you would not say to their face."
)
THINGS = ["saddle", "chain", "bell", "brake", "wheel", "lamp", "pump", "basket", "pedal", "fork", "tyre", "lock"]


def letters(count: int, seed: int) -> list[str]:
    chance = random.Random(seed)
    texts = []
    for number in range(count):
        one, two = chance.sample(THINGS, 2)
        texts.append(f"Letter {seed}-{number}: my {one} and my {two} are {chance.randint(2, 30)} days late. What now?")
    return texts


def chat(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


# The contenders: each gives (tokens, wall seconds, CPU seconds) for `count` requests after a warm round

Spent = tuple[int, float, float]


class Clock:
    """Wall and CPU seconds of this process and its living children since the clock was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu()

    def spent(self, tokens: int) -> Spent:
        return tokens, time.perf_counter() - self._wall, _cpu() - self._cpu


def _cpu() -> float:
    import psutil  # type: ignore[import-untyped, unused-ignore]

    mine = psutil.Process()
    return float(sum(sum(each.cpu_times()[:2]) for each in [mine, *mine.children(recursive=True)]))


def sequential(count: int, threads: int) -> Spent:
    from llama_cpp import Llama

    llama = Llama(str(bundled_model(CACHE)), n_ctx=4096, n_threads=threads, n_threads_batch=threads, verbose=False)

    def answer(text: str) -> int:
        done: Any = llama.create_chat_completion(chat(text), max_tokens=TOKENS, temperature=0.0)
        return int(done["usage"]["completion_tokens"])

    for text in letters(2, seed=1):
        answer(text)
    clock = Clock()
    return clock.spent(sum(answer(text) for text in letters(count, seed=2)))


def server(count: int, threads: int) -> Spent:
    command = [sys.executable, __file__, "--role", "serve", "--threads", str(threads)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout
        address = next(line.split()[1] for line in child.stdout if line.startswith("ADDRESS"))
        return asyncio.run(_ask_server(address, count))
    finally:
        child.kill()
        child.wait()


async def _ask_server(address: str, count: int) -> Spent:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def answer(text: str) -> int:
            body = {"messages": chat(text), "max_tokens": TOKENS, "temperature": 0.0, "cache_prompt": True}
            async with session.post(f"{address}/v1/chat/completions", json=body) as reply:
                return int((await reply.json())["usage"]["completion_tokens"])

        return await _timed(answer, 16, count)


def serve(threads: int) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(bundled_model(CACHE))
    parameters.n_parallel, parameters.n_ctx = 16, 16 * 1024
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
    running = xllamacpp.Server(parameters)
    print("ADDRESS", running.listening_address, flush=True)
    time.sleep(3600)


def pool(count: int, workers: int) -> Spent:
    return asyncio.run(_ask_pool(count, workers))


async def _ask_pool(count: int, workers: int) -> Spent:
    options = EngineOptions(workers=workers or None, cache_dir=str(CACHE), home=str(CACHE / "home"))
    engine = open_llama(Model("smollm2"), options)

    async def answer(text: str) -> int:
        return (await engine.generate(_request(text))).usage.output_tokens

    try:
        return await _timed(answer, 16, count)
    finally:
        await engine.aclose()


def _request(text: str, system: str = SYSTEM, tokens: int = TOKENS) -> Request:
    return Request("smollm2", (Message("system", system), Message("user", text)), max_tokens=tokens)


async def _timed(answer: Callable[[str], Awaitable[int]], warm: int, count: int) -> Spent:
    await asyncio.gather(*map(answer, letters(warm, seed=1)))
    clock = Clock()
    return clock.spent(sum(await asyncio.gather(*map(answer, letters(count, seed=2)))))


# 1,000 requests


async def _many(count: int, cold: bool) -> None:
    """Print the rate of each quarter, counted by when answers come; a run of any length must not slow down."""
    chance = random.Random(7)
    engine = open_llama(Model("smollm2"), EngineOptions(cache_dir=str(CACHE), home=str(CACHE / "home")))
    gate, done = asyncio.Semaphore(engine.width), []

    async def one(number: int, text: str) -> None:
        size = chance.choice([0, 0, 5, 20, 60])
        body = " ".join(chance.choice(THINGS) for _ in range(size)) + " " + text
        system = f"You are clerk {number}. {SYSTEM}" if cold else SYSTEM
        async with gate:
            reply = await engine.generate(_request(body, system, chance.choice([8, 16, 32, 48, 96])))
        done.append((time.perf_counter(), reply.usage))

    began = time.perf_counter()
    await asyncio.gather(*(one(number, text) for number, text in enumerate(letters(count, seed=3))))
    await engine.aclose()
    name = f"{count} mixed, {'cold' if cold else 'warm'} prefixes"
    quarters = [_rate(began, done, part, 4) for part in range(4)]
    seconds = done[-1][0] - began
    made, read = sum(usage.output_tokens for _, usage in done), sum(usage.input_tokens for _, usage in done)
    kept = sum(usage.cached_tokens for _, usage in done)
    print(f"{name}: {made / seconds:.0f} tokens/s made, {(read - kept) / seconds:.0f} prompt tokens/s computed")
    print(f"  by quarter, made + computed prompt tokens/s: {', '.join(f'{rate:.0f}' for rate in quarters)}", flush=True)


def _rate(began: float, done: list[Any], part: int, parts: int) -> float:
    size = len(done) // parts
    rows = done[part * size : (part + 1) * size]
    start = done[part * size - 1][0] if part else began
    tokens = sum(usage.output_tokens + usage.input_tokens - usage.cached_tokens for _, usage in rows)
    return float(tokens / (rows[-1][0] - start))


# The table


ROLES: dict[str, Callable[[int, int], Spent]] = {
    "sequential": sequential,
    "server": server,
    "pool": pool,
}
CONTENDERS = [
    ("Llama.create_chat_completion, 1 thread", "sequential", 1),
    ("Llama.create_chat_completion, 2 threads", "sequential", 2),
    ("xllamacpp's server, 16 slots, 1 thread", "server", 1),
    ("xllamacpp's server, 16 slots, 2 threads", "server", 2),
    ("PyAgent's pool, as shipped", "pool", 0),
]
TARGETS = {16: (3.2, 1.3), 32: (3.5, 1.4), 64: (3.5, 1.4)}


def measure(role: str, count: int, threads: int) -> tuple[float, float]:
    """Tokens a wall second, and a CPU second, of one contender in a fresh process."""
    command = [sys.executable, __file__, "--role", role, "--threads", str(threads), "--requests", str(count)]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    tokens, wall, cpu = json.loads(done.stdout.splitlines()[-1])
    return tokens / wall, tokens / cpu


def table(counts: Sequence[int], rounds: int) -> None:
    print(f"{os.cpu_count()} cores; load average at the start {os.getloadavg()[0]:.1f}; tokens a second")
    for count in counts:
        rates: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in CONTENDERS}
        for _ in range(rounds):
            for name, role, threads in CONTENDERS:
                rates[name].append(measure(role, count, threads))
        print(f"\n{count} requests")
        for name, values in rates.items():
            every = ", ".join(f"{wall:.1f} ({cpu:.1f} a CPU second)" for wall, cpu in values)
            print(f"  {name:42}{max(values)[0]:7.1f}   of {every}")
        _ratios(rates, TARGETS.get(count, TARGETS[64]))


def _ratios(rates: dict[str, list[tuple[float, float]]], targets: tuple[float, float]) -> None:
    best = {role: max(max(rates[name])[0] for name, kind, _ in CONTENDERS if kind == role) for role in ROLES}
    for role, target in zip(("sequential", "server"), targets, strict=True):
        print(f"  {best['pool'] / best[role]:.2f} times the best of {role} (target {target})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, nargs="+", default=[16, 32, 64])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--long", action="store_true", help="1,000 requests (or --requests N)")
    parser.add_argument("--role", choices=[*ROLES, "serve"], help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "serve":
        serve(given.threads)
    elif given.role:
        print(json.dumps(ROLES[given.role](given.requests[0], given.threads)))
    elif given.long:
        count = given.requests[0] if len(given.requests) == 1 else 1000
        for cold in (False, True):
            asyncio.run(_many(count, cold))
    else:
        table(given.requests, given.rounds)


if __name__ == "__main__":
    main()
