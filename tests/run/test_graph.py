"""Orders, cycles and groups of tasks that wait for each other, against a plain model of the same."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from pyagent.run.graph import Graph
from pyagent.run.lookup import Lookup

Edges = dict[int, list[int]]


def sealed(n: int, edges: Edges) -> Graph:
    graph = Graph()
    for child, parents in edges.items():
        graph.add(child, parents)
    graph.seal(n)
    return graph


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, Edges]:
    n = draw(st.integers(1, 12))
    index = st.integers(0, n - 1)
    return n, draw(st.dictionaries(index, st.lists(index, unique=True, max_size=4), max_size=n))


@given(graphs())
def test_edges_are_read_both_ways(case: tuple[int, Edges]) -> None:
    n, edges = case
    graph = sealed(n, edges)
    for i in range(n):
        assert graph.parents(i) == tuple(edges.get(i, ()))
        assert set(graph.children(i)) == {child for child in edges if i in edges[child]}


@given(graphs())
def test_order_puts_parents_first_and_leaves_out_what_cannot_run(case: tuple[int, Edges]) -> None:
    n, edges = case
    graph = sealed(n, edges)
    order = list(graph.order(list(edges)))
    place = {i: at for at, i in enumerate(order)}
    assert len(place) == len(order)
    for i in order:
        assert all(place[parent] < place[i] for parent in edges[i] if parent in edges)
    stuck = [i for i in edges if i not in place]
    for i in stuck:
        assert any(parent in stuck for parent in edges[i])


@given(graphs())
def test_a_cycle_is_found_exactly_when_there_is_one(case: tuple[int, Edges]) -> None:
    n, edges = case
    graph = sealed(n, edges)
    order = set(graph.order(list(edges)))
    cycles = list(graph.cycles([i for i in edges if i not in order]))
    try:
        TopologicalSorter(edges).prepare()
        assert cycles == []
    except CycleError:
        assert cycles
    for cycle in cycles:
        assert cycle[0] == min(cycle)
        for child, parent in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
            assert parent in edges[child]
    seen = [i for cycle in cycles for i in cycle]
    assert len(seen) == len(set(seen))


@given(graphs())
def test_components_join_what_is_connected_and_nothing_else(case: tuple[int, Edges]) -> None:
    n, edges = case
    groups = {i: {i} for i in range(n)}
    for child, parents in edges.items():
        for parent in parents:
            joined = groups[child] | groups[parent]
            groups.update(dict.fromkeys(joined, joined))
    assert list(sealed(n, edges).components()) == [min(groups[i]) for i in range(n)]


def test_a_chain_of_100_000_needs_no_stack() -> None:
    n = 100_000
    graph = sealed(n, {i: [i + 1] for i in range(n - 1)})
    assert list(graph.order(range(n - 1))) == list(range(n - 2, -1, -1))
    assert set(graph.components()) == {0}
    ring = sealed(n, {i: [(i + 1) % n] for i in range(n)})
    assert [len(cycle) for cycle in ring.cycles(range(n))] == [n]


@given(st.lists(st.text("ab", max_size=3), max_size=60))
def test_a_lookup_is_right_even_when_all_numbers_collide(words: list[str]) -> None:
    lookup, model = Lookup(len(words)), dict[str, int]()
    for i, word in enumerate(words):
        assert lookup.put(len(word), i, lambda j, i: words[j] == words[i]) == model.get(word)
        model[word] = i
    for word in ["", "a", "ab", "bbb", "no"]:
        assert lookup.find(len(word), lambda j, word=word: words[j] == word) == model.get(word)  # type: ignore[misc]
