"""The app on the phone itself: what `flet build apk` packages. It knows the server by its API alone."""

from __future__ import annotations

import json

import flet as ft

from pyagent_plugins.mobile import look
from pyagent_plugins.mobile.client import Client
from pyagent_plugins.mobile.http import Http
from pyagent_plugins.mobile.pairing import Paired

# Where the phone keeps what was agreed on: the app's own storage, which other apps cannot read.
KEY = "pyagent.paired"


async def main(page: ft.Page) -> None:
    """Pair, unless that was done before; then the same screens as in the browser."""
    kept = ft.SharedPreferences()

    async def begin(paired: Paired) -> None:
        await kept.set(KEY, json.dumps([paired.base_url, paired.token, paired.certificate]))
        await show(paired)

    async def forget() -> None:
        await kept.remove(KEY)
        await ask()

    async def show(paired: Paired) -> None:
        await Client(page, Http(paired.base_url, paired.token, paired.certificate), forget).start()

    async def ask() -> None:
        from pyagent_plugins.mobile.screens.pair import Pair

        page.theme, page.dark_theme = look.themes()
        page.navigation_bar = None
        page.clean()
        page.add(ft.SafeArea(Pair(page, begin).body, expand=True))
        page.update()

    known = await kept.get(KEY)
    if isinstance(known, str):
        await show(Paired(*json.loads(known)))
    else:
        await ask()


if __name__ == "__main__":
    ft.run(main)
