"""Runs: asked for, followed, called off. A worker carries them out, never the web process."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint

from pipelines.runs.requests import cancel_run, request_run, requested_config
from pipelines.storage import runs as storage
from pipelines.storage.tables import Run
from service.context import context
from service.lookup import found
from service.pagination import decode_cursor, page
from service.schemas.pages import PageQuery
from service.schemas.runs import RunAccepted, RunAnswer, RunBody, RunsAnswer

bp = APIBlueprint("runs", __name__, url_prefix="/v1/runs", tag="Runs")

EXAMPLE = {"config": "denoising"}


def accepted(run: Run) -> tuple[Run, int, dict[str, str]]:
    """The answer that says where to follow a run."""
    return run, 202, {"Location": f"/v1/runs/{run.run_id}"}


@bp.post("")
@bp.input(RunBody, arg_name="body", example=EXAMPLE)
@bp.output(RunAccepted, status_code=202)
def start_run(body: RunBody) -> tuple[Run, int, dict[str, str]]:
    """Ask for a run

    A worker (`hourglass worker`) carries it out when those before it are over.
    """
    config = requested_config(body.config, **body.model_dump(exclude={"config"}))
    with context().writing() as session:
        run = request_run(session, config, now=datetime.now(UTC))
    return accepted(run)


@bp.get("")
@bp.input(PageQuery, location="query", arg_name="query")
@bp.output(RunsAnswer)
def list_runs(query: PageQuery) -> dict[str, Any]:
    """List runs

    Newest first.
    """
    after = decode_cursor("runs", query.cursor, size=1)
    with context().reading() as session:
        rows = storage.list_runs(session, limit=query.limit + 1, after=after[0] if after else None)
    runs, following = page(rows, kind="runs", limit=query.limit, position=lambda row: [row.run_id])
    return {"runs": runs, "next_cursor": following}


@bp.get("/<run_id>")
@bp.output(RunAnswer)
def get_run(run_id: str) -> Run:
    """Follow a run

    Its phase and progress are written about once a second.
    """
    with context().reading() as session:
        return found(storage.get_run(session, run_id=run_id), "run", run_id)


@bp.delete("/<run_id>")
@bp.output(RunAccepted, status_code=202)
@bp.doc(responses={409: "The run is over"})
def delete_run(run_id: str) -> tuple[Run, int, dict[str, str]]:
    """Call a run off

    Its worker stops between two batches; what is live stays live.
    """
    with context().writing() as session:
        run = cancel_run(session, run_id=run_id, now=datetime.now(UTC))
    return accepted(run)
