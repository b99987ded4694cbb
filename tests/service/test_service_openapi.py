"""The OpenAPI document and the page that is drawn from it."""

import re
from typing import Any

from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.apipage import EXAMPLE_IDS
from service.app import Hourglass
from tests.pictures import png

PAGES = {"pages.root", "pages.docs", "pages.problem", "openapi.spec", "static"}
"""For people, or the document itself."""
FOR_IMAGES = {"/v1/images/similar"}
"""What needs an artifact about images, which the trained app has not."""
FOR_FINDINGS = {"/v1/anomalies/{anomaly_id}/feedback"}
"""What needs a finding, which no look has left."""
FOR_DETECTORS = {f"/v1/detectors/{{detector_id}}/{what}" for what in ("score", "drift")}
"""What needs a detector, which no worker has fitted."""


def operations(app: Hourglass) -> list[tuple[str, str]]:
    return [
        (re.sub(r"<([^>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in PAGES
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    ]


def test_document_is_valid_openapi_3_1(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_the_document_with_summary_and_problems(
    app: Hourglass, client: FlaskClient
) -> None:
    paths = client.get("/openapi.json").json["paths"]
    assert len(operations(app)) == sum(map(len, paths.values()))
    for path, method in operations(app):
        operation = paths[path][method]
        problems = {code: told for code, told in operation["responses"].items() if code >= "400"}
        assert operation["summary"], path
        assert "500" in problems, path
        assert all(
            list(told["content"]) == ["application/problem+json"] for told in problems.values()
        )
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= set(problems), path
        if "{" in path and method != "put":
            assert "404" in problems, path


def test_examples_of_the_document_are_accepted(trained_client: FlaskClient) -> None:
    for path, methods in trained_client.get("/openapi.json").json["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                content = operation["requestBody"]["content"]
                sent: dict[str, Any] = {"data": png(), "content_type": "image/png"}
                if "application/json" in content:
                    sent = {"json": content["application/json"]["example"]}
                url = path.format_map(EXAMPLE_IDS)
                answer = trained_client.open(url, method=method.upper(), **sent)
                expected = (503,) if path in FOR_IMAGES else (200, 201, 202)
                expected = (404,) if path in FOR_DETECTORS | FOR_FINDINGS else expected
                assert answer.status_code in expected, (path, answer.json)


def test_root_leads_to_the_api_page(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs")


def test_api_page_shows_every_operation_and_loads_nothing_from_elsewhere(
    app: Hourglass, client: FlaskClient
) -> None:
    answer = client.get("/docs")
    for path, _ in operations(app):
        assert f"<code>{path}</code>" in answer.text
    assert "<script" not in answer.text
    loaded = re.findall(r"""(?:src|<link[^>]*href)=["']([^"']+)""", answer.text)
    assert loaded == ["/static/docs.css", "data:,"]
    with client.get("/static/docs.css") as style:
        assert style.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_links_inside_the_api_page_lead_somewhere(client: FlaskClient) -> None:
    text = client.get("/docs").text
    targets = set(re.findall(r'id="([^"]+)"', text))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= targets


def test_type_of_a_problem_leads_to_its_line_on_the_api_page(client: FlaskClient) -> None:
    kind = client.get("/nowhere").json["type"]
    answer = client.get(kind)
    assert answer.headers["Location"] == "/docs#problem-not-found"
    assert 'id="problem-not-found"' in client.get("/docs").text
