"""Serves applications on ports of this machine, in a thread of its own. Not here: the applications."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from errors import ConflictError, printable
from services.http.middleware import MAX_OPEN_REQUESTS
from services.http.port_owner import program_on_port

HOST = "127.0.0.1"
CLOSE_SECONDS = 5
"""How long requests that are under way may take when it ends."""
HEAD_SECONDS = 20.0
"""How long a connection may take to send the head of a request."""
MAX_DESCRIPTORS = 16_384
"""Connections and files that are open at once, as far as the system allows them."""


@dataclass(frozen=True)
class Listener:
    """An application and the socket on which it is served."""

    app: ASGIApp
    socket: socket.socket


def listen(port: int) -> socket.socket:
    """A socket on a port of this machine alone; 0: any that is free. Raises ConflictError: the port is taken."""
    # asyncio sends answers at once (TCP_NODELAY) only where the protocol is named; else each waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConflictError(f"port {port}", _why_refused(port, error)) from error
    return listening


def listen_where_named(port: int) -> socket.socket:
    """As `listen`, on a port that the person named: its ConflictError says how to do without."""
    try:
        return listen(port)
    except ConflictError as error:
        raise ConflictError(error.where, f"{error.reason}; without --port the next free one is taken") from None


def _why_refused(port: int, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "is only for the system's own services; use one above 1023"
    return f"is taken by {printable(program_on_port(port) or 'another program')}"


class Server:
    """Serves in a thread with an event loop; `stop` ends it.

    on_stop: awaited in the loop once no request is answered any more. on_end: called when it has ended, asked or not.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        on_stop: Callable[[], Awaitable[None]],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._listeners, self._on_stop, self._on_end = listeners, on_stop, on_end
        self._servers = [uvicorn.Server(_config(listener.app)) for listener in listeners]
        for server in self._servers:
            server.capture_signals = _no_signals  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def start(self) -> None:
        """Begins to serve. Connections that come before wait in the socket."""
        allow_descriptors()
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Ends it, within `timeout` seconds; returns whether it has ended. Its ports are free then."""
        for server in self._servers:
            server.should_exit = True
        self._thread.join(max(timeout, 0.0))
        for listener in self._listeners:
            listener.socket.close()
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._on_end()

    async def _serve(self) -> None:
        threads = ThreadPoolExecutor(MAX_OPEN_REQUESTS, thread_name_prefix="request")
        asyncio.get_running_loop().set_default_executor(threads)  # which shuts them down, too
        tasks = [
            server.serve(sockets=[listener.socket])
            for server, listener in zip(self._servers, self._listeners, strict=True)
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            await self._on_stop()


@contextmanager
def _no_signals() -> Iterator[None]:
    """The main thread hears signals, not the server's."""
    yield


class _ImpatientProtocol(H11Protocol):
    """Closes connections that never finish the head of a request, which would be open for good."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._stop_timer()
        elif self._timer is None and self.cycle.response_complete:  # a part of the next request's head
            self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def allow_descriptors() -> None:
    """Raises this process's own limit of open files, which is low on most systems, to what the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(MAX_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_ImpatientProtocol,
        lifespan="off",
        log_config=None,
        log_level="error",  # not each request that is no HTTP
        access_log=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
