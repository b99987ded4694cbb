"""Schedules: runs asked for by the clock, when enough is new, or on drift. All live in SQL.

Firing is one transaction that moves the schedule on and adds the run: it happens once, however
many workers look.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pipelines.errors import FieldError, HourglassError, InvalidInput, NotFound
from pipelines.runs.cron import next_time
from pipelines.runs.requests import OPEN, request_run, requested_config
from pipelines.storage import runs
from pipelines.storage import schedules as storage
from pipelines.storage.engine import reading, writing
from pipelines.storage.interactions import count_interactions
from pipelines.storage.tables import INTERACTIONS, Run, Schedule
from pipelines.watch.drift_reports import drift_to_train_on

MAX_COUNT = 10**12
"""Of interactions to wait for."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Rule:
    """What a schedule asks for and when: by `cron`, after so many interactions, or when a look
    finds that inputs drifted; one of them.
    """

    config: str
    cron: str | None = None
    timezone: str | None = None
    """Of the cron expression; UTC where it is left out."""
    after_interactions: int | None = None
    on_drift: bool = False


def set_schedule(
    session: Session, *, name: str, rule: Rule, now: datetime
) -> tuple[Schedule, bool]:
    """Create or replace the schedule of that name; it, and whether it is new.

    The same rule again changes nothing. Raises InvalidInput that names the field at fault.
    """
    rule = _checked(rule)
    due_at = _next_due(rule, now)
    schedule = storage.lock_schedule(session, name=name)
    if schedule is not None and _rule_of(schedule) == rule:
        return schedule, False
    created = schedule is None
    if schedule is None:
        schedule = Schedule(name=name, paused=False, created_at=now)
    schedule.config, schedule.cron, schedule.timezone = rule.config, rule.cron, rule.timezone
    schedule.after_interactions = rule.after_interactions
    schedule.on_drift = rule.on_drift
    counts = rule.after_interactions is not None
    schedule.counted = count_interactions(session) if counts else None
    schedule.due_at, schedule.updated_at = due_at, now
    return storage.add_schedule(session, schedule), created


def pause_schedule(session: Session, *, name: str, now: datetime) -> Schedule:
    """Let it fire no more until it is resumed. Raises NotFound."""
    schedule = _existing(session, name)
    if not schedule.paused:
        schedule.paused, schedule.updated_at = True, now
    return schedule


def resume_schedule(session: Session, *, name: str, now: datetime) -> Schedule:
    """Let it fire again; times that passed meanwhile are not made up for. Raises NotFound."""
    schedule = _existing(session, name)
    if schedule.paused:
        schedule.paused, schedule.updated_at = False, now
        schedule.due_at = _next_due(_rule_of(schedule), now)
    return schedule


def trigger_schedule(session: Session, *, name: str, now: datetime) -> Run:
    """Ask for its run at once; the times to come stay as they are. Raises NotFound."""
    return _request(session, _existing(session, name), now)


def fire_due(engine: Engine, *, now: datetime) -> None:
    """Fire those whose time has come: once, however often it came while nobody looked."""
    with reading(engine) as session:
        names = storage.due_names(session, now=now)
    for name in names:
        with writing(engine) as session:
            schedule = storage.lock_schedule(session, name=name)
            if schedule is None or schedule.paused or schedule.due_at is None:
                continue
            if schedule.due_at <= now:
                schedule.due_at = _next_due(_rule_of(schedule), now)
                _request_unless_queued(session, schedule, now)


def fire_counted(engine: Engine, *, now: datetime) -> None:
    """Fire those for which enough interactions are new since they fired, or were set."""
    with reading(engine) as session:
        names = storage.counting_names(session)
    for name in names:
        with writing(engine) as session:
            schedule = storage.lock_schedule(session, name=name)
            if schedule is None or schedule.paused or schedule.after_interactions is None:
                continue
            count = count_interactions(session)
            # What was removed need not be made up for before new ones count.
            schedule.counted = min(schedule.counted or 0, count)
            if count - schedule.counted >= schedule.after_interactions:
                schedule.counted = count
                _request_unless_queued(session, schedule, now)


def fire_drifted(engine: Engine, *, now: datetime) -> None:
    """Fire those that wait for drift: once for each look that found some since the active artifact
    was trained, unless a training since knows what drifted, and was not promoted.
    """
    with reading(engine) as session:
        report = drift_to_train_on(session)
        names = storage.drift_names(session)
    if report is None:
        return
    for name in names:
        with writing(engine) as session:
            schedule = storage.lock_schedule(session, name=name)
            if schedule is None or schedule.paused or not schedule.on_drift:
                continue
            last = runs.get_run(session, run_id=schedule.run_id) if schedule.run_id else None
            if _is_over(schedule, last, before=report.measured_at):
                _request_unless_queued(session, schedule, now)


def _is_over(schedule: Schedule, last: Run | None, *, before: datetime) -> bool:
    """Whether all that it fired was over when somebody looked: a look knows nothing of a training
    that was under way.
    """
    if last is not None and last.status in OPEN:
        return False
    moments = (schedule.fired_at, None if last is None else last.finished_at)
    return all(moment < before for moment in moments if moment is not None)


def _request_unless_queued(session: Session, schedule: Schedule, now: datetime) -> None:
    """Runs that nobody has begun need not pile up."""
    last = runs.get_run(session, run_id=schedule.run_id) if schedule.run_id else None
    if last is not None and last.status == "queued":
        return
    try:
        _request(session, schedule, now)
    except HourglassError as error:
        log.error("a schedule cannot fire", schedule=schedule.name, reason=error.detail)


def _request(session: Session, schedule: Schedule, now: datetime) -> Run:
    run = request_run(session, requested_config(schedule.config), now=now)
    schedule.run_id, schedule.fired_at = run.run_id, now
    session.flush()
    return run


def _existing(session: Session, name: str) -> Schedule:
    schedule = storage.lock_schedule(session, name=name)
    if schedule is None:
        raise NotFound(
            f"There is no schedule {name!r}; `hourglass schedules list` and GET /v1/schedules "
            "list them all."
        )
    return schedule


def _checked(rule: Rule) -> Rule:
    """The rule with its time zone. Raises InvalidInput."""
    config = requested_config(rule.config)
    triggers = (rule.cron is not None, rule.after_interactions is not None, rule.on_drift)
    if sum(triggers) != 1:
        raise _wrong("cron", "Give one of cron, after_interactions and on_drift, and no other.")
    if rule.cron is not None:
        return replace(rule, cron=" ".join(rule.cron.split()), timezone=rule.timezone or "UTC")
    if rule.timezone is not None:
        raise _wrong("timezone", "A time zone goes with cron only; leave it out.")
    if rule.on_drift:
        if config.subject != INTERACTIONS:
            raise _wrong(
                "on_drift",
                f"Drift is told of interactions, and the run {rule.config} does not train on them; "
                "take another config, denoising say, or cron.",
            )
        return rule
    if not 1 <= (rule.after_interactions or 0) <= MAX_COUNT:
        raise _wrong("after_interactions", f"It must be a number from 1 to {MAX_COUNT:,}.")
    return rule


def _wrong(field: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(f"/{field}", detail)])


def _rule_of(schedule: Schedule) -> Rule:
    return Rule(
        schedule.config,
        schedule.cron,
        schedule.timezone,
        schedule.after_interactions,
        schedule.on_drift,
    )


def _next_due(rule: Rule, now: datetime) -> datetime | None:
    if rule.cron is None or rule.timezone is None:
        return None
    return next_time(rule.cron, rule.timezone, after=now)
