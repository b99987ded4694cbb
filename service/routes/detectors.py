"""Detectors: asked for, listed, deleted, and rows scored by them. A worker fits them."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from pipelines.registry.store import Store
from pipelines.storage.detectors import StoredDetector, list_detectors
from pipelines.storage.tables import Run
from pipelines.watch.answers import Wanted, drift_of_wanted, plan_detector, score_wanted
from pipelines.watch.asking import (
    Asked,
    check_rows,
    checked_table,
    delete_detector,
    found_detector,
    remove_detector_files,
    request_detector,
)
from pipelines.watch.drift_reports import Report
from pipelines.watch.plans import Plan
from pipelines.watch.reweighting import Weighed, request_reweight, undo_reweight, weighed
from pipelines.watch.row_table import RowTable
from pipelines.watch.scoring import Rule, ScoredRows, kinds_of
from pipelines.watch.settings import DetectorSettings, settings_of
from pipelines.watch.table_files import table_of_rows
from service.context import context
from service.openapi import DETECTOR_BODY, DRIFT_BODY, SCORE_BODY
from service.pagination import decode_cursor, page
from service.routes.runs import accepted
from service.schemas.detectors import (
    DetectorAccepted,
    DetectorBody,
    DetectorDetail,
    DetectorQuery,
    DetectorsAnswer,
    DriftBody,
    DriftQuery,
    PlanAnswer,
    ScoreBody,
    ScoredAnswer,
    ScoreQuery,
    WeightsAnswer,
)
from service.schemas.drift import DriftReport
from service.schemas.pages import PageQuery
from service.schemas.runs import RunAccepted
from service.table_bodies import sent_table

bp = APIBlueprint("detectors", __name__, url_prefix="/v1", tag="Detectors")


@bp.post("/detectors")
@bp.input(DetectorQuery, location="query", arg_name="query")
@bp.output(DetectorAccepted, status_code=202)
@bp.doc(extensions=DETECTOR_BODY)
def ask(query: DetectorQuery) -> tuple[Asked, int, dict[str, str]]:
    """Ask for a detector

    Over rows that are sent along, or over what is stored. A worker fits it. The same rows and
    settings are the same detector, however often they are sent.
    """
    settings, table = _sent(query)
    check_rows(settings, sent=table is not None)
    packed = None if table is None else checked_table(table, settings)
    with context().writing() as session:
        asked = request_detector(session, settings, packed, now=datetime.now(UTC))
    return asked, 202, {"Location": f"/v1/detectors/{asked.detector_id}"}


@bp.post("/detectors:validate")
@bp.input(DetectorQuery, location="query", arg_name="query")
@bp.output(PlanAnswer)
@bp.doc(extensions=DETECTOR_BODY)
def validate(query: DetectorQuery) -> Plan:
    """Say what a detector would be fitted to

    Nothing is stored: which rows and columns would be used and left out, and which alert rates
    could be promised.
    """
    settings, table = _sent(query)
    return plan_detector(context().engine, settings, table)


@bp.get("/detectors")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(DetectorsAnswer)
def list_all(query: PageQuery) -> dict[str, Any]:
    """List detectors

    Newest first.
    """
    after = decode_cursor("detectors", query.cursor, size=1)
    with context().reading() as session:
        rows = list_detectors(session, limit=query.limit + 1, after=after[0] if after else None)
    kept, following = page(
        rows, kind="detectors", limit=query.limit, position=lambda row: [row.detector_id]
    )
    return {"detectors": kept, "next_cursor": following}


@bp.get("/detectors/<detector_id>")
@bp.output(DetectorDetail)
def get(detector_id: str) -> StoredDetector:
    """Read a detector

    How it stands, and what it learned from.
    """
    with context().reading() as session:
        return found_detector(session, detector_id)


@bp.delete("/detectors/<detector_id>")
@bp.output({}, status_code=204, description="Removed")
def delete(detector_id: str) -> Response:
    """Remove a detector

    With all that it found; a run that fits it is called off.
    """
    parts = context()
    with parts.writing() as session:
        delete_detector(session, detector_id=detector_id, now=datetime.now(UTC))
    remove_detector_files(Store(parts.settings.store_url), detector_id)
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


@bp.post("/detectors/<detector_id>/score")
@bp.input(ScoreQuery, location="query", arg_name="query")
@bp.output(ScoredAnswer)
@bp.doc(extensions=SCORE_BODY, responses={409: "Its fit failed or was called off"})
def score(detector_id: str, query: ScoreQuery) -> ScoredRows:
    """Score rows, or what is stored

    With what each column adds to the score. Rows that cannot be used are listed, the others scored.
    """
    parts = context()
    sent = sent_table(ScoreBody, query)
    loaded = parts.detectors.get(detector_id)
    options = dict(sent.options)
    rule = Rule(options.pop("alert_rate", None), options.pop("false_discovery_rate", None))
    table = sent.read(kinds_of(loaded))
    wanted = Wanted(**{"rows": table, **options})
    return score_wanted(parts.engine, loaded, wanted, rule, now=datetime.now(UTC))


@bp.post("/detectors/<detector_id>/drift")
@bp.input(DriftQuery, location="query", arg_name="query")
@bp.output(DriftReport)
@bp.doc(extensions=DRIFT_BODY, responses={409: "Its fit failed or was called off"})
def drift(detector_id: str, query: DriftQuery) -> Report:
    """Say whether rows have drifted

    From those that the detector was fitted to, column by column. The report is kept.
    """
    parts = context()
    sent = sent_table(DriftBody, query)
    loaded = parts.detectors.get(detector_id)
    wanted = Wanted(**{"rows": sent.read(kinds_of(loaded)), **sent.options})
    return drift_of_wanted(parts.engine, loaded, wanted, now=datetime.now(UTC))


@bp.post("/detectors/<detector_id>/reweight")
@bp.output(RunAccepted, status_code=202)
@bp.doc(responses={409: "Labels of both sorts are needed"})
def reweigh(detector_id: str) -> tuple[Run, int, dict[str, str]]:
    """Weigh the columns anew

    By the labels of what the detector found: a run does it, and its metrics tell before and after.
    """
    parts = context()
    loaded = parts.detectors.get(detector_id)
    with parts.writing() as session:
        run = request_reweight(session, loaded, now=datetime.now(UTC))
    return accepted(run)


@bp.get("/detectors/<detector_id>/weights")
@bp.output(WeightsAnswer)
def weights(detector_id: str) -> Weighed:
    """Read what the columns count

    With the figures before and after the labels spoke.
    """
    parts = context()
    loaded = parts.detectors.get(detector_id)
    with parts.reading() as session:
        return weighed(session, loaded)


@bp.delete("/detectors/<detector_id>/weights")
@bp.output(WeightsAnswer)
@bp.doc(responses={409: "There is nothing to undo"})
def undo_weights(detector_id: str) -> Weighed:
    """Undo the newest weights

    The weights before them score again.
    """
    parts = context()
    loaded = parts.detectors.get(detector_id)
    with parts.writing() as session:
        return undo_reweight(session, loaded)


def _sent(query: DetectorQuery) -> tuple[DetectorSettings, RowTable | None]:
    """The settings and the table that the request brings."""
    sent = sent_table(DetectorBody, query)
    options = dict(sent.options)
    rows = options.pop("rows", None)
    settings = settings_of(options)
    return settings, sent.read() if rows is None else table_of_rows(rows)
