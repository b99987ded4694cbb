"""What one look over everything takes for strange, and how much it keeps. Not how it looks."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Final

from models.errors import ConfigError, option_error
from models.options import check_types
from pipelines.errors import FieldError, InvalidInput

WATCH: Final = "watch"
"""The name of the run, and of its chain of steps."""


@dataclass(frozen=True)
class WatchConfig:
    """The options of a run `watch`."""

    alert_rate: float = 0.01
    """Of each subject: the share of usual ones that may be called anomalies."""
    false_discovery_rate: float | None = None
    """In its place, for users and interactions: the share of those called anomalies that may be
    usual.
    """
    kept: int = 200
    """Findings of a subject that are kept, the strangest, whether called anomalies or not."""
    exact_entries: int = 2_000_000
    """Interactions judged given all others of their user. With more than that only the users whom
    a quicker look finds strangest, and a sample of the others, are judged.
    """
    seed: int = 42
    """Of that sample."""

    name: ClassVar[str] = WATCH
    subject: ClassVar[str] = WATCH

    def __post_init__(self) -> None:
        for name in ("alert_rate", "false_discovery_rate"):
            rate = getattr(self, name)
            if rate is not None and not 0 < rate < 1:
                raise ConfigError(name, f"{name} is {rate:g}; it must be above 0 and below 1.")
        for name in ("kept", "exact_entries"):
            if getattr(self, name) < 1:
                raise ConfigError(name, f"{name} is {getattr(self, name)}; it must be at least 1.")
        if not 0 <= self.seed < 1 << 63:
            raise ConfigError("seed", f"seed is {self.seed}; it must be from 0 to 2^63 - 1.")

    def values(self) -> dict[str, Any]:
        """Plain values, as JSON gives them back; `watch_config_of` of them is an equal config."""
        return {"subject": WATCH, **asdict(self)}


def with_watch_options(
    config: WatchConfig,
    *,
    seed: int | None = None,
    alert_rate: float | None = None,
    false_discovery_rate: float | None = None,
) -> WatchConfig:
    """The watch with these options; None leaves one as it is. Raises InvalidInput."""
    options = {
        "seed": seed,
        "alert_rate": alert_rate,
        "false_discovery_rate": false_discovery_rate,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return watch_config_of({**config.values(), **given})


def watch_config_of(values: Mapping[str, Any]) -> WatchConfig:
    """A watch from plain values. Raises InvalidInput that names the option at fault."""
    known = [field.name for field in fields(WatchConfig)]
    options = {name: value for name, value in values.items() if name != "subject"}
    try:
        for name in options:
            if name not in known:
                raise option_error(WATCH, name, known)
        check_types(WatchConfig, options)
        return WatchConfig(**options)
    except ConfigError as error:
        detail = FieldError(f"/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[detail]) from None
