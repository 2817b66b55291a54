"""The applications: which address belongs to which service. Not here: what they do, ports (`server`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from errors import InputError
from services.http import policy_service, state_service, tester_service
from services.http.endpoints import routes
from services.http.middleware import AccessRules, RequestGuard
from services.http.openapi import Groups
from services.http.page import Page
from services.http.responses import refuse_address, refuse_depth, refuse_error
from services.services import Services

Refuse = Callable[[Request, Exception], Awaitable[Response]]
"""Answers an error."""

COMPATIBLE_PORTS = {8000: "/api/backend", 8008: "/api/tester", 8001: "/api/policy"}
"""Ports on which clients of the existing system look for each service, without its prefix."""


def create_app(services: Services, groups: Groups, rules: AccessRules, page: Page) -> Starlette:
    """All services under `/api`, and the page. groups: of `service_endpoints`."""
    page.describe(groups)
    all_groups = {"": page.endpoints(), **groups}
    return _application(
        [route for prefix, group in all_groups.items() for route in routes(group, prefix)],
        services,
        rules,
        _refusing(page),
    )


def create_compat_apps(services: Services, groups: Groups, rules: AccessRules) -> dict[int, Starlette]:
    """The same services without a prefix, each by the port on which clients of the existing system look for it."""
    return {
        port: _application(routes(groups[prefix]), services, rules, refuse_address)
        for port, prefix in COMPATIBLE_PORTS.items()
    }


def service_endpoints(services: Services) -> Groups:
    """The addresses of each service by its prefix; made once for all ports, as requests on all of them meet there."""
    return {
        "/api/backend": state_service.endpoints(services),
        "/api/tester": tester_service.endpoints(services),
        "/api/policy": policy_service.endpoints(services),
    }


def _refusing(page: Page) -> Refuse:
    """Answers what is not there by the page, if a browser wants something to show, else by the reason in words."""

    async def refuse(request: Request, error: Exception) -> Response:
        is_missing = isinstance(error, HTTPException) and error.status_code == 404 and request.method == "GET"
        if is_missing and "text/html" in request.headers.get("accept", ""):
            return await page.not_found(request)
        return await refuse_address(request, error)

    return refuse


def _application(addresses: Sequence[Route], services: Services, rules: AccessRules, refuse: Refuse) -> Starlette:
    """refuse: answers an address or a method that is not there."""
    application = Starlette(
        routes=addresses,
        middleware=[Middleware(RequestGuard, rules, services.failures)],
        exception_handlers={
            InputError: refuse_error,
            HTTPException: refuse,
            RecursionError: refuse_depth,
        },
    )
    application.router.redirect_slashes = False
    return application
