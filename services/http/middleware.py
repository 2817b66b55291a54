"""What every request passes before its address: who may ask, how much at once, and the headers of every answer.

A page of another site can send requests to this machine, and a name of its own that points here (DNS rebinding) makes
it look like this server's page. So the Host must be this machine, an Origin must be this server's own and come with
the run's token, and reading changes nothing. Programs send no Origin; they are this person's own.
Not here: what an address does.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.failure_log import FailureLog
from services.messages import messages

TOKEN_HEADER = "X-CodeAssist-Token"
MAX_BODY = 32 * 2**20
"""Bytes of a request: a file of 50,000 lines with its attribution."""
MAX_OPEN_REQUESTS = 128
"""Requests that are worked on at a time; their bodies have arrived."""
MAX_ARRIVING_REQUESTS, MAX_ARRIVED_BYTES = 2048, 8 * MAX_BODY
"""Requests whose bodies are on their way, and bytes of all bodies that are here."""
BODY_SECONDS = 30.0
"""How long a request's body may take in all."""
MAX_HEADERS, MAX_ADDRESS = 32 * 2**10, 16 * 2**10
"""Bytes of a request's headers, and of its path with the query."""
MAX_PARAMETERS = 100
"""Of a request's query."""

STATIC_PREFIX = "/static/"
"""Addresses of the page's own files, which are the same for everybody."""

HTTP_PORT = 80
"""The port that a Host leaves out."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; object-src 'none'"
)
_SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class AccessRules:
    """Who may ask. ports: on which this server listens. token: of this run, asked of its own page.

    allowed_origins: pages of other servers that may ask, without a token; only together with the compatibility ports.
    """

    ports: frozenset[int]
    token: str
    allowed_origins: frozenset[str] = field(default_factory=frozenset)

    def hosts(self) -> frozenset[str]:
        """Values of the Host header that mean this server."""
        named = frozenset(f"{name}:{port}" for name in _LOOPBACK for port in self.ports)
        return named | frozenset(_LOOPBACK if HTTP_PORT in self.ports else ())

    def own_origins(self) -> frozenset[str]:
        """Origins of this server's own page."""
        return frozenset(f"http://{host}" for host in self.hosts())


class RefusedError(Exception):
    """A request that goes no further: `status` and the reason in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class RequestGuard:
    """Refuses what `AccessRules` do not allow, limits what is let in, and completes the headers of every answer.

    failures: where unexpected errors are noted, which are answered by 500.
    """

    def __init__(self, app: ASGIApp, rules: AccessRules, failures: FailureLog | None = None) -> None:
        self._app, self._rules = app, rules
        self._failures = failures or FailureLog()
        self._hosts, self._own = rules.hosts(), rules.own_origins()
        self._load = _Load()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":  # there are no WebSockets here
            return await send({"type": "websocket.close", "code": 1008})
        headers = Headers(scope=scope)
        answer = _AnswerHeaders(send, _request_id(headers), self._cors_headers(headers))
        try:
            self._check(scope, headers)
            if _is_preflight(scope, headers):
                return await _send_answer(answer, 204, b"")
            with _Admission(self._load, headers) as admission:
                await self._app(scope, _limited_body(receive, headers, admission), answer)
        except RefusedError as refusal:
            await answer.refuse(refusal.status, refusal.reason)
        except asyncio.CancelledError:  # what is under way when the server ends and has had its time
            await answer.refuse(503, "the server is ending; ask again once it is there")
        except ClientDisconnect:
            return
        except Exception as error:
            log_id = self._failures.add(error, answer.request_id, f"{scope['method']} {_documented_path(scope)}")
            await answer.refuse(500, f"an unexpected error, which the log has under {log_id}")

    def _check(self, scope: Scope, headers: Headers) -> None:
        if sum(len(name) + len(text) for name, text in headers.raw) > MAX_HEADERS:
            raise RefusedError(431, f"a request's headers have at most {MAX_HEADERS} bytes")
        if len(scope["path"]) + len(scope.get("query_string", b"")) > MAX_ADDRESS:
            raise RefusedError(414, f"a request's address has at most {MAX_ADDRESS} bytes")
        host = _only(headers, "host")
        if host is None:
            raise RefusedError(400, "the request names no Host")
        if host.lower() not in self._hosts:
            raise RefusedError(403, "this Host is not this server")
        parameters = _parameters(scope)
        origin = _only(headers, "origin")
        if origin is None:
            if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _is_navigation(scope, headers):
                raise RefusedError(403, "a page of another site may not ask this server")
            return
        if origin in self._rules.allowed_origins:
            return
        if origin not in self._own:
            raise RefusedError(403, "a page of this Origin may not ask this server")
        if scope["method"] == "GET" and scope["path"].startswith(STATIC_PREFIX):
            return  # browsers send an Origin with a page's own module scripts, and cannot add a token there
        token = headers.get(TOKEN_HEADER) or parameters.get("token", [""])[0]
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._rules.token.encode()):
            raise RefusedError(401, f"a page must send the token of this run ({TOKEN_HEADER} or ?token=)")

    def _cors_headers(self, headers: Headers) -> dict[str, str]:
        origin = headers.get("origin", "")
        if origin not in self._rules.allowed_origins:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": headers.get("access-control-request-headers", "content-type"),
            "Access-Control-Expose-Headers": "X-Request-ID",
            "Access-Control-Max-Age": "600",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }


class _AnswerHeaders:
    """Sends an answer with the headers that all answers have."""

    def __init__(self, send: Send, request_id: str, more: dict[str, str]) -> None:
        self._send, self.request_id = send, request_id
        self._headers = {**_SECURITY_HEADERS, **more, "X-Request-ID": request_id}
        self._started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def refuse(self, status: int, reason: str) -> None:
        """Says why not, unless an answer is under way already."""
        if not self._started:
            await _send_answer(self, status, messages.encode(messages.Refusal(reason)))


@dataclass
class _Load:
    """How many requests are on their way and are worked on at the moment, and the bytes of their bodies."""

    arriving: int = 0
    open: int = 0
    bytes: int = 0


class _Admission:
    """The place of one request among the others, which it leaves at the end.

    Until its body has arrived it takes none of the places of those that are worked on, so that clients that never
    finish theirs do not keep out the others. Raises RefusedError: there is no place.
    """

    def __init__(self, load: _Load, headers: Headers) -> None:
        self._load = load
        self._has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._is_open, self._bytes = False, 0

    def __enter__(self) -> _Admission:
        if self._load.arriving >= MAX_ARRIVING_REQUESTS:
            raise RefusedError(503, f"{MAX_ARRIVING_REQUESTS} requests are arriving already; try again in a moment")
        self._load.arriving += 1
        if not self._has_body:
            try:
                self.open()
            except RefusedError:
                self.__exit__()
                raise
        return self

    def __exit__(self, *_: object) -> None:
        self._load.bytes -= self._bytes
        if self._is_open:
            self._load.open -= 1
        else:
            self._load.arriving -= 1

    def add(self, size: int) -> None:
        """Counts bytes of its body."""
        if self._load.bytes + size > MAX_ARRIVED_BYTES:
            raise RefusedError(503, f"more than {MAX_ARRIVED_BYTES} bytes of requests are here; try again in a moment")
        self._load.bytes += size
        self._bytes += size

    def open(self) -> None:
        """Takes a place among those that are worked on."""
        if self._is_open:
            return
        if self._load.open >= MAX_OPEN_REQUESTS:
            raise RefusedError(503, f"{MAX_OPEN_REQUESTS} requests are open already; try again in a moment")
        self._load.arriving -= 1
        self._load.open += 1
        self._is_open = True


def _limited_body(receive: Receive, headers: Headers, admission: _Admission) -> Receive:
    """`receive` that refuses a body too long or too slow."""
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise RefusedError(413, f"a request has at most {MAX_BODY} bytes")
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    size, ended = 0, False

    async def limited() -> Message:
        nonlocal size, ended
        if ended:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise RefusedError(408, f"the request took more than {BODY_SECONDS:.0f} s to arrive") from None
        size += len(message.get("body", b""))
        admission.add(len(message.get("body", b"")))
        if size > MAX_BODY:
            raise RefusedError(413, f"a request has at most {MAX_BODY} bytes")
        ended = not message.get("more_body", False)
        if ended:
            admission.open()
        return message

    return limited


def _only(headers: Headers, name: str) -> str | None:
    """The value of a header that may be there once."""
    values = headers.getlist(name)
    if len(values) > 1:
        raise RefusedError(400, f"the request has {name} more than once")
    return values[0] if values else None


def _parameters(scope: Scope) -> dict[str, list[str]]:
    query = scope.get("query_string", b"").decode("latin-1")
    try:
        return parse_qs(query, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise RefusedError(400, f"the query has more than {MAX_PARAMETERS} parameters") from None


def _documented_path(scope: Scope) -> str:
    """The address with its parameters' names in place of what the client put there."""
    if "endpoint" not in scope:
        return "(no address)"
    names = {str(part): f"{{{name}}}" for name, part in scope.get("path_params", {}).items()}
    return "/".join(names.get(segment, segment) for segment in str(scope["path"]).split("/"))


def _request_id(headers: Headers) -> str:
    client_id = headers.get("x-request-id", "")
    return client_id if _REQUEST_ID.fullmatch(client_id) else str(uuid.uuid4())


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    return scope["method"] == "OPTIONS" and "access-control-request-method" in headers


def _is_navigation(scope: Scope, headers: Headers) -> bool:
    """A link to the page from elsewhere: a person who opens it."""
    return scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"


async def _send_answer(send: Send, status: int, body: bytes) -> None:
    headers: Iterable[tuple[bytes, bytes]] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
