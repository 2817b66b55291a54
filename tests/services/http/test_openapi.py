"""The OpenAPI document: complete, true, and what it allows brings no server error."""

import json
import re
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from services.http.app import service_endpoints
from services.http.page import Page


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json()


def operations(document):
    return [
        (path, method.upper(), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_route_is_documented(served, document):
    documented = {(path, method) for path, method, _ in operations(document)}
    routed = {(route.path, method) for route in served.app.routes for method in route.methods - {"HEAD"}}
    aliases = {(prefix, "GET") for prefix in ("/api/backend", "/api/tester", "/api/policy")}
    assert routed - aliases == documented


PREFIXES = ("", "/api", "/api/backend", "/api/tester", "/api/policy")
"""Below which documents name an address: whole, or as a table or a paragraph about one service has it."""


def test_addresses_that_the_documents_name_are_there(document, root):
    routed = {(path, method) for path, method, _ in operations(document)}
    texts = [page.read_text(encoding="utf-8") for page in (root / "docs").glob("*.md")]
    named = {pair for text in texts for pair in re.findall(r"`(GET|POST) (/[\w/{}-]+)", text)}
    assert len(named) > 20
    for method, path in named:
        assert any((prefix + path, method) in routed for prefix in PREFIXES), (method, path)


def test_compatible_ports_have_the_routes_of_their_service(served):
    groups = service_endpoints(served.services)
    for (port, app), prefix in zip(
        served.compat_apps.items(), ("/api/backend", "/api/tester", "/api/policy"), strict=True
    ):
        assert port in (8000, 8008, 8001)
        assert {route.path for route in app.routes} == {endpoint.path for endpoint in groups[prefix]}


def test_every_operation_has_its_own_id_a_summary_and_an_answer(document):
    found = operations(document)
    assert max(Counter(operation["operationId"] for _, _, operation in found).values()) == 1
    for path, method, operation in found:
        assert operation["summary"] and "content" in operation["responses"]["200"], (path, method)
        assert ("requestBody" in operation) <= (method == "POST")


def test_every_reference_leads_somewhere(document):
    references = re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document))
    assert references and set(references) <= set(document["components"]["schemas"])


def test_the_page_of_the_description_needs_nothing_from_elsewhere(client, document):
    answer = client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text and "style=" not in answer.text
    assert set(re.findall(r'(?:src|href)="([^"]+)"', answer.text)) == {"/static/page.css", "/openapi.json", "/"}
    for path in document["paths"]:
        assert path in answer.text


@pytest.mark.parametrize("prefix", ["/api/backend", "/api/tester", "/api/policy", ""])
def test_get_and_post_alone_are_taken(served, prefix):
    page = Page(served.services, "token", lambda: None)
    endpoints = {**service_endpoints(served.services), "": page.endpoints()}[prefix]
    assert {endpoint.method for endpoint in endpoints} <= {"GET", "POST"}


def can_be_wrong(operation):
    """Whether a request has a part of which something else could be sent: any text may stand in a path."""
    parameters = operation.get("parameters", [])
    return "requestBody" in operation or any(each["in"] != "path" for each in parameters)


def check_no_server_error(client, document, examples, mode):
    """Asks every operation; the answer's status is one that the document names, and none is a server error."""
    schema = schemathesis.openapi.from_dict(document)
    for result in schema.get_all_operations():
        operation = result.ok()
        is_negative = mode is GenerationMode.NEGATIVE
        if operation.path == "/api/finish" or (is_negative and not can_be_wrong(operation.definition.raw)):
            continue

        @settings(max_examples=examples, database=None, phases=[Phase.generate], suppress_health_check=HealthCheck)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            request = case.as_transport_kwargs(base_url="http://127.0.0.1:3000")
            del request["cookies"]
            answer = client.request(**request)
            known = set(case.operation.definition.raw["responses"])
            assert answer.status_code < 500 and str(answer.status_code) in known | {"404", "405"}, answer.text

        ask()


MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]


@pytest.mark.parametrize("mode", MODES)
def test_no_request_like_the_documents_or_unlike_it_brings_a_server_error(client, document, mode):
    check_no_server_error(client, document, 2, mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_many_requests_bring_no_server_error(client, document, mode):
    check_no_server_error(client, document, 200, mode)
