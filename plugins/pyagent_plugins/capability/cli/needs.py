"""`pyagent needs`: what a prompt needs of a model, in words, with how sure that is."""

from __future__ import annotations

import typer

from pyagent.cli import context
from pyagent_plugins.capability.cli.prompt import Prompt, Said, read, stated


def needs(ctx: typer.Context, prompt: Prompt, said: Said = None) -> None:
    """Show what a prompt needs: what must be, and what it asks for, at which level. Asks no model."""
    from pyagent_plugins.capability.needs.need import explained, needs_of

    out = context.output(ctx)
    found = needs_of(read(prompt), stated(said))
    if out.json:
        out.emit({**found.line(), "explanation": explained(found)})
        return
    for line in explained(found):
        out.print(line)
