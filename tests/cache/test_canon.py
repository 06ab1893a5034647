"""One form for many wordings: what joins on a young cache, and what must never."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyagent_plugins.cache.matching import matched, refused
from pyagent_plugins.cache.meaning.canon import LONGEST, canon, crossed, near, same
from pyagent_plugins.cache.meaning.features import features

# Two questions a line, in nearly the same words, that want two answers.
TRAPS = [tuple(line.split("|")) for line in Path(__file__).with_name("traps.txt").read_text("utf-8").splitlines()]

GROUPS = [
    [
        "What is the capital of Peru?", "Hey, what's Peru's capital?", "tell me the capital of Peru, please",
        "capital of peru", "I would like to know what the capital of Peru is.", "Which city is the capital of Peru?",
        "Thanks! The capital city of Peru is what?",
    ],
    [
        "How do I descale my kettle?", "how to descale a kettle", "What are the steps to descale a kettle?",
        "Could you please explain how I can descale my kettle?", "How is a kettle descaled?",
        "Excuse me, what's the best way to descale my kettle?",
    ],
    [
        "Who invented the zip?", "By whom was the zip invented?", "Do you know who the inventor of the zip is?",
        "the inventor of the zip",
    ],
    ["How many days are in a week?", "What is a week in days?", "Quick question: one week is how many days?"],
    ["Can I bring a dog?", "Is it possible to bring a dog?", "Do you know whether I can bring a dog?"],
    ["At the hotel, is there a pool?", "Is there a pool at the hotel?"],
    ["How much does a permit cost?", "What does a permit cost?"],
    ["When is the bank open?", "Good morning! When is the bank open? Thank you very much."],
]  # fmt: skip


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group[0])
def test_wordings_of_one_question_have_one_form(group: list[str]) -> None:
    for text in group[1:]:
        assert same(canon(group[0]), canon(text)), (canon(group[0]), canon(text))
        assert same(canon(text), canon(group[0]))
        assert not crossed(canon(text), canon(group[0]))


@pytest.mark.parametrize(("one", "other"), TRAPS, ids="|".join)
def test_what_only_looks_alike_has_two_forms(one: str, other: str) -> None:
    assert not same(canon(one), canon(other)), canon(one)


def test_no_trap_is_served_before_anything_was_measured() -> None:
    """With real vectors, since those of most traps are as near as those of paraphrases."""
    from pyagent.embed.open import open_embedder

    embed = open_embedder().embed
    ones, others = embed([one for one, _ in TRAPS]), embed([other for _, other in TRAPS])
    for (one, other), cosine in zip(TRAPS, (ones * others).sum(1), strict=True):
        mine, theirs = features(one), features(other)
        served = refused(one, mine, other, theirs) is None and matched(one, mine, other, theirs, float(cosine)).strict
        assert not served, (one, other, cosine)


def test_words_in_other_roles_are_refused_by_a_guard_also_on_a_mature_cache() -> None:
    for one, other in (
        ("Who killed Caesar?", "Who did Caesar kill?"),
        ("What is the effect of sleep on stress?", "What is the effect of stress on sleep?"),
        ("How many cups are in a litre?", "How many litres are in a cup?"),
    ):
        refusal = refused(one, features(one), other, features(other))
        assert refusal is not None
        assert refusal.kind == "order", refusal


def test_synonyms_and_slips_are_near_and_no_more() -> None:
    one = canon("How do I install the app on my phone?")
    assert near(one, canon("how do i instal the app on my phone"))
    assert not same(one, canon("how do i instal the app on my phone"))
    assert near(canon("How do I change my address?"), canon("How do I update my address?"))
    assert not near(canon("Which city is larger?"), canon("Which city is largest?"))


def test_other_languages_documents_and_rubbish_have_no_form_that_joins_them() -> None:
    assert canon("Wie hoch liegt Graz?") is None
    assert canon("") is None
    assert canon("what is this " * LONGEST) is None
    for rubbish in ("???", "\x00", "possessive", "what", "who by", "'s", "\ud800 what is", "so what"):
        canon(rubbish)  # never an error
    assert not same(canon("???"), canon("!!!"))
    assert not same(canon("Thanks"), canon("Hello"))


def test_a_long_sentence_has_no_frame_since_the_patterns_try_every_place() -> None:
    for text in ("the of " * 280, "a " * 900 + "by whom", "which city is " * 140 + "what", "how many " * 220):
        found = canon(text)
        assert found is None or {form.kind for form in found} == {"say"}
