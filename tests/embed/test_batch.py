"""Many callers at once become few batches, and one caller's trouble is not another's."""

from __future__ import annotations

import asyncio

import pytest

from pyagent.embed.batch import AsyncEmbedder
from pyagent.embed.open import open_embedder

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime", reason="the embed extra is not installed")


@pytest.fixture(scope="module")
def minilm():
    return open_embedder()


def test_fifty_callers_share_batches_and_each_gets_its_own(minilm):
    texts = [f"ticket number {n % 40}" for n in range(50)]

    async def main():
        embedder = AsyncEmbedder(minilm)
        vectors = await asyncio.gather(*(embedder.embed_one(text) for text in texts))
        await embedder.aclose()
        return np.stack(vectors), embedder.batches

    vectors, batches = asyncio.run(main())
    assert batches <= 3
    assert np.allclose(vectors, minilm.embed(texts), atol=1e-5)


def test_the_loop_goes_on_while_a_batch_runs(minilm):
    async def main():
        embedder = AsyncEmbedder(minilm)
        work = asyncio.create_task(embedder.embed(["some words to embed " * 20] * 20 + [str(n) for n in range(60)]))
        turns = 0
        while not work.done():
            await asyncio.sleep(0.001)
            turns += 1
        await embedder.aclose()
        return turns, await work

    turns, vectors = asyncio.run(main())
    assert turns > 20
    assert vectors.shape == (80, minilm.dim)


def test_a_caller_who_gives_up_disturbs_nobody(minilm):
    async def main():
        embedder = AsyncEmbedder(minilm)
        leaver = asyncio.create_task(embedder.embed(["never mind"]))
        stayer = asyncio.create_task(embedder.embed(["still here"]))
        await asyncio.sleep(0)
        leaver.cancel()
        vectors = await stayer
        await embedder.aclose()
        return leaver.cancelled(), vectors

    cancelled, vectors = asyncio.run(main())
    assert cancelled
    assert np.allclose(vectors, minilm.embed(["still here"]), atol=1e-5)


def test_an_error_reaches_its_batch_and_the_next_batch_works(minilm):
    async def main():
        embedder = AsyncEmbedder(minilm)
        bad = await asyncio.gather(embedder.embed([None]), embedder.embed(["beside it"]), return_exceptions=True)
        good = await embedder.embed(["after it"])
        await embedder.aclose()
        return bad, good

    bad, good = asyncio.run(main())
    assert all(isinstance(error, TypeError | AttributeError) for error in bad)
    assert good.shape == (1, minilm.dim)


def test_closing_answers_what_was_asked(minilm):
    async def main():
        embedder = AsyncEmbedder(minilm, most=2)
        asked = [asyncio.create_task(embedder.embed([f"text {n}"])) for n in range(7)]
        await asyncio.sleep(0)
        await embedder.aclose()
        return [task.done() for task in asked], embedder.batches

    done, batches = asyncio.run(main())
    assert all(done)
    assert batches >= 4
