"""An address as the router and the OpenAPI document need it: what it takes, what it gives, what it refuses.

Not here: the handlers, the document (`openapi`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]

MALFORMED: Mapping[int, str] = {422: "the message is malformed"}
"""Refusal of an address that takes a message."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one address.

    path: without the service's prefix. request, answer: types of the JSON bodies; None: no body. media_type: of the
    answer. refusals: statuses beside those that any address may have, with their reasons. query: names of parameters.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    summary: str
    answer: Any = None
    request: Any = None
    media_type: str = "application/json"
    refusals: Mapping[int, str] = field(default_factory=dict)
    query: Sequence[str] = ()


def routes(endpoints: Sequence[Endpoint], prefix: str = "") -> list[Route]:
    """The addresses below `prefix`; the service's own address also without its last slash."""
    paths = [(prefix + endpoint.path, endpoint) for endpoint in endpoints]
    if prefix:
        paths += [(prefix, endpoint) for endpoint in endpoints if endpoint.path == "/"]
    return [Route(path, endpoint.handler, methods=[endpoint.method]) for path, endpoint in paths]
