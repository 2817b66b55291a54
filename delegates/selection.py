"""The writer that a person names, those in the data root, and the embedded one, which stands in where another fails.

Not here: the order among them (`services.writers.writer_switch`), how each of them writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from actions import Decision
from delegates.embedded import EmbeddedWriter
from delegates.fill_in_middle import tokens_of
from delegates.gguf import GgufWriter
from delegates.http_stream import ModelServer, TimeLimits, parse_address
from delegates.server_search import probe
from delegates.server_writer import ServerWriter
from delegates.text_writer import (
    NO_CONTEXT,
    Completion,
    WriterUnavailableError,
    WritingCancelledError,
    WritingContext,
)
from errors import InputError, printable
from files import is_folder
from state import State

LOADING_SECONDS = 60.0
"""That a model file which the person named may take; others are loaded while the services start."""

AnyWriter = GgufWriter | ServerWriter
"""A writer that is chosen: a model in this process, or a server's."""

FIRST_PAUSE, LONGEST_PAUSE = 30.0, 480.0
"""Seconds until a writer that failed is asked again; each failure doubles them."""

EMBEDDED_DESCRIPTION = "names, lines and comments from the standard library and your own text; no model"
BETTER_WRITER = (
    "a code model writes far better: start Ollama with one (ollama pull qwen2.5-coder:1.5b-base), or name a GGUF file "
    "with --writer-model"
)
EMBEDDED_HINT = f"{BETTER_WRITER}; the command `writers` shows what is there"
PREFIX_HINT = "a code model that fills in the middle, such as qwen2.5-coder, writes better"


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """What a person says of the writer. model_file: a GGUF file. url: of a server; url_model: a name there.

    allow_remote: whether the server may be another machine, which then reads the person's code.
    """

    model_file: Path | None = None
    url: str | None = None
    url_model: str | None = None
    allow_remote: bool = False
    limits: TimeLimits = field(default_factory=TimeLimits)


@dataclass(frozen=True, slots=True)
class SelectedWriter:
    """Who writes. description: one line about it; hint: how to get a better one, "": there is nothing to say."""

    writer: ReliableWriter
    name: str
    description: str
    hint: str


class ReliableWriter:
    """A `TextWriter` that asks `chosen`, and the embedded writer where that fails and for a while afterwards.

    note: takes a line of words once when it fails, and not again until it has written. chosen: None: embedded only.
    """

    def __init__(
        self,
        chosen: AnyWriter | None,
        embedded: EmbeddedWriter,
        note: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.chosen, self.embedded = chosen, embedded
        self._note, self._clock = note, clock
        self._lock = threading.Lock()
        self._pause, self._paused_until = FIRST_PAUSE, 0.0
        self._reason: str | None = None
        self._ended = False
        if chosen is None:
            embedded.start()

    @property
    def name(self) -> str:
        """Of the writer that writes now."""
        return self.embedded.name if self.chosen is None or self.unavailable else self.chosen.name

    @property
    def unavailable(self) -> str | None:
        """Why the chosen writer does not write now, in words; None: it does, as far as is known."""
        return self._reason

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`; raises no WriterUnavailableError. A fault of the chosen writer's own is a failure too."""
        if self.chosen is not None and self._clock() >= self._paused_until:
            try:
                completion = self.chosen.write(state, decision, line, context)
            except WritingCancelledError:
                raise
            except WriterUnavailableError as error:
                self._fail(printable(str(error)))
            except Exception as error:
                self._fail(printable(f"{type(error).__name__}: {error}"))
            else:
                with self._lock:
                    self._pause, self._reason = FIRST_PAUSE, None
                return completion
        return self.embedded.write(state, decision, line, context)

    @property
    def reads_ahead(self) -> bool:
        """Whether the chosen writer reads files before a text is asked for."""
        return isinstance(self.chosen, GgufWriter)

    def read_ahead(self, state: State, context: WritingContext = NO_CONTEXT) -> None:
        """Lets a writer in this process read while the person types; others need not. Returns at once."""
        if isinstance(self.chosen, GgufWriter):
            self.chosen.read_ahead(state, context)

    def close(self) -> None:
        """Ends what goes on in the background."""
        self.close_chosen()
        self.embedded.close()

    def close_chosen(self) -> None:
        """Ends the chosen writer, so that its memory is free; the embedded one answers requests that are under way."""
        self._ended = True
        if isinstance(self.chosen, GgufWriter):
            self.chosen.close()

    def _fail(self, reason: str) -> None:
        with self._lock:
            is_news = self._reason is None and not self._ended
            self._reason = reason
            self._paused_until = self._clock() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        if is_news:
            self.embedded.start()
            self._note(f"{reason}; the embedded writer stands in")


def named_writer(settings: WriterSettings) -> AnyWriter | None:
    """The writer that the settings name, a model still loading; None: they name none. Raises InputError."""
    if settings.model_file is not None:
        return GgufWriter(settings.model_file)
    if settings.url is None:
        return None
    address = parse_address(settings.url, "writer_url")
    return probe(ModelServer(address, settings.limits, allow_remote=settings.allow_remote), settings.url_model)


def select(chosen: AnyWriter | None, embedded: EmbeddedWriter, note: Callable[[str], None]) -> SelectedWriter:
    """The chosen writer, for which the embedded one stands in; a server begins to load its model."""
    if isinstance(chosen, ServerWriter):
        threading.Thread(target=chosen.load, name="load the model", daemon=True).start()
    return describe(ReliableWriter(chosen, embedded, note))


def describe(writer: ReliableWriter) -> SelectedWriter:
    """The writer with words about it."""
    chosen = writer.chosen
    if chosen is None:
        return SelectedWriter(writer, writer.embedded.name, EMBEDDED_DESCRIPTION, EMBEDDED_HINT)
    if isinstance(chosen, GgufWriter):
        description = f"{printable(str(chosen.path))}, in this process"
    else:
        description = f"{chosen.model} of the {chosen.dialect.name} server at {chosen.server.address}"
    return SelectedWriter(writer, chosen.name, description, "" if chosen.fills else PREFIX_HINT)


def stored_files(folder: Path) -> list[Path]:
    """The model files in a folder: those first whose names tell that they fill in the middle, newest first."""
    files = [path for path in folder.glob("*.gguf") if path.is_file()] if is_folder(folder) else []
    return sorted(files, key=lambda path: (tokens_of(path.stem) is None, -path.stat().st_mtime, path.name))


def stored_writer(folder: Path, note: Callable[[str], None]) -> GgufWriter | None:
    """A model of the folder, the first that can be used; None: there is none."""
    for path in stored_files(folder):
        try:
            return GgufWriter(path)
        except InputError as error:
            note(str(error))
    return None
