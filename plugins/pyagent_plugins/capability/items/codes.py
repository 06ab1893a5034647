"""Questions that a program answers: writing a function, and repairing one; graded by running it."""

from __future__ import annotations

from typing import Any

from pyagent_plugins.capability.items.programs import LEVELS, Program, numbered
from pyagent_plugins.capability.items.question import Draw, Generator, Question, ask

CASES = 8
TOKENS = {1: 96, 2: 128, 3: 224, 4: 320, 5: 448}
WRITE = "Write a Python function `{}({})` that {}. Give the code alone, in one block."
FIX = (
    "This Python function should do this: it {}. It has a bug.\n\n```python\n{}```\n\n"
    "Give the repaired code alone, in one block."
)


def write(draw: Draw) -> Question:
    program, k, m = _drawn(draw)
    text = WRITE.format(program.name, program.parameters, numbered(program.does, k, m))
    shots = []
    if draw.level <= 2:
        shots = [
            (
                WRITE.format("half", "x", "returns half of x"),
                "```python\ndef half(x):\n    return x / 2\n```",
            )
        ]
    return _asked("code.write", text, shots, draw, program, k, m)


def fix(draw: Draw) -> Question:
    program, k, m = _drawn(draw)
    text = FIX.format(numbered(program.does, k, m), program.code(k, m, broken=True))
    shots = []
    if draw.level <= 2:
        shots = [
            (
                FIX.format("returns half of x", "def half(x):\n    return x / 3\n"),
                "```python\ndef half(x):\n    return x / 2\n```",
            )
        ]
    return _asked("code.fix", text, shots, draw, program, k, m)


def _asked(dim: str, text: str, shots: list[tuple[str, str]], draw: Draw, program: Program, k: int, m: int) -> Question:
    """A question whose answer is a function that passes the program's tests."""
    spec, cluster = _spec(draw, program, k, m), f"{dim}.{program.name}"
    return ask(text, "program", spec, cluster, label=program.name, shots=shots, max_tokens=TOKENS[draw.level])


def _drawn(draw: Draw) -> tuple[Program, int, int]:
    """The level's programs take turns; the numbers in them are the item's own."""
    chance = draw.chance
    programs = LEVELS[draw.level]
    return programs[draw.turn % len(programs)], chance.randint(3, 9), chance.randint(10, 19)


def _spec(draw: Draw, program: Program, k: int, m: int) -> dict[str, Any]:
    """Arguments and what our own body gives for them, in which the broken body differs at least once."""
    chance = draw.chance
    chance.random()  # not the numbers that drew the program
    right, wrong = function(program, k, m), function(program, k, m, broken=True)
    cases: list[Any] = []
    while len(cases) < CASES or all(_value(right, case) == _value(wrong, case) for case in cases):
        cases.append(program.arguments(chance))
    return {"call": program.name, "cases": cases, "values": [_value(right, case) for case in cases]}


def function(program: Program, k: int, m: int, broken: bool = False) -> Any:
    """The program as a function of this process: it is our own text, and its broken form ends too."""
    space: dict[str, Any] = {}
    exec(program.code(k, m, broken), space)
    return space[program.name]


def _value(call: Any, case: Any) -> Any:
    import copy

    try:
        return call(*copy.deepcopy(case))
    except Exception as error:
        return {"error": type(error).__name__}


GENERATORS = (
    Generator("code.write", "code.write", "1", write),
    Generator("code.fix", "code.fix", "1", fix),
)
