"""Answers that name file and line as SARIF 2.1.0, so that code scanners and editors show them where they belong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pyagent import __version__
from pyagent.report.findings import Finding, findings
from pyagent.report.jsonl import Line, dumps
from pyagent.report.text import one_line, plain

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# A log of results stays readable when a whole run failed.
MOST_NOTIFICATIONS = 100


def render(lines: Iterable[Line], name: str = "pyagent", root: Path | None = None) -> str:
    """The whole log."""
    return "".join(sarif(lines, name, root))


def sarif(lines: Iterable[Line], name: str = "pyagent", root: Path | None = None) -> Iterator[str]:
    """The log in pieces. ``root`` (the current folder) is what file names are made relative to.

    Results come first and the rules they use last: the order of members is free, and so nothing waits in memory.
    """
    root = root or Path.cwd()
    rules: dict[str, int] = {}
    failed: list[Line] = []
    failures = 0
    between = "\n"
    yield f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [{{"columnKind": "unicodeCodePoints", "results": ['
    for line in lines:
        if line["status"] != "ok":
            failures += 1
            failed += [line] if len(failed) < MOST_NOTIFICATIONS else []
            continue
        for finding in findings(line.get("output"), root):
            yield between + dumps(_result(finding, line, rules))
            between = ",\n"
    end = {
        "tool": {"driver": _driver(rules)},
        "automationDetails": {"id": f"pyagent/{plain(name)}"},
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The folder that the run was started in."}}},
        "invocations": [{"executionSuccessful": failures == 0, "toolExecutionNotifications": _notes(failed)}],
    }
    yield f"\n], {dumps(end)[1:-1]}}}]}}\n"


def _driver(rules: Iterable[str]) -> dict[str, Any]:
    return {
        "name": "PyAgent",
        "semanticVersion": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": rule}} for rule in rules],
    }


def _result(finding: Finding, line: Line, rules: dict[str, int]) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": _artifact(finding.uri)}
    if region := _region(finding):
        place["region"] = region
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.setdefault(finding.rule, len(rules)),
        "level": finding.level,
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"pyagentFinding/v1": _fingerprint(finding)},
        "properties": {"task": plain(line["id"]), "model": line.get("model")},
    }


def _artifact(uri: str) -> dict[str, str]:
    return {"uri": uri} if uri.startswith("file:") else {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _region(finding: Finding) -> dict[str, int]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column if finding.line else None,
        "endLine": finding.end_line if finding.line and (finding.end_line or 0) >= finding.line else None,
    }
    return {key: value for key, value in region.items() if value}


def _fingerprint(finding: Finding) -> str:
    """The same while the finding moves to another line, so that it is not shown as a new one."""
    return hashlib.sha256(f"{finding.rule}\0{finding.uri}\0{finding.message}".encode()).hexdigest()[:32]


def _notes(failed: Iterable[Line]) -> list[dict[str, Any]]:
    return [
        {"level": "error", "message": {"text": f"task {plain(line['id'])}: {one_line(line.get('error') or 'failed')}"}}
        for line in failed
    ]
