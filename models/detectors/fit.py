"""Fits a detector to a table: prepare, hold out, fit members, calibrate. Not how it scores."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.detectors.cells import RowProblem, Table
from models.detectors.contamination import estimate_contamination, typical_of
from models.detectors.detector import DetectorConfig, RowDetector, joined
from models.detectors.growing import (
    Ground,
    OnStep,
    fit_members,
    in_silence,
    trim,
)
from models.detectors.locality import Locality, fit_locality
from models.detectors.members import Member, MemberName, reference_errors
from models.detectors.preparation import Prepared, RowPreparation, usable_rows
from models.detectors.recipes import RECIPES, Recipe, Regime


@dataclass(frozen=True)
class Fitted:
    """A detector, and the rows of the table from which it could not learn."""

    detector: RowDetector
    problems: tuple[RowProblem, ...]


def fit_detector(
    table: Table,
    config: DetectorConfig,
    *,
    generator: torch.Generator,
    window: tuple[int, int] | None = None,
    on_step: OnStep = in_silence,
) -> Fitted:
    """Fit to the usable rows of a table; on_step is told how far that is.

    window: positions and columns of rows that windows.py cut. One row is enough, though it teaches
    only what its own values are. Raises RowsError when no row can be used, ConfigError for what
    cannot be asked.
    """
    usable = usable_rows(table, categorical=config.categorical)
    taught, kept_back = _hold_out(len(usable), config.calibration_share, generator)
    preparation, prepared = RowPreparation.fit(
        table, categorical=config.categorical, rows=usable[taught]
    )
    train, held_out = prepared.only(taught), prepared.only(kept_back)
    regime: Regime = "clean" if config.regime == "clean" else "contaminated"
    recipe, scores_own = recipe_of(regime, config, window), regime == "contaminated"
    ground = Ground(train.x, recipe, scores_own, generator, preparation.owner, on_step)
    learned = _learned(ground, train)
    ones = torch.ones(len(preparation.columns) + 1, dtype=torch.float64)
    detector = RowDetector(
        config=config,
        preparation=preparation,
        members=learned.members,
        factors=learned.factors,
        locality=learned.locality,
        calibration=ones.new_zeros(0),
        regime=regime,
        contamination=learned.contamination,
        column_weights=ones,
        held_out=ones.new_zeros(0, len(ones)),
    )
    on_step("calibrating", 0, 1)
    detector = replace(detector, held_out=detector.columns(held_out)).weigh(ones)
    return Fitted(detector, prepared.problems)


def recipe_of(
    regime: Regime, config: DetectorConfig, window: tuple[int, int] | None = None
) -> Recipe:
    """The recipe of a regime and a form, with the autoencoders and the members asked for."""
    recipe = RECIPES[regime, config.form]
    weights = dict.fromkeys(config.members, 1.0) or recipe.weights
    networks = replace(recipe.networks, kind=config.kind, window=window)
    return replace(recipe, weights=weights, networks=networks)


def _hold_out(n_rows: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which of so many rows to train on, at least one, and which to calibrate with."""
    order = torch.randperm(n_rows, generator=generator)
    n_held_out = int(n_rows * share)
    return order[n_held_out:].sort().values, order[:n_held_out].sort().values


@dataclass(frozen=True)
class _Learned:
    """What of a detector is learned from the rows to train on."""

    members: dict[MemberName, Member]
    factors: Tensor
    locality: Locality | None
    contamination: float


def _learned(ground: Ground, train: Prepared) -> _Learned:
    """Members are fitted to the rows of the ground that are not trimmed; errors, and from them what
    is typical and the contamination, are of all rows, scored as if they were others. There are no
    members where nothing varies.
    """
    members: dict[MemberName, Member] = {}
    errors: list[Tensor] = []
    kept = torch.arange(len(ground.x))
    locality = None
    if ground.x.shape[1]:
        kept = trim(ground.x, ground.recipe, ground.generator)
        members = fit_members(replace(ground, x=ground.x[kept]))
        for num, member in enumerate(members.values()):
            ground.on_step("scoring", num, len(members))
            errors.append(reference_errors(member, ground.x))
        taught = [each[kept] for each in errors]
        locality = fit_locality(members, ground.x[kept], taught, ground.recipe.local_powers)
    if locality is not None:
        errors = locality.beside(errors, ground.x, members)
    typical = [typical_of(each[kept].sum(dim=1)) for each in errors]
    weights = torch.tensor([ground.recipe.weights[name] for name in members], dtype=torch.float64)
    factors = weights / weights.sum() / torch.tensor(typical, dtype=torch.float64)
    scores = joined(list(members.values()), errors, factors, train).sum(dim=1)
    return _Learned(members, factors, locality, estimate_contamination(scores))
