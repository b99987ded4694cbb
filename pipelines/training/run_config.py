"""What one run does: which kind, on which data, fitted how. Read from a named TOML file.

Not where things are kept (`pipelines/settings.py`), nor what a kind's options mean (`models`).
"""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypedDict

from models.catalog import Subject, check_subject, config_values, get_kind, make_config
from models.errors import ConfigError, choice_error, option_error
from models.fitting import FitConfig
from models.options import check_types
from pipelines.data.interactions import DataConfig
from pipelines.errors import FieldError, InvalidInput, NotFound
from pipelines.images.config import ImagesConfig
from pipelines.training.named import (
    can_be_member,
    member_names,
    named_members,
    run_names,
    values_of_run,
)

NAME = re.compile(r"\w[\w .+-]{0,49}")
"""Artifacts and their folders are called by it."""


class RunValues(TypedDict, total=False):
    """What a run is in TOML and JSON; the sections say themselves what is in them."""

    name: str
    kind: str
    seed: int
    network: Mapping[str, Any]
    data: Mapping[str, Any]
    fit: Mapping[str, Any]
    images: Mapping[str, Any]
    search: Mapping[str, Any]
    trials: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class SearchConfig:
    """How the members of a blend are found where the run does not name them."""

    budget_seconds: float = 1200.0
    """Seconds for the search: each candidate trains for at least an epoch, whatever it takes."""
    candidates: tuple[str, ...] = (
        "normalised",
        "spectral",
        "wmf",
        "mult-dae",
        "mult-vae",
        "recvae",
    )
    """The named runs that are tried. Not `edlae`: the ridge of `normalised` comes to its own."""

    def __post_init__(self) -> None:
        if not 0 < self.budget_seconds < math.inf:
            detail = f"budget_seconds is {self.budget_seconds:g}; it must be above 0."
            raise ConfigError("budget_seconds", detail)
        if not self.candidates:
            raise ConfigError("candidates", "A search needs at least one candidate.")
        for name in self.candidates:
            if name not in run_names():
                raise choice_error("candidates", name, member_names())
            kind = values_of_run(name)["kind"]
            if not can_be_member(kind):
                detail = f"The run {name}, of kind {kind}, cannot be a member of a blend."
                raise ConfigError("candidates", detail)


@dataclass(frozen=True)
class RunConfig:
    """A named run. `network` holds the kind's own options, complete and checked."""

    name: str
    kind: str
    seed: int
    network: Mapping[str, Any]
    data: DataConfig
    fit: FitConfig
    images: ImagesConfig = ImagesConfig()
    """Of a run on images, to which `data` means nothing."""
    search: SearchConfig | None = None
    """For a blend without members: how they are found. With members: how they were."""
    trials: tuple[Mapping[str, Any], ...] = ()
    """What that search tried. Carried along, never read."""

    @property
    def subject(self) -> Subject:
        """What it learns from."""
        return get_kind(self.kind).subject

    @property
    def searches(self) -> bool:
        """Whether its members are still to be found."""
        return self.kind == "joint" and not self.network["members"]

    def values(self) -> dict[str, Any]:
        """Plain values, as JSON gives them back; `run_config_of` of them is an equal config."""
        values = {
            "name": self.name,
            "kind": self.kind,
            "seed": self.seed,
            "network": dict(self.network),
            **self._data_values(),
            "fit": config_values(self.fit),
        }
        if self.search is not None:
            values["search"] = config_values(self.search)
            values["trials"] = [dict(trial) for trial in self.trials]
        return values

    def _data_values(self) -> dict[str, Any]:
        if self.subject == "images":
            return {"images": config_values(self.images)}
        return {"data": config_values(self.data)}


def named_run(name: str) -> RunConfig:
    """The run of that name. Raises NotFound that lists the names there are."""
    if name not in run_names():
        detail = choice_error("config", name, run_names()).detail
        raise NotFound(detail, errors=[FieldError("/config", detail)])
    return run_config_of({"name": name, **values_of_run(name)})


def read_run(path: Path) -> RunConfig:
    """The run that a TOML or JSON file describes, called as the file unless it says otherwise.

    Raises InvalidInput for what is no such file.
    """
    try:
        text = path.read_text()
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {path}.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} cannot be read as {path.suffix[1:].upper()}: {error}."
        ) from None
    if not isinstance(values, dict) or "kind" not in values:
        raise InvalidInput(f"{path} describes no run: it needs at least a `kind`.")
    return run_config_of({"name": path.stem, **values})


def asked_run(name: str) -> RunConfig:
    """The named run, or that of a file where the name ends as one."""
    return read_run(Path(name)) if name.endswith((".toml", ".json")) else named_run(name)


def run_config_of(values: Mapping[str, Any]) -> RunConfig:
    """A run from plain values. Raises InvalidInput that names the option at fault."""
    with _refusals():
        _only_known("run", values, RunConfig)
        check_types(RunValues, values)
        _check_own(values["name"], values.get("seed", 42))
        _check_subject(values["kind"], values)
    with _refusals("/network"):
        asked = values.get("network", {})
        options = named_members(asked) if values["kind"] == "joint" else asked
        network = config_values(make_config(values["kind"], options))
    search = _section(SearchConfig, "search", values["search"]) if "search" in values else None
    config = RunConfig(
        name=values["name"],
        kind=values["kind"],
        seed=values.get("seed", 42),
        network=network,
        data=_section(DataConfig, "data", values.get("data", {})),
        fit=_section(FitConfig, "fit", _fit_values(values, network, search)),
        images=_section(ImagesConfig, "images", values.get("images", {})),
        search=search,
        trials=tuple(values.get("trials", ())),
    )
    with _refusals("/data"):
        _check_feedback(config)
    with _refusals("/network"):
        _check_members(config)
    return config


def _check_own(name: str, seed: int) -> None:
    """Raise ConfigError unless files can be called by the name, and generators made of the seed."""
    if not NAME.fullmatch(name):
        detail = (
            f"The run is called {name!r}; take up to 50 letters, digits, spaces and . _ + -, "
            "beginning with a letter or a digit, as `name` in the file or as the file's own name."
        )
        raise ConfigError("name", detail)
    if not 0 <= seed < 1 << 63:
        raise ConfigError("seed", f"seed is {seed}; it must be from 0 to 2^63 - 1.")


def _fit_values(
    values: Mapping[str, Any], network: Mapping[str, Any], search: SearchConfig | None
) -> Mapping[str, Any]:
    """Those of `fit`. A blend that does not say has the epochs of the member that has most, so
    that it cuts none short.
    """
    given: Mapping[str, Any] = values.get("fit", {})
    if values["kind"] != "joint":
        return given
    fits = [
        _section(FitConfig, f"network/members/{num}/fit", member.get("fit", {}))
        for num, member in enumerate(network["members"])
    ]
    if not fits and search is not None:
        fits = [named_run(name).fit for name in search.candidates]
    return {"epochs": max((fit.epochs for fit in fits), default=FitConfig.epochs), **given}


def _check_subject(kind: str, values: Mapping[str, Any]) -> None:
    """Raise ConfigError unless runs learn from what the kind learns from, and it has no section
    that means nothing to it.
    """
    images = get_kind(kind).subject == "images"
    if not images:
        check_subject(kind, "interactions")
    section, own = ("data", "images") if images else ("images", "data")
    if section in values:
        detail = f"The kind {kind} has no section {section}; its data are chosen in [{own}]."
        raise ConfigError(section, detail)


def _check_members(config: RunConfig) -> None:
    """Raise ConfigError where a blend neither has members nor says how to find them."""
    if config.searches and config.search is None:
        raise ConfigError("members", "A blend needs members, or a [search] that finds them.")


def _check_feedback(config: RunConfig) -> None:
    """Raise ConfigError unless the kind can learn from such values."""
    if config.kind == "rating" and config.data.values != "rating":
        detail = "The kind rating learns from ratings: its data need values = 'rating'."
        raise ConfigError("values", detail)


@contextmanager
def _refusals(section: str = "") -> Iterator[None]:
    """An option that cannot be used, as the error of whoever asked for it."""
    try:
        yield
    except ConfigError as error:
        pointer = FieldError(f"{section}/{error.field}", error.detail)
        raise InvalidInput(error.detail, errors=[pointer]) from None


def with_options(
    config: RunConfig,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    device: str | None = None,
    budget_seconds: float | None = None,
) -> RunConfig:
    """The run with another seed, length, device or time to search; None leaves it as it is."""
    if budget_seconds is not None:
        if not config.searches:
            detail = f"The run {config.name} searches nothing, so that it has no budget."
            raise InvalidInput(detail, errors=[FieldError("/budget_seconds", detail)])
        values = config.values()
        values["search"]["budget_seconds"] = budget_seconds
        config = run_config_of(values)
    if seed is not None:
        config = replace(config, seed=seed)
    given = {"epochs": epochs, "device": device}
    changes = {name: value for name, value in given.items() if value is not None}
    if changes:
        return run_config_of({**config.values(), "fit": {**asdict(config.fit), **changes}})
    return config


def _section(section: type[Any], name: str, values: Mapping[str, Any]) -> Any:
    with _refusals(f"/{name}"):
        _only_known(name, values, section)
        check_types(section, values)
        return section(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _only_known(name: str, values: Mapping[str, Any], section: type[Any]) -> None:
    known = [field.name for field in fields(section)]
    for key in values:
        if key not in known:
            raise option_error(name, key, known)
