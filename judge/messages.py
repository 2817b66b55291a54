"""Length-prefixed JSON messages between the process that asks and a worker. Standard library only."""

from __future__ import annotations

import json
import math
import os
import select
import time
from typing import Any

CANCEL = "cancel"
"""The message that ends the run which its worker watches; between runs it means nothing."""

_CHUNK = 2**20
"""Bytes that are asked for at a time: room for them is made whether or not they come."""


def read_message(descriptor: int, seconds: float = math.inf) -> Any:
    """One message, which takes so many seconds at most; None at the end of the stream. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    head = _read(descriptor, 4, deadline)
    body = _read(descriptor, int.from_bytes(head, "big"), deadline) if len(head) == 4 else b""
    return json.loads(body) if body else None


def write_message(descriptor: int, message: Any, seconds: float = math.inf) -> None:
    """Raises TimeoutError: nobody reads it for so many seconds."""
    deadline = time.monotonic() + seconds
    body = json.dumps(message).encode()
    remaining = memoryview(len(body).to_bytes(4, "big") + body)
    while remaining:
        _wait_for(descriptor, select.POLLOUT, deadline)
        size = len(remaining) if deadline == math.inf else select.PIPE_BUF  # so much is written without waiting
        remaining = remaining[os.write(descriptor, remaining[:size]) :]


def _read(descriptor: int, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        _wait_for(descriptor, select.POLLIN, deadline)
        if not (more := os.read(descriptor, min(size - len(data), _CHUNK))):
            break
        data += more
    return bytes(data)


def _wait_for(descriptor: int, event: int, deadline: float) -> None:
    """Until something can be read or written, or the other end is closed. Raises TimeoutError."""
    if deadline == math.inf:
        return
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(1000 * max(deadline - time.monotonic(), 0.0)):
        raise TimeoutError("the other process does not go on")


class Requests:
    """What a worker is asked, one after the other, and whether the run that it watches is still wanted."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._ended = False

    def next(self) -> dict[str, Any] | None:
        """The next request; None: nobody will ask any more."""
        while not self._ended:
            message = read_message(self.descriptor)
            if isinstance(message, dict):
                return message
            self._ended = message is None
        return None

    def interrupt(self) -> None:
        """Takes what has come during a run: that it is cancelled, or the end of the stream."""
        self._ended = self._ended or read_message(self.descriptor) is None
