"""Length-prefixed JSON messages between the process that asks and a worker. Standard library only."""

from __future__ import annotations

import json
import os
from typing import Any

CANCEL = "cancel"
"""The message that ends the run which its worker watches; between runs it means nothing."""

_CHUNK = 2**20
"""Bytes that are asked for at a time: room for them is made whether or not they come."""


def read_message(descriptor: int) -> Any:
    """One message; None at the end of the stream."""
    head = _read(descriptor, 4)
    body = _read(descriptor, int.from_bytes(head, "big")) if len(head) == 4 else b""
    return json.loads(body) if body else None


def write_message(descriptor: int, message: Any) -> None:
    body = json.dumps(message).encode()
    remaining = memoryview(len(body).to_bytes(4, "big") + body)
    while remaining:
        remaining = remaining[os.write(descriptor, remaining) :]


def _read(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (more := os.read(descriptor, min(size - len(data), _CHUNK))):
        data += more
    return bytes(data)


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
