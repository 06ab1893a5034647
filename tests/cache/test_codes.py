from __future__ import annotations

import math

import numpy as np
import pytest

from pyagent_plugins.cache.index import block
from pyagent_plugins.cache.index.codes import BITS, Centre, Query, distances, halves_dot, pack, projection, radius, tag
from tests.cache.vectors import near, topical, unit


@pytest.mark.parametrize("dim", [384, 768, 100])
def test_the_projection_keeps_angles(dim: int) -> None:
    matrix = projection(dim)
    assert matrix.shape == (dim, BITS)
    own = matrix[:, : min(dim, BITS)]
    assert np.abs(own.T @ own - np.eye(own.shape[1])).max() < 1e-5


def test_signs_differ_in_the_share_of_the_angle() -> None:
    pairs = [(unit(i, 384), near(unit(i, 384), 0.85, i)) for i in range(200)]
    codes = pack(np.stack([v for pair in pairs for v in pair]) @ projection(384)).reshape(200, 2, 4)
    shares = [int(np.bitwise_count(a ^ b).sum()) / BITS for a, b in codes]
    assert abs(float(np.mean(shares)) - math.acos(0.85) / math.pi) < 0.01


def test_the_radius_loses_almost_no_true_neighbour() -> None:
    centre = Centre.of(topical(2000, 384).mean(axis=0))
    lost = 0
    for i, vector in enumerate(topical(500, 384, seed=7)):
        query = Query.of(tag(b"s" * 16), near(vector, 0.86, i))
        seen, _ = query.code(centre)
        bits = np.bitwise_count(pack(seen) ^ pack(centre.seen(vector[None]))[0])
        floor = centre.floor(query, 0.85)
        lost += int(bits[0]) > radius(floor, 64) or int(bits.sum()) > radius(floor, BITS)
    assert lost <= 5


def test_the_centre_makes_strangers_of_one_topic_differ() -> None:
    rows = topical(400, 384)
    lean = 1.5 * unit(1, 384)
    rows = (rows + lean) / np.linalg.norm(rows + lean, axis=1, keepdims=True)

    def spread(centre: Centre) -> float:
        codes = pack(centre.seen(rows))
        return float(np.mean([np.bitwise_count(codes[i] ^ codes[i + 1]).sum() for i in range(399)]))

    assert spread(Centre.nowhere(384)) < 0.35 * BITS < 0.42 * BITS < spread(Centre.of(rows.mean(axis=0)))


def test_halves_are_multiplied_as_numpy_would() -> None:
    halves = np.stack([unit(i, 384) for i in range(50)]).astype(np.float16)
    halves[0, :5] = [0.0, -0.0, 6e-8, -6e-8, 1.0]  # zeros, the smallest halves, the largest that can come
    query = Query.of(tag(b"x" * 16), unit(99, 384))
    assert np.allclose(halves_dot(halves, query.lifted), halves.astype(np.float32) @ query.vector, atol=1e-6)


def test_distances_are_counted_over_all_words() -> None:
    words = np.random.default_rng(0).integers(0, 2**64, (20, 3), dtype=np.uint64)
    before = np.arange(20, dtype=np.uint8)
    wanted = [
        int(before[i]) + sum((int(words[i, j]) ^ int(words[0, j])).bit_count() for j in range(3)) for i in range(20)
    ]
    assert distances(words, words[0], before).tolist() == wanted


def test_scopes_of_any_length_have_their_own_tag() -> None:
    tags = {tag(scope).tobytes() for scope in (b"", b"a", b"a" * 15, b"a" * 16, b"a" * 17, b"b" * 16)}
    assert len(tags) == 6
    assert tag(b"a" * 16).tobytes() == b"a" * 16


def test_a_checksum_knows_a_torn_vector() -> None:
    old, new = unit(1).astype(np.float16), unit(2).astype(np.float16)
    whole = int(block.checksums(np.array([5]), new[None])[0])
    for cut in range(1, len(new)):
        torn = np.concatenate((new[:cut], old[cut:]))
        assert int(block.checksums(np.array([5]), torn[None])[0]) != whole
    assert int(block.checksums(np.array([6]), new[None])[0]) != whole


def test_the_nearest_are_kept_when_there_are_too_many() -> None:
    counts = np.array([3, 1, 2, 1, 9, 2, 2, 0], np.uint8)
    assert sorted(block.nearest(counts, 4).tolist()) == [1, 3, 6, 7]  # of the three twos, the newest
    assert sorted(block.nearest(np.full(10, 4, np.uint8), 3).tolist()) == [7, 8, 9]
