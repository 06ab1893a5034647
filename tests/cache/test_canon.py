"""One form for many wordings: what joins on a young cache, and what must never."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyagent_plugins.cache.matching import kept, matched, recalled, refused
from pyagent_plugins.cache.meaning.canon import LONGEST, canon, crossed, dumped, loaded, near, same
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
    [
        "How can I get a splinter out of a finger?", "So, is there a way to get a splinter out of a finger?",
        "My question is: how do I get a splinter out of a finger?", "the best way to get a splinter out of a finger",
        "I'd like to know what the best way to get a splinter out of a finger is.",
        "How might one get a splinter out of a finger? I would really appreciate any help.",
    ],
    [
        "Why do swallows leave in autumn?", "Why do swallows leave in the fall?", "So, why do swallows leave in fall?",
        "Could you explain the reason why swallows leave in autumn?",
    ],
    [
        "How many legs does a crab have?", "a crab's number of legs", "So, a crab has how many legs?",
        "A friend asked me: how many legs does a crab have?",
    ],
    ["Is it ok to feed swans?", "Would it be okay to feed swans?", "Hi! Is it alright to feed swans? Appreciate it!"],
    ["How do you say good evening in French?", "good evening in French", "Translate good evening into French."],
    [
        "What is the difference between a frog and a toad?", "How do frogs differ from toads?",
        "how are toads different from frogs", "What distinguishes a toad from a frog?",
        "in what way do frogs and toads differ", "Just out of curiosity: what makes frogs different from toads?",
        "I'd be interested to know how a frog differs from a toad.", "the main differences between frogs and toads",
    ],
    [
        "How long does it take for concrete to dry?", "How long does concrete take to dry?",
        "how much time does it take concrete to dry", "Could you explain the time it takes for concrete to dry?",
        "I always wondered how long concrete needs to dry.", "Hey all, how long does concrete take to dry?",
    ],
    ["Can I wash silk?", "Can one wash silk?", "I have to ask: can we wash silk?", "whether it is ok to wash silk"],
    ["At the hotel, is there a pool?", "Is there a pool at the hotel?"],
    ["How much does a permit cost?", "What does a permit cost?"],
    [
        "When did the Titanic sink?", "in what year did the Titanic sink", "the year the Titanic sank",
        "the Titanic sank when?", "What year did the Titanic sink in?", "A friend asked me: when did the Titanic sink?",
    ],
    [
        "When did the Roman Empire collapse?", "when was the collapse of the Roman Empire",
        "the year of the Roman Empire's collapse", "when did the collapse of the Roman Empire happen",
        "I can't remember when the Roman Empire collapsed",
    ],
    [
        "Why do cats purr?", "what makes cats purr", "the reason cats purr", "how come cats purr?",
        "why is it that cats purr", "what causes cats to purr", "cats purr, why?",
        "I have been wondering what the reason is that cats purr",
    ],
    [
        "How many strings does a violin have?", "a violin has how many strings",
        "how many strings are there on a violin",
        "what is the number of strings a violin has", "how many strings has a violin got",
    ],
    [
        "What is osmosis?", "what does osmosis mean", "the definition of osmosis", "how is osmosis defined",
        "could you define osmosis", "Please give me a definition of osmosis", "what is meant by the term osmosis",
    ],
    [
        "How do you say thank you in German?", "the German for thank you", 'translate "thank you" into German',
        "what's the German word for thank you", "in German, how do you say thank you", "thank you in German",
    ],
    ["Can cats drink milk?", "is it ok for cats to drink milk", "are cats able to drink milk",
        "can milk be drunk by cats"],
    ["Is it safe for cats to drink milk?", "is milk safe for cats to drink"],
    [
        "How do I get chewing gum out of my hair?", "how to remove chewing gum from hair",
        "what's the best way of getting chewing gum out of hair", "how can chewing gum be removed from hair",
        "any tips for removing chewing gum from hair", "what should I do to get chewing gum out of my hair",
    ],
    ["How tall is Ben Nevis?", "what is the height of Ben Nevis", "Ben Nevis's height", "Ben Nevis is how tall?"],
    ["How far is the Moon from the Earth?", "the distance between the Earth and the Moon"],
    ["What does a passport cost?", "how much is a passport", "the price of a passport"],
    ["Who is the king of Spain?", "Spain's king", "the name of the king of Spain", "I'm looking for Spain's king"],
    ["How many grams are in one ounce?", "an ounce in grams", "Ok so one ounce is how many grams?"],
    ["Who wrote Emma?", "who wrote the novel Emma", "Emma's author", "the person who wrote Emma"],
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


def test_a_kept_form_is_the_form() -> None:
    for text in ("How do I cancel my membership at the gym? Thanks.", "Wie hoch liegt Graz?", "10² \ud800 is what"):
        assert loaded(dumped(canon(text))) == canon(text)
    for torn in ("", "[1,[]]", "[99,null]", "{}", "[2]"):
        with pytest.raises((ValueError, TypeError)):
            loaded(torn)
    mine = features("Who wrote Emma?")
    assert recalled("Who wrote Emma?", kept("Who wrote Emma?", mine)) == mine
    assert recalled("Who wrote Emma?", b'[99,"from the future"]') == mine == recalled("Who wrote Emma?", None)


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
