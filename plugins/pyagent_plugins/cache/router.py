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
from pyagent_plugins.cache.kmeans import kmeans, nearest

# A cell is hot when it holds this many times the mean: two halves then hold no more than the next largest.
HOT = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class ShardRouter:
    """``centroids`` float32 [leaves, dim] of length 1; ``roots`` int64 [leaves]: the trained cell that a leaf is or
    was split from. A leaf's number never changes, so that a split moves nothing but half of the cell. ``version``
    counts trainings and splits: routers of one version route alike.
    """

    nodes: tuple[str, ...]
    centroids: np.ndarray
    roots: np.ndarray
    replicas: int = 2
    version: int = 1
    _hashes: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.nodes or len(set(self.nodes)) != len(self.nodes):
            raise UsageError("a router needs nodes with different names", "name at least one node, each once")
        object.__setattr__(self, "_hashes", np.array([_hash(node.encode()) for node in self.nodes], np.uint64))

    @classmethod
    def train(
        cls, vectors: np.ndarray, nodes: Sequence[str], cells: int = 256, replicas: int = 2, seed: int = 0
    ) -> ShardRouter:
        """From float32 [n, dim] of length 1, a sample of what will be kept: 12,000 are enough for 256 cells.

        Raises UsageError without vectors or nodes. 256 cells of 12,000 vectors of 384 take about 5 s of CPU.
        """
        if not len(vectors):
            raise UsageError("cells cannot be trained without vectors", "give a sample of what will be kept")
        centroids = kmeans(vectors, cells, seed)
        return cls(tuple(nodes), centroids, np.arange(len(centroids)), replicas)

    # Where to go.

    def nodes_for(self, scope: bytes, vector: np.ndarray, probes: int = 2, down: Collection[str] = ()) -> list[str]:
        """The nodes to ask for neighbours of float32 [dim], at most ``probes``, likeliest first, each once.

        One node a cell: its first that is not ``down``; a replica answers for it as well.
        """
        return list(dict.fromkeys(self._ranked(scope, leaf, down)[0] for leaf in self._leaves(vector, probes)))

    def owners(self, scope: bytes, vector: np.ndarray, down: Collection[str] = ()) -> list[str]:
        """The ``replicas`` nodes that keep an entry with this vector, the first first."""
        return self._ranked(scope, self.cell(vector), down)[: self.replicas]

    def node_for_key(self, scope: bytes, key: bytes, down: Collection[str] = ()) -> str:
        """The one node that is asked for an exact key (and told of it)."""
        return self._order(_hash(scope, b"key", key), down)[0]

    def cell(self, vector: np.ndarray) -> int:
        """The leaf that a vector belongs to."""
        return int(self.cells(np.asarray(vector, np.float32)[None])[0])

    def cells(self, vectors: np.ndarray) -> np.ndarray:
        """int64 [n] of float32 [n, dim]. First the trained cell, then the leaf in it: a split moves no border."""
        trained = int(self.roots.max()) + 1
        leaves, _ = nearest(vectors, self.centroids[:trained])
        for root in set(self.roots[trained:].tolist()):
            family = np.flatnonzero(self.roots == root)
            inside = np.flatnonzero(leaves == root)
            if len(inside):
                leaves[inside] = family[nearest(vectors[inside], self.centroids[family])[0]]
        return leaves

    def _leaves(self, vector: np.ndarray, probes: int) -> list[int]:
        own = self.cell(vector)
        likely = np.argsort(-(self.centroids @ vector), kind="stable")[: probes + 1].tolist()
        return [own, *(leaf for leaf in likely if leaf != own)][: max(1, probes)]

    def _ranked(self, scope: bytes, leaf: int, down: Collection[str]) -> list[str]:
        return self._order(_hash(scope, b"cell", leaf.to_bytes(8, "little")), down)

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
        """Leaves to split, hottest first: those with HOT times the mean of entries (or look-ups) a leaf."""
        mean = sum(loads.values()) / len(self.centroids)
        return sorted((c for c, n in loads.items() if n > HOT * mean), key=lambda c: (-loads[c], c))

    def split(self, leaf: int, vectors: np.ndarray, seed: int = 0) -> ShardRouter:
        """The next version, in which the leaf's vectors (float32 [n, dim], a sample) are parted in two.

        One half keeps the leaf's number and nodes, the other has a new one. Unchanged when all are alike.
        """
        halves = kmeans(vectors, 2, seed)
        if len(halves) < 2 or float(halves[0] @ halves[1]) > 1.0 - 1e-6:
            return self
        sizes = np.bincount(nearest(vectors, halves)[0], minlength=2)
        stays, moves = (0, 1) if sizes[0] >= sizes[1] else (1, 0)  # the smaller half moves
        trained = leaf == self.roots[leaf] and not (self.roots[int(self.roots.max()) + 1 :] == leaf).any()
        return self._parted(leaf, halves[stays], halves[moves], trained)

    def _parted(self, leaf: int, stays: np.ndarray, moves: np.ndarray, trained: bool) -> ShardRouter:
        centroids = np.concatenate((self.centroids, moves[None]))
        root = int(self.roots[leaf])
        return replace(self, centroids=centroids, roots=np.append(self.roots, root), version=self.version + 1)

    # How it is kept.

    def dump(self) -> bytes:
        """For the manifest: the shelf keeps it as a state, a node sends it to another."""
        facts = json.dumps({"nodes": self.nodes, "replicas": self.replicas, "version": self.version})
        file = io.BytesIO()
        np.savez(file, centroids=self.centroids, roots=self.roots, facts=np.frombuffer(facts.encode(), np.uint8))
        return file.getvalue()

    @classmethod
    def load(cls, data: bytes) -> ShardRouter:
        """Raises StoreError when the bytes are not what ``dump`` gave."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as parts:
                facts = json.loads(parts["facts"].tobytes())
                return cls(
                    tuple(facts["nodes"]), parts["centroids"], parts["roots"], facts["replicas"], facts["version"]
                )
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
    return values ^ (values >> np.uint64(31))
