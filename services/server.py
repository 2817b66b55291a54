"""Serves applications on ports of this machine, in a thread of its own. Not here: the applications."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from errors import ConflictError, printable
from services.port_owner import program_on_port

HOST = "127.0.0.1"
CLOSE_SECONDS = 5
"""How long requests that are under way may take when it ends."""


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


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=CLOSE_SECONDS
    )
