"""What all answers share: nothing beside what is described, and lists that go on."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Shape(BaseModel):
    """An object with these members and no others. Times are seconds since the epoch, unless they say else."""

    model_config = ConfigDict(extra="forbid")


class Page(Shape, Generic[T]):
    """A part of a list."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next part; null at the end.")


class Fault(Shape):
    """A problem, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What.")
    hint: str = Field(description="What to do.")


class Tokens(Shape):
    input: int
    output: int


FAULTS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "A problem, which says what and what to do.",
        "content": {"application/problem+json": {"schema": Fault.model_json_schema()}},
    }
}
