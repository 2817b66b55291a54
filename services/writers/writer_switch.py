"""Who writes, chosen at the start and changed while it runs; the choice is remembered in the person's settings.

The usual order: the writer that is named at the start, else the one that was chosen on the page, else a server that
answers, else a file in the data root, else the embedded writer. Not here: the writers themselves
(`delegates.selection`), the words about them (`writer_options`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter, OutOfMemoryError
from delegates.http_stream import Address, ModelServer, parse_address
from delegates.selection import (
    LOADING_SECONDS,
    AnyWriter,
    ReliableWriter,
    SelectedWriter,
    WriterSettings,
    select,
    stored_files,
    stored_writer,
)
from delegates.server_search import probe, search_servers, usual_addresses
from delegates.server_writer import ServerWriter
from delegates.tutor import Tutor
from errors import ConflictError, InputError, NotFoundError
from services.assistance.assistance import Assistance
from services.messages.settings_messages import Settings, SettingsChange
from services.messages.writer_messages import WriterChoice
from services.person.person_settings import PersonSettings

WAIT_SECONDS = 1.0
"""That a change waits for the one before it."""


class WriterSwitch:
    """Changes who writes, for any number of threads; one change at a time.

    selected: who writes. folder: of model files. has_solutions: whether a problem comes with one, as the tutor needs.
    named: the writer that a flag or a setting names for every start. own_ports: on which this process listens, which
    are never asked. note: takes a line of words for what cannot be used.
    """

    def __init__(
        self,
        assistance: Assistance,
        selected: SelectedWriter,
        settings: PersonSettings,
        folder: Path,
        has_solutions: Callable[[], bool],
    ) -> None:
        self.selected = selected
        self._assistance, self._settings = assistance, settings
        self._folder, self._has_solutions = folder, has_solutions
        self.named = WriterSettings()
        self.own_ports: Collection[int] = ()
        self.note: Callable[[str], None] = lambda line: None
        self._servers: tuple[ServerWriter, ...] | None = None
        self._lock = threading.Lock()
        self._closed = False

    @property
    def chosen(self) -> AnyWriter | None:
        """The model in this process or the server that writes; None: the embedded writer does."""
        writer = self._assistance.writer
        return writer.chosen if isinstance(writer, ReliableWriter) else None

    @property
    def servers(self) -> tuple[ServerWriter, ...]:
        """The servers that answered when they were looked for last; looked for now if they never were."""
        return self.look() if self._servers is None else self._servers

    def look(self) -> tuple[ServerWriter, ...]:
        """Looks for servers on this machine: where they usually are, and where one was chosen before."""
        addresses = dict.fromkeys([*usual_addresses(self.own_ports), *self._remembered_addresses()])
        self._servers = tuple(search_servers(list(addresses), self.named.limits))
        return self._servers

    def _remembered_addresses(self) -> list[Address]:
        choice = self._settings.current().writer
        if choice is None or choice.address is None:
            return []
        try:
            address = parse_address(choice.address, "address")
        except InputError:
            return []
        return [address] if address.is_local and address.port not in self.own_ports else []

    def begin(self, named: AnyWriter | None) -> SelectedWriter:
        """Takes the writer that was named at the start, else the one that the person chose, else the usual one."""
        with self._lock:
            remembered = self._settings.current().writer
            if named is not None:
                if remembered is not None:
                    self.note("the writer that was named at the start comes before the one chosen on the page")
                return self._use(named)
            if remembered is not None:
                try:
                    return self._use(self._open(remembered))
                except InputError as error:
                    self.note(f"the writer chosen on the page cannot be used: {error}")
            return self._use(self._usual())

    def choose(self, choice: WriterChoice) -> None:
        """Changes who writes, frees the memory of whoever wrote before, and remembers the choice.

        Raises InputError: the writer cannot be used, and the one before goes on; another change is under way; or the
        disk refuses to remember it.
        """
        with self._alone():
            if choice.kind == "tutor":
                self._require_solutions()
                change = SettingsChange(tutor=True)
            else:
                if not self._is_current(choice):
                    self._replace(choice)
                change = SettingsChange(writer=None if choice.kind == "automatic" else choice, tutor=False)
            self.apply_tutor(change)
            self._settings.update(change)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody waits for long behind a model that is being loaded: the threads are for other requests too."""
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            raise ConflictError("writer", "another one is being chosen just now; try again in a moment")
        try:
            yield
        finally:
            self._lock.release()

    def apply_tutor(self, settings: SettingsChange | Settings) -> None:
        """Lets the tutor write, or not."""
        self._assistance.tutor = Tutor() if settings.tutor is True else None

    def close(self) -> None:
        """Ends whoever writes, so that training has the memory and the core."""
        self._closed = True
        writer = self._assistance.writer
        if isinstance(writer, ReliableWriter):
            writer.close()

    def _require_solutions(self) -> None:
        if not self._has_solutions():
            raise ConflictError("tutor", "no problem comes with a solution")

    def _is_current(self, choice: WriterChoice) -> bool:
        """Whether this very writer writes already, as far as is known without failing."""
        writer, chosen = self._assistance.writer, self.chosen
        if not isinstance(writer, ReliableWriter) or writer.unavailable:
            return False
        if choice.kind == "embedded":
            return chosen is None
        return choice.kind == "file" and isinstance(chosen, GgufWriter) and chosen.path.name == choice.file

    def _replace(self, choice: WriterChoice) -> None:
        """Raises InputError, with the writer as it was."""
        before = self._assistance.writer
        try:
            self._use(self._open(choice))
        except OutOfMemoryError as error:
            self._replace_in_its_memory(choice, error)
        except NotFoundError:
            raise
        except InputError as error:
            raise self._refusal(error) from error
        else:
            if isinstance(before, ReliableWriter):
                before.close_chosen()

    def _replace_in_its_memory(self, choice: WriterChoice, error: OutOfMemoryError) -> None:
        """Ends the model that writes before the next is loaded, as there is no memory for both."""
        before, writer = self.chosen, self._assistance.writer
        if not (isinstance(before, GgufWriter) and isinstance(writer, ReliableWriter)):
            raise self._refusal(error) from error
        writer.close_chosen()
        try:
            self._use(self._open(choice))
        except InputError as second_error:
            self._use(GgufWriter(before.path))
            raise self._refusal(second_error) from second_error

    def _refusal(self, error: InputError) -> ConflictError:
        return ConflictError(error.where, f"{error.reason}; {self.selected.name} goes on writing")

    def _open(self, choice: WriterChoice) -> AnyWriter | None:
        """The writer; None: the embedded one. A file that was chosen is loaded already. Raises InputError."""
        if choice.kind == "embedded":
            return None
        if choice.kind == "server":
            return self._server(choice)
        if choice.kind == "automatic":
            return self._usual()
        writer = self._file(choice)
        try:
            writer.wait_until_loaded(LOADING_SECONDS)
        except InputError:
            writer.close()
            raise
        return writer

    def _usual(self) -> AnyWriter | None:
        """The first of the usual order."""
        usual = usual_addresses(self.own_ports)
        servers = [server for server in self.look() if server.server.address in usual]
        return servers[0] if servers else stored_writer(self._folder, self.note)

    def _server(self, choice: WriterChoice) -> ServerWriter:
        address = parse_address(choice.address or "", "address")
        if address.is_local and address.port in self.own_ports:
            raise InputError(str(address), "is this server itself")
        server = ModelServer(address, self.named.limits, allow_remote=self.named.allow_remote)
        return probe(server, choice.model)

    def _file(self, choice: WriterChoice) -> GgufWriter:
        files = stored_files(self._folder)
        if self.named.model_file is not None:
            files.append(self.named.model_file)
        path = next((path for path in files if path.name == choice.file), None)
        if path is None:
            raise NotFoundError(str(choice.file), f"is no model file in {self._folder}")
        return GgufWriter(path)

    def _use(self, chosen: AnyWriter | None) -> SelectedWriter:
        before = self._assistance.writer
        embedded = before.embedded if isinstance(before, ReliableWriter) else EmbeddedWriter(self._folder)
        self.selected = selected = select(chosen, embedded, self.note)
        self._assistance.writer, self._assistance.writer_failure = selected.writer, None
        if self._closed:  # the services ended meanwhile
            selected.writer.close()
        return selected
