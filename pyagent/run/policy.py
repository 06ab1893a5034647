"""What asks for a person although the task file does not say so: a tool by its name or its hints, a cost, a risk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pyagent.engine.base import Tool
from pyagent.run.approvals import RISKS, Risk

# MCP's defaults for a tool that says nothing (specification 2025-06-18, "ToolAnnotations").
HINTS: Mapping[str, bool] = {"readOnlyHint": False, "destructiveHint": True, "openWorldHint": True}
# A cost of so many times the limit is more than a rounding of it.
STEEP = 10.0


@dataclass(frozen=True, slots=True)
class Policy:
    """``[approvals]``: what waits for a person.

    ``tools`` are patterns of tool names (`delete_*`) or hints (`destructiveHint`, `openWorldHint`); ``risk`` is the
    least risk at which any tool waits; a task whose worst case costs more than ``cost_usd`` waits before it is
    asked. ``escalate_to`` names the model that an escalated answer is asked of.
    """

    tools: tuple[str, ...] = ()
    cost_usd: float | None = None
    risk: Risk | None = None
    escalate_to: str | None = None

    def tool(self, tool: Tool) -> Risk | None:
        """The risk of a call of ``tool`` that needs a person; None when it may run."""
        danger = danger_of(tool)
        named = any(matches(tool, pattern) for pattern in self.tools)
        risky = self.risk is not None and RISKS.index(danger) >= RISKS.index(self.risk)
        return danger if named or risky else None

    def cost(self, usd: float | None) -> Risk | None:
        """The risk of a task that may cost ``usd``; None when it may be asked. An unknown cost needs a person."""
        if self.cost_usd is None or (usd is not None and usd <= self.cost_usd):
            return None
        return "high" if usd is None or usd > STEEP * self.cost_usd else "medium"


def matches(tool: Tool, pattern: str) -> bool:
    """Whether a pattern is for this tool: by its name, or by what it says of itself."""
    return says(tool, pattern) if pattern in HINTS else fnmatchcase(tool.spec.name, pattern)


def says(tool: Tool, hint: str) -> bool:
    """A hint of a tool, or MCP's default. What only reads destroys nothing, whatever it says."""
    if hint == "destructiveHint" and says(tool, "readOnlyHint"):
        return False
    return bool(tool.annotations.get(hint, HINTS[hint]))


def danger_of(tool: Tool) -> Risk:
    """high: it may destroy; medium: it writes, or reaches outside; low: it reads what is here."""
    if says(tool, "destructiveHint"):
        return "high"
    return "medium" if says(tool, "openWorldHint") or not says(tool, "readOnlyHint") else "low"
