"""Chooses a model for one prompt: who can be asked, who is good enough, who is cheapest; at times another, to learn.

What cannot be asked is left out (hard needs, health, budget). Of the rest those that were measured compete; where none
was, the default model answers, as it would without a router.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pyagent.errors import ModelMissing
from pyagent.model import Model, Usage
from pyagent_plugins.capability.needs.features import structure
from pyagent_plugins.capability.needs.need import Needs
from pyagent_plugins.capability.route.candidates import Facts, expected, facts, lacks
from pyagent_plugins.capability.route.decision import Decision, Odds, choose, least, suffices
from pyagent_plugins.capability.route.evidence import MEASURE, Evidence
from pyagent_plugins.capability.route.table import Table
from pyagent_plugins.capability.route.traffic import Traffic

# One decision in fifty tries another model that may well be good enough.
EXPLORED = 0.02


@dataclass(frozen=True, slots=True)
class Choice:
    """``decision`` for ``model``; ``ladder`` are the better ones to ask when its answer fails; ``enough`` the names
    whose answers will do. ``propensity`` is the chance that this model was chosen; ``rows`` tell of every candidate."""

    model: Model
    decision: Decision
    ladder: tuple[Model, ...]
    enough: frozenset[str]
    rows: tuple[dict[str, Any], ...]
    propensity: float = 1.0
    explored: bool = False
    measured: bool = True


class Chooser:
    """For ``models`` (the default first), of which ``local`` run on this machine, by ``evidence``."""

    def __init__(
        self, models: Sequence[Model], local: frozenset[str], evidence: Evidence, measured: bool = False
    ) -> None:
        self.evidence, self._strict = evidence, measured
        self.facts = [
            facts(model, model.name in local, evidence.ops.get(model.name, {}), evidence.of(model.name))
            for model in models
        ]
        names = [model.name for model in models]
        self.table = Table.of(names, evidence.cells, evidence.ages, evidence.alerted, evidence.ladders)
        self._place = {name: place for place, name in enumerate(names)}
        self._traffic = Traffic.of(names, evidence.routes)
        self._known = [evidence.measured(name) for name in names]

    def choose(
        self,
        text: str,
        needs: Needs,
        quality: float,
        *,
        verifiable: bool = False,
        lot: bytes = b"",
        affords: Callable[[Model], bool] = lambda model: True,
        out: frozenset[str] = frozenset(),
    ) -> Choice:
        """``lot`` decides whether another is tried (empty: never): its digest is the chance, so that a run repeats
        itself. ``out`` are models that do not answer now. Raises ModelMissing when none meets a hard need."""
        missing = {known.name: lacks(known, needs.hard, needs.answer) for known in self.facts}
        able = [known for known in self.facts if not missing[known.name]]
        if not able:
            raise self._nobody(missing)
        if self._strict and not any(self._measured(known) for known in able):
            raise ModelMissing(f"{able[0].name} was not measured, and --require-measured is given", MEASURE)
        able = [known for known in able if known.name not in out] or able
        able = [known for known in able if affords(known.model)] or able
        ranked = [known for known in able if self._measured(known)]
        if not ranked:
            return self._default(able, missing, needs)
        odds = self._odds(ranked, text, needs)
        place, decision = choose(odds, quality, verifiable)
        enough = suffices(odds, quality)
        enough[place] = True
        chosen, propensity, explored = place, 1.0, False
        if lot and len(ranked) > 1:
            chosen, propensity, explored = self._lot(odds, place, quality, lot)
        if explored:
            why = f"one of {round(1 / EXPLORED)} prompts tries another model that may be enough; {decision.why}"
            decision = self._told(odds, chosen, why)
        ladder = [m for m in odds.ranked() if odds.chance[m] > odds.chance[chosen]]
        return Choice(
            ranked[chosen].model,
            decision,
            tuple(ranked[m].model for m in sorted(ladder, key=lambda m: odds.chance[m])),
            frozenset(ranked[m].name for m in range(len(ranked)) if enough[m]),
            self._rows(missing, odds, enough),
            propensity,
            explored,
        )

    def describe(self, text: str, needs: Needs) -> dict[str, Any]:
        """What the registry keeps of a prompt: its needs and its numbers, never its words."""
        return {**needs.line(), "form": [round(value, 2) for value in structure(text)]}

    def _measured(self, known: Facts) -> bool:
        return self._known[self._place[known.name]]

    def _odds(self, ranked: Sequence[Facts], text: str, needs: Needs) -> Odds:
        at = [self._place[known.name] for known in ranked]
        chance, error = self.table.chances(
            np.array([needs.soft.weights]), np.array([needs.soft.levels]), needs.soft.spread
        )
        chance, error = chance[0], error[0]
        if self._traffic is not None:
            more, narrower = self._traffic.shift([round(value, 2) for value in structure(text)])
            chance, error = np.clip(chance + more, 0.002, 0.998), error * narrower
        usage = Usage(needs.soft.tokens, needs.answer)
        costs = [known.model.cost(usage) for known in ranked]
        seconds = [expected(known, needs.answer) for known in ranked]
        return Odds(
            tuple(known.name for known in ranked),
            chance[at],
            error[at],
            np.array([np.nan if usd is None else usd for usd in costs]),
            self.table.typical,
            # Time tells only where it was measured of all.
            tuple(s for s in seconds if s is not None) if None not in seconds else (),
        )

    def _lot(self, odds: Odds, place: int, quality: float, lot: bytes) -> tuple[int, float, bool]:
        """(model, propensity, whether it is not the one that would be chosen). Only what may be enough at best, and
        costs a known amount, is tried."""
        most = np.clip(odds.chance + (odds.chance - odds.bound), 0, 1)
        enough = least(odds, quality)
        worth = [m for m in range(len(odds.models)) if m == place or (most[m] >= enough and not np.isnan(odds.cost[m]))]
        draw = int.from_bytes(hashlib.blake2b(lot, digest_size=8).digest()) / 2**64
        share = EXPLORED / len(worth)
        chosen = worth[min(len(worth) - 1, int(draw / share))] if draw < EXPLORED else place
        return chosen, share + (1 - EXPLORED) * (chosen == place), chosen != place

    def _default(self, able: Sequence[Facts], missing: dict[str, list[str]], needs: Needs) -> Choice:
        """Nobody was measured: the default model, or the cheapest that can be asked."""
        first = self.facts[0]
        usage = Usage(needs.soft.tokens, needs.answer)
        costs = {known.name: known.model.cost(usage) for known in able}

        def dear(known: Facts) -> tuple[bool, float]:
            usd = costs[known.name]
            return usd is None, usd or 0.0

        chosen = first if first in able else min(able, key=dear)
        why = f"no model that can be asked was measured, so {chosen.name} answers, as without a router"
        decision = Decision(chosen.name, 0.5, 0.0, costs[chosen.name], why)
        rows = self._rows(missing, None, [])
        return Choice(chosen.model, decision, (), frozenset({chosen.name}), rows, measured=False)

    def _told(self, odds: Odds, place: int, why: str) -> Decision:
        cost = float(odds.cost[place])
        usd = None if np.isnan(cost) else cost
        return Decision(odds.models[place], float(odds.chance[place]), float(odds.bound[place]), usd, why)

    def _rows(self, missing: dict[str, list[str]], odds: Odds | None, enough: list[bool]) -> tuple[dict[str, Any], ...]:
        rows = []
        for known in self.facts:
            row: dict[str, Any] = {"model": known.name, "p": None, "bound": None, "cost": None, "enough": False}
            if odds is not None and known.name in odds.models:
                m = odds.models.index(known.name)
                cost = float(odds.cost[m])
                row |= {"p": round(float(odds.chance[m]), 4), "bound": round(float(odds.bound[m]), 4)}
                row |= {"cost": None if np.isnan(cost) else round(cost, 9), "enough": bool(enough[m])}
            row["lacks"] = missing[known.name] or ([] if self._measured(known) else ["a measurement"])
            rows.append(row)
        return tuple(rows)

    def _nobody(self, missing: dict[str, list[str]]) -> ModelMissing:
        rooms = {known.name: known.context or 0 for known in self.facts}
        name = min(missing, key=lambda each: (len(missing[each]), -rooms[each]))
        few = "the only model" if len(missing) == 1 else "the nearest"
        return ModelMissing(
            f"no model meets what the task needs; {few}, {name}, lacks {' and '.join(missing[name])}",
            "configure a model that has it (`pyagent model add`), or change the task's needs",
        )


def within(choice: Choice, better: Model) -> Choice:
    """The choice after its model failed: ``better`` answers, by what is left of the ladder."""
    rest = choice.ladder[choice.ladder.index(better) + 1 :]
    row = next(row for row in choice.rows if row["model"] == better.name)
    why = f"{choice.model.name} failed, so the next better model is asked"
    decision = Decision(better.name, row["p"], row["bound"], row["cost"], why)
    return replace(choice, model=better, decision=decision, ladder=rest)
