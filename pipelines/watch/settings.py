"""What a caller may choose of a detector. Not how it is fitted (`fitting.py`)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from models.detectors.detector import DetectorConfig
from models.detectors.series_tables import OrderError
from models.detectors.windows import WindowsConfig
from models.errors import ConfigError, RowsError, choice_error, option_error
from models.options import check_types
from pipelines.errors import FieldError, InvalidInput
from pipelines.storage.watch_tables import OVER
from pipelines.training.run_config import NAME
from pipelines.watch.row_table import RowTable

DETECTORS: Final = "detectors"
"""What a run is about that fits a detector, and the folder of the store for these."""
SENT: Final = ("table", "series")
"""What a detector can be over that is sent along, and not stored."""
IN_ORDER: Final = ("series", "sequences")
"""What a detector can be over in which rows follow each other, and stretches of them are found."""
_OF_SERIES: Final = ("order", "group", "window", "step")
NOT_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "table": _OF_SERIES,
    "users": _OF_SERIES,
    "items": _OF_SERIES,
    "images": ("regime", "form", "kind", "members", "categorical", "ignore", *_OF_SERIES),
    "series": ("categorical",),
    "sequences": ("categorical", "ignore", "order", "group"),
}
"""Options that say nothing to a detector, by what it is over."""


@dataclass(frozen=True)
class DetectorSettings:
    """A detector as it is asked for."""

    name: str = ""
    """Its id begins with it; by default with what it is over."""
    over: str = "table"
    seed: int = 0
    ignore: tuple[str, ...] = ()
    """Columns that say nothing, such as ids; rows may have them or not."""
    order: str = ""
    """series: the column of numbers or times that rise from row to row; without it rows are taken
    to follow each other."""
    group: str = ""
    """series: the column that says which series a row is of; without it all are of one."""
    window: int = WindowsConfig.length
    """series, sequences: rows of a window."""
    step: int = WindowsConfig.step
    """series, sequences: rows between the starts of two windows."""
    config: DetectorConfig = field(default_factory=DetectorConfig)

    def __post_init__(self) -> None:
        if self.over not in OVER:
            raise choice_error("over", self.over, OVER)
        if not NAME.fullmatch(self.name or self.over):
            detail = (
                f"name is {self.name!r}; take up to 50 letters, digits, spaces and . _ + -, "
                "beginning with a letter or a digit."
            )
            raise ConfigError("name", detail)
        if not 0 <= self.seed < 1 << 63:
            raise ConfigError("seed", f"seed is {self.seed}; it must be from 0 to 2^63 - 1.")
        self.windows()
        for option in NOT_FOR[self.over]:
            value = self.values()[option]
            if value != _defaults()[option]:
                detail = f"{option} is {value!r}; a detector over {self.over} has no {option}."
                raise ConfigError(option, detail)

    def windows(self) -> WindowsConfig:
        """How series are cut. Raises ConfigError for what cannot be asked."""
        names = {"length": "window", "step": "step"}
        try:
            return WindowsConfig(self.window, self.step, self.config)
        except ConfigError as error:
            detail = error.detail.replace("length", "window")
            raise ConfigError(names[error.field], detail) from None

    def values(self) -> dict[str, Any]:
        """Plain values, as JSON gives them back; `settings_of` them are equal settings."""
        own = {name: getattr(self, name) for name in _OWN}
        values = {**own, **asdict(self.config)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


_OWN: Final = tuple(each.name for each in fields(DetectorSettings) if each.name != "config")


def _defaults() -> dict[str, Any]:
    """Of all options."""
    own = {each.name: each.default for each in fields(DetectorSettings) if each.name in _OWN}
    values = {**own, **asdict(DetectorConfig())}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def settings_of(values: Mapping[str, Any]) -> DetectorSettings:
    """Settings from plain values. Raises InvalidInput that names the one at fault."""
    known = [*_OWN, *(each.name for each in fields(DetectorConfig))]
    with refusals():
        for name in values:
            if name not in known:
                raise option_error("a detector", name, known)
        held: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        own = {name: held.pop(name) for name in _OWN if name in held}
        check_types(DetectorConfig, held)
        check_types(DetectorSettings, own)
        return DetectorSettings(**own, config=DetectorConfig(**held))


@contextmanager
def refusals(table: RowTable | None = None) -> Iterator[None]:
    """A setting or a table that cannot be used, as the error of whoever chose it.

    table: what rows are numbered in, where an error names one.
    """
    try:
        yield
    except OrderError as error:
        row = error.row if table is None else int(table.numbers[error.row])
        pointer = FieldError(f"/rows/{row}/{error.column}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None
    except RowsError as error:
        raise InvalidInput(str(error)) from None
    except ConfigError as error:
        pointer = FieldError(f"/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None
