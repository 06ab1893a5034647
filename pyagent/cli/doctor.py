"""`pyagent doctor`: what works here, what does not, and what to do about it."""

from __future__ import annotations

import typer

from pyagent.cli import context


def doctor(ctx: typer.Context) -> None:
    """Check this installation. Exits with 1 when something fails."""
    from pyagent.host.doctor import examine

    out = context.output(ctx)
    rows = []
    for name, (state, reason, remedy) in examine(context.app(ctx)):
        rows.append({"check": name, "state": state, "reason": reason, "remedy": remedy or None})
        out.detail(f"{name}: {state}")
    out.table(rows, ["check", "state", "reason", "remedy"])
    if any(row["state"] == "fail" for row in rows):
        raise typer.Exit(1)
