"""Fits a detector to a table: prepare, hold out, fit members, calibrate. Not how it scores."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.detectors.cells import RowProblem, Table
from models.detectors.contamination import estimate_contamination
from models.detectors.detector import DetectorConfig, RowDetector, joined
from models.detectors.growing import Ground, fit_members, reference_errors, trim
from models.detectors.preparation import Prepared, RowPreparation, usable_rows
from models.detectors.recipes import RECIPES, Recipe, Regime


@dataclass(frozen=True)
class Fitted:
    """A detector, and the rows of the table from which it could not learn."""

    detector: RowDetector
    problems: tuple[RowProblem, ...]


def fit_detector(table: Table, config: DetectorConfig, *, generator: torch.Generator) -> Fitted:
    """Fit to the usable rows of a table.

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
    kept = train.only(trim(train.x, recipe, generator)) if train.x.shape[1] else train
    ground = Ground(kept.x, recipe, regime == "contaminated", generator)
    members = fit_members(ground) if train.x.shape[1] else {}
    reference = [reference_errors(member, kept.x).sum(dim=1) for member in members.values()]
    weights = torch.tensor([recipe.weights[name] for name in members], dtype=torch.float64)
    detector = RowDetector(
        config=config,
        preparation=preparation,
        members=members,
        factors=weights / weights.sum() / _typical(reference),
        calibration=torch.zeros(0, dtype=torch.float64),
        regime=regime,
        contamination=0.0,
    )
    detector = replace(
        detector,
        calibration=detector.scores(held_out),
        contamination=estimate_contamination(_reference_scores(detector, train)),
    )
    return Fitted(detector, prepared.problems)


def recipe_of(regime: Regime, config: DetectorConfig) -> Recipe:
    """The recipe of a regime and a form, with the autoencoders and the members asked for.

    Heads on codes need the networks, which then score nothing themselves unless asked to.
    """
    recipe = RECIPES[regime, config.form]
    weights = dict.fromkeys(config.members, 1.0) or recipe.weights
    if any(name.startswith("code-") for name in weights):
        weights = {"networks": 0.0, **weights}
    networks = replace(recipe.networks, kind=config.kind)
    return replace(recipe, weights=weights, networks=networks)


def _hold_out(n_rows: int, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Which of so many rows to train on, at least one, and which to calibrate with."""
    order = torch.randperm(n_rows, generator=generator)
    n_held_out = int(n_rows * share)
    return order[n_held_out:].sort().values, order[:n_held_out].sort().values


def _typical(reference: list[Tensor]) -> Tensor:
    """What each member's score of a typical training row is: (n_members,).

    The median; the mean where most rows are copies of each other and score nothing.
    """
    typical = []
    for scores in reference:
        median, mean = float(scores.median()), float(scores.mean())
        typical.append(median if median > 1e-3 * mean else mean or 1.0)
    return torch.tensor(typical, dtype=torch.float64)


def _reference_scores(detector: RowDetector, train: Prepared) -> Tensor:
    """Scores of the training rows as if they were others, (n_rows,)."""
    members = detector.members.values()
    errors = [reference_errors(member, train.x) for member in members]
    return joined(list(members), errors, detector.factors, train.unseen).sum(dim=1)
