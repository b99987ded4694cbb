"""Whether plain values, as TOML and JSON give them, fit the fields of a config by their type.

A number is finite. Not whether they make sense: each config says that of itself.
"""

import sys
from collections.abc import Mapping
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from models.errors import ConfigError

WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    str: "a text",
    Mapping: "a table of options",
    NoneType: "left out",
}
"""The types that fields have, as a reader of the error would say it."""
NUMBERS: dict[Any, type[Any]] = {int: Integral, float: Real}
"""Those of numpy count too."""


def check_types(config: type[Any], values: Mapping[str, Any]) -> None:
    """Raise ConfigError that names the field whose value is of another type."""
    hints = get_type_hints(config)
    for name, value in values.items():
        if not _fits(value, hints[name]):
            expected = " or ".join(_words(hints[name]))
            raise ConfigError(name, f"{name} is {value!r}; it must be {expected}.")


def _fits(value: Any, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is Literal:  # which of them it may be, the config says better
        return isinstance(value, type(arguments[0]))
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else [None]
        return all(_fits(each, arguments[0]) for each in items)
    if hint in NUMBERS:
        number = isinstance(value, NUMBERS[hint]) and not isinstance(value, bool)
        return number and _is_finite(value)
    return isinstance(value, origin or hint)


def _is_finite(value: Integral | Real) -> bool:
    """Also of a whole number, which can be larger than any of floating point."""
    plain = int(value) if isinstance(value, Integral) else float(value)
    return abs(plain) <= sys.float_info.max


def _words(hint: Any) -> list[str]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return [word for each in arguments for word in _words(each)]
    if origin is Literal:
        return ["one of " + ", ".join(map(repr, arguments))]
    if origin is tuple:
        return ["a list, each " + " or ".join(_words(arguments[0]))]
    plain = origin or hint
    return [WORDS.get(plain, f"a {plain.__name__}")]
