"""Times by the clock: cron expressions of five fields, in a time zone. Not who acts on them."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadCronError, CroniterBadDateError, croniter

from pipelines.errors import FieldError, InvalidInput

_NAMES = re.compile(
    r"\b(mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\b", re.I
)
_FIELDS = re.compile(r"[\d*,/-]+( [\d*,/-]+){4}")


def next_time(cron: str, timezone: str, *, after: datetime) -> datetime:
    """The first moment after this one that the expression names, in UTC.

    Days of the week: 0 and 7 are Sunday, 1-5 is Monday to Friday. A time that the clocks skip comes
    when they go on; one that they repeat comes once, unless the hours are `*`. Raises InvalidInput
    that names `cron` or `timezone`.
    """
    zone = _zone(timezone)
    if not _FIELDS.fullmatch(_NAMES.sub("1", cron)):
        raise _wrong_cron(cron, "it needs five fields: minute, hour, day, month, day of the week")
    try:
        times = croniter(cron, after.astimezone(zone))
        following: datetime = times.get_next(datetime)
        if _is_repeated(following, after.astimezone(zone)) and not cron.split()[1].startswith("*"):
            following = times.get_next(datetime)
    except CroniterBadDateError:
        raise _wrong_cron(cron, "there is no such day") from None
    except CroniterBadCronError as error:
        raise _wrong_cron(cron, str(error)) from None
    return following.astimezone(UTC)


def _is_repeated(following: datetime, before: datetime) -> bool:
    """Whether the hands of the clock stand as they stood before."""
    return following.replace(tzinfo=None) == before.replace(tzinfo=None)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        detail = f"There is no time zone {name!r}; write it like Europe/Madrid, or UTC."
        raise InvalidInput(detail, errors=[FieldError("/timezone", detail)]) from None


def _wrong_cron(cron: str, why: str) -> InvalidInput:
    detail = f"The cron expression {cron!r} is wrong: {why}. Write it like '0 3 * * 1-5'."
    return InvalidInput(detail, errors=[FieldError("/cron", detail)])
