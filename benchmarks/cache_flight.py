"""How many calls 200 wordings of one question make when all are asked at once, with 20 traps beside them.

    python benchmarks/cache_flight.py [--wordings 200] [--seeds 3] [--half seen|held|both]

Every wording and every trap goes through `SemanticCache.get_or_compute` at the same moment; a call takes 2 s, longer
than it takes to ask; the vectors are made before. `fresh` is a cache that nothing was measured on; `mature` one whose
threshold stands on shadow samples of the generator's pairs (other intents than the verifier was fitted on). The aim is
1 call for the wordings and one for each trap. The questions of the held half were written before the rules were last
widened, and not looked at, except for these totals: twice. What was held before is seen now.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "plugins"), str(ROOT / "benchmarks")]

from cache_generator import pairs  # noqa: E402
from cache_wordings import Topic, topics  # noqa: E402

from pyagent.embed.base import Embedder  # noqa: E402
from pyagent.embed.open import open_embedder  # noqa: E402
from pyagent_plugins.cache.cache import SemanticCache  # noqa: E402
from pyagent_plugins.cache.calibration import Calibrator  # noqa: E402
from pyagent_plugins.cache.learner import NAME  # noqa: E402
from pyagent_plugins.cache.matching import matched, refused  # noqa: E402
from pyagent_plugins.cache.meaning.features import features  # noqa: E402
from pyagent_plugins.cache.meaning.verifier import fitted  # noqa: E402
from pyagent_plugins.cache.stages import FLOOR  # noqa: E402

SAMPLES = 4000
CALL = 2.0  # seconds, as a small local model's 50 tokens: longer than it takes to understand 220 questions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wordings", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3, help="orders tried for each question")
    parser.add_argument("--half", choices=("seen", "held", "both"), default="both")
    options = parser.parse_args()
    embedder = _Known(open_embedder())
    grown = matured(embedder)
    print(f"mature: {grown.mode}, threshold {grown.threshold}, {len(grown.samples)} samples")
    print(f"{'question':10} {'half':5} {'cache':7} {'calls: wordings':>16} {'traps':>6} {'traps joined':>13}")
    for name, topic in topics(options.half).items():
        for age, state in (("fresh", None), ("mature", grown.dump())):
            runs = [asyncio.run(asked_at_once(embedder, topic, options, s, state)) for s in range(options.seeds)]
            wordings, traps, joined = ([run[at] for run in runs] for at in range(3))
            print(f"{name:10} {topic.half:5} {age:7} {_span(wordings):>16} {_span(traps):>6} {_span(joined):>13}")
    print(f"{options.wordings} wordings and 20 traps at once; least-most of {options.seeds} orders")


def _span(counts: list[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)}-{max(counts)}"


async def asked_at_once(
    embedder: Embedder, topic: Topic, options: argparse.Namespace, seed: int, state: str | None
) -> tuple[int, int, int]:
    """Calls for the wordings, calls for the traps, and how many traps were given another question's answer."""
    wordings = topic.wordings(options.wordings, seed)
    mine = [*wordings, *topic.traps]
    random.Random(seed).shuffle(mine)
    embedder.embed(mine)  # before the clock runs: how long that takes is the embedder's figure, not this one
    made: list[str] = []

    def computing(text: str) -> object:
        async def compute() -> str:
            made.append(text)
            await asyncio.sleep(CALL)
            return text

        return compute

    with tempfile.TemporaryDirectory() as folder:
        if state is not None:
            first = SemanticCache.open(folder, embedder=embedder)
            first.shelf.memory.change(NAME, lambda _: state.encode())
            await first.aclose()
        cache = SemanticCache.open(folder, embedder=embedder)
        answers = await asyncio.gather(
            *(cache.get_or_compute(text, computing(text), scope={"model": "m"}) for text in mine)  # type: ignore[arg-type]
        )
        await cache.aclose()
    traps = set(topic.traps)
    joined = sum(text in traps and answer.value != text for text, answer in zip(mine, answers, strict=True))
    return sum(text not in traps for text in made), sum(text in traps for text in made), joined


def matured(embedder: Embedder) -> Calibrator:
    """A calibrator that has seen its share of a user's would-be hits, right and wrong ones."""
    made = pairs(SAMPLES, seed=5, half=1)
    texts = list(dict.fromkeys(text for pair in made for text in (pair.one, pair.other)))
    vectors = dict(zip(texts, embedder.embed(texts), strict=True))
    calibrator = Calibrator(fitted=fitted())
    for pair in made:
        one, other = features(pair.one), features(pair.other)
        cosine = float(vectors[pair.one] @ vectors[pair.other])
        if cosine >= FLOOR and refused(pair.one, one, pair.other, other) is None:
            match = matched(pair.one, one, pair.other, other, cosine)
            calibrator.sample(match, pair.same, calibrator.serves(match))
    return calibrator


class _Known:
    """Embeds each text once: the orders of one question share their wordings."""

    def __init__(self, inner: Embedder) -> None:
        self._inner, self._known = inner, {}  # type: ignore[var-annotated]
        self.name, self.dim, self.window = inner.name, inner.dim, inner.window

    def embed(self, texts):  # type: ignore[no-untyped-def]
        import numpy as np

        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._inner.embed(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def counts(self, texts):  # type: ignore[no-untyped-def]
        return self._inner.counts(texts)


if __name__ == "__main__":
    main()
