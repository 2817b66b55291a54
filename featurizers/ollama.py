"""Text embedder `ollama`: frozen vectors from a local Ollama server, cached on disk. Not here: the other embedders.

A line is sent to the server once, ever: vectors are stored in `<data root>/embeddings/`, and a data set whose lines
are all stored needs no server. Only a linear layer on top of them learns.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import math
import os
import urllib.parse
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from config import TEXT_DIM, FeaturizerConfig
from data_paths import DataPaths
from errors import InputError, NotFoundError
from featurizers.embedders import TextEmbedder
from featurizers.ragged import Ragged
from files import lock, open_regular_file, read_regular_file, translate_os_errors

DEFAULT_HOST = "http://127.0.0.1:11434"
ALLOW_REMOTE = "CODEASSIST_REMOTE_EMBEDDER"
"""The environment's permission (1) to send the lines of sessions to a server on another machine."""

LINES_PER_REQUEST = 64
TIME_LIMIT = 60.0
"""Seconds that one request may take: a server may have to load its model first."""

Vectors = NDArray[np.float32]


class OllamaEmbedder(TextEmbedder):
    """`ollama`: the server's vector of each line, linear."""

    def __init__(self, config: FeaturizerConfig) -> None:
        super().__init__(config)
        self.model, self.dim = config.ollama_model, config.ollama_dim
        self.out = nn.Linear(config.ollama_dim, TEXT_DIM)
        self._vectors: dict[bytes, Vectors] | None = None

    def encode(self, lines: Sequence[str], codes: Ragged) -> Ragged:
        """The lines' vectors. Raises InputError a vector is not in the cache, and no server answers with it."""
        ends = codes.offsets.tolist()
        raw = codes.values.astype(np.uint8).tobytes()
        texts = [raw[start:end] for start, end in pairwise(ends)]
        cache = EmbeddingCache(DataPaths.default().embeddings, self.model, self.dim)
        if self._vectors is None:
            self._vectors = cache.read()
        vectors = self._vectors
        missing_texts = [text for text in dict.fromkeys(texts) if key_of(text) not in vectors]
        for begin in range(0, len(missing_texts), LINES_PER_REQUEST):
            texts_to_embed = missing_texts[begin : begin + LINES_PER_REQUEST]
            embedded = embed(self.model, [text.decode("utf-8", "replace") for text in texts_to_embed], self.dim)
            cache.add(texts_to_embed, embedded)
            vectors.update(zip(map(key_of, texts_to_embed), embedded, strict=True))
        values = np.array([vectors[key_of(text)] for text in texts], dtype=np.float32).reshape(-1)
        return Ragged(values, np.arange(len(texts) + 1, dtype=np.int64) * self.dim)

    def forward(self, values: Tensor, offsets: Tensor) -> Tensor:
        out: Tensor = self.out(values.view(-1, self.dim))
        return out


def key_of(text: bytes) -> bytes:
    """Key of a line's vector in the cache (16 bytes)."""
    return hashlib.sha256(text).digest()[:16]


class EmbeddingCache:
    """The vectors of one model on disk: records of a key and a vector, only ever added to.

    A record that was cut short (the process was killed) is left out, and written over by the next one added.
    """

    def __init__(self, folder: Path, model: str, dim: int) -> None:
        self.path = folder / f"{urllib.parse.quote(model, safe='')}-{dim}.bin"
        self.record = np.dtype([("key", "u1", 16), ("vector", "<f4", dim)])

    def read(self) -> dict[bytes, Vectors]:
        """All vectors by their keys. Raises InputError: the file cannot be read, or is no regular one."""
        try:
            content = read_regular_file(self.path)
        except NotFoundError:
            return {}
        records = np.frombuffer(content, dtype=self.record, count=len(content) // self.record.itemsize)
        return {key.tobytes(): vector for key, vector in zip(records["key"], records["vector"], strict=True)}

    def add(self, texts: Sequence[bytes], vectors: Vectors) -> None:
        """Adds the vectors of some lines. Raises InputError (disk full, read-only)."""
        records = np.zeros(len(texts), dtype=self.record)
        records["key"] = np.frombuffer(b"".join(map(key_of, texts)), dtype=np.uint8).reshape(-1, 16)
        records["vector"] = vectors
        with (
            lock(self.path.with_suffix(".lock"), wait=True),
            open_regular_file(self.path, "a") as file,
            translate_os_errors(self.path),
        ):
            file.truncate(file.tell() // self.record.itemsize * self.record.itemsize)
            file.write(records.tobytes())


def host() -> str:
    """The server's address: `OLLAMA_HOST` (with or without scheme and port), else this machine's usual port.

    Raises InputError: it is no address, or on another machine and `ALLOW_REMOTE` does not say 1.
    """
    address = os.environ.get("OLLAMA_HOST", "").strip()
    if not address:
        return DEFAULT_HOST
    try:
        parts = urllib.parse.urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port or 11434
    except ValueError as error:
        raise InputError(
            "OLLAMA_HOST", f"{address!r} is no address ({error}), expected e.g. 127.0.0.1:11434"
        ) from error
    if parts.scheme not in ("http", "https"):
        raise InputError("OLLAMA_HOST", f"{address!r} is no address of a web server, expected e.g. 127.0.0.1:11434")
    name = "127.0.0.1" if parts.hostname in (None, "0.0.0.0") else parts.hostname
    if not _is_local(name) and os.environ.get(ALLOW_REMOTE) != "1":
        reason = f"{address!r} is another machine, which would read your code; {ALLOW_REMOTE}=1 allows that"
        raise InputError("OLLAMA_HOST", reason)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def _is_local(name: str) -> bool:
    """Whether a host's name is this machine's."""
    if name == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(name).is_loopback
    return False


def embed(model: str, texts: Sequence[str], dim: int) -> Vectors:
    """The server's vectors of some texts `(len(texts), dim)`. Raises InputError that says what to do.

    The server is asked itself, whatever proxy the environment names: it is near, and the texts are somebody's code.
    """
    import http.client  # here: whoever does not ask a server need not wait for these
    import urllib.error
    import urllib.request

    url = f"{host()}/api/embed"
    request = urllib.request.Request(
        url, json.dumps({"model": model, "input": list(texts)}).encode(), {"Content-Type": "application/json"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=TIME_LIMIT) as response:
            answer = json.loads(response.read())
    except urllib.error.HTTPError as error:
        detail = error.read(200).decode("utf-8", "replace").strip()
        message = f"Ollama does not embed with {model} ({error.code}: {detail}); try: ollama pull {model}"
        raise InputError(url, message) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        message = f"no Ollama server answers ({error}); start one, or choose another text embedder"
        raise InputError(url, message) from error
    vectors = answer.get("embeddings") if isinstance(answer, dict) else None
    try:
        with np.errstate(over="ignore"):
            array = np.array(vectors, dtype=np.float32)
    except (TypeError, ValueError):
        array = np.zeros(0, dtype=np.float32)
    if array.shape != (len(texts), dim) or not math.isfinite(float(np.abs(array).sum())):
        raise InputError(url, f"Ollama's {model} gives other than {len(texts)} vectors of {dim} numbers (`ollama_dim`)")
    return array
