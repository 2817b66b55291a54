"""Requests to a server of language models: streamed, with time limits, stopped from another thread.

Proxies that the environment names are never used: what is sent is somebody's code, and the server is this machine's
unless its owner said otherwise. Redirects are not followed. Not here: what is asked (`dialects`).
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from delegates.text_writer import Cancellation, LateAnswerError, WriterUnavailableError
from errors import InputError

MOST_LINE_BYTES = 1 << 20
"""Of one line of an answer; a longer one is no answer of a language model."""

MOST_BYTES = 1 << 24
"""Of an answer that is read whole."""


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds until a connection stands, until the first token of an answer, and until its end, all from the beginning.

    whole: less than a request for help waits, so that another writer can stand in for one that is slow.
    """

    connect: float = 1.0
    first_token: float = 15.0
    whole: float = 18.0

    def until(self, deadline: float) -> TimeLimits:
        """The same limits, but none later than the deadline, which is a time of `time.monotonic`."""
        remaining = deadline - time.monotonic()
        return TimeLimits(min(self.connect, remaining), min(self.first_token, remaining), min(self.whole, remaining))


class ServerRefusedError(Exception):
    """The server answered that it does not do this. status: of HTTP; reason: its words."""

    def __init__(self, status: int, reason: str) -> None:
        self.status, self.reason = status, reason
        super().__init__(f"{status}: {reason}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is. path: what stands before the paths of its requests ("" or "/...", without a last "/")."""

    scheme: str
    host: str
    port: int
    path: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def is_local(self) -> bool:
        """Whether it names this machine: `localhost` or a loopback address."""
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False


def parse_address(text: str, where: str, default_port: int = 80) -> Address:
    """The address that `text` is, with or without a scheme. Raises InputError, which says `where` it was given.

    A path that ends with `/v1` names the server itself: the paths of requests begin with it.
    """
    example = "expected e.g. http://127.0.0.1:8080"
    try:
        parts = urllib.parse.urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise InputError(where, f"{text!r} is no address ({error}), {example}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise InputError(where, f"{text!r} is no address of a web server, {example}")
    host = "127.0.0.1" if parts.hostname in ("0.0.0.0", "::") else parts.hostname
    return Address(
        parts.scheme,
        host,
        port or (443 if parts.scheme == "https" else default_port),
        parts.path.rstrip("/").removesuffix("/v1"),
    )


class ModelServer:
    """Sends requests to one server, each over a connection of its own.

    allow_remote: whether it may be another machine. Raises InputError if it is one and may not.
    """

    def __init__(self, address: Address, limits: TimeLimits, *, allow_remote: bool = False) -> None:
        if not (allow_remote or address.is_local):
            allowed = "allow it with --allow-remote-writer or the setting serve.allow_remote_writer"
            raise InputError(str(address), f"is not this machine, and your code would be sent to it; {allowed}")
        self.address, self.limits, self._allow_remote = address, limits, allow_remote

    def get(self, path: str, timeout: float) -> Any:
        """The JSON that a GET of `path` answers, within `timeout` seconds. Raises as `stream` does."""
        return self._json("GET", path, None, timeout)

    def post(self, path: str, body: dict[str, Any], timeout: float) -> Any:
        """The JSON that a POST of `body` answers, within `timeout` seconds. Raises as `stream` does."""
        return self._json("POST", path, body, timeout)

    def _json(self, method: str, path: str, body: dict[str, Any] | None, timeout: float) -> Any:
        exchange = _Exchange(self._connection(min(timeout, self.limits.connect)), Cancellation(), str(self.address))
        with exchange.within(timeout):
            exchange.connect(self._allow_remote)
            response = exchange.send(method, self.address.path + path, body)
            content = response.read(MOST_BYTES)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise WriterUnavailableError(f"{self.address} answers what is no JSON") from error

    def stream(
        self, path: str, body: dict[str, Any], cancellation: Cancellation, limits: TimeLimits | None = None
    ) -> Generator[bytes, None, None]:
        """The lines of the answer to a POST of `body`, as they come, without line ends or empty ones.

        limits: of this answer; None: those of the server. The connection is closed when the iterator is, at a time
        limit, or when `cancellation` is set: a server stops generating then.

        Raises:
            RefusedError: the server answers with an error status. LateAnswerError: it is too slow.
            WriterUnavailableError: there is no server, or it breaks off. WritingCancelledError.
        """
        limits = limits or self.limits
        if limits.whole <= 0:
            raise LateAnswerError(f"{self.address} has no time left to answer")
        exchange = _Exchange(self._connection(limits.connect), cancellation, str(self.address))
        with exchange.within(limits.first_token):
            exchange.connect(self._allow_remote)
            response = exchange.send("POST", self.address.path + path, body)
            is_first = True
            while line := response.readline(MOST_LINE_BYTES):
                if len(line) >= MOST_LINE_BYTES:
                    raise WriterUnavailableError(f"{self.address} answers with a line without end")
                if not line.strip():
                    continue
                if is_first:
                    exchange.extend(limits.whole)
                    is_first = False
                yield line.strip()

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        if self.address.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self.address.host, self.address.port, timeout=timeout, context=context)
        return http.client.HTTPConnection(self.address.host, self.address.port, timeout=timeout)


class _Exchange:
    """One request and its answer, which a timer or a cancellation ends by closing the connection."""

    def __init__(self, connection: http.client.HTTPConnection, cancellation: Cancellation, name: str) -> None:
        self._connection, self._cancellation, self._name = connection, cancellation, name
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._timer: threading.Timer | None = None
        self._seconds = 0.0
        self._started = time.monotonic()
        self._is_late = False

    def within(self, seconds: float) -> _Exchange:
        """Sets the time limit, and returns this as the context of the exchange."""
        self._seconds = seconds
        return self

    def __enter__(self) -> _Exchange:
        self._cancellation.raise_if_cancelled()
        self._start_timer(self._seconds)
        self._cancellation.on_cancel(self._shut_down)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._response is not None:
            self._response.close()
        self._connection.close()
        if isinstance(error, ServerRefusedError | WriterUnavailableError):
            return
        # A connection that was shut down ends like a complete answer, or with any of several errors.
        if kind is None or isinstance(error, OSError | ValueError | AttributeError | http.client.HTTPException):
            self._cancellation.raise_if_cancelled()
            if self._is_late:
                raise LateAnswerError(self._lateness) from error
            if error is not None:
                raise WriterUnavailableError(f"{self._name}: {_words(error)}") from error

    def connect(self, allow_remote: bool) -> None:
        """Connects, and makes sure that it is this machine that answers, unless another one is allowed."""
        self._connection.connect()
        self._socket = self._connection.sock
        if not allow_remote and not ipaddress.ip_address(self._socket.getpeername()[0]).is_loopback:
            raise WriterUnavailableError(f"{self._name} is not this machine")
        self._socket.settimeout(None)  # the timer's, from here on
        if self._cancellation.cancelled or self._is_late:
            self._shut_down()

    def send(self, method: str, path: str, body: dict[str, Any] | None) -> http.client.HTTPResponse:
        """Sends the request. Raises RefusedError for a status that is no success."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "*/*"} | ({} if body is None else {"Content-Type": "application/json"})
        self._connection.request(method, path, content, headers)
        self._response = self._connection.getresponse()
        if self._response.status != 200:
            raise ServerRefusedError(self._response.status, self._response.read(2_000).decode("utf-8", "replace"))
        return self._response

    def extend(self, seconds: float) -> None:
        """Sets another time limit, from the beginning on. Raises LateAnswerError: it is over."""
        assert self._timer is not None
        self._timer.cancel()
        self._seconds = seconds
        remaining = self._started + seconds - time.monotonic()
        if remaining <= 0:
            raise LateAnswerError(self._lateness)
        self._start_timer(remaining)

    @property
    def _lateness(self) -> str:
        return f"{self._name} did not answer within {self._seconds:.2g} s"

    def _start_timer(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self._is_late = True
        self._shut_down()

    def _shut_down(self) -> None:
        """Wakes whoever waits for the socket."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
