"""The OpenAPI document of the services, made of the types that they read and write, and a page that shows it.

Not here: the types (`messages`), the addresses (`endpoints`).
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from config import VERSION
from services.http.endpoints import Endpoint
from services.messages.messages import Refusal

Groups = Mapping[str, Sequence[Endpoint]]
"""The endpoints of each service by its prefix; the page's own have none."""

COMMON_REFUSALS = {
    400: "the request is not as it should be",
    401: "a page's request comes without this run's token",
    403: "the Host or the Origin may not ask",
    408: "the body takes too long to arrive",
    413: "the body is too large",
    414: "the address is too long",
    431: "the headers are too large",
    500: "an unexpected error; the log has a line with the request's id",
    503: "too many requests are open, or a part that is needed does not work",
}
"""Statuses that any address may answer with."""

_PARAMETER = re.compile(r"{(\w+)}")


def openapi_document(groups: Groups) -> dict[str, Any]:
    """The document, in version 3.1."""
    kinds = [kind for _, endpoint in _all(groups) for kind in (endpoint.request, endpoint.answer) if kind is not None]
    kinds.append(Refusal)
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schema_of = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for prefix, endpoint in _all(groups):
        operation = _operation(prefix, endpoint, schema_of)
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "codeassist-policy", "version": VERSION},
        "paths": paths,
        "components": {"schemas": components},
    }


def _all(groups: Groups) -> Iterator[tuple[str, Endpoint]]:
    return ((prefix, endpoint) for prefix, endpoints in groups.items() for endpoint in endpoints)


def _operation(prefix: str, endpoint: Endpoint, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(endpoint.path)
    ] + [{"name": name, "in": "query", "schema": {"type": "string"}} for name in endpoint.query]
    answer: dict[str, Any] = {"description": endpoint.summary}
    if endpoint.answer is not None:
        answer["content"] = {endpoint.media_type: {"schema": schema_of[repr(endpoint.answer)]}}
    elif endpoint.media_type != "application/json":
        answer["content"] = {endpoint.media_type: {"schema": {"type": "string"}}}
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "operationId": re.sub(r"\W+", "_", f"{endpoint.method}_{prefix}{endpoint.path}").strip("_").lower(),
        "tags": [prefix.rpartition("/")[2] or "page"],
        "responses": {"200": answer, **_refusals(endpoint, schema_of)},
    }
    if parameters:
        operation["parameters"] = parameters
    if endpoint.request is not None:
        content = {"application/json": {"schema": schema_of[repr(endpoint.request)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _refusals(endpoint: Endpoint, schema_of: Mapping[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema_of[repr(Refusal)]}}
    reasons = {**COMMON_REFUSALS, **endpoint.refusals}
    return {str(status): {"description": reason, "content": content} for status, reason in sorted(reasons.items())}


def openapi_page(document: Mapping[str, Any]) -> str:
    """The document as a page that needs no script and nothing from elsewhere."""
    sections = [
        _section(path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f'<details id="{html.escape(name)}"><summary>{html.escape(name)}</summary>{_code(schema)}</details>'
        for name, schema in document["components"]["schemas"].items()
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Addresses of the services</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/static/page.css"></head>'
        "<body><main><h1>Addresses of the services</h1>"
        '<p>The same for programs: <a href="/openapi.json">openapi.json</a>. <a href="/">Back to the page</a></p>'
        f"{''.join(sections)}<h2>Messages</h2>{''.join(schemas)}</main></body></html>"
    )


def _section(path: str, method: str, operation: Mapping[str, Any]) -> str:
    body_schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = "".join(
        f"<li>{status}: {html.escape(answer['description'])}</li>"
        for status, answer in operation["responses"].items()
        if int(status) not in COMMON_REFUSALS or answer["description"] != COMMON_REFUSALS[int(status)]
    )
    return (
        f"<h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{html.escape(operation['summary'])}</p>"
        + ("" if body_schema is None else f"<p>Takes</p>{_code(body_schema)}")
        + f"<ul>{answers}</ul>"
    )


def _code(value: object) -> str:
    return f'<pre tabindex="0">{html.escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>'
