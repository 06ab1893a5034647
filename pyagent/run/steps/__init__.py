"""The core's own layers of the pipeline, one file each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepInfo:
    """A layer as it is shown: its name, its place and what it does."""

    name: str
    order: int
    help: str


CORE = (
    StepInfo("journal", 10, "Give the Result that this run already has; commit the one that is made"),
    StepInfo("approve", 15, "Ask a person about the answer of a task with `approve`"),
    StepInfo("afford", 35, "Ask a person before a task that may cost more than `[approvals] cost_usd`"),
    StepInfo("attempt", 40, "Check the answer against its schema, and ask again with what was wrong"),
    StepInfo("vote", 42, "Decide between the samples of one prompt"),
    StepInfo("turns", 44, "Run the tools that the model calls, and hand over to other agents"),
    StepInfo("retry", 46, "Try again after a passing fault, and wait as long as the provider asks"),
    StepInfo("budget", 50, "Reserve the worst case of this call, settle after"),
    StepInfo("engine", 60, "Ask the model"),
)


def core_steps() -> tuple[StepInfo, ...]:
    return CORE
