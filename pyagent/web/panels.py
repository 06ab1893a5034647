"""What the front-end shows: the built-in panels and the plugins', in the order and with the switches of the user."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyagent.host.app import App
from pyagent.host.hookspecs import Panel
from pyagent.web.database import Database

# id, title, icon: the modules of these are in the front-end itself.
BUILTIN = (
    ("overview", "Overview", "gauge", ("read",)),
    ("swarm", "Swarm", "grid", ("read",)),
    ("approvals", "Approvals", "check", ("read",)),
    ("runs", "Runs and traces", "list", ("read",)),
    ("statistics", "Statistics", "chart", ("read",)),
    ("models", "Models", "cube", ("read",)),
    ("schedules", "Schedules", "clock", ("read",)),
    ("settings", "Plugins and settings", "sliders", ("read",)),
    ("logs", "Logs", "terminal", ("read",)),
    ("audit", "Audit", "shield", ("admin",)),
)
PANEL_API = 1


@dataclass(frozen=True, slots=True)
class Given:
    """A plugin's panel and where its files lie; ``version`` follows from their content, for caches."""

    plugin: str
    panel: Panel
    folder: Path | None
    version: str


class Panels:
    """Read once: plugins do not change while the server runs."""

    def __init__(self, app: App, db: Database, note: Callable[[str], None]) -> None:
        self._db = db
        self.given: dict[str, Given] = {}
        for plugin, panel in app.plugins.panels(app.context, note):
            if reason := self._fault(panel):
                note(f"the panel {panel.id!r} of the plugin {plugin} is left out: {reason}")
            else:
                folder = Path(panel.module).parent if panel.module else None
                self.given[panel.id] = Given(plugin, panel, folder, _version(folder))

    def _fault(self, panel: Panel) -> str:
        if panel.id in self.given or panel.id in {row[0] for row in BUILTIN}:
            return "there is one with that id"
        if panel.api_version > PANEL_API:
            return f"it needs panel API {panel.api_version}, and this server has {PANEL_API}"
        if panel.module and not Path(panel.module).is_file():
            return f"there is no file {panel.module}"
        return ""

    def all(self) -> list[dict[str, Any]]:
        """Every panel in its place, also those that are turned off."""
        chosen = {id: (enabled, place) for id, enabled, place in self._db.all("SELECT * FROM panel")}
        found = [_builtin(*row) for row in BUILTIN] + [_row(given) for given in self.given.values()]
        for at, panel in enumerate(found):
            enabled, place = chosen.get(panel["id"], (None, None))
            panel["enabled"] = True if enabled is None else bool(enabled)
            panel["order"] = at * 10 if place is None else place
        return sorted(found, key=lambda panel: (panel["order"], panel["id"]))

    def one(self, id: str) -> dict[str, Any] | None:
        return next((panel for panel in self.all() if panel["id"] == id), None)

    def arrange(self, id: str, enabled: bool | None, order: int | None) -> None:
        self._db.write(
            """INSERT INTO panel VALUES (?1, ?2, ?3) ON CONFLICT(id) DO UPDATE SET
            enabled = coalesce(?2, enabled), place = coalesce(?3, place)""",
            (id, enabled, order),
        )

    def file(self, id: str, version: str, path: str) -> Path | None:
        """A file of a panel, below its folder and nowhere else."""
        given = self.given.get(id)
        if given is None or given.folder is None or given.version != version:
            return None
        folder = given.folder.resolve()
        try:
            file = (folder / path).resolve()
            return file if file.is_relative_to(folder) and file.is_file() else None
        except (OSError, ValueError):
            return None


def _builtin(id: str, title: str, icon: str, scopes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": id, "title": title, "icon": icon, "module": None, "style": None, "builtin": True,
        "scopes": list(scopes), "plugin": None,
    }  # fmt: skip


def _row(given: Given) -> dict[str, Any]:
    panel, base = given.panel, f"/plugins/{given.panel.id}/{given.version}/"
    return {
        "id": panel.id, "title": panel.title, "icon": panel.icon, "builtin": False, "plugin": given.plugin,
        "module": base + Path(panel.module).name if panel.module else None,
        "style": base + Path(panel.style).name if panel.style else None,
        "scopes": list(panel.scopes),
    }  # fmt: skip


def _version(folder: Path | None) -> str:
    """A digest of the folder's files, so that a changed panel has new addresses."""
    seen = hashlib.sha256()
    for path in sorted(folder.rglob("*")) if folder else ():
        if path.is_file() and path.stat().st_size < 16 << 20:
            seen.update(str(path.relative_to(folder or path)).encode() + path.read_bytes())
    return seen.hexdigest()[:12]
