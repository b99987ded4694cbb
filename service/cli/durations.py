"""Spans of time as people write them: 90s, 20m, 1.5h. Not dates."""

import re

import typer

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """20m -> 1200. Raises typer's error for what is no span above 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if match is None or not float(match[1]):
        raise typer.BadParameter(f"{text!r} is no span of time; write 90s, 20m or 1.5h.")
    return float(match[1]) * UNITS[match[2]]
