"""What the header of a GGUF file says of the model in it: name, vocabulary, memory. Not here: the weights.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errors import InputError
from files import translate_os_errors

MAGIC = b"GGUF"
VERSIONS = (2, 3)

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9
_MOST_ENTRIES = 1 << 24
"""Of a list in a header: vocabularies have some 10^5."""

_HALF_BYTES = 2


@dataclass(frozen=True)
class GgufHeader:
    """Of one file. metadata: scalars and texts by their keys. vocabulary: all tokens. size: of the file, in bytes."""

    metadata: dict[str, Any]
    vocabulary: frozenset[str]
    size: int

    @property
    def name(self) -> str:
        """The model's own name; "": it has none."""
        return str(self.metadata.get("general.name", ""))

    @property
    def context_length(self) -> int | None:
        """Tokens that the model was trained to read; None: unknown."""
        return self._number("context_length")

    def memory(self, context_tokens: int) -> int:
        """Bytes that the weights and the cache of so many tokens take."""
        layers, width = self._number("block_count") or 32, self._number("embedding_length") or 2048
        heads = self._number("attention.head_count") or 1
        key_heads = self._number("attention.head_count_kv") or heads
        return self.size + 2 * _HALF_BYTES * layers * context_tokens * width * key_heads // heads

    def _number(self, key: str) -> int | None:
        value = self.metadata.get(f"{self.metadata.get('general.architecture', '')}.{key}")
        return value if isinstance(value, int) and value > 0 else None


def read_header(path: Path) -> GgufHeader:
    """The header of a file. Raises InputError: it is missing, no GGUF file, or damaged."""
    with translate_os_errors(path), path.open("rb") as file:
        if file.read(4) != MAGIC:
            raise InputError(str(path), "is no GGUF file, expected a model in that format")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            try:
                return _Reader(content).header()
            except (struct.error, UnicodeDecodeError, KeyError, OverflowError, ValueError) as error:
                raise InputError(str(path), "is a damaged GGUF file; fetch it again") from error


class _Reader:
    """Reads one value after the other. Raises struct.error where the file ends, ValueError where it makes no sense."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content, self._at = content, 4

    def header(self) -> GgufHeader:
        if self._scalar("<I") not in VERSIONS:
            raise ValueError("unknown version")
        tensors, entries = self._count(), self._count()
        metadata: dict[str, Any] = {}
        vocabulary: frozenset[str] = frozenset()
        for _ in range(entries):
            key, kind = self._text(), self._scalar("<I")
            if kind == _ARRAY:
                texts = self._list(keep=key == "tokenizer.ggml.tokens")
                vocabulary = vocabulary or frozenset(texts)
            else:
                metadata[key] = self._text() if kind == _STRING else self._scalar(_SCALARS[kind])
        last = max((self._tensor_offset() for _ in range(tensors)), default=0)
        if self._at + last >= len(self._content):
            raise ValueError("weights are missing")
        return GgufHeader(metadata, vocabulary, len(self._content))

    def _tensor_offset(self) -> int:
        self._text()
        for _ in range(self._scalar("<I")):
            self._scalar("<Q")
        self._scalar("<I")
        return int(self._scalar("<Q"))

    def _list(self, *, keep: bool) -> list[str]:
        """The texts of a list if they are to be kept; else, and of other values, none: they are skipped."""
        kind, count = self._scalar("<I"), self._count()
        if kind != _STRING:  # lists of lists are in no file that we know of
            self._at += count * struct.calcsize(_SCALARS[kind])
            return []
        if keep:
            return [self._text() for _ in range(count)]
        at, content, size_of = self._at, self._content, struct.Struct("<Q").unpack_from
        for _ in range(count):
            at += 8 + size_of(content, at)[0]
        self._at = at
        return []

    def _scalar(self, layout: str) -> Any:
        (value,) = struct.unpack_from(layout, self._content, self._at)
        self._at += struct.calcsize(layout)
        return value

    def _count(self) -> int:
        count = int(self._scalar("<Q"))
        if count > _MOST_ENTRIES:
            raise ValueError("too many entries")
        return count

    def _text(self) -> str:
        size = self._scalar("<Q")
        if self._at + size > len(self._content):
            raise ValueError("a text goes beyond the end")
        text = self._content[self._at : self._at + size]
        self._at += size
        return text.decode("utf-8", "replace")
