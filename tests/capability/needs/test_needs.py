"""What a prompt needs: from its words, from what the task states, and said so that one understands."""

# ruff: noqa: E501 (a prompt is one line)
from __future__ import annotations

import json

import pytest

from pyagent.run import needs as core
from pyagent.run.strict import BadLine
from pyagent_plugins.capability.needs.features import SIZE, structure
from pyagent_plugins.capability.needs.need import explained, needs_of
from pyagent_plugins.capability.needs.soft import shipped, soft
from pyagent_plugins.capability.words import DIMENSIONS
from tests.program import pyagent, write_tasks

# Written by hand after training, in words that no template uses.
ASKED = [
    ("reason.math", "I have 48 sheets and use 7 for each booklet. How many booklets can I bind, and what is left over?"),
    ("reason.math", "If 3 workers need 8 days, how long do 4 workers take at the same pace?"),
    ("reason.logic", "Every clerk is honest. Nobody honest cheats. Can a clerk cheat? Conclude from the premises only."),
    ("know.general", "When did the Berlin wall fall?"),
    ("know.general", "Which element has the symbol Fe?"),
    ("code.write", "Please code a Python generator function that yields the lines of a gzip file."),
    ("code.write", "Write a TypeScript function to debounce another function, with types."),
    ("code.fix", "I get this error, please fix the code:\n```\ndef f(x):\nreturn x\n```\nIndentationError: expected an indented block"),
    ("format.json", "Give me JSON with keys title and year for the film Metropolis."),
    ("format.constraints", "Explain gravity in exactly twelve words, without the letter u."),
    ("text.extract", "Which names and dates are mentioned in the following text? Marta met Joao in Porto on 4 July 2021."),
    ("text.transform", "Rewrite in a formal tone: hey, we can't make it tomorrow, sorry!"),
    ("lang.multi", "Translate to Spanish: the library closes at six."),
    ("lang.multi", "Warum ist das Meer salzig und wie viel Salz ist in einem Liter?"),
]  # fmt: skip


def test_the_core_and_the_plugin_name_the_same_dimensions() -> None:
    assert tuple(dimension.name for dimension in DIMENSIONS) == core.DIMS


def test_prompts_in_other_words_are_understood() -> None:
    wrong = [(dim, top[0][0]) for dim, text in ASKED if (top := needs_of(text).soft.top())[0][0] != dim]
    assert len(wrong) <= 2, wrong
    assert shipped()["held_out"]["accuracy"] >= 0.7


def test_the_posterior_is_one_and_its_doubt_grows_with_nonsense() -> None:
    for _, text in ASKED:
        found = soft(text)
        assert sum(found.weights) == pytest.approx(1)
        assert all(1 <= level <= 5 for level in found.levels)
    clear, mud = soft("Write a Python function that reverses a string."), soft("blorp wug")
    assert clear.doubt < 0.25 < mud.doubt


def test_a_harder_question_has_a_higher_level() -> None:
    def level(text: str) -> float:
        return soft(text).levels[0]

    hard = (
        "Prove that every integral x^5 * sin(3x) from 0 to 4 can be simplified, and evaluate it modulo 97 with steps."
    )
    assert level(hard) > level("What is 2 + 3?") + 1


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "é" * 9000, "a" * 200_000, "1" * 50_000, "🎲" * 3000, "\n" * 5000, "\ud800"]
)
def test_any_text_has_needs(text: str) -> None:
    found = needs_of(text)
    assert found.hard.context > 0
    assert len(structure(text)) == SIZE
    assert sum(found.soft.weights) == pytest.approx(1)
    json.dumps(found.line())


def test_what_the_task_states_comes_first() -> None:
    said = core.check({"context": 9000, "tools": True, "json": True, "local": True, "language": "German",
                       "modality": "image", "deadline": 2, "dims": {"code.write": 3, "code.fix": 5}})  # fmt: skip
    found = needs_of("anything", said)
    hard = found.hard
    assert (hard.context, hard.tools, hard.json, hard.local) == (9000, True, True, True)
    assert (hard.language, hard.modality, hard.deadline) == ("de", ("image",), 2)
    assert found.soft.top() == [("code.write", 0.5, 3.0), ("code.fix", 0.5, 5.0)]
    told = " ".join(explained(found))
    for word in ("9,000 tokens", "image", "call tools", "JSON", "this machine", "2 s", "German", "code.fix 50%"):
        assert word in told


def test_a_long_text_is_searched_and_tools_are_called() -> None:
    assert soft("word " * 3000).top()[0][0].startswith("context.retrieve@2k")
    assert {dim for dim, _, _ in soft("What is the weather?", tools=3).top(6)} >= {"tool.select", "tool.args"}
    assert needs_of("What is in https://x.org/a.png ?").hard.modality == ("image",)
    assert needs_of("Describe an image.").hard.modality == ()


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ({"contxt": 5}, "did you mean 'context'?"),
        ({"context": "5"}, "context must be a number of tokens"),
        ({"context": True}, "context must be a number of tokens"),
        ({"dims": {"code.wrte": 3}}, "did you mean 'code.write'?"),
        ({"dims": {"code.write": 9}}, "a level from 1 to 5"),
        ({"dims": {}}, "must be an object like"),
        ({"modality": "smell"}, "must be one of text, image, audio, video"),
        ({"local": "yes"}, "local must be true or false"),
        ({"deadline": 0}, "above 0"),
        ({"language": ""}, "must be a language"),
    ],
)
def test_a_slip_is_named_with_the_nearest_that_is_right(needs: dict[str, object], told: str) -> None:
    with pytest.raises(BadLine, match=told.replace("?", r"\?")):
        core.check(needs)


def test_slips_in_a_file_are_named_before_anything_is_asked(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = write_tasks(
        tmp_path / "t.jsonl", {"prompt": "a", "needs": {"tols": True}}, {"prompt": "b", "needs": {"dims": {"x": 1}}}
    )
    ended = pyagent("swarm", "run", str(path), "-m", "nobody", "--base-url", "http://127.0.0.1:9/v1")
    assert ended.code == 2
    assert "did you mean 'tools'?" in ended.err
    assert "unknown dimension" in ended.err


def test_the_command_says_it_in_words_and_as_json(tmp_path) -> None:  # type: ignore[no-untyped-def]
    told = pyagent("needs", "Write a Python function that reverses a list.")
    assert told.code == 0
    assert "code.write" in told.out
    (tmp_path / "p.txt").write_text("Fix this bug: if x = 3: pass")
    from_file = json.loads(pyagent("--json", "needs", f"@{tmp_path / 'p.txt'}").out)
    assert from_file == json.loads(pyagent("--json", "needs", "-", stdin="Fix this bug: if x = 3: pass").out)
    assert from_file["dims"][0]["dim"] == "code.fix"
    assert json.loads(pyagent("--json", "needs", "x", "--needs", '{"local": true}').out)["hard"]["local"] is True


@pytest.mark.parametrize("args", [("",), ("@/nowhere",), ("x", "--needs", "{"), ("x", "--needs", '{"locl": true}'), ()])
def test_rubbish_gets_one_line(args: tuple[str, ...]) -> None:
    ended = pyagent("needs", *args)
    assert ended.code == 2
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) <= 3
