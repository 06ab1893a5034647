"""An engine that says the user's words back: the smallest that keeps the Protocol."""

from __future__ import annotations

from pyagent.plugin import Bound, Choice, EngineOptions, Model, Piece, Reply, Request, Usage


def open_parrot(model: Model, options: EngineOptions) -> Parrot:
    """Called when a model of kind ``parrot`` is first asked."""
    return Parrot(model)


class Parrot:
    """Counts a word as a token, and stops at ``max_tokens`` as a model would."""

    width = 8

    def __init__(self, model: Model) -> None:
        self._model = model

    async def generate(self, request: Request, piece: Piece | None = None) -> Reply:
        words = request.messages[-1].content.split(" ")
        said = " ".join(words[: request.max_tokens])
        if piece is not None:
            piece(said, None)
        choice = Choice(said, "stop" if len(words) <= request.max_tokens else "length")
        usage = Usage(self._words(request), len(said.split(" ")) * request.samples)
        return Reply((choice,) * request.samples, usage, self._model.name)

    def bound(self, request: Request) -> Bound:
        return Bound(self._words(request), request.max_tokens * request.samples, exact=True)

    def render(self, request: Request) -> str:
        return "\n".join(f"{message.role}: {message.content}" for message in request.messages)

    async def aclose(self) -> None:
        """Nothing is held."""

    def _words(self, request: Request) -> int:
        return sum(len(message.content.split(" ")) for message in request.messages)
