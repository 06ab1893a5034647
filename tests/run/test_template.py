"""What a task may quote of earlier tasks, and what stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyagent.errors import EngineError
from pyagent.run.template import fill, locate, references


def test_a_reduce_prompt_takes_text_as_text_and_values_as_compact_json() -> None:
    outputs = {"a": "one\ntwo", "b": {"label": "bug", "n": [1, 2.5, None]}, "c": True}
    text = fill("A: {{ results.a }}\nB: {{results.b}}\nC: {{  results.c  }}", outputs)
    assert text == 'A: one\ntwo\nB: {"label":"bug","n":[1,2.5,null]}\nC: true'


def test_a_path_reaches_into_a_json_output() -> None:
    outputs = {"t": {"items": [{"name": "Łódź"}, {"name": 7}]}}
    assert fill("{{ results.t.items.0.name }} {{ results.t.items.1.name }}", outputs) == "Łódź 7"
    assert fill("{{ results.t.items.0 }}", outputs) == '{"name":"Łódź"}'


def test_ids_may_hold_dots_blanks_and_braces_and_the_longest_id_wins() -> None:
    outputs = {"v1": {"5": "path"}, "v1.5": "id", "a b/{c": "odd"}
    assert fill("{{ results.v1.5 }} {{ results.a b/{c }}", outputs) == "id odd"
    assert locate("v1.5", {"v1"}) == ("v1", ("5",))
    assert locate("v1.5.x", {"v1", "v1.5"}) == ("v1.5", ("x",))
    assert locate("v2", {"v1"}) is None


def test_what_was_put_in_is_not_read_as_a_template_again() -> None:
    outputs = {"a": "{{ results.b }}", "b": "secret"}
    assert fill("{{ results.a }}", outputs) == "{{ results.b }}"
    assert fill("{{ results.{{ results.b }}", {"b": "x"}) == "{{ results.x"
    assert fill("{{ results.a }}{{ results.b }}", {"a": "{{ results", "b": ".c }}"}) == "{{ results.c }}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{{",
        "}}",
        "{{ x }}",
        "{{ results }}",
        "{{ result.a }}",
        "{ results.a }",
        "{{ results.a }",
        "${{a}}",
        "{%x%}",
    ],
)
def test_nothing_else_is_a_template(text: str) -> None:
    assert fill(text, {"a": "no"}) == text
    assert references(text) == ()


def test_references_come_once_each_in_order() -> None:
    assert references("{{ results.b }} {{ results.a.x }} {{results.b}}") == ("b", "a.x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ results.no }}", "no such task"),
        ("{{ results.j.no }}", "the output of 'j' has no field 'no'"),
        ("{{ results.j.l.9 }}", "a list of 1 and no item '9'"),
        ("{{ results.j.l.x }}", "no item 'x'"),
        ("{{ results.t.x }}", "not a JSON object or list"),
    ],
)
def test_what_has_no_value_is_named(text: str, says: str) -> None:
    with pytest.raises(EngineError, match=says) as caught:
        fill(text, {"j": {"l": [1]}, "t": "text"})
    assert caught.value.hint


def test_ten_megabytes_of_braces_are_read_once() -> None:
    # Reading them from each brace on would take hours, more than the 300 s after which a test is stopped.
    for piece in ("{{ results.", "{{", "{{ ", "{{ results.a }"):
        text = piece * (10_000_000 // len(piece))
        assert fill(text, {}) == text


@given(st.lists(st.tuples(st.text(), st.sampled_from(["x", "y.z", "1"]))), st.text(), st.text())
def test_filling_is_the_same_as_splitting_and_joining(parts: list[tuple[str, str]], x: str, end: str) -> None:
    outputs = {"x": x, "y": {"z": "{{ results.x }}"}, "1": "one"}
    values = {"x": x, "y.z": "{{ results.x }}", "1": "one"}
    clean = [(text.replace("{", "(").replace("}", ")"), name) for text, name in parts]
    template = "".join(f"{text}{{{{ results.{name} }}}}" for text, name in clean) + end.replace("{{", "")
    filled = "".join(f"{text}{values[name]}" for text, name in clean) + end.replace("{{", "")
    assert fill(template, outputs) == filled
