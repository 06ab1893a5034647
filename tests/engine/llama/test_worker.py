"""The engine process over its real socket: it answers, it refuses clearly, and it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyagent.engine.llama.wire import Reader, pack

Make = Callable[..., Any]


def test_messages_survive_any_cutting() -> None:
    messages = [{"op": "a", "text": "é😀\ud800" * 9}, {"op": "b"}, {"op": "c", "n": [1, 2.5, None]}]
    stream = b"".join(map(pack, messages))
    for size in (1, 3, 7, 1000):
        reader = Reader()
        assert [m for i in range(0, len(stream), size) for m in reader.feed(stream[i : i + size])] == messages


def test_a_torn_stream_is_noticed() -> None:
    with pytest.raises(ValueError, match="torn"):
        Reader().feed(b"\xff\xff\xff\xff{}")
    with pytest.raises(ValueError):
        pack({"logprob": float("nan")})


def test_it_loads_answers_streams_and_counts(child: Make, chat: Any) -> None:
    worker = child()
    ready = worker.hear()
    assert ready["op"] == "ready"
    assert (ready["n_ctx"], ready["n_vocab"]) == (2048, 49152)
    worker.submit(1, chat("What is the capital of France?"), stream=True)
    frames = []
    while (message := worker.hear())["op"] == "frames":
        frames += message["frames"]
    assert message["op"] == "done"
    assert "Paris" in message["samples"][0]["text"]
    assert "".join(f[4] for f in frames) == message["samples"][0]["text"]
    worker.say(op="health")
    assert worker.until("health")["decoded_tokens"] > 0
    worker.say(op="stop")
    assert worker.process.wait(10) == 0


@pytest.mark.parametrize(("content", "kind"), [(None, "missing"), (b"text", "notgguf"), (b"GGUF\x03", "truncated")])
def test_a_model_that_cannot_be_loaded_is_a_message(child: Make, tmp_path: Path, content: Any, kind: str) -> None:
    path = tmp_path / "model.gguf"
    if content:
        path.write_bytes(content)
    message = child(str(path)).hear()
    assert (message["op"], message["kind"]) == ("failed", kind)


def test_what_cannot_be_answered_is_refused_and_the_rest_goes_on(child: Make, chat: Any) -> None:
    worker = child(n_ctx=256)
    worker.until("ready")
    worker.submit(1, chat("word " * 400))
    worker.submit(2, chat("Rate it."), schema={"type": "string", "minLength": 50}, max_tokens=5)
    worker.submit(3, chat("Rate it."), schema={"type": "strange"})
    worker.submit(4, chat("Rate it."), grammar="root ::= nowhere")
    worker.submit(5, chat("Rate it."), schema={"type": "integer", "minimum": 1, "maximum": 5})
    worker.submit(6, chat("Count."), grammar="root ::= [a-z]{999}", max_tokens=100_000)
    heard = {}
    while len(heard) < 6:
        message = worker.hear()
        heard[message["id"]] = message
    assert (heard[1]["kind"], heard[1]["limit"]) == ("context", 256)
    assert heard[1]["prompt_tokens"] > 400
    assert heard[2]["kind"] == "schema"
    assert 5 < heard[2]["limit"] <= 52
    assert str(heard[2]["limit"]) in heard[2]["error"]
    assert "strange" in heard[3]["error"]
    assert "nowhere" in heard[4]["error"]
    assert json.loads(heard[5]["samples"][0]["text"]) in range(1, 6)
    assert heard[6]["op"] == "error"  # not even the shortest text of 999 letters fits the context


def test_a_fault_in_one_request_is_that_requests_alone(child: Make, chat: Any) -> None:
    worker = child()
    worker.until("ready")
    worker.submit(1, chat("Count."), grammar="root ::= [a-z ]+", max_tokens=40)
    worker.submit(2, chat("Rate it."), grammar=7)
    worker.submit(3, [["no pair"]])
    heard = {}
    while len(heard) < 3:
        message = worker.hear()
        heard[message["id"]] = message
    assert (heard[2]["op"], heard[2]["kind"]) == (heard[3]["op"], heard[3]["kind"]) == ("error", "internal")
    assert "TypeError" in heard[2]["error"] or "AttributeError" in heard[2]["error"]
    assert heard[1]["samples"][0]["tokens"] == 40


def test_a_cancelled_request_says_what_it_used(child: Make, chat: Any) -> None:
    worker = child()
    worker.until("ready")
    worker.submit(1, chat("Count."), grammar="root ::= [a-z ]+", max_tokens=1500, stream=True)
    worker.until("frames")
    worker.say(op="cancel", id=1)
    used = worker.until("cancelled")
    assert used["id"] == 1
    assert 20 < used["prompt_tokens"] < 60
    assert 0 < used["tokens"] < 200
    worker.say(op="cancel", id=1)
    assert worker.until("cancelled") == {"op": "cancelled", "id": 1, "prompt_tokens": 0, "tokens": 0}


def test_an_answer_ends_with_the_context(child: Make, chat: Any) -> None:
    worker = child(n_ctx=256)
    worker.until("ready")
    worker.submit(1, chat("Count."), grammar="root ::= [a-z ]+", max_tokens=100_000)
    done = worker.until("done")
    assert done["samples"][0]["finish"] == "length"
    assert done["samples"][0]["tokens"] + done["prompt_tokens"] == 256


def test_cancel_pause_and_resume_reach_the_scheduler(child: Make, chat: Any) -> None:
    worker = child()
    worker.until("ready")
    worker.submit(1, chat("Count."), grammar="root ::= [a-z ]+", max_tokens=1500, stream=True)
    worker.submit(2, chat("Tell."), grammar="root ::= [a-z ]{30,}", max_tokens=40, stream=True)
    worker.until("frames")
    worker.say(op="cancel", id=1)
    worker.say(op="pause", id=2)
    worker.say(op="health")
    health = worker.until("health")
    assert (health["running"], health["waiting"]) == (0, 0)
    worker.say(op="resume", id=2)
    done = worker.until("done")
    assert done["id"] == 2
    assert len(done["samples"][0]["text"]) >= 30


def test_without_a_seed_two_answers_differ_and_with_one_they_do_not(child: Make, chat: Any) -> None:
    worker = child(deterministic=True)
    worker.until("ready")
    texts = []
    for id, seed in enumerate([None, None, 5, 5]):
        worker.submit(id, chat("Tell me a story."), temperature=1.2, seed=seed, max_tokens=20)
        texts.append(worker.until("done")["samples"][0]["text"])
    assert texts[0] != texts[1]
    assert texts[2] == texts[3]


def gone(pid: int, seconds: float = 15) -> bool:
    for _ in range(int(seconds * 20)):
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


PARENT = """
import socket, subprocess, sys, time
from dataclasses import asdict
from pyagent.engine.llama.process import Load
from pyagent.engine.llama.wire import pack
ours, theirs = socket.socketpair()
worker = subprocess.Popen(
    [sys.executable, "-m", "pyagent.engine.llama.worker", str(theirs.fileno())], pass_fds=[theirs.fileno()]
)
theirs.close()
load = {"op": "load", **asdict(Load(sys.argv[1], 1024, 2))}
submit = {"op": "submit", "id": 1, "segments": [["Count", False]], "max_tokens": 900, "temperature": 0.0,
          "seed": None, "stop": [], "schema": None, "grammar": "root ::= [a-z]{900}", "logprobs": False,
          "samples": 1, "stream": True}
ours.sendall(pack(load) + pack(submit))
assert ours.recv(10)
print(worker.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks at /proc")
def test_a_worker_never_outlives_a_killed_parent(gguf: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(gguf)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert gone(pid)


def test_a_killed_worker_is_the_end_of_its_stream_and_nothing_else(child: Make, chat: Any) -> None:
    one, other = child(), child()
    one.until("ready")
    other.until("ready")
    one.submit(1, chat("Hello"))
    one.process.send_signal(signal.SIGSEGV)
    with pytest.raises((EOFError, ConnectionResetError)):
        one.until("done")
    other.submit(1, chat("What is the capital of France?"))
    assert "Paris" in other.until("done")["samples"][0]["text"]


def test_ctrl_c_is_the_parents_business(child: Make, chat: Any) -> None:
    worker = child()
    worker.until("ready")
    worker.process.send_signal(signal.SIGINT)
    worker.submit(1, chat("What is the capital of France?"))
    assert worker.until("done")["id"] == 1
