"""Tables fitted and scored: bad rows named, columns checked, the rule kept, digits the same."""

import io
from typing import Any

import numpy as np
import pytest

from models.estimators.outliers import AutoencoderOutlierDetector
from pipelines.errors import InvalidInput
from pipelines.registry.store import Store
from pipelines.watch.detector_files import (
    folder_of,
    pack_detector,
    read_detector,
    write_files,
)
from pipelines.watch.fitting import fit_table, plan_fit
from pipelines.watch.loading import LoadedDetector
from pipelines.watch.row_table import RowTable
from pipelines.watch.scoring import Rule, score_rows, table_to_score
from pipelines.watch.settings import settings_of
from pipelines.watch.table_files import read_table, table_of_rows

NAMES = ("height", "weight", "age")


def numbers(n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Heights, weights that follow from them, ages that do not."""
    rng = np.random.default_rng(seed)
    height = rng.normal(170, 8, n)
    return np.column_stack([height, height - 100 + rng.normal(0, 3, n), rng.uniform(20, 60, n)])


def rows_of(x: np.ndarray[Any, Any], **more: Any) -> list[dict[str, Any]]:
    return [{**dict(zip(NAMES, row, strict=True)), **more} for row in x.tolist()]


def fitted(table: RowTable, **settings: Any) -> LoadedDetector:
    chosen = settings_of({"form": "fast", **settings})
    outcome = fit_table(table, chosen)
    return LoadedDetector("people", chosen, outcome.facts, outcome.detector, outcome.references)


@pytest.fixture(scope="module")
def people() -> LoadedDetector:
    """A detector of 300 people and their plans."""
    plans = [{"plan": ["free", "paid"][num % 2]} for num in range(300)]
    rows = [{**row, **plan} for row, plan in zip(rows_of(numbers(300)), plans, strict=True)]
    return fitted(table_of_rows(rows), regime="clean")


def score(people: LoadedDetector, rows: list[Any], **rule: float) -> Any:
    return score_rows(people, table_to_score(people, rows), Rule(**rule))


def test_a_notebook_and_a_table_agree_to_the_digit() -> None:
    x, new = numbers(200), numbers(40, seed=1)
    notebook = AutoencoderOutlierDetector(
        regime="clean", form="fast", calibration_share=0.2, random_state=7
    ).fit(x)
    loaded = fitted(table_of_rows(rows_of(x)), regime="clean", seed=7)
    found = score_rows(loaded, table_to_score(loaded, rows_of(new)), Rule())
    assert [row.anomaly_score for row in found.rows] == (-notebook.score_samples(new)).tolist()
    assert [row.p_value for row in found.rows] == notebook.p_values(new).tolist()


def test_files_of_a_detector_score_as_it_did(people: LoadedDetector, tmp_path: Any) -> None:
    store = Store(str(tmp_path))
    packed = pack_detector(people.detector, people.references or {}, people.manifest)
    write_files(store, folder_of("people"), packed, writer="test")
    again = LoadedDetector(
        "people",
        people.settings,
        packed.manifest,
        *read_detector(store, "people", packed.manifest),
    )
    rows = rows_of(numbers(20, seed=3), plan="free")
    assert score(again, rows) == score(people, rows)


def test_contributions_sum_to_the_score_and_name_what_is_strange(people: LoadedDetector) -> None:
    usual = {"height": 170.0, "weight": 70.0, "age": 30.0, "plan": "free"}
    strange = {**usual, "weight": 170.0}
    found = score(people, [usual, strange], alert_rate=0.05)
    for row in found.rows:
        total = sum(each.contribution for each in row.contributions)
        assert total == pytest.approx(row.anomaly_score)
    assert [row.is_anomaly for row in found.rows] == [False, True]
    first = found.rows[1].contributions[0]
    assert (first.column, first.observed) == ("weight", 170.0)
    assert first.expected < 170


def test_bad_rows_are_named_by_row_and_column_and_good_ones_scored(people: LoadedDetector) -> None:
    good = {"height": 170.0, "weight": 70.0, "age": 30.0, "plan": "gold"}  # a word never seen
    bad = [
        {**good, "height": "tall"},
        {**good, "age": float("inf")},
        dict.fromkeys(good),
        {"height": 170.0, "weight": 70.0, "plan": "free"},
        {**good, "shoe": 43},
        "row",
    ]
    found = score(people, [good, *bad, good])
    assert [row.row for row in found.rows] == [0, 7]
    assert found.rows[0].anomaly_score < 1_000
    assert [(each.row, each.column) for each in found.problems] == [
        (1, "height"),
        (2, "age"),
        (3, None),
        (4, "age"),
        (5, "shoe"),
        (6, None),
    ]
    assert found.problems[0].detail == "height is 'tall'; it must be a number."


def test_a_table_of_other_columns_is_refused_by_column(people: LoadedDetector) -> None:
    csv = b"height,wieght,age,plan,shoe\n170,70,30,free,43\n"
    with pytest.raises(InvalidInput) as refused:
        score_rows(people, read_table(io.BytesIO(csv), called="x.csv"), Rule())
    told = {each.pointer: each.detail for each in refused.value.errors}
    assert list(told) == ["/columns/weight", "/columns/wieght", "/columns/shoe"]
    assert "Is it 'weight'?" in told["/columns/wieght"]
    with pytest.raises(InvalidInput, match="No row has the columns"):
        score(people, [{"item_id": "a"}])


def test_rates_that_cannot_be_promised_are_said_to_be(people: LoadedDetector) -> None:
    rows = rows_of(numbers(10, seed=3), plan="free")
    lacking = score(people, rows, alert_rate=0.001)
    assert (lacking.threshold, lacking.n_anomalies) == (None, 0)
    assert "60 calibration scores cannot promise" in lacking.notes[0]
    among = [*rows, *rows_of(np.array([[170.0, 370.0, 30.0]] * 4), plan="free")]
    found = score(people, among, false_discovery_rate=0.1)
    assert {row.row for row in found.rows if row.is_anomaly} >= {10, 11, 12, 13}
    with pytest.raises(InvalidInput, match="not both"):
        Rule(alert_rate=0.1, false_discovery_rate=0.1)
    with pytest.raises(InvalidInput, match="alert_rate is 2"):
        Rule(alert_rate=2)


def test_a_plan_tells_what_is_used_dropped_and_too_little() -> None:
    rows = rows_of(numbers(30))
    for num, row in enumerate(rows):
        row |= {"name": f"person {num}", "country": "CH", "plan": ["free", "paid"][num % 2]}
    rows[3]["height"] = "tall"
    table = table_of_rows(rows)
    plan = plan_fit(table, settings_of({"ignore": ["age"]}))
    assert (plan.n_rows, plan.n_usable, plan.n_calibration) == (30, 29, 5)
    assert plan.smallest_alert_rate == pytest.approx(1 / 6)
    assert [each.column for each in plan.left_out] == ["age", "name"]
    assert {each.column: each.kind for each in plan.columns} == {
        "height": "numeric",
        "weight": "numeric",
        "country": "categorical",
        "plan": "categorical",
    }
    assert [each.column for each in plan.columns if each.constant] == ["country"]
    assert "29 rows are few" in plan.notes[0]
    facts = fit_table(table, settings_of({"ignore": ["age"], "form": "fast"})).facts
    assert facts["n_problems"] == plan.n_problems == 1


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"regime": "dirty"}, "/regime"),
        ({"seed": -1}, "/seed"),
        ({"name": "a/b"}, "/name"),
        ({"over": "rows"}, "/over"),
        ({"colour": 1}, "/colour"),
        ({"calibration_share": "half"}, "/calibration_share"),
        ({"ignore": ["x"]}, "/ignore"),
        ({"categorical": ["x"]}, "/categorical"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_fit(table_of_rows(rows_of(numbers(5))), settings_of(settings))
    assert [each.pointer for each in refused.value.errors] == [pointer]


def test_a_table_of_which_no_row_can_be_read_is_refused_with_the_first_reason() -> None:
    table = read_table(io.BytesIO(b"a,b\n1\n1,2,3\n"), called="the body")
    with pytest.raises(InvalidInput, match="None of the 2 rows can be read. Row 0: The row has 1"):
        plan_fit(table, settings_of({}))
