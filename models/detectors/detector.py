"""The detector of strange rows: fit it to a table, score others, ask why.

feature errors -> score -> p-value -> is_anomaly -> contributions. What a p-value promises is in
models/scoring/calibration.py; how a detector is fitted in fit.py, why a row is strange in
explanation.py, how it is kept in kept.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import Table, n_rows_of
from models.detectors.locality import Locality
from models.detectors.members import Member, MemberName, expected_of
from models.detectors.objectives import OBJECTIVES, KindName
from models.detectors.preparation import Prepared, RowPreparation
from models.detectors.recipes import Form, Regime
from models.detectors.told import Holds, Scored, Told, cells_of, taken
from models.errors import ConfigError, choice_error
from models.scoring.calibration import p_values, threshold_at


@dataclass(frozen=True)
class DetectorConfig:
    """How a detector is fitted."""

    regime: Regime | Literal["auto"] = "auto"
    """Whether training rows are all normal (`clean`) or some may be strange (`contaminated`).
    `auto`, where that is not known, decides nothing: it is the careful one, `contaminated`."""
    form: Form = "full"
    """`fast` takes a fraction of the time, and is a little worse."""
    kind: KindName = "denoising"
    """Of its autoencoders."""
    members: tuple[MemberName, ...] = ()
    """Other members than those of the regime, in equal parts."""
    calibration_share: float = 0.2
    """Share of the rows held out of training for p-values; 0: all train, nothing is promised."""
    categorical: tuple[str, ...] = ()
    """Columns of numbers that are names of categories."""

    def __post_init__(self) -> None:
        if self.regime not in ("auto", "clean", "contaminated"):
            raise choice_error("regime", self.regime, ("auto", "clean", "contaminated"))
        if self.form not in ("full", "fast"):
            raise choice_error("form", self.form, ("full", "fast"))
        if self.kind not in OBJECTIVES:
            raise choice_error("kind", self.kind, OBJECTIVES)
        for name in self.members:
            if name not in get_args(MemberName):
                raise choice_error("members", name, get_args(MemberName))
        if not 0 <= self.calibration_share < 1:
            detail = f"calibration_share is {self.calibration_share}; it must be in [0, 1)."
            raise ConfigError("calibration_share", detail)


@dataclass(frozen=True)
class RowDetector:
    """A fitted detector.

    factors (n_members,): what each member's errors count: its weight by its score of a typical
    training row, so that a typical row scores about 1. locality: what errors are compared with;
    None: nothing near the row. calibration (n,): scores of rows held out.
    contamination: the estimated share of strange rows among those of training.
    column_weights (n_columns + 1,): what each column counts, and last what none adds; ones until
    labels say otherwise. held_out (n, n_columns + 1): of the rows held out what each column adds,
    before its weight.
    """

    config: DetectorConfig
    preparation: RowPreparation
    members: dict[MemberName, Member]
    factors: Tensor
    locality: Locality | None
    calibration: Tensor
    regime: Regime
    contamination: float
    column_weights: Tensor
    held_out: Tensor

    def score(self, table: Table) -> Scored:
        """How strange each usable row is; the others are listed with what is wrong with them.

        Raises RowsError when the columns are not those it was fitted on.
        """
        prepared = self.preparation.prepare(table)
        scores = self.scores(prepared)
        p = p_values(scores, self.calibration) if len(self.calibration) else None
        return Scored(prepared.rows, scores, p, prepared.problems)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(plan.name for plan in self.preparation.columns)

    @property
    def takes(self) -> dict[str, Holds]:
        return {plan.name: plan.kind for plan in self.preparation.columns}

    @property
    def member_names(self) -> tuple[str, ...]:
        return tuple(self.members)

    def shown(self, table: Table) -> Table:
        return table

    def tell(self, table: Table, rows: Sequence[int] | None = None) -> Told:
        chosen = np.arange(n_rows_of(table)) if rows is None else np.array(rows, dtype=np.int64)
        some = table if rows is None else taken(table, chosen)
        prepared = self.preparation.prepare(some)
        expected = self.preparation.restore(expected_of(list(self.members.values()), prepared.x))
        return Told(
            rows=torch.from_numpy(chosen)[prepared.rows],
            contributions=self.columns(prepared) * self.column_weights,
            observed=cells_of(some, self.column_names, prepared.rows.tolist()),
            expected=expected,
            problems=tuple(replace(each, row=int(chosen[each.row])) for each in prepared.problems),
        )

    def scores(self, prepared: Prepared) -> Tensor:
        """Of rows already prepared, (n_good,) float64."""
        return (self.columns(prepared) * self.column_weights).sum(dim=1)

    def columns(self, prepared: Prepared) -> Tensor:
        """What each column adds to the scores, before its weight, and last what none does:
        (n_good, n_columns + 1).
        """
        members = list(self.members.values())
        errors = [member.errors(prepared.x) for member in members]
        if self.locality is not None:
            errors = self.locality.beside(errors, prepared.x, self.members)
        parts = joined(members, errors, self.factors, prepared)
        n_columns = len(self.preparation.columns)
        owner = torch.cat([self.preparation.owner, torch.tensor([n_columns])])
        sums = torch.zeros(len(parts), n_columns + 1, dtype=torch.float64)
        return sums.index_add_(1, owner, parts)

    def weigh(self, column_weights: Tensor) -> "RowDetector":
        """The same with other weights of columns, calibrated anew."""
        calibration = (self.held_out * column_weights).sum(dim=1)
        return replace(self, column_weights=column_weights, calibration=calibration)

    def threshold_at(self, alert_rate: float) -> float | None:
        """The score above which a row is an anomaly at that rate; None: too few were held out."""
        return threshold_at(alert_rate, self.calibration)


def joined(
    members: list[Member], errors: list[Tensor], factors: Tensor, prepared: Prepared
) -> Tensor:
    """Errors of several members, each by its factor, summed feature by feature.

    errors: (n_rows, n_varying) each, or (n_rows, 1). Departures from what was constant in training
    count in every member that tells features apart, and alone where there is none.
    (n_rows, n_varying + n_constant + 1); the last column is of no feature.
    """
    varying = torch.zeros_like(prepared.x)
    rest = prepared.x.new_zeros(len(prepared.x), 1)
    for member, error, factor in zip(members, errors, factors, strict=True):
        (varying if member.tells_features else rest).add_(error * factor)
    telling = [num for num, member in enumerate(members) if member.tells_features]
    weight = factors[telling].sum() if telling else 1.0
    return torch.cat([varying, prepared.unseen * weight, rest], dim=1)
