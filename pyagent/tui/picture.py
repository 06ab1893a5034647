"""Pictures of the terminal view for the docs, from whatever the store holds: no terminal is needed.

python -m pyagent.tui.picture FOLDER [RUN]        writes runs.svg, swarm.svg, stream.svg, deck.svg, stats.svg
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyagent.host.app import App
from pyagent.store.db import Store
from pyagent.tui.app import TABS, Tui

SIZE = (110, 30)


async def take(store: Store, folder: Path, run: str | None = None, size: tuple[int, int] = SIZE) -> list[Path]:
    """One SVG a tab; the stream is that of the first task of ``run``, or of the newest run."""
    folder.mkdir(parents=True, exist_ok=True)
    tui = Tui(store)
    made = []
    async with tui.run_test(size=size) as pilot:
        await pilot.pause()
        if run is not None:
            tui.feed.choose(run)
        for tab in TABS:
            await pilot.press(str(TABS.index(tab) + 1))
            await _settled(pilot.pause)
            made.append(Path(tui.save_screenshot(f"{tab}.svg", path=str(folder))))
            if tab == "swarm":
                await pilot.press("enter")
    return made


async def _settled(pause: Callable[..., Any]) -> None:
    """Layout takes a few turns of the loop."""
    for _ in range(3):
        await pause()


if __name__ == "__main__":
    with Store.open(App().db_path) as opened:
        chosen = opened.run(sys.argv[2]) if len(sys.argv) > 2 else None
        for path in asyncio.run(take(opened, Path(sys.argv[1]), chosen.id if chosen else None)):
            print(path)
