"""What can be asked and what there is: statistics, models, schedules and plugins."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from pyagent.host.app import DEFAULT_MODEL
from pyagent.host.schedule import Planned, Schedule
from pyagent.model import Model
from pyagent.web.core import Core
from pyagent.web.replies import core_of, listed, reply
from pyagent.web.shapes.base import Page
from pyagent.web.shapes.facts import Model as ModelShape
from pyagent.web.shapes.facts import Planned as PlannedShape
from pyagent.web.shapes.facts import Plugin, Stats

router = APIRouter(tags=["facts"])


@router.get("/stats", response_model=Stats)
def stats(request: Request, days: int = Query(30, ge=1, le=3650)) -> Response:
    """Sums over time and by model, and what the plugins measured."""
    return reply(core_of(request).stats(days))


@router.get("/models", response_model=Page[ModelShape])
def models(request: Request) -> Response:
    """Every model that can be asked, with its prices and what was measured of it."""
    core = core_of(request)
    chosen = core.app.settings.get("swarm.model") or DEFAULT_MODEL
    measured = core.app.plugins.stats(core.app.context).get("measured") or {}
    rows = [_model(core, model, chosen, measured) for model in core.app.models().values()]
    return listed(sorted(rows, key=lambda row: row["name"]))


@router.get("/schedules", response_model=Page[PlannedShape])
def schedules(request: Request) -> Response:
    """What recurs: when it runs next, and how it ended last. Times in seconds since the epoch."""
    app = core_of(request).app
    plan = Schedule(app.jobs(), app.data_dir / "schedule", app.project_dir)
    return listed([_planned(each) for each in plan.list()])


@router.get("/plugins", response_model=Page[Plugin])
def plugins(request: Request) -> Response:
    """Every plugin that was found, also those that are blocked or broken."""
    return listed(
        [
            {
                "name": plugin.name,
                "state": plugin.state,
                "reason": plugin.reason,
                "dist": plugin.source.dist,
                "version": plugin.source.version,
                "bundled": plugin.source.bundled,
                "hooks": list(plugin.hooks),
                "commands": [" ".join(filter(None, (row.group, row.name))) for row in plugin.commands],
            }
            for plugin in core_of(request).app.plugins.all
        ]
    )


def _planned(planned: Planned) -> dict[str, Any]:
    job, ended = planned.job, planned.last
    return {
        "id": job.name,
        "when": str(job.when),
        "command": " ".join(["pyagent", *job.argv]),
        "help": job.help,
        "next": planned.next.timestamp() if planned.next else None,
        "last": ended.started if ended else None,
        "exit_code": ended.exit_code if ended else None,
        "running": ended is not None and ended.ended is None,
    }


def _model(core: Core, model: Model, chosen: str, measured: Any) -> dict[str, Any]:
    try:
        local = core.app.engine_kind(model).local
        model = core.app.priced(model)
    except Exception:
        # A kind that no plugin gives any more: the model stands in the settings all the same.
        local = model.provider is None
    return {
        "name": model.name,
        "engine": model.engine,
        "provider": model.provider.name if model.provider else None,
        "local": local,
        "context": model.context,
        "input_price": model.input_price,
        "output_price": model.output_price,
        "measured": measured.get(model.name) if isinstance(measured, dict) else None,
        "default": model.name == chosen,
    }
