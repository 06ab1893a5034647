"""What a grammar lets through is valid, agrees with llama.cpp's own grammar, and is closed in time."""

from __future__ import annotations

import ctypes
import json
import random
from array import array
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("llama_cpp")
from pyagent.engine.llama.gbnf import GrammarError
from pyagent.engine.llama.grammar import Grammar, Grammars
from pyagent.engine.llama.schema import gbnf

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "maximum": 130},
        "tags": {"type": "array", "items": {"enum": ["a\"b", "c\\d", "é"]}, "maxItems": 3},
        "home": {"type": ["object", "null"], "properties": {"zip": {"type": "string", "pattern": r"^\d{5}(-\d{4})?$"}},
                 "required": ["zip"]},
    },
    "required": ["name", "age", "home"],
    "additionalProperties": False,
}  # fmt: skip
TREE = {
    "$defs": {"node": {"type": "object", "properties": {
        "value": {"type": "number"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
        "required": ["value", "children"]}},
    "$ref": "#/$defs/node",
}  # fmt: skip
SCHEMAS: list[Any] = [
    PERSON,
    TREE,
    {},
    True,
    {"type": "boolean"},
    {"enum": ["low", "high", 3, None, {"a": [1, "x"]}]},
    {"const": "quote \" and \\ and \n line"},
    {"type": "integer", "minimum": 1, "maximum": 5},
    {"type": "integer", "minimum": -120, "maximum": 37},
    {"type": "integer", "exclusiveMinimum": 99},
    {"type": "number", "minimum": 0, "maximum": 1},
    {"type": "number", "exclusiveMinimum": 0},
    {"type": "number", "exclusiveMinimum": -2.5, "exclusiveMaximum": 3},
    {"type": "number", "minimum": 0.25, "maximum": 0.75},
    {"type": "string", "minLength": 3, "maxLength": 8},
    {"type": "string", "pattern": "^[A-Z][a-z\\-\"]+( \\w{2,4})*$"},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "uuid"},
    {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4},
    {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": False},
    {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1},
    {"type": "object", "properties": {"a": {"type": "null"}, "b": {"type": "null"}, "c": {"type": "null"}}},
    {"type": "object", "required": ["unknown"]},
    {"allOf": [{"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
               {"properties": {"y": {"type": "string"}}, "required": ["y"]}]},
    {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"],
     "anyOf": [{"properties": {"kind": {"const": "cat"}}}, {"properties": {"kind": {"const": "dog"}}}]},
    {"anyOf": [{"$ref": "#/anyOf/1"}, {"type": "array", "items": {"$ref": "#"}, "maxItems": 1}]},
]  # fmt: skip


class Words:
    """A small vocabulary that spells everything badly: bytes, bits of JSON and broken characters."""

    _pieces = [bytes([b]) for b in range(256)] + [
        b'{"', b'":', b'": "', b'",', b'"}', b"}}", b"[[", b"]]", b"true", b"null", b"12", b"345", b"  ", b"\n\n",
        b"hello", b" world", "né".encode(), "世界".encode(), b"\xe4\xb8", b"\x96", b"\xf0\x9f", b"\x98\x80", b"",
    ]  # fmt: skip
    n_vocab = len(_pieces)

    def piece(self, token: int) -> bytes:
        return self._pieces[token]

    def is_end(self, token: int) -> bool:
        return token == self.n_vocab - 1


class Walk:
    """A sequence as the grammar sees it, fed with random logits instead of a model."""

    def __init__(self, grammar: Grammar, limit: int, vocabulary: Any, seed: int) -> None:
        from pyagent.engine.llama.sampling import Sampler
        from pyagent.engine.llama.sequence import Ask, Call, Sequence

        ask = Ask(1, array("i", [1]), limit, 1.0, seed, grammar=grammar)
        self.sequence = Sequence(ask, 0, Call(ask))
        self._sampler, self._vocabulary = Sampler(vocabulary.n_vocab), vocabulary
        self._dice = np.random.default_rng(seed)
        self.text = b""

    def run(self, temperature: float = 1.0) -> tuple[str, int]:
        sequence, limit = self.sequence, self.sequence.ask.limit
        for index in range(limit):
            row = self._dice.normal(0, 2, self._vocabulary.n_vocab).astype(np.float32)
            token = sequence.cursor.pick(sequence, self._sampler, row, temperature, 1, index)
            if self._vocabulary.is_end(token):
                return self.text.decode(), index
            self.text += self._vocabulary.piece(token)
            if sequence.cursor.complete:
                return self.text.decode(), index + 1
        return self.text.decode(), limit


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: json.dumps(s)[:60])
def test_any_walk_of_any_length_is_valid_json_for_the_schema(schema: Any) -> None:
    words = Words()
    grammar = Grammars(words).of_schema(schema)
    for extra in range(60):
        limit = grammar.need + extra
        walk = Walk(grammar, limit, words, seed=extra)
        text, count = walk.run(temperature=extra % 2)
        jsonschema.validate(json.loads(text), schema)
        assert count <= limit


def test_what_a_schema_needs_is_enough_and_not_more_than_its_shortest_text() -> None:
    words = Words()
    grammars = Grammars(words)
    for schema in SCHEMAS:
        grammar = grammars.of_schema(schema)
        text, count = Walk(grammar, grammar.need, words, seed=1).run()
        assert count <= grammar.need
        jsonschema.validate(json.loads(text), schema)
    assert grammars.of_schema({"type": "boolean"}).need == 1
    assert grammars.of_schema({"type": "string", "minLength": 9}).need == 11


json_schemas = st.recursive(
    st.sampled_from(
        [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"enum": ["x", 1]}, {"const": "'\""}]
    )
    | st.tuples(st.integers(-300, 300), st.integers(0, 500)).map(
        lambda t: {"type": "integer", "minimum": t[0], "maximum": t[0] + t[1]}
    )
    | st.tuples(st.integers(0, 3), st.integers(0, 4)).map(
        lambda t: {"type": "string", "minLength": t[0], "maxLength": t[0] + t[1]}
    ),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
        | inner.map(lambda items: {"type": "array", "items": items, "maxItems": 2})
        | st.tuples(st.dictionaries(st.sampled_from('ab"\\é'), inner, max_size=4), st.integers(0, 4)).map(
            lambda t: {"type": "object", "properties": t[0], "required": sorted(t[0])[: t[1]]}
        )
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(schema=json_schemas, extra=st.integers(0, 40), seed=st.integers(0, 9))
def test_schemas_nobody_thought_of_give_valid_answers_too(schema: Any, extra: int, seed: int) -> None:
    words = Words()
    grammar = Grammars(words).of_schema(schema)
    text, count = Walk(grammar, grammar.need + extra, words, seed).run()
    jsonschema.validate(json.loads(text), schema)
    assert count <= grammar.need + extra


def test_every_whole_number_of_a_range_can_be_written_and_no_other() -> None:
    grammar_of = Grammars(Words()).of_schema
    for low, high in [(0, 0), (1, 5), (7, 123), (95, 1005), (-12, 9), (-205, -99), (10, 99)]:
        start = grammar_of({"type": "integer", "minimum": low, "maximum": high}).start()
        inside = {n for n in range(-1200, 1200) if (at := start.after(str(n).encode())) and at.state.accepts}
        assert inside == set(range(low, high + 1))


class Native:
    """llama.cpp's own grammar sampler."""

    def __init__(self, model: Any, text: str) -> None:
        from llama_cpp import llama_cpp as native

        self._n = native
        vocab = native.llama_model_get_vocab(model.handle)
        self._sampler = native.llama_sampler_init_grammar(vocab, text.encode(), b"root")
        assert self._sampler

    def allows(self, tokens: list[int]) -> set[int]:
        data = (self._n.llama_token_data * len(tokens))(*[(t, 0.0, 0.0) for t in tokens])
        array_ = self._n.llama_token_data_array(data, len(tokens), -1, False)
        self._n.llama_sampler_apply(self._sampler, ctypes.byref(array_))
        return {data[i].id for i in range(len(tokens)) if data[i].logit > -1e30}

    def accept(self, token: int) -> None:
        self._n.llama_sampler_accept(self._sampler, token)

    def close(self) -> None:
        self._n.llama_sampler_free(self._sampler)


@pytest.fixture(scope="module")
def grammars(model: Any) -> Grammars:
    return Grammars(model)


@pytest.mark.parametrize("schema", [PERSON, TREE, SCHEMAS[15], {"type": "string", "maxLength": 3}], ids=str)
def test_llama_cpp_reads_the_same_grammar_the_same_way(model: Any, grammars: Grammars, schema: Any) -> None:
    grammar, native = grammars.of_schema(schema), Native(model, gbnf(schema))
    dice, cursor = random.Random(3), grammar.start()
    for _ in range(25):
        legal = grammar.legal(cursor.state).tolist()
        sample = dice.sample(range(model.n_vocab), 300) + dice.sample(legal, min(300, len(legal)))
        sample = [t for t in sample if model.piece(t) or model.is_end(t)]
        assert native.allows(sample) == set(sample) & set(legal)
        going = [t for t in legal if not model.is_end(t) and cursor.after(model.piece(t)).partial == b""]
        if not going:
            break
        token = dice.choice(going)
        native.accept(token)
        cursor = cursor.after(model.piece(token))
    native.close()


def test_the_list_of_legal_tokens_is_what_asking_each_gives(model: Any, grammars: Grammars) -> None:
    grammar = grammars.of_text('root ::= "the " ("world" | [0-9]{2,3} | "é") [^a-f\\n]?')
    for text in (b"", b"the ", b"the w", b"the 1", b"the 12", b"the \xc3\xa9"):
        cursor = grammar.start().after(text)
        each = {t for t in range(model.n_vocab) if model.piece(t) and cursor.after(model.piece(t))}
        each |= {t for t in range(model.n_vocab) if model.is_end(t)} if cursor.state.accepts else set()
        assert set(grammar.legal(cursor.state).tolist()) == each


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("root ::= root \"a\"", "ends"),
        ("root ::= \"a\" | root \"b\"", "begins with itself"),
        ("root ::= missing", "missing"),
        ("other ::= \"a\"", "root"),
        ("root ::= \"a", "cannot be read"),
        ("root ::= (\"a\"", "close"),
        ("root ::= [a-c]{3,2}", "never"),
    ],
)  # fmt: skip
def test_what_is_no_grammar_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(GrammarError, match=why):
        Grammars(Words()).of_text(text)


@pytest.mark.parametrize(
    "schema",
    [False, {"type": "integer", "minimum": 3, "maximum": 2}, {"$ref": "#/nowhere"}, {"type": "strange"}, {"enum": []},
     {"type": "string", "pattern": "(?=x)"}, {"type": "string", "enum": [1]}, {"properties": 3}, {"$ref": "http://x/y"},
     {"type": "string", "minLength": 10**12}],
    ids=str,
)  # fmt: skip
def test_a_schema_that_nothing_can_satisfy_is_refused(schema: Any) -> None:
    with pytest.raises(GrammarError):
        Grammars(Words()).of_schema(schema)


def test_a_thousand_nested_brackets_do_not_break_anything() -> None:
    with pytest.raises(GrammarError, match="nested"):
        Grammars(Words()).of_text("root ::= " + "(" * 5000 + '"a"' + ")" * 5000)
    deep: Any = {"type": "integer"}
    for _ in range(60):
        deep = {"type": "array", "items": deep, "minItems": 1}
    grammar = Grammars(Words()).of_schema(deep)
    assert json.loads(Walk(grammar, grammar.need, Words(), 1).run()[0])
