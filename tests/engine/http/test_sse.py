"""Events survive every way of being cut into pieces."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pyagent.engine.http.sse import Events

STREAM = "\ufeff: hello\r\ndata: one\r\n\r\nevent: x\ndata: two\ndata:  2\n\ndata:é\r\n\r\nid: 3\n\ndata: lost".encode()
WHOLE = ["one", "two\n 2", "é"]


def feed(pieces: list[bytes]) -> list[str]:
    events = Events()
    return [data for piece in pieces for data in events.feed(piece)]


def test_comments_names_and_an_unfinished_event_are_left_out() -> None:
    assert feed([STREAM]) == WHOLE


@given(st.lists(st.integers(0, len(STREAM)), max_size=8).map(sorted))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *cuts, len(STREAM)]
    assert feed([STREAM[a:b] for a, b in pairwise(edges)]) == WHOLE


def test_a_byte_at_a_time() -> None:
    assert feed([STREAM[i : i + 1] for i in range(len(STREAM))]) == WHOLE
