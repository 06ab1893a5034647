"""Which nodes of a fleet hold the answers to questions like this one: few are asked, whatever the fleet's size.

A vector's cell (k-means, trained once) and its scope are hashed to nodes by rendezvous: each node gets a weight by
hash, the highest win, so that a node that joins or leaves moves only what becomes or was its own. Inside a node the
VectorIndex looks further.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pyagent.errors import StoreError, UsageError
from pyagent_plugins.cache.index.kmeans import kmeans, nearest

# A cell is hot when it holds this many times the mean: two halves then hold no more than the next largest.
HOT = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class ShardRouter:
    """``trained`` float32 [cells, dim] of length 1. Split i parted cell ``parted[i]`` (int64 [splits]) between
    ``halves[i]`` (float32 [splits, 2, dim]): what is nearer to the first stays, the rest is the new cell
    ``len(trained) + i``. Splits are applied in order, so that each moves nothing but a part of one cell.
    ``version`` counts the training and the splits: routers of one version and the same nodes route alike.
    """

    nodes: tuple[str, ...]
    trained: np.ndarray
    parted: np.ndarray
    halves: np.ndarray
    replicas: int = 2
    version: int = 1
    _hashes: np.ndarray = field(init=False, repr=False)
    _centroids: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.nodes or len(set(self.nodes)) != len(self.nodes):
            raise UsageError("a router needs nodes with different names", "name at least one node, each once")
        object.__setattr__(self, "_hashes", np.array([_hash(node.encode()) for node in self.nodes], np.uint64))
        centroids = np.concatenate((self.trained, self.halves[:, 1]))
        for cell, half in zip(self.parted, self.halves[:, 0], strict=True):
            centroids[cell] = half
        object.__setattr__(self, "_centroids", centroids)

    @classmethod
    def train(
        cls, vectors: np.ndarray, nodes: Sequence[str], cells: int = 256, replicas: int = 2, seed: int = 0
    ) -> ShardRouter:
        """From float32 [n, dim] of length 1, a sample of what will be kept: 12,000 are enough for 256 cells.

        Raises UsageError without vectors or nodes. 256 cells of 12,000 vectors of 384 take about 5 s of CPU.
        """
        if not len(vectors):
            raise UsageError("cells cannot be trained without vectors", "give a sample of what will be kept")
        trained = kmeans(vectors, cells, seed)
        return cls(
            tuple(nodes), trained, np.empty(0, np.int64), np.empty((0, 2, trained.shape[1]), np.float32), replicas
        )

    # Where to go.

    def nodes_for(self, scope: bytes, vector: np.ndarray, probes: int = 2, down: Collection[str] = ()) -> list[str]:
        """The nodes to ask for neighbours of float32 [dim], at most ``probes``, likeliest first, each once.

        One node a cell: its first that is not ``down``; a replica answers for it as well.
        """
        return list(dict.fromkeys(self._ranked(scope, cell, down)[0] for cell in self._likely(vector, probes)))

    def owners(self, scope: bytes, vector: np.ndarray, down: Collection[str] = ()) -> list[str]:
        """The ``replicas`` nodes that keep an entry with this vector, the first first."""
        return self._ranked(scope, self.cell(vector), down)[: self.replicas]

    def node_for_key(self, scope: bytes, key: bytes, down: Collection[str] = ()) -> str:
        """The one node that is asked for an exact key (and told of it)."""
        return self._order(_hash(scope, b"key", key), down)[0]

    def cell(self, vector: np.ndarray) -> int:
        """The cell that a vector belongs to."""
        return int(self.cells(np.asarray(vector, np.float32)[None])[0])

    def cells(self, vectors: np.ndarray) -> np.ndarray:
        """int64 [n] of float32 [n, dim]."""
        cells, _ = nearest(vectors, self.trained)
        for i, parted in enumerate(self.parted.tolist()):
            inside = np.flatnonzero(cells == parted)
            if len(inside):
                side, _ = nearest(vectors[inside], self.halves[i])
                cells[inside[side == 1]] = len(self.trained) + i
        return cells

    def _likely(self, vector: np.ndarray, probes: int) -> list[int]:
        own = self.cell(vector)
        order = np.argsort(-(self._centroids @ vector), kind="stable")[:probes].tolist()
        return [own, *(cell for cell in order if cell != own)][: max(1, probes)]

    def _ranked(self, scope: bytes, cell: int, down: Collection[str]) -> list[str]:
        return self._order(_hash(scope, b"cell", cell.to_bytes(8, "little")), down)

    def _order(self, what: int, down: Collection[str]) -> list[str]:
        ranked = [self.nodes[i] for i in np.argsort(_mixed(self._hashes ^ np.uint64(what)))[::-1].tolist()]
        up = [node for node in ranked if node not in down]
        if not up:
            raise UsageError("all nodes are down", "start one")
        return up

    # How it changes.

    def with_nodes(self, nodes: Sequence[str]) -> ShardRouter:
        """The same cells over other nodes: about 1/n of the keys move when the n-th joins."""
        return replace(self, nodes=tuple(nodes))

    def hot(self, loads: Mapping[int, int]) -> list[int]:
        """Cells to split, hottest first: those with HOT times the mean of entries (or look-ups) a cell."""
        mean = sum(loads.values()) / len(self._centroids)
        return sorted((c for c, n in loads.items() if n > HOT * mean), key=lambda c: (-loads[c], c))

    def split(self, cell: int, vectors: np.ndarray, seed: int = 0) -> ShardRouter:
        """The next version, in which the cell's vectors (float32 [n, dim], a sample of it) are parted in two.

        The larger half keeps the cell's number and nodes, the other has a new one. Unchanged when all are alike.
        """
        halves = kmeans(vectors, 2, seed)
        if len(halves) < 2 or float(halves[0] @ halves[1]) > 1.0 - 1e-6:
            return self
        sizes = np.bincount(nearest(vectors, halves)[0], minlength=2)
        both = halves if sizes[0] >= sizes[1] else halves[::-1]
        return replace(
            self,
            parted=np.append(self.parted, cell),
            halves=np.concatenate((self.halves, both[None])),
            version=self.version + 1,
        )

    # How it is kept.

    def dump(self) -> bytes:
        """For the manifest: the shelf keeps it as a state, a node sends it to another."""
        facts = json.dumps({"nodes": self.nodes, "replicas": self.replicas, "version": self.version})
        file = io.BytesIO()
        told = np.frombuffer(facts.encode(), np.uint8)
        np.savez(file, facts=told, trained=self.trained, parted=self.parted, halves=self.halves)
        return file.getvalue()

    @classmethod
    def load(cls, data: bytes) -> ShardRouter:
        """Raises StoreError when the bytes are not what ``dump`` gave."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as parts:
                facts = json.loads(parts["facts"].tobytes())
                arrays = (parts["trained"], parts["parted"], parts["halves"])
                return cls(tuple(facts["nodes"]), *arrays, facts["replicas"], facts["version"])
        except Exception as error:  # zip, numpy and JSON each have their own
            raise StoreError(f"the router cannot be read ({error})", "train it again") from None


def _hash(*parts: bytes) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(len(part).to_bytes(4, "little") + part)
    return int.from_bytes(digest.digest(), "little")


def _mixed(values: np.ndarray) -> np.ndarray:
    """uint64 [n]: each bit depends on all (the finaliser of splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
