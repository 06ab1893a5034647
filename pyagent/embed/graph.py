"""The default embedder's network, written as an ONNX graph around the float weights that a package ships.

ONNX is protocol buffers, and what a graph needs of them is small: no exporter, no torch and no second copy of 90 MB
of weights. The graph (24 KB) says where in ``model.safetensors`` each tensor lies, and ONNX Runtime reads it there.

BERT with post-layer normalisation: Devlin et al. 2018 (arXiv 1810.04805); MiniLM: Wang et al. 2020 (arXiv 2002.10957).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Fields of ONNX's messages (onnx.proto3) and its constants.
IR_VERSION, OPSET = 8, 17  # LayerNormalization came with opset 17
FLOAT, INT32, INT64 = 1, 6, 7
OF_FLOAT, OF_INT = 1, 2  # kinds of attributes
EXTERNAL = 1
OURS = "com.microsoft"  # ONNX Runtime's own operators: attention and GELU in one kernel each
# A header is JSON; a length beyond this is not one of a model.
LARGEST_HEADER = 1 << 24


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a float32 tensor lies in the file: ``offset`` and ``length`` in bytes."""

    shape: tuple[int, ...]
    offset: int
    length: int


@dataclass(slots=True)
class Graph:
    """Collects nodes; every method gives the name of its output."""

    tensors: Mapping[str, Tensor]
    file: str
    epsilon: float
    nodes: list[bytes] = field(default_factory=list)
    used: dict[str, bytes] = field(default_factory=dict)

    def node(self, op: str, inputs: Sequence[str], domain: str = "", **attributes: int | float) -> str:
        name = f"{op}_{len(self.nodes)}"
        parts: list[tuple[int, str | bytes]] = [(1, each) for each in inputs]
        parts += [(2, name), (3, name), (4, op), (7, domain)]
        parts += [(5, _attribute(key, value)) for key, value in attributes.items()]
        self.nodes.append(message(*parts))
        return name

    def weight(self, name: str) -> str:
        self.used[name] = external(name, self.tensors[name], self.file)
        return name

    def whole(self, name: str, *values: int) -> str:
        """A constant vector of whole numbers."""
        self.used[name] = message((1, len(values)), (2, INT64), *((7, value) for value in values), (8, name))
        return name

    def linear(self, name: str, x: str) -> str:
        """x W' + b, of rows."""
        weights = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("Gemm", [x, *weights], transB=1)

    def norm(self, name: str, x: str) -> str:
        weights = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.node("LayerNormalization", [x, *weights], axis=-1, epsilon=self.epsilon)

    def table(self, name: str, ids: str) -> str:
        return self.node("Gather", [self.weight(f"embeddings.{name}_embeddings.weight"), ids])


def bert(config: Path, weights: Path) -> bytes:
    """The model: input_ids and positions (int64) and mask (int32), each [texts, tokens], to ``hidden`` float32
    [texts, tokens, dim]. Its weights are read from the folder that the session is told of.

    Raises ValueError or OSError for files that are not what is expected.
    """
    facts = json.loads(config.read_text("utf-8"))
    try:
        if (kind := (facts["model_type"], facts["hidden_act"])) != ("bert", "gelu"):
            raise ValueError(f"{config.name} names {kind[0]} with {kind[1]}, not bert with gelu")
        graph = Graph(tensors(weights), weights.name, float(facts["layer_norm_eps"]))
        return _model(graph, _bert(graph, facts))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{config.name} or {weights.name} lacks {error}") from None


def tensors(file: Path) -> dict[str, Tensor]:
    """What a safetensors file holds: 8 bytes of length, a JSON header, then the data."""
    with file.open("rb") as data:
        size = int.from_bytes(data.read(8), "little")
        if not 2 <= size <= LARGEST_HEADER:
            raise ValueError(f"{file.name} has no safetensors header")
        header = json.loads(data.read(size))
    found, end = {}, file.stat().st_size
    for name, entry in header.items():
        if entry.get("dtype") == "F32":
            start, stop = entry["data_offsets"]
            found[name] = Tensor(tuple(entry["shape"]), 8 + size + start, stop - start)
            if 8 + size + stop > end:
                raise ValueError(f"{file.name} is cut off")
    return found


def _bert(graph: Graph, config: Mapping[str, Any]) -> str:
    rows, heads = graph.whole("rows", -1, int(config["hidden_size"])), int(config["num_attention_heads"])
    # A single text has one type of token: the first row of that table, added to every token.
    x = graph.node("Add", [graph.table("word", "input_ids"), graph.table("position", "positions")])
    x = graph.node("Add", [x, graph.table("token_type", graph.whole("first", 0))])
    x = graph.norm("embeddings.LayerNorm", x)
    like = graph.node("Shape", [x])
    x = graph.node("Reshape", [x, rows])
    for number in range(int(config["num_hidden_layers"])):
        layer = f"encoder.layer.{number}"
        seen = _attention(graph, f"{layer}.attention", x, like, rows, heads)
        x = graph.norm(f"{layer}.attention.output.LayerNorm", graph.node("Add", [x, seen]))
        wide = graph.node("Gelu", [graph.linear(f"{layer}.intermediate.dense", x)], OURS)
        deep = graph.linear(f"{layer}.output.dense", wide)
        x = graph.norm(f"{layer}.output.LayerNorm", graph.node("Add", [x, deep]))
    return graph.node("Reshape", [x, like])


def _attention(graph: Graph, name: str, x: str, like: str, rows: str, heads: int) -> str:
    parts = [graph.linear(f"{name}.self.{part}", x) for part in ("query", "key", "value")]
    query, key, value = (graph.node("Reshape", [part, like]) for part in parts)
    seen = graph.node("MultiHeadAttention", [query, key, value, "", "mask"], OURS, num_heads=heads)
    return graph.linear(f"{name}.output.dense", graph.node("Reshape", [seen, rows]))


def _model(graph: Graph, hidden: str) -> bytes:
    graph.nodes.append(message((1, hidden), (2, "hidden"), (4, "Identity")))
    inputs = [("input_ids", INT64, 2), ("positions", INT64, 2), ("mask", INT32, 2)]
    body = message(
        *((1, node) for node in graph.nodes),
        (2, "bert"),
        *((5, tensor) for tensor in graph.used.values()),
        *((11, _value(*each)) for each in inputs),
        (12, _value("hidden", FLOAT, 3)),
    )
    opsets = [message((2, OPSET)), message((1, OURS), (2, 1))]
    return message((1, IR_VERSION), (7, body), *((8, opset) for opset in opsets))


def external(name: str, tensor: Tensor, file: str) -> bytes:
    """A TensorProto whose data lies in ``file``."""
    place = {"location": file, "offset": tensor.offset, "length": tensor.length}
    entries = [(13, message((1, key), (2, str(value)))) for key, value in place.items()]
    return message(*((1, dim) for dim in tensor.shape), (2, FLOAT), (8, name), *entries, (14, EXTERNAL))


def _value(name: str, kind: int, rank: int) -> bytes:
    """A ValueInfoProto of a tensor whose dimensions are not fixed."""
    shape = message(*((1, b"") for _ in range(rank)))
    return message((1, name), (2, message((1, message((1, kind), (2, shape))))))


def _attribute(name: str, value: int | float) -> bytes:
    import struct

    if isinstance(value, float):
        # Wire type 5: four bytes.
        return message((1, name), (20, OF_FLOAT)) + varint(2 << 3 | 5) + struct.pack("<f", value)
    return message((1, name), (3, value), (20, OF_INT))


def message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """A protocol buffers message: numbers as varints, text and messages with their length."""
    return b"".join(_encode(number, value) for number, value in fields)


def _encode(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative number as its 64-bit complement."""
    return bytes(_sevens(value % (1 << 64)))


def _sevens(value: int) -> Iterator[int]:
    while value > 127:
        yield value & 127 | 128
        value >>= 7
    yield value
