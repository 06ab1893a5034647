"""An OpenAI-compatible server whose model calls a tool first, with what it was asked, and then says what it got.

    python tests/servers/caller.py --calls 2        prints its port, then serves until it is killed

``GET /count`` tells how often it was asked, and by which model's name.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


class Caller(BaseHTTPRequestHandler):
    calls = 1
    asked: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        self._reply({"requests": sum(self.asked.values()), "models": dict(self.asked)})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked[body["model"]] += 1
        last, tools = body["messages"][-1], body.get("tools")
        message: dict[str, Any] = {"role": "assistant", "content": f"{body['model']}: {last['content']}"}
        if tools and last["role"] == "user":
            name = tools[0]["function"]["name"]
            message |= {
                "content": None,
                "tool_calls": [self._call(name, last["content"], i) for i in range(self.calls)],
            }
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        usage = {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24}
        self._reply({"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage})

    def _call(self, name: str, text: str, nth: int) -> dict[str, Any]:
        arguments = json.dumps({"name": f"{text}-{nth}"})
        return {"id": f"call_{nth}", "type": "function", "function": {"name": name, "arguments": arguments}}

    def _reply(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: Any) -> None:
        pass


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1, help="tool calls in its first turn")
    Caller.calls = parser.parse_args().calls
    server = ThreadingHTTPServer(("127.0.0.1", 0), Caller)
    print(server.server_address[1], flush=True)
    server.serve_forever()
