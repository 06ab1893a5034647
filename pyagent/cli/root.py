"""The root of the command line: the core's groups by name, the plugins' beside them, the global options."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
import typer.core

# typer 0.26 took click in and does not export this; failure.py reads the same module.
from typer._click.exceptions import UsageError as WrongUsage

from pyagent.cli import lazy
from pyagent.cli.context import State
from pyagent.cli.options import GLOBALS
from pyagent.cli.output import Output
from pyagent.errors import ConfigError, UsageError
from pyagent.host.app import App
from pyagent.host.hookspecs import Command

CORE: tuple[Command, ...] = (
    Command("commands", "pyagent.cli.commands:commands", "List every command, for other programs."),
    Command("completion", "pyagent.cli.completion:completion", "Print the completion script of a shell."),
    Command("config", "pyagent.cli.config:app", "Show and change settings."),
    Command("doctor", "pyagent.cli.doctor:doctor", "Check that everything works here."),
    Command("model", "pyagent.cli.model:app", "The models that can be asked."),
    Command("plugin", "pyagent.cli.plugin:app", "See and start plugins."),
    Command("serve", "pyagent.cli.serve:serve", "Serve the web pages and the API."),
    Command("schedule", "pyagent.cli.schedule:app", "What recurs: list it, run it now, serve it."),
    Command("store", "pyagent.cli.store:app", "The file that holds every run."),
    Command("trace", "pyagent.cli.trace:app", "What happened in a run."),
    Command("trust", "pyagent.cli.trust:trust", "Let a project's settings take effect."),
    Command("tui", "pyagent.cli.tui:tui", "Watch and steer the swarm in a terminal."),
)
HELP = """Answer a file of tasks with a swarm of LLM agents.

Nothing is paid for twice and nothing is lost. Results go to stdout, everything else to stderr.
"""
EPILOG = "Start with: pyagent swarm run tasks.jsonl"


class Root(typer.core.TyperGroup):
    """Knows the core's commands; asks the plugins when a name is not among them, or for the whole list."""

    def __init__(self, state: State) -> None:
        super().__init__(
            name="pyagent",
            help=HELP,
            epilog=EPILOG,
            rich_markup_mode=None,
            no_args_is_help=True,
            subcommand_metavar="NOUN VERB ...",
            options_metavar="[OPTIONS]",
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self.state = state
        self.params = [*lazy.options(GLOBALS, hidden=False), _version()]
        self.commands = {command.name: lazy.LazyCommand(command) for command in CORE}
        self._whole = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            self._add_plugins()
        found = self.commands.get(cmd_name)
        if isinstance(found, lazy.LazyCommand) and not self._whole and _is_group(found):
            # A plugin may have added a verb to this group.
            self._add_plugins(bear=True)
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except WrongUsage as error:
            broken = [plugin.name for plugin in self.state.app.plugins.broken]
            if not broken or "Did you mean" in str(error):
                raise
            hint = f"it may belong to a broken plugin ({', '.join(broken)}): see `pyagent plugin list`"
            raise UsageError(f"no such command {args[0]!r}", hint) from None

    def list_commands(self, ctx: Any) -> list[str]:
        self._add_plugins(bear=True)
        return sorted(self.commands)

    def _add_plugins(self, bear: bool = False) -> None:
        """Put the plugins' groups and verbs in; with ``bear`` a broken configuration costs only these."""
        if self._whole:
            return
        try:
            rows = self.state.app.plugins.commands()
        except ConfigError as error:
            if not bear:
                raise
            self.state.output.note(f"plugins are left out: {error}")
            return
        self._whole = True
        for row in (row for row in rows if row.group is None):
            self.commands[row.name] = lazy.LazyCommand(row)
        for name, command in self.commands.items():
            if isinstance(command, lazy.LazyCommand):
                command.verbs = [row for row in rows if row.group == name]


def _is_group(command: lazy.LazyCommand) -> bool:
    return command.command.target.endswith(":app")


def _version() -> Any:
    def show(ctx: typer.Context, param: Any, value: bool) -> None:
        if value:
            from pyagent import __version__

            print(f"pyagent {__version__}")
            ctx.exit()

    return typer.core.TyperOption(
        param_decls=["version", "--version"],
        is_flag=True,
        default=False,
        callback=show,
        expose_value=False,
        is_eager=True,
        help="Show the version.",
    )


def new_state(**settings: Any) -> State:
    """An application with its output; the app's notes go where the output says."""
    output = Output()
    app = App(
        note=lambda text: output.note(text if output.json else f"note: {text}"),
        commands=[row.name for row in CORE],
        **settings,
    )
    return State(app, output)


def call(args: Sequence[str], state: State | None = None) -> int:
    """Run one command line and give its exit code; errors are raised for ``__main__`` to show."""
    state = state or new_state()
    root = Root(state)
    try:
        with root.make_context("pyagent", list(args), obj=state) as ctx:
            root.invoke(ctx)
        sys.stdout.flush()
    except typer.Exit as done:
        sys.stdout.flush()
        return done.exit_code
    return 0
