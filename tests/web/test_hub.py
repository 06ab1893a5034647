"""The event stream: nothing missed, nothing twice, and a page that is too slow gets the whole again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from pyagent.web.hub import QUEUE, Hub


class Count:
    """A topic whose whole is a number and whose delta is what was added."""

    def __init__(self) -> None:
        self.whole, self.fresh = 0, 0

    def add(self, number: int) -> None:
        self.fresh += number

    async def snapshot(self) -> int:
        return self.whole

    async def delta(self) -> int | None:
        added, self.fresh = self.fresh, 0
        self.whole += added
        return added or None


class Page:
    """What a page would show, from the messages alone."""

    def __init__(self, hub: Hub, last: str = "", shown: int = 0) -> None:
        self.stream = hub.stream(["count"], last)
        self.shown, self.last, self.kinds = shown, last, list[str]()

    async def read(self) -> None:
        kind = ""
        for line in (await anext(self.stream)).decode().splitlines():
            if line.startswith("event: "):
                kind = line[7:]
                self.kinds.append(kind)
            elif line.startswith("data: "):
                data = json.loads(line[6:])["data"]
                self.shown = data if kind == "snapshot" else self.shown + data
            elif line.startswith("id: "):
                self.last = line[4:]


def play(story: Callable[[Hub, Count], Coroutine[Any, Any, None]]) -> None:
    async def with_hub() -> None:
        count = Count()
        await story(Hub(lambda name: count if name == "count" else None, lambda: 0), count)

    asyncio.run(with_hub())


async def opened(page: Page) -> None:
    await page.read()
    await page.read()


def test_a_page_gets_the_whole_then_what_changes() -> None:
    async def story(hub: Hub, count: Count) -> None:
        count.add(5)
        page = Page(hub)
        await opened(page)
        await hub.tick()
        await page.read()
        assert page.shown == 5
        count.add(2)
        await hub.tick()
        late = Page(hub)
        await opened(late)
        count.add(1)
        await hub.tick()
        await page.read()
        await late.read()
        assert page.shown == late.shown == 8
        assert late.kinds == ["snapshot", "delta"]

    play(story)


def test_a_page_that_comes_back_gets_only_what_it_missed() -> None:
    async def story(hub: Hub, count: Count) -> None:
        page = Page(hub)
        await opened(page)
        count.add(1)
        await hub.tick()
        await page.read()
        await page.stream.aclose()
        for _ in range(3):
            count.add(10)
            await hub.tick()
        back = Page(hub, page.last, page.shown)
        await opened(back)
        assert back.shown == 31
        assert back.kinds == ["delta"] * 3

    play(story)


def test_who_was_away_too_long_or_at_another_server_gets_the_whole() -> None:
    async def story(hub: Hub, count: Count) -> None:
        page = Page(hub)
        await opened(page)
        for _ in range(700):
            count.add(1)
            await hub.tick()
        for last in (page.last, "abcdef.3", "rubbish", "7"):
            back = Page(hub, last)
            await opened(back)
            assert back.kinds == ["snapshot"]
            assert back.shown == 700

    play(story)


def test_a_slow_page_gets_the_whole_again_and_holds_nobody_up() -> None:
    async def story(hub: Hub, count: Count) -> None:
        slow, quick = Page(hub), Page(hub)
        await opened(slow)
        await opened(quick)
        for _ in range(QUEUE + 5):
            count.add(1)
            await hub.tick()
            await quick.read()
        await slow.read()
        assert slow.kinds == ["snapshot", "snapshot"]
        assert slow.shown == quick.shown == QUEUE + 5
        count.add(1)
        await hub.tick()
        await slow.read()
        assert slow.shown == QUEUE + 6

    play(story)


def test_a_closed_page_is_forgotten() -> None:
    async def story(hub: Hub, count: Count) -> None:
        page = Page(hub)
        await opened(page)
        assert hub.pages == 1
        hub.close()
        assert b"closed" in await anext(page.stream)
        assert [rest async for rest in page.stream] == []
        assert hub.pages == 0

    play(story)
