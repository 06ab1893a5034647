"""The guards: what may share an answer passes, what may not is refused with the right reason."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyagent_plugins.cache.meaning.features import Features, features
from pyagent_plugins.cache.meaning.guards import compare, doubt

SAME = [
    # numbers in another spelling
    ("Wake me at 7am", "Wake me at seven in the morning"),
    ("A table at 3pm", "A table at 15:00"),
    ("The train at half past four in the afternoon", "The train at 4:30pm"),
    ("Is £40k a good salary?", "Is 40,000 pounds a good salary?"),
    ("Boil it for 90 minutes", "Boil it for 1.5 hours"),
    ("Rest it for half an hour", "Rest it for 30 min"),
    ("Roast a 2kg goose", "Roast a two kilo goose"),
    ("What is 10% of 350?", "What is 10 per cent of three hundred and fifty?"),
    ("What is 10² ?", "What is 10 squared?"),
    ("Solve x² = 4", "Solve x^2 = 4"),
    ("Are you open on 4 March?", "Are you open on March 4th?"),
    ("What happened on 2021-03-04?", "What happened on 4 March 2021?"),
    ("Fees for a 6-year-old", "Fees for a six year old"),
    ("A room for 2 adults and 3 children", "A room for 3 children and 2 adults"),
    ("A two-year contract", "A 2 year contract"),
    ("Is it 30°C?", "Is it 86°F?"),
    ("I was the first one, how do I claim?", "I was first, how do I claim?"),
    # politeness, grammar, word order
    ("How do I bleed a radiator?", "Hi, quick question: how do I bleed a radiator? Thanks!"),
    ("How do I set up voicemail on my phone?", "On my phone, how do I set up voicemail?"),
    ("What is the difference between tea and coffee?", "What is the difference between coffee and tea?"),
    ("I don't know how to bake bread", "How do I bake bread?"),
    ("Paris is in France, isn't it?", "Is Paris in France?"),
    ("Who's the author of Dracula?", "Who wrote Dracula?"),
    # names in another form
    ("Visa for the UK", "Visa for the United Kingdom"),
    ("Are you open on Tues?", "Are you open on Tuesday?"),
    ("how many people live in france", "How many people live in France?"),
    ("DO YOU DELIVER TO LEEDS?", "Do you deliver to Leeds?"),
    ("How do I join the NHS?", "How do I join the National Health Service?"),
    ("How do I install `numpy`?", "How do I install numpy?"),
    # what asks for the same in other words
    ("Where can I see my payslip?", "How do I see my payslip?"),
    ("How much does a ticket cost?", "What does a ticket cost?"),
]
OTHER = [
    ("numbers", "Take 5 mg", "Take 50 mg"),
    ("numbers", "Drive 5 km", "Drive 5 miles"),
    ("numbers", "Remind me at 7am", "Remind me at 7pm"),
    ("numbers", "What is 10² ?", "What is 102?"),
    ("numbers", "What is 5 - 3?", "What is 3 - 5?"),
    ("numbers", "What is 5 + 3?", "What is 5 * 3?"),
    ("numbers", "What is six plus two?", "What is six minus two?"),
    ("numbers", "2 adults and 3 children", "3 adults and 2 children"),
    ("numbers", "The 1st of May", "The 2nd of May"),
    ("numbers", "Who was the second president?", "Who was the third president?"),
    ("numbers", "Rules for the 2021/22 tax year", "Rules for the 2022/23 tax year"),
    ("numbers", "Costs £5", "Costs $5"),
    ("numbers", "Pay within 14 days", "Pay soon, how many days do I have?"),
    ("numbers", "A two-year fix", "A five-year fix"),
    ("contrast", "Loans of more than 500 euros", "Loans of less than 500 euros"),
    ("identifiers", "What does --force do?", "What does --force-with-lease do?"),
    ("identifiers", "Explain src/main.rs", "Explain src/lib.rs"),
    ("identifiers", "What broke in v1.2.3?", "What broke in v1.2.4?"),
    ("identifiers", "Fix `getUser`", "Fix `getUsers`"),
    ("identifiers", "Summarise https://a.org/x", "Summarise https://a.org/y"),
    ("identifiers", "Where do I find my P60?", "Where do I find my P45?"),
    ("names", "What's the capital of Austria?", "What's the capital of Australia?"),
    ("names", "the capital of austria please", "the capital of australia please"),
    ("names", "Say it in Spanish", "Say it in Italian"),
    ("names", "Send it to Sarah", "Send it to Sam"),
    ("names", "Was it in June?", "Was it in July?"),
    ("names", "Who runs Microsoft?", "Who runs Apple?"),
    ("negation", "Cancel my order", "Don't cancel my order"),
    ("negation", "Which fish can I eat?", "Which fish can I not eat?"),
    ("negation", "Prices for members", "Prices for non-members"),
    ("negation", "Is tea with milk healthy?", "Is tea without milk healthy?"),
    ("contrast", "How do I lock my card?", "How do I unlock my card?"),
    ("contrast", "How do I turn my heating on?", "How do I turn my heating off?"),
    ("contrast", "How do I import contacts?", "How do I export contacts?"),
    ("contrast", "Is it safe?", "Is it unsafe?"),
    ("contrast", "Monthly fee of the gym", "Yearly fee of the gym"),
    ("contrast", "How long do I roast beef?", "How long do I roast chicken?"),
    ("contrast", "Are you open today?", "Are you open tomorrow?"),
    ("contrast", "Dose for adults", "Dose for children"),
    ("contrast", "May I eat before the test?", "May I eat after the test?"),
    ("question", "When was the tower built?", "Where was the tower built?"),
    ("question", "Who founded the town?", "Why was the town founded?"),
    ("question", "How often does the bus run?", "How far does the bus run?"),
    ("order", "The train from Ghent to Lille", "The train from Lille to Ghent"),
    ("order", "Flights from Ghent to Lille", "Flights to Ghent from Lille"),
    ("order", "Convert euros to dollars", "Convert dollars to euros"),
    ("order", "Is Rust faster than Java?", "Is Java faster than Rust?"),
    ("order", "Can a dog bite a man?", "Can a man bite a dog?"),
    ("language", "Wie kündige ich meinen Vertrag?", "Wie kündige ich meinen Vertrag nicht?"),
    ("language", "¿Dónde compro un billete?", "¿Dónde vendo un billete?"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME, ids=lambda text: text[:30])
def test_the_same_question_in_other_words_passes(one: str, other: str) -> None:
    assert compare(features(one), features(other)) is None
    assert compare(features(other), features(one)) is None


@pytest.mark.parametrize(("kind", "one", "other"), OTHER, ids=lambda text: text[:30])
def test_another_question_in_the_same_words_is_refused_and_says_why(kind: str, one: str, other: str) -> None:
    for refusal in (compare(features(one), features(other)), compare(features(other), features(one))):
        assert refusal is not None
        assert refusal.kind == kind
        assert 0 < len(refusal.reason) < 120


def test_a_reason_names_both_sides() -> None:
    refusal = compare(features("a dose of 5 pills, please"), features("a dose of 6 pills, please"))
    assert refusal is not None
    assert refusal.reason == "numbers differ: 5 and 6"


TEMPLATES = [
    "How long does a parcel to {place} take, if it weighs {amount}?",
    "Please book {amount} of storage in {place}",
    "Is {amount} of luggage allowed on a flight to {place}?",
]
AMOUNTS = {"2 kg": ["two kilos", "2000 g", "2 kilograms"], "20 kg": ["twenty kilos", "20,000 g"], "2 g": ["two grams"]}
PLACES = {"Norway": ["norway"], "Peru": ["peru"], "Britain": ["the UK", "Great Britain"]}


def test_over_many_domains_only_spelling_may_change() -> None:
    """Every filling against every other one: equal fillings pass in all spellings, all others are refused."""
    fillings = [
        (amount, place, template.format(amount=said, place=named))
        for template in TEMPLATES[:1]
        for amount, spelled in AMOUNTS.items()
        for said in (amount, *spelled)
        for place, written in PLACES.items()
        for named in (place, *written)
    ]
    parsed = [(amount, place, features(text)) for amount, place, text in fillings]
    for (amount, place, one), (other_amount, other_place, other) in itertools.combinations(parsed, 2):
        refused = compare(one, other) is not None
        assert refused == ((amount, place) != (other_amount, other_place)), (one.words, other.words)


@given(st.integers(2, 99_999), st.integers(2, 99_999), st.sampled_from(TEMPLATES))
@settings(max_examples=100, deadline=None)
def test_two_different_numbers_never_share_an_answer(first: int, second: int, template: str) -> None:
    one, other = (features(template.format(amount=f"{n:,} kg", place="Peru")) for n in (first, second))
    assert (compare(one, other) is None) == (first == second)


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_can_be_parsed_kept_and_compared_with_itself(text: str) -> None:
    found = features(text)
    assert Features.load(found.dump()) == found
    assert compare(found, found) is None
    assert not doubt(found, found)


@given(st.text("abc 123€%-/.'₂²", max_size=60), st.text("abc 123€%-/.'₂²", max_size=60))
@settings(max_examples=200, deadline=None)
def test_the_guards_do_not_care_which_text_came_first(one: str, other: str) -> None:
    left, right = features(one), features(other)
    assert (compare(left, right) is None) == (compare(right, left) is None)


def test_features_of_another_version_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="version 99"):
        Features.load('[99,"from the future"]')


def test_doubt_sees_one_word_more_and_forgives_spelling() -> None:
    plain = features("What are the symptoms of measles?")
    assert not doubt(plain, features("what are the sypmtoms of measles"))
    assert doubt(plain, features("What are the symptoms of severe measles?"))
    assert doubt(plain, features("What are the symptoms of mumps?"))


def test_a_text_of_a_million_characters_is_parsed_in_bounded_time() -> None:
    """No pattern of the parser backtracks over a long text."""
    for unit in ("word ", "a.b", "1,", "/x", "-", "`", "a-", "one hundred and "):
        assert features(unit * 20_000).length == len(unit) * 20_000
