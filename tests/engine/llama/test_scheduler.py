"""Many answers at once from the real model: nothing is computed twice, nobody starves, nothing depends on luck."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("llama_cpp")

Start = Callable[..., Any]


class Bench:
    """A scheduler on the real model, with what its steps said."""

    def __init__(self, model: Any, chat: Any, **options: Any) -> None:
        from pyagent.engine.llama.grammar import Grammars
        from pyagent.engine.llama.scheduler import Scheduler

        self.model, self._chat = model, chat
        self.scheduler = Scheduler(model, **{"n_ctx": 1024, "n_seq": 8, **options})
        self.grammars = Grammars(model)
        self.frames: list[list[Any]] = []
        self.done: dict[int, dict[str, Any]] = {}

    def submit(self, id: int, user: str, limit: int = 8, system: str = "You are helpful.", **more: Any) -> int:
        """Queues a chat; gives back the number of its prompt tokens."""
        from pyagent.engine.llama.sequence import Ask

        prompt = array("i", self.model.prompt(self._chat(user, system)))
        plain = {"temperature": 0.0, "seed": 7}
        self.scheduler.submit(Ask(id=id, prompt=prompt, limit=limit, **{**plain, **more}))
        return len(prompt)

    def step(self) -> None:
        for message in self.scheduler.step():
            if message["op"] == "frames":
                self.frames += message["frames"]
            else:
                self.done[message["id"]] = message

    def run(self) -> None:
        while self.scheduler.busy:
            self.step()

    def text(self, id: int, sample: int = 0) -> str:
        return str(self.done[id]["samples"][sample]["text"])

    def endless(self) -> Any:
        """A grammar that forces as many tokens as are allowed."""
        return self.grammars.of_text("root ::= [a-z ]{900}")


@pytest.fixture
def start(model: Any, chat: Any) -> Iterator[Start]:
    benches: list[Bench] = []

    def make(**options: Any) -> Bench:
        benches.append(Bench(model, chat, **options))
        return benches[-1]

    yield make
    for bench in benches:
        bench.scheduler.close()


LONG = "You answer the tickets of a small shop for printers and their parts, kindly, in one sentence, and exactly. " * 5


def test_an_answer_makes_sense_and_streams_piece_by_piece(start: Start) -> None:
    bench = start()
    bench.submit(1, "What is the capital of France?", 20, stream=True, logprobs=True)
    bench.run()
    sample = bench.done[1]["samples"][0]
    assert "Paris" in sample["text"]
    assert sample["finish"] == "stop"
    assert "".join(frame[4] for frame in bench.frames) == sample["text"]
    assert [frame[2] for frame in bench.frames] == list(range(len(bench.frames)))
    assert len(sample["logprobs"]) == sample["tokens"]
    assert all(value <= 0 for value in sample["logprobs"])


def test_a_shared_beginning_is_computed_once_even_while_it_is_being_computed(start: Start) -> None:
    bench = start()
    prompts = [bench.submit(i, f"Ticket {i}: it is broken.", 2, system=LONG) for i in range(8)]
    bench.run()
    health = bench.scheduler.health()
    own = 20
    assert health["prefilled_tokens"] < prompts[0] + 7 * own
    assert health["cached_tokens"] > 7 * (prompts[0] - own)
    assert all(bench.done[i]["cached_tokens"] > prompts[0] - own for i in range(1, 8))


def test_a_later_turn_goes_on_from_the_finished_one(start: Start) -> None:
    bench = start()
    bench.submit(1, "Hello there, who are you?", 4, system=LONG)
    bench.run()
    prompt = bench.submit(2, "Hello there, who are you? And why?", 4, system=LONG)
    bench.run()
    assert bench.done[2]["computed_tokens"] < 15
    assert bench.done[2]["cached_tokens"] + bench.done[2]["computed_tokens"] == prompt


def test_eight_samples_prefill_their_prompt_once(start: Start) -> None:
    bench = start(n_seq=4)  # fewer places than samples: the later ones start from the same prompt all the same
    prompt = bench.submit(1, "Tell me a story.", 6, system=LONG, samples=8, temperature=1.0, stream=True)
    bench.run()
    message = bench.done[1]
    assert message["computed_tokens"] == prompt
    assert bench.scheduler.health()["prefilled_tokens"] == prompt
    assert len({bench.text(1, sample) for sample in range(8)}) > 4
    for sample in range(8):
        assert "".join(f[4] for f in bench.frames if f[1] == sample) == bench.text(1, sample)


def test_the_second_sample_is_the_first_of_the_next_seed(start: Start) -> None:
    bench = start(deterministic=True)
    bench.submit(1, "Tell me a story.", 12, samples=2, temperature=1.0, seed=40)
    bench.submit(2, "Tell me a story.", 12, temperature=1.0, seed=41)
    bench.run()
    assert bench.text(1, 1) == bench.text(2)
    assert bench.text(1, 0) != bench.text(2)


def test_a_long_prompt_does_not_stop_those_who_write(start: Start) -> None:
    bench = start(n_ctx=2048)
    bench.submit(1, "Count.", 60, stream=True, grammar=bench.endless())
    bench.step()
    bench.submit(2, "word " * 700, 4, stream=True)
    while not any(frame[0] == 2 for frame in bench.frames):
        before = len(bench.frames)
        bench.step()
        assert any(frame[0] == 1 for frame in bench.frames[before:])
    assert sum(frame[0] == 1 for frame in bench.frames) >= 5


def test_when_cells_run_out_the_youngest_waits_and_all_finish(start: Start) -> None:
    bench = start(n_ctx=256, n_seq=4)
    for i in range(4):
        bench.submit(i, f"Story {i} " + "abcdefg"[i] * 9, 70, grammar=bench.endless(), temperature=0.5, seed=i)
    bench.run()
    health = bench.scheduler.health()
    assert health["preemptions"] > 0
    assert {bench.done[i]["samples"][0]["tokens"] for i in range(4)} == {70}
    assert health["free_cells"] == 256
    # As much as the context holds is possible as soon as one is alone.
    bench.submit(9, "word " * 180, 20, grammar=bench.endless(), system="")
    bench.run()
    assert bench.done[9]["samples"][0]["tokens"] == 20


def test_a_stop_string_is_met_across_tokens_and_never_shown(start: Start) -> None:
    bench = start()
    bench.submit(1, "What is the capital of France?", 20)
    bench.run()
    whole = bench.text(1)
    stop = whole[whole.index("Paris") - 4 : whole.index("Paris") + 3]
    bench.submit(2, "What is the capital of France?", 20, stop=("zzz", stop), stream=True)
    bench.submit(3, "What is the capital of France?", 20, stop=(whole[:9] + "?",), stream=True)
    bench.run()
    assert bench.text(2) == whole[: whole.index(stop)]
    assert bench.done[2]["samples"][0]["finish"] == "stop"
    # What only looked like a stop string is shown in the end.
    assert bench.text(3) == whole
    for id in (2, 3):
        assert "".join(f[4] for f in bench.frames if f[0] == id) == bench.text(id)


def test_a_cancelled_call_frees_its_cells_and_says_nothing(start: Start) -> None:
    bench = start()
    bench.submit(1, "Count.", 500, grammar=bench.endless())
    bench.submit(2, "Hello!", 4, grammar=bench.endless())
    bench.step()
    prompt, answer = bench.scheduler.cancel(1)
    assert prompt > 10
    assert answer == 1
    assert bench.scheduler.cancel(99) == (0, 0)
    bench.run()
    assert set(bench.done) == {2}
    assert bench.scheduler.health()["free_cells"] == 1024


class Faulty:
    """A grammar that holds for a while and then breaks, as a fault of ours would."""

    need = 1
    complete = False

    def start(self) -> Faulty:
        return self

    def pick(self, sequence: Any, sampler: Any, row: Any, *rest: Any) -> int:
        if sequence.produced == 3:
            raise IndexError("beyond the last state")
        return int(row.argmax())


def test_a_grammar_that_breaks_in_the_middle_ends_its_own_request_only(start: Start) -> None:
    bench = start()
    bench.submit(1, "Count.", 50, grammar=Faulty(), samples=2)
    bench.submit(2, "Hello!", 20, grammar=bench.endless())
    bench.run()
    assert bench.done[1] == {"op": "error", "id": 1, "kind": "internal", "error": "IndexError: beyond the last state"}
    assert bench.done[2]["samples"][0]["tokens"] == 20
    assert bench.scheduler.health()["free_cells"] == 1024
    bench.submit(3, "Hello!", 4)
    bench.run()
    assert bench.text(3)


@pytest.mark.parametrize("crowd", [0, 12], ids=["cells kept", "cells lost"])
def test_a_paused_call_holds_no_place_and_goes_on_where_it_was(start: Start, crowd: int) -> None:
    bench = start(n_seq=1, deterministic=True, n_ctx=512)
    bench.submit(1, "Tell me a story.", 24, temperature=1.0)
    bench.run()
    bench.submit(2, "Tell me a story.", 24, temperature=1.0, stream=True)
    while len(bench.frames) < 5:
        bench.step()
    bench.scheduler.pause(2)
    assert not bench.scheduler.busy
    for i in range(crowd):
        bench.submit(10 + i, f"{i} " + "other " * 35, 1, system="")
    bench.run()
    assert len(bench.frames) == 5
    bench.scheduler.resume(2)
    bench.run()
    assert bench.text(2) == bench.text(1)


def test_log_probabilities_agree_with_decoding_the_answer_at_once(start: Start, chat: Any) -> None:
    from pyagent.engine.llama.binding import Context

    bench = start()
    bench.submit(1, "Name a colour.", 6, logprobs=True, temperature=0.7, stream=True)
    bench.run()
    prompt = bench.model.prompt(chat("Name a colour.", "You are helpful."))
    tokens = prompt + [frame[3] for frame in bench.frames[: bench.done[1]["samples"][0]["tokens"]]]
    context = Context(bench.model, 256, 1, 256)
    batch, n = context.batch, len(tokens)
    batch.token[:n], batch.pos[:n], batch.seq[:n], batch.wants[:n] = tokens, range(n), 0, 1
    assert context.decode(n)
    rows = context.logits(n).astype(np.float64)
    rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
    expected = [rows[i - 1, tokens[i]] for i in range(len(prompt), n)]
    context.close()
    assert bench.done[1]["samples"][0]["logprobs"] == pytest.approx(expected, abs=0.3)


def test_a_schema_holds_at_any_length_with_the_real_model(start: Start) -> None:
    import json

    import jsonschema

    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
                       "rating": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["name", "tags", "rating"],
    }  # fmt: skip
    bench = start()
    grammar = bench.grammars.of_schema(schema)
    lengths = [*range(grammar.need, grammar.need + 12), 80]
    for i, limit in enumerate(lengths):
        bench.submit(i, "Describe a good printer as JSON.", limit, grammar=grammar, temperature=0.8 * (i % 2), seed=i)
    bench.run()
    for i, limit in enumerate(lengths):
        jsonschema.validate(json.loads(bench.text(i)), schema)
        assert bench.done[i]["samples"][0]["tokens"] <= limit
    assert bench.done[0]["samples"][0]["finish"] == "length"


def test_one_at_a_time_and_sixteen_at_once_give_the_same_tokens(start: Start) -> None:
    """Turns above 64 tokens, of which half share a beginning, that end at different times; greedy and seeded."""
    text = "the printer red driver update moon coffee paper jam network router blue screen tall cat sings"
    words = text.split(" ")

    def submit(bench: Bench, i: int) -> None:
        user = " ".join(random.Random(i).choice(words) for _ in range(60 + 2 * i))
        system = LONG[:300] if i % 4 == 0 else ""
        bench.submit(i, user, 4 + 2 * i, system, temperature=0.9 * (i % 2), seed=i, stream=True)

    alone, together = start(n_seq=16, deterministic=True), start(n_seq=16, deterministic=True)
    for i in range(16):
        submit(alone, i)
        alone.run()
    for i in reversed(range(16)):
        submit(together, i)
    together.run()
    for i in range(16):
        mine, theirs = ([f[2:] for f in bench.frames if f[0] == i] for bench in (alone, together))
        assert mine == theirs
    assert together.scheduler.health()["cached_tokens"] > 0


def test_health_adds_up(start: Start) -> None:
    bench = start()
    prompts = sum(bench.submit(i, f"Say {i}", 5, grammar=bench.endless()) for i in range(3))
    bench.run()
    health = bench.scheduler.health()
    assert health["prefilled_tokens"] + health["cached_tokens"] == prompts
    assert health["decoded_tokens"] == 3 * (5 - 1)  # the first token comes from the prompt's own logits
    assert (health["running"], health["waiting"]) == (0, 0)
    assert health["python_seconds"] > 0
    assert health["steps"] > 0
