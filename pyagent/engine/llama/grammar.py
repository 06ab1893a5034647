"""Keeps an answer inside a grammar, and closes it in time: what comes out always parses, however few tokens.

GBNF is compiled into an automaton of our own, and not into llama.cpp's sampler, for three reasons: a state here
is a value, so that samples fork and preempted answers go on for free; a wrong step is an error and not an
abort of the process; and each state knows its shortest ending, which is what closing in time needs.
``tests`` compare both automata on the same texts.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pyagent.engine.llama.gbnf import TOP, Chars, Element, GrammarError, Rule, Rules, parse
from pyagent.engine.llama.lexicon import Lexicon, Vocabulary
from pyagent.engine.llama.schema import gbnf

if TYPE_CHECKING:
    from pyagent.engine.llama.sampling import Floats, Sampler
    from pyagent.engine.llama.sequence import Sequence

__all__ = ["Cursor", "Grammar", "GrammarError", "Grammars"]

# States of one grammar before they are built anew; a state is about 1 kB.
MOST_STATES = 20_000
# Grammars kept compiled; a run has few schemas.
MOST_GRAMMARS = 64
# How deep rules may open without a character before it is left recursion.
DEEPEST = 20_000


class Stack:
    """What is still to come on one reading: an element, then the rest. Interned, so equal means identical."""

    __slots__ = ("element", "rest", "tail")

    def __init__(self, element: Element, rest: Stack | None, tail: str) -> None:
        self.element, self.rest, self.tail = element, rest, tail


class State:
    """All readings of the text so far. ``tail`` are the shortest bytes that end it, ``accepts``: it may end here."""

    __slots__ = ("accepts", "legal", "next", "plan", "stacks", "tail")

    def __init__(self, stacks: tuple[Stack, ...], accepts: bool) -> None:
        self.stacks, self.accepts = stacks, accepts
        self.tail = b"" if accepts else min((s.tail.encode() for s in stacks), key=len)
        self.next: dict[str, State | None] = {}
        self.plan: list[int] | None = None
        self.legal: NDArray[np.intp] | None = None

    @property
    def complete(self) -> bool:
        """Nothing but white space could follow."""
        return self.accepts and all(isinstance(s.element, Chars) and s.element.blank for s in self.stacks)


class Grammar:
    """A compiled grammar. With ``need`` tokens its text of the fewest bytes can be written. Raises GrammarError."""

    def __init__(self, text: str, lexicon: Lexicon) -> None:
        self._rules: Rules = parse(text)
        self._lexicon = lexicon
        self.ends = lexicon.ends
        self._first = Rule("root")
        self._reset()
        self.need = max(1, len(self.start().rest()))

    def start(self) -> Cursor:
        return Cursor(self, self._root, b"")

    def _reset(self) -> None:
        self._stacks: dict[tuple[int, int], Stack] = {}
        self._states: dict[frozenset[int], State] = {}
        self._root = self._state([self._push(self._first, None)])

    def _push(self, element: Element, rest: Stack | None) -> Stack:
        key = (id(element), id(rest))
        stack = self._stacks.get(key)
        if stack is None:
            tail = self._rules.shortest(element) + (rest.tail if rest else "")
            stack = self._stacks[key] = Stack(element, rest, tail)
        return stack

    def _state(self, stacks: Iterable[Stack | None]) -> State:
        """The state behind these readings: rules and repetitions opened until each begins with a character."""
        seen: set[int] = set()
        heads: dict[int, Stack] = {}
        accepts, todo = False, list(stacks)
        while todo:
            stack = todo.pop()
            if stack is None:
                accepts = True
            elif id(stack) not in seen:
                seen.add(id(stack))
                if len(seen) > DEEPEST:
                    raise GrammarError("the grammar has a rule that begins with itself")
                if isinstance(stack.element, Chars):
                    heads[id(stack)] = stack
                else:
                    todo += self._open(stack)
        key = frozenset(heads) | ({0} if accepts else set())
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = State(tuple(heads.values()), accepts)
        return state

    def _open(self, stack: Stack) -> Iterator[Stack | None]:
        element, rest = stack.element, stack.rest
        for sequence in self._rules.openings(element):
            above = rest
            for part in reversed(sequence):
                above = self._push(part, above)
            yield above

    def step(self, state: State, char: str) -> State | None:
        """The state after one more character; None where the grammar has no such text."""
        try:
            return state.next[char]
        except KeyError:
            code = ord(char)
            stacks = [s.rest for s in state.stacks if isinstance(s.element, Chars) and s.element.has(code)]
            after = state.next[char] = self._state(stacks) if stacks else None
            return after

    def walk(self, state: State, text: str) -> State | None:
        """The state after ``text``."""
        at: State | None = state
        for char in text:
            if at is None or (at := self.step(at, char)) is None:
                return None
        return at

    def tidy(self) -> None:
        """Forgets the states when there are many; cursors keep theirs alive."""
        if len(self._states) > MOST_STATES:
            self._reset()

    def legal(self, state: State) -> NDArray[np.intp]:
        """All tokens allowed in ``state`` (between characters), ends included. About 1 ms where few are."""
        if state.legal is None:
            state.legal = np.fromiter(self._legal(state), dtype=np.intp)
        return state.legal

    def _legal(self, state: State) -> Iterator[int]:
        texts, tokens = self._lexicon.texts, self._lexicon.tokens
        path, before, at = [state], "", 0
        while at < len(texts):
            text = texts[at]
            common = next((i for i, (a, b) in enumerate(zip(text, before, strict=False)) if a != b), None)
            common = min(len(text), len(before)) if common is None else common
            del path[common + 1 :]
            while len(path) <= len(text) and (after := self.step(path[-1], text[len(path) - 1])) is not None:
                path.append(after)
            if len(path) == len(text) + 1:
                yield tokens[at]
                before, at = text, at + 1
            else:
                dead = len(path)
                before = text[: dead - 1]
                at = bisect_left(texts, text[: dead - 1] + chr(ord(text[dead - 1]) + 1), at + 1)
        start = Cursor(self, state, b"")
        yield from (t for t in self._lexicon.broken if start.after(self._lexicon.vocabulary.piece(t)))
        if state.accepts:
            yield from self._lexicon.ends

    def plan(self, state: State) -> list[int]:
        """The tokens of the state's shortest ending."""
        if state.plan is None:
            state.plan = self._lexicon.spell(state.tail)
        return state.plan

    def spell(self, data: bytes) -> list[int]:
        return self._lexicon.spell(data)

    def piece(self, token: int) -> bytes:
        return self._lexicon.vocabulary.piece(token)

    def is_end(self, token: int) -> bool:
        return self._lexicon.vocabulary.is_end(token)


class Cursor:
    """A place in a grammar: a state, and the bytes of a character that is not whole yet. A value: it never changes."""

    __slots__ = ("_grammar", "partial", "state")

    def __init__(self, grammar: Grammar, state: State, partial: bytes) -> None:
        self._grammar, self.state, self.partial = grammar, state, partial

    @property
    def complete(self) -> bool:
        return not self.partial and self.state.complete

    def after(self, piece: bytes) -> Cursor | None:
        """The place after these bytes; None where the grammar has no such text."""
        data = self.partial + piece
        whole = len(data) - _broken_end(data)
        try:
            text = data[:whole].decode()
        except UnicodeDecodeError:
            return None
        state = self._grammar.walk(self.state, text)
        if state is None:
            return None
        after = Cursor(self._grammar, state, data[whole:])
        return after if not after.partial or after._whole() else None

    def _whole(self) -> tuple[bytes, State] | None:
        """The missing bytes of the begun character, and the state behind it; None where none is allowed."""
        low, high = _range(self.partial)
        for stack in self.state.stacks:
            code = stack.element.within(low, high) if isinstance(stack.element, Chars) else None
            if code is not None and (state := self._grammar.step(self.state, chr(code))) is not None:
                return chr(code).encode()[len(self.partial) :], state
        return None

    def size(self) -> int:
        """Bytes of the shortest ending: no more tokens than that are needed."""
        if not self.partial:
            return len(self.state.tail)
        missing, state = self._whole() or (b"", self.state)
        return len(missing) + len(state.tail)

    def rest(self) -> list[int]:
        """The tokens of the shortest ending."""
        if not self.partial:
            return self._grammar.plan(self.state)
        missing, state = self._whole() or (b"", self.state)
        return self._grammar.spell(missing + state.tail)

    def fits(self, room: int) -> bool:
        """Whether the text can be ended within ``room`` tokens."""
        return room >= self.size() or room >= len(self.rest())

    def pick(self, sequence: Sequence, sampler: Sampler, row: Floats, temperature: float, seed: int, index: int) -> int:
        """The next token: the model's wish among those after which the text can still be ended in time.

        Moves ``sequence.cursor``. Where nothing the model wishes can be ended in time, the shortest ending is
        taken, token by token, and ``sequence.closing`` says that the length cut the answer.
        """
        grammar = self._grammar
        grammar.tidy()
        room = sequence.ask.limit - index - 1
        refused = False

        def after(token: int) -> Cursor | None:
            if grammar.is_end(token):
                return self if self.state.accepts and not self.partial else None
            piece = grammar.piece(token)
            return self.after(piece) if piece else None

        def allowed(token: int) -> bool:
            nonlocal refused
            place = after(token)
            if place is None:
                return False
            if place.fits(room):
                return True
            refused = True
            return False

        def legal() -> NDArray[np.intp]:
            last = ending()[:1] or grammar.ends
            if self.partial or room < 2 * self.size() + 32:
                return np.array(last, dtype=np.intp)
            fitting = [t for t in grammar.legal(self.state).tolist() if allowed(t)]
            return np.array(fitting or last, dtype=np.intp)

        def ending() -> list[int]:
            return self.rest() if sequence.plan is None else sequence.plan

        token = sampler.pick(row, temperature, seed, index, allowed, legal)
        place = after(token)
        assert place is not None
        # Behind a step of the plan the shortest ending may take more tokens than the rest of the plan: keep to it.
        sequence.plan = None if place.fits(room) else ending()[1:]
        sequence.closing = sequence.closing or refused
        sequence.cursor = place
        return token


class Grammars:
    """The grammars of a process, compiled once each. Raises GrammarError for what is none."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._lexicon: Lexicon | None = None
        self._known: dict[str, Grammar] = {}

    def of_schema(self, schema: Mapping[str, Any] | bool) -> Grammar:
        key = json.dumps(schema)
        return self._known.get(key) or self._keep(key, gbnf(schema))

    def of_text(self, text: str) -> Grammar:
        """A GBNF text with a rule ``root``."""
        return self._known.get(text) or self._keep(text, text)

    def _keep(self, key: str, text: str) -> Grammar:
        if self._lexicon is None:
            self._lexicon = Lexicon(self._vocabulary)
        while len(self._known) >= MOST_GRAMMARS:
            del self._known[next(iter(self._known))]
        grammar = self._known[key] = Grammar(text, self._lexicon)
        return grammar


def _broken_end(data: bytes) -> int:
    """How many bytes at the end begin a character that is not whole."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            size = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if size > back else 0
        if byte < 0x80:
            return 0
    return 0


def _range(partial: bytes) -> tuple[int, int]:
    """The lowest and the highest code point whose UTF-8 begins with ``partial`` (1 to 3 bytes).

    The lowest is above the highest where no UTF-8 begins so (C0, C1, F5 and up, E0 80, surrogates).
    """
    lead = partial[0]
    if lead > 0xF4:
        return 1, 0
    size = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    low = high = lead & (0x1F if size == 2 else 0x0F if size == 3 else 0x07)
    for i in range(1, size):
        known = i < len(partial)
        low = low << 6 | (partial[i] & 0x3F if known else 0)
        high = high << 6 | (partial[i] & 0x3F if known else 0x3F)
    shortest = {2: 0x80, 3: 0x800, 4: 0x10000}[size]
    if 0xD800 <= high <= 0xDFFF:
        high = 0xD7FF
    if 0xD800 <= low <= 0xDFFF:
        low = 0xE000
    return max(low, shortest), min(high, TOP)
