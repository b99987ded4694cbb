"""What Prometheus scrapes.

All is read from the database at each scrape: it is the same in every process, and nothing is
shared between them.
"""

from apiflask import APIBlueprint
from apiflask.schemas import FileSchema
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from pipelines.watch.drift_reports import known_drifts
from pipelines.watch.gauges import counted
from service.context import context

bp = APIBlueprint("metrics", __name__, tag="Metrics")


@bp.get("/metrics")
@bp.output(FileSchema(type="string"), content_type="text/plain")
def metrics() -> Response:
    """Read gauges for Prometheus

    Of findings, labels, open runs and drift, in its text format.
    """
    registry = CollectorRegistry()
    with context().reading() as session:
        found, drifts = counted(session), known_drifts(session)
    for name, (text, names, values) in found.items():
        gauge = Gauge(f"hourglass_{name}", text, names, registry=registry)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
    names = ("finder", "input")
    psi = Gauge("hourglass_drift_psi", "How far an input drifted.", names, registry=registry)
    gap = Gauge("hourglass_drift_gap", "Largest gap of distributions.", names, registry=registry)
    is_drifted = Gauge("hourglass_drift", "1: it has drifted.", names, registry=registry)
    for report in drifts.reports:
        for each in report.inputs:
            labels = (report.finder, each["input"])
            if each["psi"] is not None:
                psi.labels(*labels).set(each["psi"])
            gap.labels(*labels).set(each["statistic"])
            is_drifted.labels(*labels).set(each["drifted"])
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
