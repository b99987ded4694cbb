"""What a caller may choose of a detector. Not how it is fitted (`fitting.py`)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from models.detectors.detector import DetectorConfig
from models.errors import ConfigError, RowsError, choice_error, option_error
from models.options import check_types
from pipelines.errors import FieldError, InvalidInput
from pipelines.storage.watch_tables import OVER
from pipelines.training.run_config import NAME

DETECTORS: Final = "detectors"
"""What a run is about that fits a detector, and the folder of the store for these."""


@dataclass(frozen=True)
class DetectorSettings:
    """A detector as it is asked for."""

    name: str = ""
    """Its id begins with it; by default with what it is over."""
    over: str = "table"
    seed: int = 0
    ignore: tuple[str, ...] = ()
    """Columns that say nothing, such as ids; rows may have them or not."""
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

    def values(self) -> dict[str, Any]:
        """Plain values, as JSON gives them back; `settings_of` them are equal settings."""
        own = {name: getattr(self, name) for name in _OWN}
        values = {**own, **asdict(self.config)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


_OWN: Final = tuple(each.name for each in fields(DetectorSettings) if each.name != "config")


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
def refusals() -> Iterator[None]:
    """A setting or a table that cannot be used, as the error of whoever chose it."""
    try:
        yield
    except RowsError as error:
        raise InvalidInput(str(error)) from None
    except ConfigError as error:
        pointer = FieldError(f"/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None
