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
from models.detectors.preparation import RowPreparation, usable_rows
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
    on_step: OnStep = in_silence,
) -> Fitted:
    """Fit to the usable rows of a table; on_step is told how far that is.

    One row is enough, though it teaches only what its own values are. Raises RowsError when no row
    can be used, ConfigError for what cannot be asked.
    """
    usable = usable_rows(table, categorical=config.categorical)
    taught, kept_back = _hold_out(len(usable), config.calibration_share, generator)
    preparation, prepared = RowPreparation.fit(
        table, categorical=config.categorical, rows=usable[taught]
    )
    train, held_out = prepared.only(taught), prepared.only(kept_back)
    regime: Regime = "clean" if config.regime == "clean" else "contaminated"
    recipe = recipe_of(regime, config)
    members, errors, locality, typical = _learned(train.x, recipe, regime, generator, on_step)
    weights = torch.tensor([recipe.weights[name] for name in members], dtype=torch.float64)
    factors = weights / weights.sum() / typical
    scores = joined(list(members.values()), errors, factors, train).sum(dim=1)
    detector = RowDetector(
        config=config,
        preparation=preparation,
        members=members,
        factors=factors,
        locality=locality,
        calibration=torch.zeros(0, dtype=torch.float64),
        regime=regime,
        contamination=estimate_contamination(scores),
        column_weights=torch.ones(len(preparation.columns) + 1, dtype=torch.float64),
        held_out=torch.zeros(0, len(preparation.columns) + 1, dtype=torch.float64),
    )
    on_step("calibrating", 0, 1)
    columns = detector.columns(held_out)
    detector = replace(detector, calibration=columns.sum(dim=1), held_out=columns)
    return Fitted(detector, prepared.problems)


def recipe_of(regime: Regime, config: DetectorConfig) -> Recipe:
    """The recipe of a regime and a form, with the autoencoders and the members asked for."""
    recipe = RECIPES[regime, config.form]
    weights = dict.fromkeys(config.members, 1.0) or recipe.weights
    networks = replace(recipe.networks, kind=config.kind)
    return replace(recipe, weights=weights, networks=networks)


def _hold_out(n_rows: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which of so many rows to train on, at least one, and which to calibrate with."""
    order = torch.randperm(n_rows, generator=generator)
    n_held_out = int(n_rows * share)
    return order[n_held_out:].sort().values, order[:n_held_out].sort().values


def _learned(
    x: Tensor, recipe: Recipe, regime: Regime, generator: torch.Generator, on_step: OnStep
) -> tuple[dict[MemberName, Member], list[Tensor], Locality | None, Tensor]:
    """Members fitted to the rows x (n_rows, n_features) that are not trimmed; the errors of all of
    these as if they were others; what errors are compared with; and what is typical for each
    member. None where nothing varies.
    """
    if not x.shape[1]:
        return {}, [], None, _typical([])
    kept = trim(x, recipe, generator)
    members = fit_members(Ground(x[kept], recipe, regime == "contaminated", generator, on_step))
    errors = []
    for num, member in enumerate(members.values()):
        on_step("scoring", num, len(members))
        errors.append(reference_errors(member, x))
    taught = [each[kept] for each in errors]
    locality = fit_locality(members, x[kept], taught, recipe.local_powers)
    if locality is not None:
        errors = locality.beside(errors, x, members)
    return members, errors, locality, _typical([each[kept].sum(dim=1) for each in errors])


def _typical(reference: list[Tensor]) -> Tensor:
    """What each member's score of a typical training row is: (n_members,)."""
    return torch.tensor([typical_of(scores) for scores in reference], dtype=torch.float64)
