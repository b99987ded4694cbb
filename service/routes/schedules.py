"""Schedules: runs that are asked for by the clock, or when enough is new. A worker fires them."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from pipelines.runs.schedules import (
    Rule,
    pause_schedule,
    resume_schedule,
    set_schedule,
    trigger_schedule,
)
from pipelines.storage import schedules as storage
from pipelines.storage.tables import Run, Schedule
from service.context import context
from service.lookup import found, removed
from service.pagination import decode_cursor, page
from service.routes.runs import accepted
from service.schemas.pages import PageQuery
from service.schemas.runs import RunAccepted
from service.schemas.schedules import ScheduleAnswer, ScheduleBody, SchedulesAnswer

bp = APIBlueprint("schedules", __name__, url_prefix="/v1/schedules", tag="Schedules")

EXAMPLE = {"config": "denoising", "cron": "0 3 * * 1-5", "timezone": "Europe/Madrid"}


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(SchedulesAnswer)
def list_schedules(query: PageQuery) -> dict[str, Any]:
    """List schedules

    In the order of their names.
    """
    after = decode_cursor("schedules", query.cursor, size=1)
    with context().reading() as session:
        rows = storage.list_schedules(
            session, limit=query.limit + 1, after=after[0] if after else None
        )
    schedules, following = page(
        rows, kind="schedules", limit=query.limit, position=lambda row: [row.name]
    )
    return {"schedules": schedules, "next_cursor": following}


@bp.put("/<name>")
@bp.input(ScheduleBody, arg_name="body", example=EXAMPLE)
@bp.output(ScheduleAnswer)
@bp.doc(responses={201: "Created"})
def put_schedule(name: str, body: ScheduleBody) -> tuple[Schedule, int]:
    """Create or replace a schedule

    Sending the same again changes nothing.
    """
    rule = Rule(**body.model_dump())
    with context().writing() as session:
        schedule, created = set_schedule(session, name=name, rule=rule, now=datetime.now(UTC))
    return schedule, 201 if created else 200


@bp.get("/<name>")
@bp.output(ScheduleAnswer)
def get_schedule(name: str) -> Schedule:
    """Read a schedule"""
    with context().reading() as session:
        return found(storage.get_schedule(session, name=name), "schedule", name)


@bp.delete("/<name>")
@bp.output({}, status_code=204, description="Removed")
def delete_schedule(name: str) -> Response:
    """Remove a schedule

    Runs that it asked for stay.
    """
    with context().writing() as session:
        deleted = storage.delete_schedule(session, name=name)
    return removed(deleted, "schedule", name)


@bp.post("/<name>/pause")
@bp.output(ScheduleAnswer)
def pause(name: str) -> Schedule:
    """Let a schedule fire no more

    Until it is resumed.
    """
    with context().writing() as session:
        return pause_schedule(session, name=name, now=datetime.now(UTC))


@bp.post("/<name>/resume")
@bp.output(ScheduleAnswer)
def resume(name: str) -> Schedule:
    """Let a paused schedule fire again

    Times that passed meanwhile are not made up for.
    """
    with context().writing() as session:
        return resume_schedule(session, name=name, now=datetime.now(UTC))


@bp.post("/<name>/trigger")
@bp.output(RunAccepted, status_code=202)
def trigger(name: str) -> tuple[Run, int, dict[str, str]]:
    """Ask for a schedule's run now

    The times to come stay as they are.
    """
    with context().writing() as session:
        run = trigger_schedule(session, name=name, now=datetime.now(UTC))
    return accepted(run)
