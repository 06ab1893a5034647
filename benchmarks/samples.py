"""What eight samples of one prompt cost and what they gain.

First: one prompt of about 500 tokens, eight samples; the tokens that were really computed are counted by the
engine process. Then: accuracy with 1 and with 8 samples and a majority vote, on questions and labels that this
file makes, with a model of 135 million parameters. Whatever comes out is printed.

    python benchmarks/samples.py [--items 60]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyagent.engine.base import EngineOptions, Request
from pyagent.engine.llama.engine import LlamaEngine, open_llama
from pyagent.model import Message, Model

CACHE = Path(os.environ.get("PYAGENT_BENCH_CACHE") or Path(tempfile.gettempdir()) / "pyagent-bench")
Item = tuple[str, Any]  # a question, and its right answer

GOOD = ["works well", "came early", "is a joy", "looks lovely", "was a bargain", "made my day"]
BAD = ["broke at once", "never came", "is the wrong size", "smells bad", "was too dear", "ruined my day"]
THINGS = ["saddle", "chain", "bell", "lamp", "pump", "basket", "pedal", "tyre", "lock", "helmet"]


def letter(chance: random.Random) -> Item:
    """A letter of one sentence that is glad or not."""
    good = chance.random() < 0.5
    return f"The {chance.choice(THINGS)} {chance.choice(GOOD if good else BAD)}.", "good" if good else "bad"


def sum_of_two(chance: random.Random) -> Item:
    one, two = chance.randint(1, 20), chance.randint(1, 20)
    return f"{one} + {two} =", one + two


SETS: dict[str, tuple[Callable[[random.Random], Item], str, dict[str, Any]]] = {
    "letters, good or bad": (letter, "Say whether the customer is glad: good or bad.", {"enum": ["good", "bad"]}),
    "sums of two numbers to 20": (sum_of_two, "Add the two numbers.", {"type": "integer", "maximum": 99}),
}


def prompt(make: Callable[[random.Random], Item], task: str, examples: int) -> str:
    """The task and worked examples from a stream of their own."""
    chance = random.Random(1)
    shown = [make(chance) for _ in range(examples)]
    return "\n".join([task, *(f"{question} -> {answer}" for question, answer in shown)])


async def ask(engine: LlamaEngine, system: str, question: str, schema: Any, samples: int, seed: int) -> Sequence[str]:
    request = Request(
        "smollm2",
        (Message("system", system), Message("user", question)),
        max_tokens=16,
        temperature=0.7,
        seed=seed,
        samples=samples,
        schema=schema,
    )
    return [choice.text for choice in (await engine.generate(request)).choices]


async def cost(engine: LlamaEngine) -> None:
    system = prompt(letter, "Say whether the customer is glad: good or bad.", 54)
    request = Request("smollm2", (Message("user", system),), max_tokens=32, temperature=0.7, seed=1, samples=8)
    pool = await engine.pool()
    await pool.warm()
    before = sum(report["prefilled_tokens"] for report in await pool.health())
    reply = await engine.generate(request)
    computed = sum(report["prefilled_tokens"] for report in await pool.health()) - before
    print(
        f"8 samples of a prompt of {reply.usage.input_tokens} tokens: {computed} prompt tokens computed, "
        f"{reply.usage.output_tokens} tokens made, {len({choice.text for choice in reply.choices})} different texts"
    )


async def accuracy(engine: LlamaEngine, name: str, items: int) -> None:
    make, task, schema = SETS[name]
    system, chance = prompt(make, task, 12), random.Random(2)
    questions = [make(chance) for _ in range(items)]
    right = {}
    for samples in (1, 8):
        answers = await asyncio.gather(
            *(ask(engine, system, question, schema, samples, 100 * n) for n, (question, _) in enumerate(questions))
        )
        votes = [Counter(texts).most_common(1)[0][0].strip().strip('"') for texts in answers]
        right[samples] = sum(vote == str(label) for vote, (_, label) in zip(votes, questions, strict=True))
    said = ", ".join(f"{samples} sample{'s' * (samples > 1)} {count / items:.1%}" for samples, count in right.items())
    print(f"{name} ({items} questions): {said}", flush=True)


async def whole(items: int) -> None:
    options = EngineOptions(cache_dir=str(CACHE), home=str(CACHE / "home"))
    engine = open_llama(Model("smollm2"), options)
    try:
        await cost(engine)
        for name in SETS:
            await accuracy(engine, name, items)
    finally:
        await engine.aclose()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=60)
    asyncio.run(whole(parser.parse_args().items))
