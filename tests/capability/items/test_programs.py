"""Programs are judged by running them, and can do no harm while they run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pyagent_plugins.capability.items import sandbox
from pyagent_plugins.capability.items.codes import fix, write
from pyagent_plugins.capability.items.graders import Said, grade
from pyagent_plugins.capability.items.programs import LEVELS
from pyagent_plugins.capability.items.question import Draw


@pytest.mark.parametrize("level", LEVELS)
def test_our_own_program_passes_and_its_broken_form_fails(level: int) -> None:
    for turn, program in enumerate(LEVELS[level]):
        draw = Draw(level, 99 << 8 | turn)
        chance = draw.chance
        k, m = chance.randint(3, 9), chance.randint(10, 19)
        question = fix(draw)
        assert program.code(k, m, broken=True) in question.messages[-1].content
        assert write(draw).answer == question.answer
        fenced = f"Sure:\n```python\n{program.code(k, m)}```"
        assert grade(question, Said(fenced)).solved == 1.0, program.name
        assert grade(question, Said(program.code(k, m, broken=True))).solved == 0.0, program.name


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def f(x):\n    raise SystemExit(0)", "SystemExit"),
        ("def f(x):\n    return f", "not JSON serializable"),
        ("def f(x: return x", "SyntaxError"),
        ("def g(x):\n    return x", "KeyError"),
        ("x = 'a' * 10**9\ndef f(x):\n    return 1", "MemoryError"),
        ("import os\ndef f(x):\n    os.kill(os.getppid(), 9)", "not allowed"),
        ("import os\ndef f(x):\n    os.fork()", "not allowed"),
        ("import os\ndef f(x):\n    os.system('true')", "not allowed"),
        ("import socket\ndef f(x):\n    socket.create_connection(('127.0.0.1', 1))", "not allowed"),
        ("import os\nos._exit(0)", "ended with 0"),
    ],
)
def test_a_program_that_misbehaves_is_an_error_and_nothing_more(code: str, why: str) -> None:
    (result,) = sandbox.run(code, "f", [[1]])
    assert why in result["error"]


def test_a_program_that_never_ends_is_killed() -> None:
    started = time.monotonic()
    (result,) = sandbox.run("def f(x):\n    while True:\n        pass", "f", [[1]])
    assert "error" in result
    assert time.monotonic() - started < 60


def test_a_program_writes_in_its_own_folder_only(tmp_path: Path) -> None:
    target = tmp_path / "harm"
    (outside,) = sandbox.run(f"def f(x):\n    open({str(target)!r}, 'w').write('x')", "f", [[1]])
    assert "own folder" in outside["error"]
    assert not target.exists()
    (inside,) = sandbox.run("def f(x):\n    open('a', 'w').write('x')\n    return open('a').read()", "f", [[1]])
    assert inside == {"value": "x"}
    (huge,) = sandbox.run("def f(x):\n    open('a', 'w').write('x' * 10**7)", "f", [[1]])
    assert "error" in huge


def test_what_a_program_prints_is_not_its_result() -> None:
    assert sandbox.run("print('[1]')\ndef f(x):\n    print('x')\n    return x + 1", "f", [[1], [2]]) == [
        {"value": 2},
        {"value": 3},
    ]
