"""Writes a JSON Schema as a GBNF grammar, so that a model can only answer with valid JSON.

llama-cpp-python's converter leaves out number ranges and lengths without ``type``, lets raw control characters
into strings and breaks on quotes in constants; hence our own. Of what a grammar cannot say (``uniqueItems``,
``multipleOf``, ``not``, ``if``, ``contains``) nothing is promised here: who asked still validates the answer.
Keywords: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyagent.engine.llama.gbnf import GrammarError
from pyagent.engine.llama.numeral import Span
from pyagent.engine.llama.pattern import pattern_rule

Schema = Mapping[str, Any]

# One optional blank where JSON allows white space: models like it, and it cannot run away.
SPACE = "ws"
_DATE = '[0-9]{4} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'
_HOUR = '([01] [0-9] | "2" [0-3])'
_TIME = f'{_HOUR} ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{{1,6}})? ("Z" | [+-] {_HOUR} ":" [0-5] [0-9])'
_HEX = "[0-9a-fA-F]"
_BYTE = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9])'
_WORD = "[a-z0-9]"
BASE = {
    "ws": '" "?',
    "char": rf'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CefEF] {_HEX}{{3}} | [dD] [0-7] {_HEX}{{2}}))',
    "string": '"\\"" char* "\\""',
    "digits": '"0" | [1-9] [0-9]{0,14}',
    "integer": '"-"? digits',
    "number": '"-"? digits ("." [0-9]{1,15})? ([eE] [+-]? [0-9]{1,2})?',
    "boolean": '"true" | "false"',
    "null": '"null"',
    "value": "object | array | string | number | boolean | null",
    "object": '"{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)*)? ws "}"',
    "array": '"[" ws (value (ws "," ws value)*)? ws "]"',
}
FORMATS = {
    "date": _DATE,
    "time": _TIME,
    "date-time": f'{_DATE} "T" {_TIME}',
    "uuid": f'{_HEX}{{8}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{4}} "-" {_HEX}{{12}}',
    "ipv4": f'{_BYTE} "." {_BYTE} "." {_BYTE} "." {_BYTE}',
    "email": f'{_WORD}{{1,24}} ([._-] {_WORD}{{1,24}})* "@" {_WORD}{{1,24}} ("." {_WORD}{{1,24}})+',
    "uri": '"http" "s"? "://" [a-z0-9.-]{1,64} ("/" [a-zA-Z0-9._~-]{0,64}){0,8}',
}
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_OF_TYPE = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}


def gbnf(schema: Schema | bool) -> str:
    """The grammar of the JSON texts that are valid against ``schema``, its rule ``root`` first.

    Raises GrammarError where the schema is none, or nothing could be valid.
    """
    writer = _Writer(schema if isinstance(schema, Mapping) else {})
    try:
        root = writer.visit(schema)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        if isinstance(error, GrammarError):
            raise
        raise GrammarError(f"the schema cannot be read: {error}") from error
    # Space around the answer is legal JSON but of use to nobody.
    return "\n".join([f"root ::= {root}", *(f"{name} ::= {rule}" for name, rule in writer.rules.items())])


def literal(text: str) -> str:
    """``text`` as a GBNF literal."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + plain.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def constant(value: Any) -> str:
    return literal(json.dumps(value, ensure_ascii=False))


class _Writer:
    """Collects rules; ``visit`` gives the expression for a schema."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self.rules: dict[str, str] = dict(BASE)
        self._refs: dict[str, str] = {}

    def visit(self, schema: Schema | bool) -> str:
        if schema is True:
            return "value"
        if not isinstance(schema, Mapping):
            raise GrammarError(f"no JSON can satisfy the schema {json.dumps(schema)}")
        if not schema.keys() - _NOTES:
            return "value"
        if schema.keys() - _NOTES == {"$ref"}:
            return self._reference(schema["$ref"])
        schema = {k: v for k, v in self._flat(schema).items() if k not in _NOTES}
        for key in ("anyOf", "oneOf"):
            if key in schema:
                rest = {k: v for k, v in schema.items() if k != key}
                # Merging writes out what an option refers to; without need it would never end on a recursive one.
                return self._union([self._merged(rest, o) if rest else o for o in schema[key]])
        if "const" in schema or "enum" in schema:
            return self._enum(schema)
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return self._union([{**schema, "type": kind} for kind in kinds])
        return self._typed(kinds or _guess(schema), schema)

    def _add(self, hint: str, rule: str) -> str:
        name = f"{hint}-{len(self.rules)}"
        self.rules[name] = rule
        return name

    # -- putting schemas together ------------------------------------------------------------------

    def _resolve(self, reference: str) -> Schema | bool:
        if not reference.startswith("#"):
            raise GrammarError(f"only references inside the schema are known, not {reference!r}")
        at: Any = self._root
        for part in reference[1:].strip("/").split("/") if reference != "#" else []:
            part = part.replace("~1", "/").replace("~0", "~")
            at = at[int(part)] if isinstance(at, list) else at.get(part) if isinstance(at, Mapping) else None
            if at is None:
                raise GrammarError(f"the schema has nothing at {reference!r}")
        found: Schema | bool = at
        return found

    def _reference(self, reference: str) -> str:
        """A rule of its own, named before it is written, so that a schema may hold itself."""
        if reference not in self._refs:
            name = self._refs[reference] = self._add("ref", "")
            self.rules[name] = self.visit(self._resolve(reference))
        return self._refs[reference]

    def _flat(self, schema: Schema) -> Schema:
        """Without ``$ref`` and ``allOf``: their keywords pulled up."""
        parts: list[Schema | bool] = list(schema.get("allOf", []))
        if "$ref" in schema:
            parts.append(self._resolve(schema["$ref"]))
        flat: Schema = {k: v for k, v in schema.items() if k not in ("allOf", "$ref")}
        for part in parts:
            flat = self._merged(flat, part)
        return flat

    def _merged(self, a: Schema, b: Schema | bool) -> Schema:
        if b is True:
            return a
        if not isinstance(b, Mapping):
            raise GrammarError("no JSON can satisfy a schema that holds false")
        merged = dict(a)
        for key, value in self._flat(b).items() if "$ref" in b or "allOf" in b else b.items():
            merged[key] = self._both(key, merged[key], value) if key in merged else value
        return merged

    def _both(self, key: str, a: Any, b: Any) -> Any:
        """One keyword said twice: both hold."""
        if key == "properties":
            return {**a, **{k: self._merged(a[k], v) if k in a and a[k] is not True else v for k, v in b.items()}}
        if key == "required":
            return [*a, *(name for name in b if name not in a)]
        if key == "enum":
            return [value for value in a if value in b]
        if key == "type":
            kinds = [k for k in _list(a) if k in _list(b) or (k == "integer" and "number" in _list(b))]
            kinds += ["integer"] if "number" in _list(a) and "integer" in _list(b) else []
            return kinds if len(kinds) != 1 else kinds[0]
        if key.startswith(("min", "exclusiveMin")):
            return max(a, b)
        if key.startswith(("max", "exclusiveMax")):
            return min(a, b)
        return b

    def _union(self, options: list[Any]) -> str:
        """Options that nothing satisfies fall out, as long as one stays."""
        rules, last = [], GrammarError("the schema leaves no type or option")
        for option in options:
            try:
                rules.append(self.visit(option))
            except GrammarError as error:
                last = error
        if not rules:
            raise last
        return rules[0] if len(rules) == 1 else "(" + " | ".join(dict.fromkeys(rules)) + ")"

    def _enum(self, schema: Schema) -> str:
        values = [schema["const"]] if "const" in schema else list(schema["enum"])
        kinds = _list(schema["type"]) if "type" in schema else list(_TYPES)
        fitting = [constant(value) for value in values if any(_is(value, kind) for kind in kinds)]
        if not fitting:
            raise GrammarError("no value of an enum or const has the schema's type")
        return fitting[0] if len(fitting) == 1 else "(" + " | ".join(fitting) + ")"

    # -- types -------------------------------------------------------------------------------------

    def _typed(self, kind: str | None, schema: Schema) -> str:
        if kind is None:
            return "value"
        if kind not in _TYPES:
            raise GrammarError(f"the schema has an unknown type {kind!r}")
        if kind in ("boolean", "null"):
            return kind
        write = {"object": self._object, "array": self._array, "string": self._string}.get(kind, self._number)
        return write(schema)

    def _object(self, schema: Schema) -> str:
        properties: dict[str, Any] = dict(schema.get("properties", {}))
        required = list(dict.fromkeys(schema.get("required", [])))
        extra = schema.get("additionalProperties", True)
        if not properties and not required:
            return self._map(extra, schema)
        for name in required:
            properties.setdefault(name, extra)
        pairs = {
            name: self._add("pair", f'{constant(name)} ws ":" ws {self.visit(value)}')
            for name, value in properties.items()
            if name in required or value is not False
        }
        needed = ' ws "," ws '.join(pairs[name] for name in pairs if name in required)
        optional = [pairs[name] for name in pairs if name not in required]
        inner = self._optional(optional, first=not needed)
        return self._add("object", f'"{{" ws {needed} {inner} ws "}}"')

    def _optional(self, pairs: list[str], first: bool) -> str:
        """Any of the pairs, in order, with commas between."""
        if not first:
            return " ".join(f'(ws "," ws {pair})?' for pair in pairs)
        starts, rest = [], ""
        for pair in reversed(pairs):
            starts.append(f"{pair} {rest}".strip())
            # A rule, not a copy: else the text grows with the square of the number of properties.
            rest = self._add("rest", f'(ws "," ws {pair})? {rest}'.strip())
        return "(" + " | ".join(reversed(starts)) + ")?" if starts else ""

    def _map(self, extra: Schema | bool, schema: Schema) -> str:
        least, most = schema.get("minProperties", 0), schema.get("maxProperties")
        if extra is False or most == 0:
            return '"{" ws "}"'
        pair = self._add("pair", f'string ws ":" ws {self.visit(extra)}')
        return self._add("object", f'"{{" ws {_listed(pair, least, most)} ws "}}"')

    def _array(self, schema: Schema) -> str:
        first, items = list(schema.get("prefixItems", [])), schema.get("items", True)
        if isinstance(items, list):  # drafts before 2020-12
            first, items = items, schema.get("additionalItems", True)
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if not first:
            if items is False or most == 0:
                return '"[" ws "]"'
            item = self._add("item", self.visit(items))
            return self._add("array", f'"[" ws {_listed(item, least, most)} ws "]"')
        # A tuple is written in full, which is always valid, unless maxItems cuts it.
        parts = [self.visit(item) for item in first[:most]]
        more = least - len(parts)
        if more > 0:
            parts += [self._add("item", self.visit(items))] * more
        inner = ' ws "," ws '.join(parts)
        return self._add("array", f'"[" ws {inner} ws "]"')

    def _string(self, schema: Schema) -> str:
        least, most = schema.get("minLength", 0), schema.get("maxLength")
        if "pattern" in schema:
            rule = pattern_rule(schema["pattern"])
            return self._add("string", f'"\\"" {rule} "\\""')
        if schema.get("format") in FORMATS and not least and most is None:
            return self._add("string", f'"\\"" {FORMATS[schema["format"]]} "\\""')
        if most is not None and most < least:
            raise GrammarError(f"no string has at least {least} and at most {most} characters")
        if not least and most is None:
            return "string"
        return self._add("string", f'"\\"" char{{{least},{"" if most is None else most}}} "\\""')

    def _number(self, schema: Schema) -> str:
        whole = schema.get("type") == "integer"
        span = Span.of(schema)
        if span.low is None and span.high is None:
            return "integer" if whole else "number"
        return self._add("number", span.rule(whole))


# Keywords that say nothing about what is valid.
_NOTES = {
    "$anchor", "$comment", "$defs", "$id", "$schema", "default", "definitions", "deprecated", "description",
    "examples", "readOnly", "title", "writeOnly",
}  # fmt: skip


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    python = {"object": dict, "array": list, "string": str, "null": type(None), "number": (int, float)}
    if kind == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return kind in python and isinstance(value, python[kind])  # type: ignore[arg-type]


def _guess(schema: Schema) -> str | None:
    """The type that the keywords speak of, when none is named."""
    return next((kind for kind, words in _OF_TYPE.items() if any(word in schema for word in words)), None)


def _listed(item: str, least: int, most: int | None) -> str:
    """``least`` to ``most`` items with commas between."""
    if most is not None and most < least:
        raise GrammarError(f"no list has at least {least} and at most {most} items")
    upper = "" if most is None else most - 1
    text = f'{item} (ws "," ws {item}){{{max(0, least - 1)},{upper}}}'
    return text if least else f"({text})?"
