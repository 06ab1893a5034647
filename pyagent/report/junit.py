"""A run as a test report, so that CI shows each task, its failure and its cost without knowing PyAgent.

Meets Jenkins' junit-10.xsd, which most readers take. That schema has properties for a suite only; those of a task
stand in its system-out as `[[PROPERTY|name=value]]`, the convention of readers that show them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from xml.sax.saxutils import escape, quoteattr

from pyagent.report.jsonl import Line
from pyagent.report.text import one_line, plain

# Characters. An answer is there to be recognised, not to be stored; reports are kept for every build.
LONGEST_OUTPUT = 2_000
LONGEST_ERROR = 10_000
# Bytes in memory: the counts stand in the first line, so that the cases wait in a file until all are known.
IN_MEMORY = 1 << 20


def render(lines: Iterable[Line], name: str = "pyagent") -> str:
    """The whole document."""
    return "".join(junit(lines, name))


def junit(lines: Iterable[Line], name: str = "pyagent", at: float | None = None) -> Iterator[str]:
    """The document in pieces; ``name`` is the run's, ``at`` seconds since the epoch (now)."""
    totals = _Totals()
    with SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="") as cases:
        for line in lines:
            totals.add(line)
            cases.write(_case(line, name))
        yield _head(totals, name, at)
        cases.seek(0)
        while piece := cases.read(1 << 16):
            yield piece
    yield "  </testsuite>\n</testsuites>\n"


@dataclass(slots=True)
class _Totals:
    tests: int = 0
    failures: int = 0
    skipped: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = 0.0
    models: dict[str, None] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        usage = line.get("usage") or {}
        self.tests += 1
        self.failures += line["status"] == "failed"
        self.skipped += line["status"] == "skipped"
        self.seconds += line.get("seconds") or 0
        self.input_tokens += usage.get("input_tokens") or 0
        self.output_tokens += usage.get("output_tokens") or 0
        if line["status"] != "skipped":
            cost = line.get("cost_usd")
            self.usd = None if cost is None or self.usd is None else self.usd + cost
        if line.get("model"):
            self.models[line["model"]] = None


def _head(totals: _Totals, name: str, at: float | None) -> str:
    counts = {"tests": totals.tests, "failures": totals.failures, "errors": 0, "time": f"{totals.seconds:.3f}"}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    properties = {
        "model": ", ".join(totals.models),
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cost_usd": "unknown" if totals.usd is None else f"{totals.usd:.6f}",
    }
    suite = {"name": name, **counts, "skipped": totals.skipped, "timestamp": stamp}
    rows = "".join(f"      <property{_attributes({'name': k, 'value': v})}/>\n" for k, v in properties.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites{_attributes({'name': 'pyagent', **counts})}>\n"
        f"  <testsuite{_attributes(suite)}>\n    <properties>\n{rows}    </properties>\n"
    )


def _case(line: Line, suite: str) -> str:
    where = {"name": line["id"], "classname": suite, "time": f"{line.get('seconds') or 0:.3f}"}
    parts = [f"    <testcase{_attributes(where)}>\n"]
    error = line.get("error") or line["status"]
    if line["status"] == "failed":
        mark = {"message": one_line(error, 300), "type": "failed"}
        parts.append(f"      <failure{_attributes(mark)}>{escape(plain(error)[:LONGEST_ERROR])}</failure>\n")
    elif line["status"] == "skipped":
        parts.append(f"      <skipped{_attributes({'message': one_line(error, 300)})}/>\n")
    parts.append(f"      <system-out>{escape(_told(line))}</system-out>\n    </testcase>\n")
    return "".join(parts)


def _told(line: Line) -> str:
    usage = line.get("usage") or {}
    cost = line.get("cost_usd")
    facts = {
        "model": line.get("model"),
        "source": line.get("source"),
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cost_usd": None if cost is None else f"{cost:.6f}",
        "attempts": line.get("attempts"),
        "agreement": line.get("agreement"),
    }
    told = [f"[[PROPERTY|{key}={one_line(value)}]]" for key, value in facts.items() if value is not None]
    output = line.get("output")
    if output is not None:
        text = plain(output)
        told.append(text if len(text) <= LONGEST_OUTPUT else text[:LONGEST_OUTPUT] + "…")
    return "\n".join(told)


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {key}={quoteattr(plain(str(value)))}" for key, value in values.items())
