"""Requests to messages, answers and errors to responses. Not here: any address."""

from __future__ import annotations

from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from errors import ConflictError, InputError, NoSpaceError, NotFoundError
from services.messages import messages
from services.person.person_files import ForbiddenFileError, NotTextError, TooLargeError
from services.recording.session import MissingEntriesError

Message = TypeVar("Message")

_STATUS: tuple[tuple[type[InputError], int], ...] = (
    (messages.MalformedError, 422),
    (ForbiddenFileError, 403),
    (TooLargeError, 413),
    (NotTextError, 415),
    (NotFoundError, 404),
    (ConflictError, 409),
    (NoSpaceError, 507),
    (InputError, 400),
)

_REASONS = {404: "there is nothing at this address", 405: "this address does not take this method"}


async def read(request: Request, kind: type[Message]) -> Message:
    """The message in a request. Raises MalformedError."""
    return messages.decode(await request.body(), kind)


def answer(content: object, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(messages.encode(content), status, media_type="application/json")


def refuse(status: int, reason: str) -> Response:
    """An answer that says why not."""
    return answer(messages.Refusal(reason), status)


async def refuse_error(request: Request, error: Exception) -> Response:
    """The answer to an error that a client can mend."""
    assert isinstance(error, InputError)
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    if status == 400 and isinstance(error.__cause__, OSError):  # the disk refuses, whatever the request
        status = 503
    following = error.next if isinstance(error, MissingEntriesError) else None
    return answer(messages.Refusal(str(error), following), status)


async def refuse_address(request: Request, error: Exception) -> Response:
    """The answer to an address or a method that is not there."""
    assert isinstance(error, HTTPException)
    response = refuse(error.status_code, _REASONS.get(error.status_code, error.detail))
    response.headers.update(error.headers or {})
    return response


async def refuse_depth(request: Request, error: Exception) -> Response:
    """The answer to a message that is nested more deeply than it can be worked on."""
    return refuse(422, "body: is nested too deeply")
