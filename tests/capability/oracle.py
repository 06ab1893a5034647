"""An endpoint that knows the answers to a week's items: a real server, for checks whose outcome is known.

    python tests/capability/oracle.py --week 2026-W48 [--wrong 0.3] [--die-after 5] [--say TEXT] ...

Prints its port. ``GET /asked`` gives how often each last message was asked. ``right`` writes the right answer to a
question as a careful model would.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from pyagent_plugins.capability.items.question import Question
from pyagent_plugins.capability.items.suite import PROFILES, build, items


def right(question: Question) -> str:
    """The right answer in words; for questions that are answered by text."""
    answer: Any = question.answer
    if question.grader == "number":
        return str(answer)
    if question.grader == "one_of":
        return str(answer["right"])
    if question.grader == "exact":
        return str(answer[0])
    if question.grader == "sequence":
        return ", ".join(answer)
    if question.grader == "data":
        return json.dumps(answer)
    assert question.grader == "verbatim"
    return str(answer)


def known(week: str) -> dict[str, str]:
    """Right answers by the last message, for all of a week's items that a text answers."""
    questions = [
        build(item) for item in items(PROFILES["weekly"], week, ["know", "text", "lang", "format.json", "reason"])
    ]
    return {question.messages[-1].content: right(question) for question in questions}


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    args: argparse.Namespace
    book: dict[str, str]
    asked: ClassVar[Counter[str]] = Counter()
    lock = threading.Lock()

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        self._send(200, json.dumps(self.asked).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][-1]["content"]
        with self.lock:
            self.asked[prompt] += 1
            count = sum(self.asked.values())
        if self.args.die_after and count > self.args.die_after:
            os._exit(1)
        if self.args.slow_every and count % self.args.slow_every == 0:
            time.sleep(self.args.slow)
        self._answer(body, self._text(prompt))

    def _text(self, prompt: str) -> str:
        if self.args.say is not None:
            return str(self.args.say)
        if self.args.echo:
            return prompt
        digest = int(hashlib.sha256(prompt.encode()).hexdigest()[:8], 16) / 2**32
        return f"not {digest}" if digest < self.args.wrong else self.book.get(prompt, f"something about {prompt[:20]}")

    def _answer(self, body: dict[str, Any], text: str) -> None:
        usage = {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55}
        head = {"id": "x", "object": "chat.completion", "model": self.args.served or body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            choices = [{"index": 0, "finish_reason": "stop", "message": message}]
            return self._send(200, json.dumps({**head, "choices": choices, "usage": usage}).encode())
        rows = [
            {**head, "choices": [{"index": 0, "delta": {"content": text}}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {**head, "choices": [], "usage": usage},
        ]
        events = "".join(f"data: {json.dumps(row)}\n\n" for row in rows) + "data: [DONE]\n\n"
        return self._send(200, events.encode(), "text/event-stream")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--week", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--wrong", type=float, default=0.0, help="share of questions answered wrongly, by their hash")
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--slow-every", type=int, default=0)
    parser.add_argument("--slow", type=float, default=2.0)
    parser.add_argument("--served", help="the model's name in replies")
    parser.add_argument("--say", help="answer this to everything")
    parser.add_argument("--echo", action="store_true")
    Answers.args = parser.parse_args()
    Answers.book = known(Answers.args.week)
    server = ThreadingHTTPServer(("127.0.0.1", Answers.args.port), Answers)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
