"""Weights by labels: what they learn, what few labels leave, and what cannot be learned from."""

import numpy as np
import pytest
import torch

from models.detectors.cells import Table
from models.detectors.detector import DetectorConfig, RowDetector
from models.detectors.explanation import explain
from models.detectors.fit import fit_detector
from models.detectors.kept import pack, unpack
from models.detectors.reweighting import reweight
from models.errors import RowsError


def drawn(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=n) for name in ("amount", "hour", "age")}


def strange(n: int, column: str, seed: int) -> Table:
    """Rows that are far off in one column."""
    rows = drawn(n, seed)
    rows[column] = 4 + rows[column]
    return rows


@pytest.fixture(scope="module")
def detector() -> RowDetector:
    config = DetectorConfig(members=("neighbours", "mahalanobis"))
    generator = torch.Generator().manual_seed(0)
    return fit_detector(drawn(300, 0), config, generator=generator).detector


def columns_of(detector: RowDetector, *tables: Table) -> torch.Tensor:
    return torch.cat([detector.columns(detector.preparation.prepare(table)) for table in tables])


def labelled(detector: RowDetector, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows far off in their amount are right, those at odd hours false alarms."""
    columns = columns_of(detector, strange(n, "amount", 1), strange(n, "hour", 2))
    return columns, torch.arange(2 * n) < n


def test_the_column_that_labels_speak_for_counts_more(detector: RowDetector) -> None:
    done = reweight(detector, *labelled(detector, 10))
    amount, hour, age, _ = done.detector.column_weights.tolist()
    assert amount > age > hour > 0
    assert done.before.auroc is not None
    assert done.after.auroc is not None
    assert done.before.auroc < 0.9 < done.after.auroc
    fresh, is_right = columns_of(detector, strange(50, "amount", 3), strange(50, "hour", 4)), 50
    for each, least in ((detector, 0.0), (done.detector, 0.9)):
        scores = (fresh * each.column_weights).sum(dim=1)
        told = (scores[:is_right, None] > scores[None, is_right:]).double().mean()
        assert least < float(told) < (0.7 if least == 0 else 1.01)


def test_rows_held_out_are_scored_anew_and_keep_their_median(detector: RowDetector) -> None:
    done = reweight(detector, *labelled(detector, 10)).detector
    assert float(done.calibration.median()) == pytest.approx(float(detector.calibration.median()))
    assert not torch.allclose(done.calibration, detector.calibration)


def test_contributions_still_sum_to_the_score_kept_and_read_back(detector: RowDetector) -> None:
    done = unpack(*pack(reweight(detector, *labelled(detector, 10)).detector))
    rows = strange(5, "amount", 5)
    for explained, score in zip(explain(done, rows)[0], done.score(rows).scores, strict=True):
        assert sum(each.contribution for each in explained.contributions) == pytest.approx(
            float(score)
        )


def test_the_same_labels_give_the_same_whatever_was_before(detector: RowDetector) -> None:
    columns, is_right = labelled(detector, 5)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(0))
    one = reweight(detector, columns, is_right).detector
    other = reweight(one, columns[order], is_right[order]).detector
    assert torch.allclose(one.column_weights, other.column_weights, rtol=1e-4)


def test_two_labels_change_little(detector: RowDetector) -> None:
    done = reweight(detector, *labelled(detector, 1))
    assert float(done.detector.column_weights.log().abs().max()) < 3
    assert done.after == done.before  # each judged by ones: the other alone says nothing


def test_labels_of_one_sort_are_refused(detector: RowDetector) -> None:
    columns, is_right = labelled(detector, 2)
    with pytest.raises(RowsError, match="2 rows are labelled right and 0 false alarms"):
        reweight(detector, columns[is_right], is_right[is_right])
