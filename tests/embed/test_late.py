"""The default embedder waits for its first text, once it was loaded here before."""

from __future__ import annotations

from pathlib import Path

from pyagent.embed.late import Late, minilm
from pyagent.embed.onnx import MiniLM

TEXTS = ["How do I reset my password?", "What is the capital of France?"]


def test_it_is_loaded_at_once_the_first_time_and_late_after(tmp_path: Path) -> None:
    mark = tmp_path / "embedder"
    first, second = minilm(mark), minilm(mark)
    assert isinstance(first, MiniLM)
    assert isinstance(second, Late)
    assert (first.name, first.dim, first.window) == (second.name, second.dim, second.window)
    assert (first.embed(TEXTS) == second.embed(TEXTS)).all()
    assert first.counts(TEXTS) == second.counts(TEXTS)


def test_other_weights_than_were_loaded_before_are_loaded_at_once(tmp_path: Path) -> None:
    mark = tmp_path / "embedder"
    mark.write_text("minilm@01234567")
    whole = minilm(mark)
    assert isinstance(whole, MiniLM)
    assert mark.read_text() == whole.name


def test_a_mark_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    assert isinstance(minilm(tmp_path / "none" / "embedder"), MiniLM)
