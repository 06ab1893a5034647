"""Items are the same wherever and whenever they are made, balanced, and gradable by a program."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter

import pytest

from pyagent.errors import UsageError
from pyagent_plugins.capability.items.graders import Said, grade
from pyagent_plugins.capability.items.question import Draw, Question
from pyagent_plugins.capability.items.suite import PROFILES, build, chosen, generators, items
from pyagent_plugins.capability.words import DIMENSIONS, LEVELS, Item
from tests.capability.oracle import right

WEEK = "2026-W48"
WEEKLY = items(PROFILES["weekly"], WEEK)
SHORT = [item for item in WEEKLY if not item.dim.startswith("context.")]
GENERATORS = [generator for dimension in DIMENSIONS for generator in generators(dimension.name)]

# SHA-256 (16 digits) of each dimension's anchors. One that changes makes weeks incomparable: raise the version of the
# generator that changed, say so in the changelog, and only then renew its line.
FROZEN = {
    "reason.math": "0fa8eaa02d2d45f3",
    "reason.logic": "2995150175954558",
    "know.general": "5c65db52380e15f5",
    "code.write": "ee21abefa3b4d489",
    "code.fix": "b2eaa9f63a3f3ffc",
    "tool.select": "52719cb4f6f6f63a",
    "tool.args": "1512ce542dadf923",
    "tool.abstain": "22640f8edb7d108f",
    "format.json": "23f14b041dcec0a4",
    "format.constraints": "07928aabe4414855",
    "context.retrieve@2k": "960515a5c8efecb5",
    "context.retrieve@8k": "0be9ce7dcc2108af",
    "context.retrieve@32k": "6af6e62ddd0e9b6a",
    "text.extract": "27f6e0a5e94635bc",
    "text.transform": "3bd16ef1ed39f812",
    "lang.multi": "786a5054a5f8a615",
    "agent.multiturn": "1d74017b3c12a597",
}


def digest(found: list[Item]) -> str:
    return hashlib.sha256("".join(f"{item.id}{item.sha}" for item in found).encode()).hexdigest()


def test_a_dimension_has_forty_anchors_and_twenty_fresh_items_over_five_levels() -> None:
    for dimension in DIMENSIONS:
        mine = [item for item in WEEKLY if item.dim == dimension.name]
        kinds = Counter(item.kind for item in mine)
        assert kinds == ({"anchor": 10, "fresh": 5} if dimension.long else {"anchor": 40, "fresh": 20})
        assert len(set(Counter(item.level for item in mine if item.kind == "anchor").values())) == 1
        assert {item.level for item in mine} == set(LEVELS)
    assert len({item.id for item in WEEKLY}) == len(WEEKLY)


def test_no_question_comes_twice_among_a_dimensions_anchors() -> None:
    for dimension in DIMENSIONS:
        shas = [item.sha for item in WEEKLY if item.dim == dimension.name and item.kind == "anchor"]
        assert len(set(shas)) == len(shas), dimension.name


def test_another_process_makes_the_same_items() -> None:
    code = "from tests.capability.items.test_suite import WEEKLY, digest\nprint(digest(WEEKLY))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(WEEKLY)


@pytest.mark.parametrize("dim", FROZEN)
def test_the_anchors_are_frozen(dim: str) -> None:
    anchors = [item for item in WEEKLY if item.dim == dim and item.kind == "anchor"]
    assert digest(anchors)[:16] == FROZEN[dim]


def test_anchors_stay_and_fresh_items_come_with_the_week() -> None:
    later = {item.id: item.sha for item in items(PROFILES["weekly"], "2026-W49")}
    for item in WEEKLY:
        if item.kind == "anchor":
            assert later[item.id] == item.sha
    fresh = [item for item in SHORT if item.kind == "fresh"]
    same = [item for item in fresh if later[item.id] == item.sha]
    # A small question of level 1 may come again by chance.
    assert len(same) < len(fresh) / 20
    smoke = items(PROFILES["smoke"], WEEK)
    assert {(item.id, item.sha) for item in smoke} <= {(item.id, item.sha) for item in WEEKLY}


def test_an_item_is_rebuilt_from_generator_version_seed_and_level() -> None:
    for item in WEEKLY:
        again = Item(item.id, item.dim, item.level, item.kind, item.generator, item.version, item.seed, "", "")
        assert build(again).sha() == item.sha
    with pytest.raises(UsageError):
        build(Item("a", "reason.math", 1, "anchor", "math.sums", "0", 5, "", ""))


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.name)
def test_no_single_answer_hits_more_than_its_share(generator: object) -> None:
    """All-prime question sets made a model look good that always said prime."""
    for level in generator.levels:  # type: ignore[attr-defined]
        labels = Counter(_label(generator.make(Draw(level, 7 << 8 | turn))) for turn in range(24))  # type: ignore[attr-defined]
        assert max(labels.values()) <= 24 / 2, (level, labels)


def _label(question: Question) -> str:
    return question.label


def test_labels_of_two_kinds_are_balanced_to_the_item() -> None:
    for name in ("logic.classes", "logic.liars", "tool.abstain"):
        by_level = [item for item in WEEKLY if item.generator == name and item.kind == "anchor"]
        labels = Counter(build(item).label for item in by_level)
        assert max(labels.values()) - min(labels.values()) <= len({item.level for item in by_level}), (name, labels)


TEXT = [item for item in WEEKLY if build(item).grader in ("number", "one_of", "exact", "sequence", "data", "verbatim")]


def test_the_right_answer_is_solved_and_has_the_form_and_another_is_not() -> None:
    for item in TEXT:
        question = build(item)
        good = grade(question, Said(right(question)))
        assert (good.solved, good.complied) == (1.0, True), (item.id, right(question), question.messages[-1].content)
        assert grade(question, Said("I do not know that.")).solved == 0.0
        assert grade(question, Said("")).solved == 0.0


def test_what_answers_one_item_of_a_set_does_not_answer_all() -> None:
    """Every constant answer fails most items of its dimension."""
    for dimension in DIMENSIONS:
        mine = [build(item) for item in TEXT if item.dim == dimension.name]
        for constant in {right(question) for question in mine[:12]}:
            hits = sum(grade(question, Said(constant)).solved for question in mine)
            assert hits <= 0.35 * len(mine), (dimension.name, constant)


def test_dimensions_are_named_by_their_beginning_too() -> None:
    assert [dimension.name for dimension in chosen(["code"])] == ["code.write", "code.fix"]
    assert len(chosen(["context.retrieve"])) == 3
    with pytest.raises(UsageError) as raised:
        chosen(["reason.maths"])
    assert "reason.math" in raised.value.hint
