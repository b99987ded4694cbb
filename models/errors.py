"""The errors of this floor. Not for faults of ours."""

import difflib
from collections.abc import Iterable


class ConfigError(ValueError):
    """A hyperparameter cannot be used; `field` names it, the message says why and what can."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.detail = detail


class RowsError(ValueError):
    """Rows cannot be learned from, or answered for; the message says why and what can."""


def choice_error(field: str, value: object, choices: Iterable[str]) -> ConfigError:
    """The error of a word that is not among the valid ones; names them, and the nearest."""
    valid = sorted(choices)
    nearest = difflib.get_close_matches(str(value), valid, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    listed = ", ".join(valid)
    return ConfigError(field, f"{field} is {value!r}; it must be one of: {listed}.{hint}")


def option_error(owner: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error of an option that `owner` does not have; names those that it has."""
    return ConfigError(name, choice_error(f"option of {owner}", name, known).detail)
