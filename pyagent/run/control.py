"""What other processes ask of a run: they leave commands in the store, and the process that owns the run takes them."""

from __future__ import annotations

import asyncio
import json

from pyagent.errors import Interrupted
from pyagent.run.gate import Gate
from pyagent.run.runner import Runner
from pyagent.store.db import Store

# Half a second: a person does not notice it, and the look-up costs 20 us.
INTERVAL = 0.5


async def obey(runner: Runner, store: Store, run: str) -> None:
    """Take commands until cancelled: stop, pause, resume, scale N, drop IDS (a JSON list of tasks)."""
    while True:
        await asyncio.sleep(INTERVAL)
        for verb, argument in store.commands(run):
            if verb == "stop":
                runner.stop(Interrupted("stopped on request", "run the same command again to go on", 15), cancel=True)
            elif verb == "pause":
                runner.pause()
            elif verb == "resume":
                runner.resume()
            elif verb == "scale" and argument.isdigit():
                runner.resize(int(argument))
            elif verb == "drop":
                runner.drop(json.loads(argument))


async def attend(runner: Runner, gate: Gate, store: Store, run: str) -> None:
    """Bring in what persons decide until cancelled, and say in the store when the run waits for nothing else."""
    shown = False
    while True:
        await asyncio.sleep(INTERVAL)
        if runner.waiting and (names := gate.refresh()):
            runner.wake(names)
        if runner.only_people != shown:
            shown = not shown
            store.say_status(run, "waiting" if shown else "running")
        # Whoever watched may have left.
        runner.look()
