"""The verifier: what was shipped, what it was made from, and that a fit finds what is there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pyagent_plugins.cache.meaning.features import features
from pyagent_plugins.cache.meaning.verifier import SIGNS, WEIGHTS, Verifier, evidence, fit, fitted


def test_a_nearer_pair_is_likelier_and_a_difference_never_helps() -> None:
    verifier = Verifier.shipped()
    one, other = features("How do I renew my library card?"), features("How can I renew a library card?")
    chances = [verifier.probability(one, other, cosine / 20) for cosine in range(21)]
    assert chances == sorted(chances)
    assert chances[-1] > 0.9
    assert all(0 <= chance <= 1 for chance in chances)
    against = dict(zip(SIGNS, verifier.weights, strict=True))
    for sign in set(SIGNS) - {"cosine", "cosine_squared", "same_content", "slips"}:
        assert against[sign] <= 0, sign


def test_the_order_of_the_two_texts_does_not_matter() -> None:
    texts = ["Where is my 2kg parcel?", "where is the parcle", "Cancel order B7 in Lyon", "¿Dónde está?", ""]
    for one in texts:
        for other in texts:
            left, right = features(one), features(other)
            assert evidence(left, right, 0.8) == evidence(right, left, 0.8)
            assert len(evidence(left, right, 0.8)) == len(SIGNS)


def test_a_trap_is_less_likely_than_a_paraphrase_at_the_same_cosine() -> None:
    verifier = Verifier.shipped()
    asked = features("How do I find the nearest shop?")
    same = features("How do I locate the closest store?")
    other = features("How do I find the nearest school?")
    assert verifier.probability(asked, same, 0.9) > verifier.probability(asked, other, 0.9) + 0.05


def test_the_weights_say_where_they_come_from() -> None:
    verifier = Verifier.shipped()
    assert "benchmarks/cache_pairs.py --fit" in verifier.origin
    assert "CC BY 4.0" in verifier.origin
    assert len(fitted()) > 1000
    assert {len(name) for name in fitted()} == {8}


def test_weights_survive_a_file_and_weights_for_other_signs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.json"
    Verifier.shipped().write(path)
    assert Verifier.read(path) == Verifier.shipped()
    path.write_text(WEIGHTS.read_text("utf-8").replace('"slips"', '"slaps"'), "utf-8")
    with pytest.raises(ValueError, match="other signs"):
        Verifier.read(path)


def test_a_fit_finds_the_signs_that_matter_and_refuses_one_that_makes_no_sense() -> None:
    """Truth depends on the cosine and on numbers; length_ratio is made to speak for an answer, as in a biased set."""
    draw = random.Random(3)
    cosine, numbers, ratio = SIGNS.index("cosine"), SIGNS.index("numbers"), SIGNS.index("length_ratio")
    rows, same = [], []
    for _ in range(600):
        row = [0.0] * len(SIGNS)
        row[cosine], row[numbers] = draw.uniform(0.5, 1), float(draw.random() < 0.3)
        good = not row[numbers] and row[cosine] + draw.gauss(0, 0.05) > 0.8
        row[ratio] = draw.uniform(0.2, 1) if good else draw.uniform(0, 0.8)
        rows.append(row)
        same.append(good)
    found = fit(rows, same, [1.0] * 600)
    assert found.weights[cosine] > 5
    assert found.weights[numbers] < -2
    assert found.weights[ratio] == 0
