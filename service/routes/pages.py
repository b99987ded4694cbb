"""The API page for people, drawn from the OpenAPI document. Not part of the API it describes."""

from typing import Any, cast

from apiflask import APIBlueprint, APIFlask
from flask import current_app, redirect, render_template, request, url_for
from werkzeug import Response

from service.apipage import groups, problem_kinds, prose

bp = APIBlueprint("pages", __name__, enable_openapi=False)


@bp.get("/")
def root() -> Response:
    """Lead to the API page."""
    return redirect(url_for("pages.docs"))


@bp.get("/docs")
def docs() -> str:
    """The API page: every operation with its fields, an example and its answers."""
    spec = cast(dict[str, Any], cast(APIFlask, current_app)._get_spec("json"))
    return render_template(
        "docs.html",
        info=spec["info"],
        groups=groups(spec, request.host_url.rstrip("/")),
        prose=prose,
        schemas=spec["components"]["schemas"],
        problems=problem_kinds(),
    )


@bp.get("/problems/<slug>")
def problem(slug: str) -> Response:
    """Where the type of a problem leads: its line on the API page."""
    return redirect(url_for("pages.docs", _anchor=f"problem-{slug}"))
