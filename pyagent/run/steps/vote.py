"""Several samples of one prompt make one answer: what they agree on is more often right than any of them alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pyagent.model import Result
from pyagent.run.key import canonical
from pyagent.run.pipeline import Job, Proceed
from pyagent.run.steps.attempt import parse
from pyagent.run.together import together

# A word is what two texts can agree on; scripts without spaces agree by the character.
WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
# An answer that says of itself that it is the answer: a last sentence "The answer is X", or \boxed{X}.
MARKED = re.compile(r"(?:^|[.!?] )(?:so |therefore,? )?(?:the )?(?:final )?answer(?: is)?(?::| |$)(.+)$")
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")
NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
CLOTHES = " \t\n.!:;,*_`\"'()[]$“”‘’"


@dataclass(frozen=True, slots=True)
class Decision:
    """``index`` is the chosen sample, ``behind`` how many stand behind it; ``counts`` holds each answer with its votes,
    most votes first."""

    index: int
    behind: int
    counts: tuple[tuple[str, int], ...]


class Vote:
    """Decides between the samples of a task that asks for more than one.

    A task with tools talks several times instead, once for each sample: the samples part at the first call.
    """

    name, order = "vote", 42

    async def __call__(self, job: Job, proceed: Proceed) -> Result:
        wanted = job.request.samples
        if wanted == 1 or job.dry:
            return await proceed(job)
        if job.request.tools or (job.agent and job.agent.handoffs):
            result = await talks(job, proceed)
        else:
            result = await proceed(job)
        if result.status != "ok" or not result.samples:
            return result
        return self._decided(job, result)

    def _decided(self, job: Job, result: Result) -> Result:
        samples = result.samples
        decision = decide(job.task.vote, samples, job.request.schema)
        agreement = decision.behind / job.request.samples
        counts = [{"answer": answer[:200], "votes": votes} for answer, votes in decision.counts]
        job.emit("vote.decided", vote=job.task.vote, chosen=decision.index, agreement=agreement, counts=counts)
        if decision.index > 0 and job.stream:
            # The first sample was streamed; its epoch ends here.
            job.stream.replay(samples[decision.index])
        return replace(result, output=samples[decision.index], agreement=agreement, samples=())


async def talks(job: Job, proceed: Proceed) -> Result:
    """One whole talk for each sample, side by side; the first one is streamed. Failed talks do not vote.

    The i-th talk is seeded with ``seed + i``, as the i-th sample of one prompt is.
    """
    results = await together([_talk(job, index, proceed) for index in range(job.request.samples)])
    total: Result | None = None
    for result in results:
        total = result.after(total)
    good = [result for result in results if result.status == "ok"]
    first = good[0] if good else results[0]
    assert total is not None
    return replace(
        first,
        usage=total.usage,
        cost_usd=total.cost_usd,
        attempts=total.attempts,
        seconds=max(result.seconds for result in results),
        samples=tuple(_text(result.output) for result in good),
    )


def decide(vote: str, samples: Sequence[str], schema: Mapping[str, Any] | None = None) -> Decision:
    """Choose among ``samples`` by ``vote``; ties go to the first.

    Invalid samples (empty, or missing the schema) have no vote, but stay in the count that agreement is a share
    of. When all are invalid the first is chosen, with nobody behind it.
    """
    answers = [normal(text, schema) for text in samples]
    valid = [index for index, answer in enumerate(answers) if answer is not None]
    if not valid:
        return Decision(0, 0, ())
    votes = Counter(answers[index] or "" for index in valid)
    if vote == "longest_agreement":
        index, behind = consensus([samples[index] for index in valid])
        return Decision(valid[index], behind, tuple(votes.most_common()))
    chosen = valid[0] if vote == "first_valid" else max(valid, key=lambda index: votes[answers[index] or ""])
    return Decision(chosen, votes[answers[chosen] or ""], tuple(votes.most_common()))


def normal(text: str, schema: Mapping[str, Any] | None = None) -> str | None:
    """What two samples must share to be the same answer; None when the sample is no valid answer.

    With a schema it is the canonical JSON (1.0 is 1). Else the text without case, white space, and the
    punctuation around it; a text that marks its answer is that answer; a number is its value.
    """
    if schema is not None:
        value, problem = parse(text, schema)
        return None if problem else canonical(_plain(value)).decode("utf-8", "surrogatepass")
    text = text.casefold().replace("**", "").strip()
    words = " ".join(text.split())
    boxed, marked = BOXED.findall(text), MARKED.search(text.rpartition("\n")[2])
    answer = (boxed[-1] if boxed else marked[1] if marked else words).strip(CLOTHES)
    # Decimal rounds to 28 digits; a longer number stays text.
    if len(answer) < 28 and NUMBER.fullmatch(answer):
        return _number(answer)
    return answer or words or None


def consensus(texts: Sequence[str]) -> tuple[int, int]:
    """(index of the text that agrees longest with the others, how many texts stand behind it, itself included).

    How long two texts agree is the longest common subsequence of their words, as a share of both: ROUGE-L's F1,
    2 LCS / (m + n) (Lin, "ROUGE", 2004). The text with the highest sum over all others is chosen: minimum Bayes
    risk over the samples (Kumar and Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation",
    NAACL 2004). A text stands behind it when they share more than half of their words in order.
    """
    words = [WORD.findall(text.casefold()) for text in texts]
    shares = [[_share(a, b) for b in words] for a in words]
    index = max(range(len(texts)), key=lambda i: sum(shares[i]))
    return index, sum(share > 0.5 for share in shares[index])


def _number(text: str) -> str:
    """One spelling of a number: `1,234.50` is `1234.5`, `-0` is `0`."""
    return format(Decimal(text.replace(",", "")).normalize() + 0, "f")


def _share(a: Sequence[str], b: Sequence[str]) -> float:
    """0..1: how much of both word lists is common to them, in order."""
    return 2 * shared(a, b) / (len(a) + len(b)) if a or b else 1.0


def shared(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence; one long-integer operation for each word of ``b``.

    Bit i of ``row`` is 0 where the length grows at word i of ``a`` (Hyyrö, "Bit-Parallel LCS-length Computation
    Revisited", 2004). The table of |a| x |b| cells takes 250 times as long in Python.
    """
    places: dict[str, int] = {}
    for index, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << index
    full = row = (1 << len(a)) - 1
    for word in b:
        hits = row & places.get(word, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(a) - row.bit_count()


async def _talk(job: Job, index: int, proceed: Proceed) -> Result:
    request = job.request
    seed = None if request.seed is None else request.seed + index
    span = job.open("sample", index=index)
    alone = replace(
        span,
        request=replace(request, samples=1, seed=seed),
        stream=job.stream if index == 0 else None,
        notes={**job.notes, "sample": index},
    )
    result = await proceed(alone)
    span.emit("sample.finished", status=result.status, error=result.error)
    return result


def _plain(value: Any) -> Any:
    """JSON with whole numbers as integers, as JSON Schema compares them."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _text(output: Any) -> str:
    return output if isinstance(output, str) else canonical(output).decode("utf-8", "surrogatepass")
