"""Which servers of language models answer, and with which model of theirs.

Only asked what they have (GET), each within the same half second, all at once. Not here: how they write.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from delegates.dialects import Dialect, LlamaCpp, Ollama, OpenAi
from delegates.fill_in_middle import tokens_of
from delegates.http_stream import Address, ModelServer, ServerRefusedError, TimeLimits, parse_address
from delegates.server_writer import ServerWriter
from delegates.text_writer import WriterUnavailableError
from errors import InputError

PROBE_SECONDS = 0.4
"""That a server has to say what it offers."""

OLLAMA_PORT, LLAMA_CPP_PORT, LM_STUDIO_PORT = 11434, 8080, 1234
"""On which these servers listen if nobody says otherwise. vLLM's, 8000, is one of `COMPATIBILITY_PORTS`."""

COMPATIBILITY_PORTS = frozenset({8000, 8001, 8008})
"""On which our own services may listen for existing clients: never looked at unless somebody names one."""

_NO_TEXT = ("embed", "rerank", "whisper", "clip", "bge-")
"""In names of models that write no text."""


def usual_addresses(own_ports: Collection[int] = ()) -> list[Address]:
    """Where servers on this machine usually are; `OLLAMA_HOST` may name another port of Ollama.

    own_ports: on which this process listens; they are left out.
    """
    addresses = [Address("http", "127.0.0.1", port) for port in (OLLAMA_PORT, LLAMA_CPP_PORT, LM_STUDIO_PORT)]
    if named := os.environ.get("OLLAMA_HOST", "").strip():
        with suppress(InputError):  # Ollama itself takes more than we understand
            addresses[0] = parse_address(named, "OLLAMA_HOST", OLLAMA_PORT)
    avoided = COMPATIBILITY_PORTS | set(own_ports)
    return [address for address in addresses if address.is_local and address.port not in avoided]


def search_servers(addresses: Sequence[Address], limits: TimeLimits) -> list[ServerWriter]:
    """Writers of the servers that answer, those first whose models fill in the middle, else in the order given."""
    if not addresses:
        return []
    with ThreadPoolExecutor(len(addresses)) as pool:
        writers = pool.map(lambda address: _probe_quietly(ModelServer(address, limits)), addresses)
        return sorted([writer for writer in writers if writer], key=lambda writer: not writer.fills)


def probe(server: ModelServer, model: str | None = None) -> ServerWriter:
    """The writer of a server. model: its name there; None: the one that writes best, as far as names tell.

    Raises InputError: nothing answers there, or it has no such model.
    """
    rows, dialect = _models_of(server)
    if dialect is None:
        raise InputError(str(server.address), "no server of language models answers; start it, or leave it out")
    names = [name for row in rows if (name := _name(row))]
    if model is not None and model not in names:
        raise InputError(str(server.address), f"has no model {model!r}; it has {', '.join(names[:10]) or 'none'}")
    chosen = model or _best(rows)
    if chosen is None:
        raise InputError(str(server.address), "has no model that writes text on this machine")
    return ServerWriter(server, dialect, chosen, offered=tuple(dict.fromkeys([chosen, *map(_name, _candidates(rows))])))


def _probe_quietly(server: ModelServer) -> ServerWriter | None:
    try:
        return probe(server)
    except InputError:
        return None


def _models_of(server: ModelServer) -> tuple[list[dict[str, Any]], Dialect | None]:
    """What a server offers, and its kind; None: it is none that we speak with.

    Only the first question tells llama.cpp from Ollama, whose second one it answers too.
    """
    end = time.monotonic() + PROBE_SECONDS
    try:
        compatible = _rows(_get(server, "/v1/models", end), "data")
        if compatible and any(row.get("owned_by") == "llamacpp" for row in compatible):
            return compatible, LlamaCpp()
        tags = _rows(_get(server, "/api/tags", end), "models")
    except WriterUnavailableError:
        return [], None
    if tags is not None:
        return tags, Ollama()
    return compatible or [], None if compatible is None else OpenAi()


def _get(server: ModelServer, path: str, end: float) -> Any:
    """What a GET answers; None: not with success."""
    try:
        return server.get(path, max(end - time.monotonic(), 0.01))
    except ServerRefusedError:
        return None


def _rows(content: Any, key: str) -> list[dict[str, Any]] | None:
    rows = content.get(key) if isinstance(content, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


def _name(row: dict[str, Any]) -> str:
    name = row.get("model") or row.get("name") or row.get("id")
    return name if isinstance(name, str) else ""


def _best(rows: Sequence[dict[str, Any]]) -> str | None:
    """The model that was changed last among those that fill in the middle, else among those that write text.

    Models that a server only passes on to another machine are left out.
    """
    best = max(_candidates(rows), key=lambda row: (tokens_of(_name(row)) is not None, _changed(row)), default=None)
    return _name(best) if best else None


def _candidates(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Models that write text on this machine."""
    return [row for row in rows if _name(row) and _writes_text(row) and not _is_remote(row)]


def _changed(row: dict[str, Any]) -> str:
    return str(row.get("modified_at") or "")


def _writes_text(row: dict[str, Any]) -> bool:
    details = row.get("details")
    family = str(details.get("family", "")) if isinstance(details, dict) else ""
    return "bert" not in family and not any(word in _name(row).lower() for word in _NO_TEXT)


def _is_remote(row: dict[str, Any]) -> bool:
    return bool(row.get("remote_host") or row.get("remote_model")) or _name(row).lower().endswith("cloud")
