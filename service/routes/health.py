"""Whether the process lives and whether it can answer."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from pipelines.errors import NotReady
from service.context import context
from service.problems import answer_problem
from service.readiness import checks
from service.schemas.health import HealthAnswer, ReadyAnswer

bp = APIBlueprint("health", __name__, tag="Health")


@bp.get("/healthz")
@bp.output(HealthAnswer)
def healthz() -> dict[str, str]:
    """Tell that the process lives

    Asks nothing of the database.
    """
    return {"status": "ok"}


@bp.get("/readyz")
@bp.output(ReadyAnswer)
@bp.doc(responses={503: "Not ready; `checks` says why"})
def readyz() -> dict[str, Any] | Response:
    """Tell whether requests can be answered

    200 when the database answers, its schema is at head and the active artifact, if there is one,
    is loaded; else 503. Both name each check in `checks`.
    """
    found = checks(context())
    failed = [name for name, check in found.items() if not check["ok"]]
    if not failed:
        return {"status": "ready", "checks": found}
    detail = f"Not ready: {', '.join(failed)}; see checks for the reasons."
    return answer_problem(NotReady(detail), checks=found)
