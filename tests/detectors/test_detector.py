"""The detector whole: what it finds, what it promises, why, and what is kept of it."""

import json
from typing import Any, get_args

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from models.detectors.detector import DetectorConfig, RowDetector
from models.detectors.explanation import UNATTRIBUTED, explain
from models.detectors.fit import fit_detector
from models.detectors.kept import pack, unpack
from models.detectors.members import MemberName
from models.errors import ConfigError, RowsError
from models.scoring.calibration import alerts_interval


def drawn(n: int, seed: int) -> dict[str, Any]:
    """Usual rows: weight follows height, plan is one of two, origin is always the same."""
    rng = np.random.default_rng(seed)
    height = rng.normal(170, 10, n)
    return {
        "height": height,
        "weight": 0.9 * height - 90 + rng.normal(0, 3, n),
        "spent": rng.lognormal(3, 1, n),
        "plan": rng.choice(["free", "paid"], n).tolist(),
        "origin": ["here"] * n,
    }


def cut(table: dict[str, Any], start: int, end: int) -> dict[str, Any]:
    return {name: values[start:end] for name, values in table.items()}


def fitted(table: dict[str, Any], **options: Any) -> RowDetector:
    config = DetectorConfig(**{"form": "fast", **options})
    return fit_detector(table, config, generator=torch.Generator().manual_seed(0)).detector


STRANGE = {
    "height": [190.0, 171.0, 170.0],
    "weight": [50.0, 64.0, 63.0],
    "spent": [20.0, 20.0, 1e9],
    "plan": ["free", "gold", "free"],
    "origin": ["here", "here", "there"],
}
EVERYTHING: tuple[MemberName, ...] = get_args(MemberName)


@pytest.fixture(scope="module")
def detector() -> RowDetector:
    return fitted(drawn(400, 0))


@pytest.fixture(scope="module")
def of_everything() -> RowDetector:
    return fitted(drawn(200, 0), members=EVERYTHING)


def test_strange_rows_stand_out_and_the_reason_is_named(detector: RowDetector) -> None:
    scored = detector.score(STRANGE)
    assert scored.p_values is not None
    assert scored.p_values[0] < 0.1
    assert (scored.p_values[1:] == 1 / 81).all()  # stranger than all of the 80 held out
    reasons = [explained.contributions[0] for explained in explain(detector, STRANGE)[0]]
    assert reasons[0].column in ("height", "weight")
    assert [reason.column for reason in reasons[1:]] == ["plan", "origin"]
    assert reasons[1].observed == "gold"
    assert reasons[1].expected in ("free", "paid")


def test_a_typical_row_scores_about_one(detector: RowDetector) -> None:
    assert float(detector.score(drawn(300, 5)).scores.median()) == pytest.approx(1, abs=0.5)


def test_contributions_sum_to_the_score(of_everything: RowDetector) -> None:
    table = drawn(20, 1)
    explained, _ = explain(of_everything, table)
    sums = [sum(each.contribution for each in row.contributions) for row in explained]
    assert sums == pytest.approx([row.score for row in explained], rel=1e-9)
    scores = of_everything.score(table).scores.tolist()
    assert [row.score for row in explained] == pytest.approx(scores, rel=1e-9)
    assert explained[0].contributions[-1].column == UNATTRIBUTED


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_member_alone_tells_what_was_never_seen_where_nothing_varied(name: MemberName) -> None:
    alone = fitted({**drawn(60, 0), "version": [1.0] * 60}, members=(name,))
    assert list(alone.members) == [name]
    row = {**cut(drawn(60, 0), 0, 1), "version": [1.0]}
    strange = {**row, "version": [1e6]}
    assert alone.score(strange).scores > alone.score(row).scores + 1
    (explained,), _ = explain(alone, strange)
    assert explained.contributions[0].column == "version"
    assert sum(each.contribution for each in explained.contributions) == pytest.approx(
        float(alone.score(strange).scores), rel=1e-9
    )
    tensors, values = pack(alone)
    again = unpack(load(save(tensors)), json.loads(json.dumps(values)))
    assert torch.equal(again.score(strange).scores, alone.score(strange).scores)


def test_a_row_scores_the_same_in_any_batch(of_everything: RowDetector) -> None:
    table = drawn(40, 2)
    together = of_everything.score(table).scores
    alone = [of_everything.score(cut(table, row, row + 1)).scores for row in range(40)]
    assert torch.cat(alone).numpy() == pytest.approx(together.numpy(), rel=1e-9)


def test_what_is_kept_scores_to_the_digit(of_everything: RowDetector) -> None:
    tensors, values = pack(of_everything)
    again = unpack(load(save(tensors)), json.loads(json.dumps(values)))
    table = drawn(40, 3)
    assert torch.equal(again.score(table).scores, of_everything.score(table).scores)
    assert again.threshold_at(0.1) == of_everything.threshold_at(0.1)
    assert again.config == of_everything.config
    with pytest.raises(RowsError, match="format 9"):
        unpack(tensors, {**values, "format": 9})


@pytest.mark.parametrize("kind", ["variational", "contractive"])
def test_other_kinds_score_alike_in_any_batch_and_after_keeping(kind: str) -> None:
    small = fitted(drawn(60, 0), kind=kind, members=("networks", "code-neighbours"))
    table = drawn(10, 2)
    tensors, values = pack(small)
    again = unpack(load(save(tensors)), json.loads(json.dumps(values)))
    alone = [again.score(cut(table, row, row + 1)).scores for row in range(10)]
    assert torch.cat(alone).numpy() == pytest.approx(small.score(table).scores.numpy(), rel=1e-9)


def test_a_long_tail_does_not_hide_what_is_strange_elsewhere() -> None:
    """Of Cauchy cells some are thousands of deviations off, in usual rows too."""
    rng = np.random.default_rng(0)
    tables = [{**drawn(n, n), "tail": rng.standard_cauchy(n) * 1e3} for n in (300, 200)]
    learned = fitted(tables[0], regime="clean")
    row = {**cut(tables[1], 0, 1), "height": [190.0], "weight": [50.0], "tail": [0.0]}
    usual = learned.score(tables[1]).scores
    assert torch.isfinite(usual).all()
    assert learned.score(row).scores > usual.quantile(0.95)


def test_one_seed_gives_one_detector() -> None:
    table = drawn(60, 0)
    first, second = (fitted(table).score(table).scores for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("alert_rate", "n_rows", "share"), [(0.1, 100, 0.5), (0.01, 300, 0.9), (0.001, 1100, 0.95)]
)
def test_alerts_on_fresh_clean_rows_keep_the_promise(
    alert_rate: float, n_rows: int, share: float
) -> None:
    """In each of 200 draws a detector is fitted to fresh rows, and judged by other fresh ones."""
    outside = 0
    for draw in range(200):
        table = with_rare_words(drawn(2 * n_rows, draw), draw)
        del table["spent"], table["plan"], table["origin"]
        scorer = fitted(
            cut(table, 0, n_rows),
            regime="clean",
            members=("mahalanobis",),
            calibration_share=share,
        )
        scored = scorer.score(cut(table, n_rows, 2 * n_rows))
        assert scored.p_values is not None
        alerts = int((scored.p_values <= alert_rate).sum())
        assert alerts == int((scored.scores > scorer.threshold_at(alert_rate)).sum())
        low, high = alerts_interval(alert_rate, len(scorer.calibration), n_rows)
        outside += not low <= alerts <= high
    assert outside <= 7


def with_rare_words(table: dict[str, Any], seed: int) -> dict[str, Any]:
    """And a town, of which most are seen once or never."""
    towns = np.random.default_rng(seed).zipf(1.2, len(table["height"]))
    return {**table, "town": [f"town-{town}" for town in towns]}


def test_a_row_teaches_or_calibrates_and_never_both() -> None:
    """Each row in turn is made another: what is learned changes, or what is held out, by turns."""
    table = with_rare_words(drawn(20, 0), 0)
    learned, held_out = kept_of(table)
    changed = {"teaches": 0, "calibrates": 0}
    for row in range(20):
        other = {**table, "height": table["height"].copy(), "town": [*table["town"]]}
        other["height"][row], other["town"][row] = 1e6, "nowhere"
        learned_now, held_out_now = kept_of(other)
        if learned_now == learned:
            assert held_out_now != held_out
            changed["calibrates"] += 1
        else:
            changed["teaches"] += 1
    assert changed == {"teaches": 16, "calibrates": 4}


def kept_of(table: dict[str, Any]) -> tuple[Any, Any]:
    """All that a detector keeps but the scores of the rows held out, and these."""
    tensors, values = pack(fitted(table, members=("neighbours", "mahalanobis")))
    held_out = (tensors.pop("calibration").tolist(), tensors.pop("held_out").tolist())
    return (values, {name: tensor.tolist() for name, tensor in tensors.items()}), held_out


def test_the_threshold_is_what_is_above_at_the_rate_asked(detector: RowDetector) -> None:
    threshold = detector.threshold_at(0.1)
    scored = detector.score(drawn(200, 6))
    assert scored.p_values is not None
    assert torch.equal(scored.scores > threshold, scored.p_values <= 0.1)
    assert detector.threshold_at(0.001) is None  # 80 are too few for that
    with pytest.raises(ConfigError, match="alert_rate is 1"):
        detector.threshold_at(1)


def test_dense_strange_rows_hide_from_a_clean_regime_only() -> None:
    table = drawn(300, 0)
    crowd = np.random.default_rng(1).normal(0, 0.5, 30)
    for name, middle in (("height", 250.0), ("weight", 20.0), ("spent", 4000.0)):
        table[name] = np.concatenate([table[name], middle + crowd])
    table["plan"] += ["free"] * 30
    table["origin"] += ["here"] * 30
    caught = {}
    for regime in ("clean", "contaminated"):
        scores = fitted(table, regime=regime, calibration_share=0.0).score(table).scores
        caught[regime] = int((scores.topk(30).indices >= 300).sum())
    assert caught["contaminated"] == 30
    assert caught["clean"] < 30


def test_a_batch_scores_the_good_rows_and_names_the_bad(detector: RowDetector) -> None:
    table = {**drawn(3, 1), "height": [170, "tall", float("inf")]}
    scored = detector.score(table)
    assert scored.rows.tolist() == [0]
    assert [(each.row, each.column) for each in scored.problems] == [(1, "height"), (2, "height")]
    nothing = detector.score({**table, "height": ["a", "b", "c"]})
    assert len(nothing.scores) == 0


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_few_rows_are_enough_to_begin_with(n: int) -> None:
    small = fitted(cut(drawn(9, 0), 0, n))
    scores = small.score(STRANGE).scores
    assert torch.isfinite(scores).all()
    assert scores.min() > small.score(cut(drawn(9, 0), 0, n)).scores.median()


def test_a_fit_lists_the_rows_that_taught_nothing() -> None:
    table = {**drawn(30, 0), "height": ["tall", *drawn(30, 0)["height"][1:].tolist()]}
    config = DetectorConfig(form="fast", members=("neighbours",))
    found = fit_detector(table, config, generator=torch.Generator().manual_seed(0))
    assert [problem.row for problem in found.problems] == [0]


def test_strange_rows_of_training_are_counted() -> None:
    table = drawn(300, 0)
    table["height"][:15] = 260.0
    del table["spent"]
    share = fitted(table, members=("neighbours",)).contamination
    assert share == pytest.approx(0.05, abs=0.03)
    assert fitted(cut(table, 15, 300), members=("neighbours",)).contamination < 0.03
