"""Schedules as they are sent and answered."""

from datetime import datetime

from pydantic import Field

from service.schemas.fields import Answer, Body, NextCursor, Text


class ScheduleBody(Body):
    """A whole schedule: one of `cron`, `after_interactions` and `on_drift`."""

    config: Text = Field(description="Which named run, e.g. `denoising`.")
    cron: Text | None = Field(
        default=None,
        description="Minute, hour, day, month, day of the week; `1-5` is Monday to Friday.",
    )
    timezone: Text | None = Field(default=None, description="Of `cron`; default `UTC`.")
    after_interactions: int | None = Field(
        default=None, description="Fire when so many interactions are new since it last fired."
    )
    on_drift: bool = Field(
        default=False,
        description="Fire when a watch finds that inputs drifted since the active training.",
    )


class ScheduleAnswer(Answer):
    """A schedule."""

    name: str
    config: str
    cron: str | None
    timezone: str | None
    after_interactions: int | None
    on_drift: bool
    paused: bool
    due_at: datetime | None = Field(description="When it fires next by the clock.")
    fired_at: datetime | None
    run_id: str | None = Field(description="The run that it asked for last.")
    created_at: datetime
    updated_at: datetime


class SchedulesAnswer(Answer):
    """A page of schedules, by name."""

    schedules: list[ScheduleAnswer]
    next_cursor: NextCursor
