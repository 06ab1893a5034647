"""A text is embedded once, whoever asks, in whatever process; and a broken cache only costs time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyagent.embed.cache import CachedEmbedder
from pyagent.embed.open import open_embedder

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime", reason="the embed extra is not installed")

TEXTS = ["How do I reset my password?", "The invoice is overdue.", "How do I reset my password?", "half \ud800"]


@pytest.fixture(scope="module")
def minilm():
    return open_embedder()


def test_each_text_is_embedded_once_and_again_in_no_later_process(minilm, tmp_path):
    first = CachedEmbedder(minilm, tmp_path / "v.db")
    vectors = first.embed(TEXTS)
    assert (first.misses, first.hits) == (3, 1)
    assert np.array_equal(vectors[0], vectors[2])
    second = CachedEmbedder(minilm, tmp_path / "v.db")
    assert np.array_equal(second.embed(TEXTS), vectors)
    assert (second.misses, second.hits) == (0, 4)


def test_scores_from_the_cache_are_those_of_the_model(minilm, tmp_path):
    cached, plain = CachedEmbedder(minilm, tmp_path / "v.db").embed(TEXTS), minilm.embed(TEXTS)
    assert np.abs(cached @ cached.T - plain @ plain.T).max() < 0.001
    assert np.allclose(np.linalg.norm(cached, axis=1), 1, atol=1e-6)


def test_vectors_of_another_embedder_are_never_taken(minilm, tmp_path):
    CachedEmbedder(minilm, tmp_path / "v.db").embed(TEXTS)

    class Reversed:
        name, dim, window = "reversed", minilm.dim, minilm.window

        def embed(self, texts):
            return minilm.embed([text[::-1] for text in texts])

        def counts(self, texts):
            return minilm.counts(texts)

    other = CachedEmbedder(Reversed(), tmp_path / "v.db")
    assert not np.allclose(other.embed(TEXTS[:1]), minilm.embed(TEXTS[:1]), atol=0.1)
    assert other.misses == 1


def test_memory_forgets_the_oldest_first(minilm):
    cache = CachedEmbedder(minilm, in_memory=2)
    for text in ("one", "two", "one", "three", "one"):
        cache.embed([text])
    assert (cache.misses, cache.hits) == (3, 2)
    cache.embed(["two"])
    assert cache.misses == 4


def test_the_file_stays_below_its_limit(minilm, tmp_path):
    CachedEmbedder(minilm, tmp_path / "v.db").embed([f"text {n}" for n in range(12)])
    later = CachedEmbedder(minilm, tmp_path / "v.db", on_disk=5)
    later.embed([f"text {n}" for n in range(12)])
    assert (later.hits, later.misses) == (5, 7)


@pytest.mark.parametrize("content", [b"this is not a database" * 100, b"", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_torn_file_is_begun_anew(minilm, tmp_path, content):
    (tmp_path / "v.db").write_bytes(content)
    cache = CachedEmbedder(minilm, tmp_path / "v.db")
    assert np.allclose(cache.embed(TEXTS[:1]), minilm.embed(TEXTS[:1]), atol=1e-3)
    again = CachedEmbedder(minilm, tmp_path / "v.db")
    again.embed(TEXTS[:1])
    assert again.hits == 1


def test_where_no_file_can_be_the_vectors_are_right_all_the_same(minilm, tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = CachedEmbedder(minilm, tmp_path / "file" / "v.db")
    assert np.allclose(cache.embed(TEXTS[:1]), minilm.embed(TEXTS[:1]), atol=1e-3)


def test_several_processes_fill_one_file(tmp_path):
    code = (
        "import sys; from pyagent.embed.open import open_embedder; "
        "e = open_embedder(cache_dir=sys.argv[1]); "
        "[e.embed([f'text {n}']) for n in range(int(sys.argv[2]), int(sys.argv[2]) + 30)]"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(start)]) for start in (0, 10, 20)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    cache = open_embedder(cache_dir=tmp_path)
    cache.embed([f"text {n}" for n in range(50)])
    assert (cache.hits, cache.misses) == (50, 0)
