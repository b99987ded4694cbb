"""`hourglass detect` and `hourglass detectors`, on files and on a database."""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from models.estimators.outliers import AutoencoderOutlierDetector
from pipelines.data.images import check_image
from pipelines.registry.store import Store
from pipelines.runs.chains import CHAINS
from pipelines.settings import Settings
from pipelines.storage.engine import create_engine, writing
from pipelines.storage.images import put_images
from pipelines.watch.asking import checked_table, request_detector
from pipelines.watch.settings import DETECTORS, settings_of
from pipelines.watch.table_files import table_of_rows
from pipelines.workflows import carry_out
from service.app import create_app
from service.cli import main
from tests.detectors.test_windows import waves
from tests.pictures import png
from tests.watch.test_detector_scores import NAMES, numbers, rows_of

USUAL, NEW = numbers(60), numbers(30, seed=1)
STRANGE = [dict(zip(NAMES, row, strict=True)) for row in ((230, 70, 30), (170, 70, 190))]
FAST = ("--form", "fast", "--seed", "7")


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, [*arguments], input=stdin)


def csv_of(x: np.ndarray[Any, Any], *more: str) -> bytes:
    lines = [",".join(NAMES), *(",".join(map(repr, row)) for row in x.tolist()), *more]
    return "\n".join(lines).encode()


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Usual people, and new ones: a strange one on line 32, two that cannot be used after it."""
    usual, new = tmp_path / "usual.csv.gz", tmp_path / "new.csv"
    usual.write_bytes(gzip.compress(csv_of(USUAL)))
    new.write_bytes(csv_of(NEW, "170,170,30", "tall,70,30", "1,2"))
    return str(usual), str(new)


def test_the_strangest_rows_are_printed_with_reasons(files: tuple[str, str]) -> None:
    usual, new = files
    answer = run("detect", new, "--fit-on", usual, *FAST, "-n", "2", "--alert-rate", "0.1")
    assert answer.exit_code == 0, answer.stderr
    head, first, _ = answer.stdout.splitlines()
    assert "31 rows scored, 2 left out" in head
    assert first.startswith("line 32 ")
    assert "anomaly" in first
    assert "weight 170" in first
    assert "line 33: height is 'tall'; it must be a number." in answer.stderr
    assert "line 34: The row has 2 cells where the header has 3." in answer.stderr


def test_json_is_one_document_and_all_scores_go_into_a_file(
    files: tuple[str, str], tmp_path: Path
) -> None:
    output = tmp_path / "scores.csv"
    sent = ("detect", files[1], "--fit-on", files[0], *FAST, "--json", "--output", str(output))
    document = json.loads(run(*sent).stdout)
    assert [row["line"] for row in document["rows"]][0] == 32
    assert len(document["rows"]) == 10
    assert [(each["line"], each["column"]) for each in document["problems"]] == [
        (33, "height"),
        (34, None),
    ]
    with output.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == list(range(33))
    assert float(rows[30]["anomaly_score"]) == document["rows"][0]["anomaly_score"]
    assert [row["problem"] != "" for row in rows[29:]] == [False, False, True, True]


def test_a_notebook_a_file_and_the_service_agree_to_the_digit(
    files: tuple[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, new = files
    monkeypatch.setenv("HOURGLASS_HOME", str(settings.home))
    notebook = AutoencoderOutlierDetector(form="fast", calibration_share=0.2, random_state=7)
    expected = sorted((-notebook.fit(USUAL).score_samples(NEW)).tolist())
    detector_id = fitted(settings)
    for how in (("--fit-on", usual, *FAST), ("--detector", detector_id)):
        document = json.loads(run("detect", new, *how, "-n", "31", "--json").stdout)
        found = [row["anomaly_score"] for row in document["rows"] if row["line"] < 32]
        assert sorted(found) == expected


def fitted(settings: Settings) -> str:
    """The id of a detector of the usual people that the worker's steps have fitted."""
    chosen = settings_of({"form": "fast", "seed": 7})
    packed = checked_table(table_of_rows(rows_of(USUAL)), chosen)
    engine, store = create_engine(settings.database_url), Store(settings.store_url)
    with writing(engine) as session:
        asked = request_detector(session, chosen, packed, now=datetime.now(UTC))
    for name, _ in CHAINS[DETECTORS].steps:
        carry_out(engine, store, settings.home, step=name, run_id=asked.run_id)
    engine.dispose()
    return asked.detector_id


def test_detectors_are_listed_shown_and_deleted(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOURGLASS_HOME", str(settings.home))
    detector_id = fitted(settings)
    assert detector_id in run("detectors", "list").stdout
    assert "48 rows to learn from, 12 held out" in run("detectors", "show", detector_id).stdout
    assert json.loads(run("detectors", "delete", detector_id, "--json").stdout)["deleted"]
    assert json.loads(run("detectors", "list", "--json").stdout) == {"detectors": []}
    assert run("detectors", "show", detector_id).exit_code == 1


def test_standard_input_is_judged_by_itself_and_says_so() -> None:
    answer = run("detect", "-", *FAST, "-n", "1", stdin=csv_of(NEW))
    assert answer.exit_code == 0
    assert answer.stdout.startswith("standard input: 30 rows scored")
    assert "these very rows" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("nowhere.csv",), 1),
        (("-", "--regime", "dirty"), 1),
        (("-", "--ignore", "shoe"), 1),
        (("-", "--alert-rate", "2"), 1),
        (("-", "--detector", "a", "--fit-on", "b"), 2),
        ((), 2),
    ],
)
def test_exit_codes_are_those_of_every_command(arguments: tuple[str, ...], code: int) -> None:
    answer = run("detect", *arguments, "--json", stdin=csv_of(NEW[:5]))
    assert answer.exit_code == code
    assert code == 2 or json.loads(answer.stdout)["detail"]


def test_labels_move_the_threshold_and_weigh_columns_as_over_http(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOURGLASS_HOME", str(settings.home))
    detector_id, sent = fitted(settings), tmp_path / "strange.csv"
    sent.write_bytes(csv_of(NEW[:3], "230,70,30", "170,70,190"))
    client = create_app(settings, watch=False).test_client()

    def served(**options: object) -> Any:
        body = {"rows": [*rows_of(NEW[:3]), *STRANGE], "alert_rate": 0.1, "n": 5, **options}
        return client.post(f"/v1/detectors/{detector_id}/score", json=body).json

    def printed() -> Any:
        asked = ("detect", str(sent), "--detector", detector_id, "--alert-rate", "0.1", "--json")
        return json.loads(run(*asked).stdout)

    def agree() -> bool:
        names = ("threshold", "promised_rate", "n_anomalies", "n_calibration", "version", "notes")
        http, cli = served(), printed()
        assert [row["p_value"] for row in cli["rows"]] == [row["p_value"] for row in http["rows"]]
        return [http[name] for name in names] == [cli[name] for name in names]

    assert agree()
    before = printed()["threshold"]
    kept = served(keep=True)["rows"]
    early = json.loads(run("detectors", "reweight", detector_id, "--json").stdout)
    assert "at least one of each" in early["detail"]
    for row, label in ((kept[0], "right"), (kept[4], "right"), (kept[1], "false-alarm")):
        assert run("anomalies", "label", row["anomaly_id"], label).exit_code == 0
    assert agree()
    assert printed()["threshold"] != before

    told = json.loads(run("detectors", "reweight", detector_id, "--json").stdout)
    assert (told["version"], told["figures"]["n_labels"]) == (1, 3)
    assert told == client.get(f"/v1/detectors/{detector_id}/weights").json
    assert agree()
    undone = json.loads(run("detectors", "reweight", detector_id, "--undo", "--json").stdout)
    assert (undone["version"], set(undone["weights"].values())) == (0, {1.0})
    again = run("detectors", "reweight", detector_id)
    assert again.stdout.splitlines()[0] == f"{detector_id}  version 1"
    assert run("detectors", "reweight", detector_id, "--undo").exit_code == 0
    assert run("detectors", "reweight", detector_id, "--undo").exit_code == 1
    assert agree()


def test_odd_stretches_of_a_series_are_printed_where_they_are(tmp_path: Path) -> None:
    usual, new = tmp_path / "usual.csv", tmp_path / "new.csv"
    odd = waves(100, 1)
    odd[40:60, 1] = odd[40, 1]
    for path, series in ((usual, waves(600, 0)), (new, odd)):
        rows = [
            f"2026-01-01T{num // 60:02}:{num % 60:02},{flow},{heat}"
            for num, (flow, heat) in enumerate(series.tolist())
        ]
        path.write_text("\n".join(["at,flow,heat", *rows]))
    asked = ("detect", str(new), "--fit-on", str(usual), *FAST, "--regime", "clean", "--series")
    asked = (*asked, "--order", "at", "--window", "8", "--alert-rate", "0.02")
    answer = run(*asked, "-n", "1")
    assert answer.exit_code == 0, answer.stderr
    head, first = answer.stdout.splitlines()
    assert "100 rows scored, 0 left out" in head
    assert first.startswith(("line 3", "line 4"))
    assert "2026-01-01T0" in first
    assert "heat" in first
    document = json.loads(run(*asked, "--json").stdout)
    assert 30 <= document["stretches"][0]["start"] <= 50
    refused = run("detect", str(new), *FAST, "--order", "at")
    assert refused.exit_code == 1
    assert "a detector over table has no order" in refused.stderr


def test_a_detector_over_what_is_stored_is_asked_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOURGLASS_HOME", str(settings.home))
    nothing = run("detectors", "add", "images")
    assert nothing.exit_code == 1
    assert "No item has an image" in nothing.stderr
    engine = create_engine(settings.database_url)
    images = {f"i{num}": check_image(png(40 * num)) for num in range(6)}
    with writing(engine) as session:
        put_images(session, images=images, now=datetime.now(UTC))
    engine.dispose()
    asked = run("detectors", "add", "images", "--name", "pictures")
    assert asked.exit_code == 0, asked.stderr
    assert asked.stdout.startswith("pictures-")
    assert "is queued: 6 rows" in asked.stdout
    (listed,) = json.loads(run("detectors", "list", "--json").stdout)["detectors"]
    assert (listed["over"], listed["status"]) == ("images", "queued")
    assert run("detectors", "add", "table").exit_code == 2
    assert "has no window" in run("detectors", "add", "images", "--window", "9").stderr
