"""The application: which address belongs to which service. Not here: what they do, ports (`server`)."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from errors import InputError
from services import policy_service, state_service
from services.middleware import AccessRules, RequestGuard
from services.page import Page
from services.responses import refuse_error
from services.services import Services


def create_app(services: Services, rules: AccessRules, page: Page) -> Starlette:
    """All services under `/api`, and the page."""
    return Starlette(
        routes=[
            Mount("/api/backend", routes=state_service.routes(services)),
            Mount("/api/policy", routes=policy_service.routes(services)),
            *page.routes(),
        ],
        middleware=[Middleware(RequestGuard, rules)],
        exception_handlers={InputError: refuse_error},
    )
