"""The run files that come with Hourglass, as plain values. Not what they mean: `run_config.py`."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from models.autoencoders.joint import NO_MEMBERS
from models.catalog import KINDS
from models.errors import ConfigError, choice_error

FOLDER = resources.files("pipelines.training") / "configs"
OF_A_MEMBER = ("kind", "network", "fit")


def run_names() -> list[str]:
    """The names of the runs that can be asked for."""
    return sorted(f.name.removesuffix(".toml") for f in FOLDER.iterdir() if f.name[-5:] == ".toml")


def values_of_run(name: str) -> dict[str, Any]:
    """What the file of a named run says."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text())


def member_names() -> list[str]:
    """The names of the runs that can be members of a blend."""
    return [name for name in run_names() if can_be_member(values_of_run(name)["kind"])]


def can_be_member(kind: str) -> bool:
    """Whether networks of the kind can be blended."""
    return kind not in NO_MEMBERS and KINDS[kind].subject == "interactions"


def named_members(network: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a blend with each member `{"run": NAME}` as what the file of that run says, so
    that an artifact tells all of itself. Raises ConfigError for a run that there is not.
    """
    members = network.get("members")
    if not isinstance(members, list | tuple):
        return dict(network)
    return {**network, "members": [_named_member(num, each) for num, each in enumerate(members)]}


def _named_member(num: int, member: Any) -> Any:
    if not isinstance(member, Mapping) or "run" not in member:
        return member
    field, name = f"members/{num}/run", member["run"]
    if name not in run_names():
        raise choice_error(field, name, member_names())
    if more := sorted(set(member) - {"run"}):
        detail = f"A member that names a run takes it as it is: leave out {', '.join(more)} or run."
        raise ConfigError(field, detail)
    values = values_of_run(name)
    return {part: values[part] for part in OF_A_MEMBER if part in values}
