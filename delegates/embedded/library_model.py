"""The n-gram model of the standard library: counted once in the background, then kept in a small file.

Not here: counting, asking it.
"""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from delegates.embedded.idioms import IDIOMS
from delegates.embedded.ngram_model import NgramModel, count_tokens
from delegates.embedded.standard_library import source_files
from delegates.embedded.variables import coded_stream
from delegates.embedded.vocabulary import token_stream
from delegates.python_lexer import logical_lines
from errors import InputError
from files import atomic_write

FORMAT = 2
"""Raised where the file's content changes."""

_PAUSE = 0.002
"""Seconds of rest after each file that is counted, for who waits for this process."""


class LibraryModel:
    """Makes the model in a thread of its own. model: None until it is there."""

    def __init__(self, folder: Path | None) -> None:
        """folder: of the file that keeps the model; None: it is counted each time."""
        self.model: NgramModel | None = None
        self._folder = folder
        self._done, self._closed = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begins, unless it has begun."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._make, name="embedded-writer", daemon=True)
                self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the model is there or cannot be made; returns whether it is there."""
        self._done.wait(timeout)
        return self.model is not None

    def close(self) -> None:
        """Stops counting; returns when the thread has ended."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _make(self) -> None:
        try:
            model = self._read()
            if model is None:
                programs = list(_streams(source_files(), self._closed))
                if self._closed.is_set():
                    return
                model = count_tokens(programs)
                self._write(model)
            if not self._closed.is_set():
                model.prepare()
                self.model = model
        finally:
            self._done.set()

    @property
    def path(self) -> Path | None:
        """The file, whose name tells the Python whose library was counted."""
        name = f"ngrams-{FORMAT}-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}.npz"
        return self._folder / name if self._folder else None

    def _read(self) -> NgramModel | None:
        """The model in the file; None: there is none, or it is broken."""
        if self.path is None:
            return None
        try:
            with np.load(self.path, allow_pickle=False) as arrays:
                return NgramModel.from_arrays(dict(arrays))
        except Exception:  # whatever a broken file raises, it is written anew
            return None

    def _write(self, model: NgramModel) -> None:
        """Keeps the model if there is room; without the file it is counted again next time."""
        if self.path is None or self._closed.is_set():
            return
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **model.arrays())
        try:
            atomic_write(self.path, buffer.getvalue())
        except InputError:
            return


@lru_cache(maxsize=1)
def idiom_model() -> NgramModel:
    """The model of `IDIOMS`, counted at the first call."""
    programs = [coded_stream(token_stream(logical_lines(program))) for program in IDIOMS.strip().split("\n\n\n")]
    return count_tokens(programs)


def _streams(paths: Iterable[Path], closed: threading.Event) -> Iterator[Sequence[str]]:
    """Each file's tokens; none any more once it is closed."""
    for path in paths:
        if closed.is_set():
            return
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue
        yield coded_stream(token_stream(logical_lines(text)))
        time.sleep(_PAUSE)
