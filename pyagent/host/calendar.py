"""When something recurs, in words that no scheduler misreads: `mon 03:17`, `daily 03:17`, `hourly :17`.

APScheduler counts weekdays from Monday, cron from Sunday; a number would fire a day late in one of them
(`CronTrigger.from_crontab("17 3 * * 1")` fires on Tuesday). So days are names everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyagent.errors import UsageError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHAPE = re.compile(r"(?:(?P<day>[a-z]+)\s+)?(?:(?P<hour>\d{1,2}))?:(?P<minute>\d{2})")
HINT = "say for example 'mon 03:17', 'daily 03:17' or 'hourly :17'"


@dataclass(frozen=True, slots=True)
class When:
    """A weekday (None: every day), an hour (None: every hour) and a minute, in local time."""

    day: str | None
    hour: int | None
    minute: int

    @classmethod
    def parse(cls, text: str) -> When:
        """Raises UsageError (2) for anything else than the three shapes."""
        found = SHAPE.fullmatch(" ".join(text.lower().split()))
        if found is None:
            raise UsageError(f"{text!r} is no time to recur at", HINT)
        word, hour, minute = found["day"] or "daily", found["hour"], int(found["minute"])
        if word == "hourly" and hour is None and minute < 60:
            return cls(None, None, minute)
        day = word[:3] if word in DAYS or word in LONG else None
        if (day is None and word != "daily") or hour is None or int(hour) > 23 or minute > 59:
            raise UsageError(f"{text!r} is no time to recur at", HINT)
        return cls(day, int(hour), minute)

    def __str__(self) -> str:
        if self.hour is None:
            return f"hourly :{self.minute:02}"
        return f"{self.day or 'daily'} {self.hour:02}:{self.minute:02}"

    @property
    def cron(self) -> str:
        """The five fields of a crontab line. The day is a name, which every cron in use takes."""
        return f"{self.minute} {'*' if self.hour is None else self.hour} * * {self.day or '*'}"

    @property
    def systemd(self) -> str:
        """``OnCalendar=`` of a systemd timer."""
        day = f"{self.day.capitalize()} " if self.day else ""
        return f"{day}*-*-* {'*' if self.hour is None else f'{self.hour:02}'}:{self.minute:02}:00"

    @property
    def fields(self) -> dict[str, str | int]:
        """The arguments of APScheduler's CronTrigger."""
        fields: dict[str, str | int] = {"minute": self.minute, "hour": "*" if self.hour is None else self.hour}
        return {**fields, "day_of_week": self.day} if self.day else fields


LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
