"""From the cells of a table to bounded, standardised features, as fitted on training rows.

A column of numbers becomes its value and whether it is missing; a column of categories one feature
a level, one for any other, and whether it is missing. Features that vary in training are what
detectors learn from; of one that did not, only a departure from its one value can be told.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from models.detectors.cells import (
    Array,
    RowProblem,
    Table,
    holds_numbers,
    n_rows_of,
    read_numbers,
    read_words,
)
from models.errors import RowsError, choice_error

BOUND = 10.0
"""Standard deviations up to which a feature counts in full; beyond, only as a logarithm."""
MAX_LEVELS = 64
"""Levels of a category that get a feature of their own, the most frequent; the rest share one."""
CONSTANT = 1e-10
"""A standard deviation below this share of the column's size is rounding."""


@dataclass(frozen=True)
class ColumnPlan:
    """How one column becomes features."""

    name: str
    kind: Literal["numeric", "categorical"]
    levels: tuple[str, ...] = ()
    fill: float = 0.0
    """What stands for a missing number: the median."""

    @property
    def n_features(self) -> int:
        return 2 if self.kind == "numeric" else len(self.levels) + 2


@dataclass(frozen=True)
class Prepared:
    """The usable rows of a table as features, and the problems of the others.

    rows (n_good,): their numbers in the table. x (n_good, n_varying): standardised and bounded.
    unseen (n_good, n_constant): squared departures of the features that were constant in training,
    each below BOUND squared.
    """

    rows: Tensor
    x: Tensor
    unseen: Tensor
    problems: tuple[RowProblem, ...]

    def only(self, chosen: Tensor) -> "Prepared":
        """Some of the usable rows, by number or by mask."""
        return replace(self, rows=self.rows[chosen], x=self.x[chosen], unseen=self.unseen[chosen])


@dataclass(frozen=True)
class RowPreparation:
    """What was learned of the columns: float64 throughout, so that a row is itself in any batch.

    mean, scale, varies: (n_features,), in the order of the columns.
    """

    columns: tuple[ColumnPlan, ...]
    mean: Tensor
    scale: Tensor
    varies: Tensor

    @staticmethod
    def fit(
        table: Table, *, categorical: Collection[str] = (), rows: Tensor | None = None
    ) -> tuple["RowPreparation", Prepared]:
        """Learn the columns of a table from some of its usable rows, and prepare all of these.

        rows (n,): the numbers of those to learn from; all by default. Raises as `usable_rows`.
        """
        good = usable_rows(table, categorical=categorical)
        rows = good if rows is None else rows
        plans = tuple(_learned(plan, table, rows) for plan in _kinds(table, categorical))
        raw, problems = _raw_features(table, plans)
        mean, scale, varies = _standardisation(raw[rows.numpy()])
        preparation = RowPreparation(plans, mean, scale, varies)
        return preparation, preparation._prepared(raw, good, problems)

    def prepare(self, table: Table) -> Prepared:
        """The rows of another table. Raises RowsError when its columns are not those learned."""
        _check_columns([plan.name for plan in self.columns], list(table))
        raw, problems = _raw_features(table, self.columns)
        return self._prepared(raw, _good_rows(n_rows_of(table), problems), problems)

    @property
    def owner(self) -> Tensor:
        """The column of each feature, varying ones first, then the constant: (n_features,)."""
        sizes = torch.tensor([plan.n_features for plan in self.columns])
        owner = torch.repeat_interleave(torch.arange(len(self.columns)), sizes)
        return torch.cat([owner[self.varies], owner[~self.varies]])

    def restore(self, x: Tensor) -> list[list[Any]]:
        """The cells that features stand for, row by row: x (n_rows, n_varying)."""
        full = self.mean.expand(len(x), -1).clone()
        full[:, self.varies] = x * self.scale[self.varies] + self.mean[self.varies]
        columns, start = [], 0
        for plan in self.columns:
            columns.append(_cells(plan, full[:, start : start + plan.n_features]))
            start += plan.n_features
        return [list(cells) for cells in zip(*columns, strict=True)]

    def _prepared(self, raw: Array, good: Tensor, problems: list[RowProblem]) -> Prepared:
        standardised = (torch.from_numpy(raw)[good] - self.mean) / self.scale
        x = soft_bound(standardised[:, self.varies])
        away = BOUND * torch.tanh(standardised[:, ~self.varies].abs())
        ordered = sorted(problems, key=lambda problem: problem.row)
        return Prepared(good, x, away.square(), tuple(ordered))


def usable_rows(table: Table, *, categorical: Collection[str] = ()) -> Tensor:
    """The numbers of the rows that can be prepared, (n_good,).

    A column is one of numbers if any value is a number, unless it is named in `categorical`.
    Raises RowsError where there is none.
    """
    _, problems = _raw_features(table, _kinds(table, categorical))
    good = _good_rows(n_rows_of(table), problems)
    if not len(good):
        raise RowsError(_no_row(n_rows_of(table), problems))
    return good


def soft_bound(z: Tensor) -> Tensor:
    """z up to BOUND, beyond it BOUND + log(1 + what is beyond): no value decides alone."""
    beyond = (z.abs() - BOUND).clamp(0.0, torch.finfo(z.dtype).max)
    return z.clamp(-BOUND, BOUND) + z.sign() * torch.log1p(beyond)


def _kinds(table: Table, categorical: Collection[str]) -> tuple[ColumnPlan, ...]:
    """What each column is, with nothing learned from its values."""
    n_rows_of(table)
    for name in categorical:
        if name not in table:
            raise choice_error("categorical", name, table)
    words = [name for name in table if name in categorical or not holds_numbers(table[name])]
    return tuple(ColumnPlan(name, "categorical" if name in words else "numeric") for name in table)


def _learned(plan: ColumnPlan, table: Table, rows: Tensor) -> ColumnPlan:
    """The plan with what the values of these rows teach."""
    values = table[plan.name]
    if plan.kind == "numeric":
        numbers = read_numbers(plan.name, values)[0][rows.numpy()]
        there = numbers[~np.isnan(numbers)]
        return replace(plan, fill=float(np.median(there)) if len(there) else 0.0)
    words = read_words(values)
    counts = Counter(word for row in rows.tolist() if (word := words[row]) is not None)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:MAX_LEVELS]
    return replace(plan, levels=tuple(frequent))


def _raw_features(table: Table, plans: tuple[ColumnPlan, ...]) -> tuple[Array, list[RowProblem]]:
    """Features before standardisation, (n_rows, n_features), and what is wrong with which row."""
    parts: list[Array] = []
    problems: list[RowProblem] = []
    missing = np.ones(n_rows_of(table), dtype=bool)
    for plan in plans:
        if plan.kind == "numeric":
            numbers, wrong = read_numbers(plan.name, table[plan.name])
            problems += wrong
            absent = np.isnan(numbers)
            parts.append(np.column_stack([np.where(absent, plan.fill, numbers), absent]))
        else:
            parts.append(_one_hot(plan, read_words(table[plan.name])))
            absent = parts[-1][:, -1] > 0
        missing &= absent
    wrong_rows = {problem.row for problem in problems}
    for row in np.flatnonzero(missing).tolist():
        if row not in wrong_rows:
            problems.append(RowProblem(row, None, "All cells of the row are missing."))
    return np.column_stack(parts), problems


def _one_hot(plan: ColumnPlan, words: list[str | None]) -> Array:
    """One feature a level, one for a word that is none of them, one for none at all."""
    nums = {word: num for num, word in enumerate(plan.levels)}
    n_levels = len(plan.levels)
    chosen = [n_levels + 1 if word is None else nums.get(word, n_levels) for word in words]
    hot: Array = np.eye(n_levels + 2)[np.array(chosen, dtype=np.int64)]
    return hot


def _good_rows(n_rows: int, problems: list[RowProblem]) -> Tensor:
    good = torch.ones(n_rows, dtype=torch.bool)
    good[[problem.row for problem in problems]] = False
    return good.nonzero()[:, 0]


def _standardisation(raw: Array) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and scale of each feature, and whether it varies: (n_features,) each.

    The scale of one that does not is its size, at least 1: what counts as far from a value that
    was always the same. Sizes are divided out first, so that no square overflows.
    """
    size = np.abs(raw).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    shrunk = raw / size
    deviation = shrunk.std(axis=0)
    varies = (deviation > CONSTANT) & (raw.min(axis=0) < raw.max(axis=0))
    mean = np.where(varies, shrunk.mean(axis=0) * size, raw[0])
    scale = np.where(varies, deviation * size, np.maximum(np.abs(raw[0]), 1.0))
    return torch.from_numpy(mean), torch.from_numpy(scale), torch.from_numpy(varies)


def _cells(plan: ColumnPlan, features: Tensor) -> list[Any]:
    """The values that a column's features stand for: numbers, or the likeliest level."""
    if plan.kind == "numeric":
        return list(features[:, 0].tolist())
    words = [*plan.levels, None, None]
    return [words[num] for num in features.argmax(dim=1).tolist()]


def _check_columns(known: list[str], given: list[str]) -> None:
    absent = [name for name in known if name not in given]
    new = [name for name in given if name not in known]
    if absent or new:
        parts = [f"missing: {', '.join(absent)}"] if absent else []
        parts += [f"unknown: {', '.join(new)}"] if new else []
        detail = f"The columns are not those the detector was fitted on ({'; '.join(parts)})."
        raise RowsError(detail)


def _no_row(n_rows: int, problems: list[RowProblem]) -> str:
    if not n_rows:
        return "The table has no rows."
    return f"None of the {n_rows} rows can be used; the first: {problems[0].detail}"
