"""The file that remembers a person's settings: typed, written whole, merged with what others changed meanwhile.

Not here: what the settings are (`settings_messages`), what they do.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

import strict_json
from errors import InputError, NotFoundError
from files import atomic_write, lock, read_regular_file, translate_os_errors
from services.learning.current_models import file_stamp
from services.messages.settings_messages import Settings, SettingsChange

_NAMES = SettingsChange.__struct_fields__


class PersonSettings:
    """Settings of one data root, for any number of threads and processes.

    path: of the file; None: they are remembered while this process runs. defaults: of what nobody has changed.
    for_this_run: come before the file's until they are changed, as flags do. failure: why the file does not count;
    None: it does.
    """

    def __init__(
        self,
        path: Path | None = None,
        defaults: Settings | None = None,
        for_this_run: SettingsChange | None = None,
    ) -> None:
        self.failure: str | None = None
        self._path, self._defaults = path, defaults or Settings()
        self._for_this_run = _changed(for_this_run or SettingsChange())
        self._lock = threading.Lock()
        self._remembered: dict[str, Any] = {}
        self._stamp: object = None

    def current(self) -> Settings:
        """The settings as they hold now."""
        with self._lock:
            self._read()
            return self._merged()

    def update(self, change: SettingsChange) -> Settings:
        """Changes what `change` names, on the disk too, and returns all. Raises InputError: the disk refuses."""
        changed = _changed(change)
        if not changed:
            return self.current()
        with self._lock:
            if self._path is not None:
                with lock(self._path.with_name(f".{self._path.name}.lock"), wait=True):
                    self._read()
                    self._write(changed)
            else:
                self._remembered |= changed
            for name in changed:
                self._for_this_run.pop(name, None)
            return self._merged()

    def set_damaged_aside(self, note: Callable[[str], None]) -> None:
        """Renames a file that cannot be read, so that the next change does not lose it; says so in a line."""
        with self._lock:
            self._read()
            if self.failure is None or self._path is None:
                return
            aside = self._set_aside()
            place = f"it is now {aside.name}" if aside is not None else "it cannot be renamed"
            note(f"{self.failure}; {place}, and the settings are the usual ones")
            if aside is not None:
                self.failure, self._stamp = None, None

    def _merged(self) -> Settings:
        values = {**_changed(self._remembered_change()), **self._for_this_run}
        return msgspec.structs.replace(self._defaults, **values)

    def _remembered_change(self) -> SettingsChange:
        return msgspec.convert(
            {name: self._remembered[name] for name in _NAMES if name in self._remembered}, SettingsChange
        )

    def _read(self) -> None:
        """Reads the file if it has changed; one that cannot be read says nothing."""
        if self._path is None:
            return
        stamp = file_stamp(self._path)
        if stamp == self._stamp:
            return
        self._remembered, self.failure, self._stamp = {}, None, stamp
        try:
            self._remembered = _parse(read_regular_file(self._path))
        except NotFoundError:
            return
        except InputError as error:
            self.failure = str(error)
        except (ValueError, RecursionError) as error:
            self.failure = f"{self._path}: is no file of settings ({str(error)[:200]})"

    def _write(self, changed: dict[str, Any]) -> None:
        """Raises InputError: the disk refuses."""
        assert self._path is not None
        if self.failure is not None:
            self._set_aside()
        remembered = {**self._remembered, **msgspec.to_builtins(changed)}
        atomic_write(self._path, strict_json.dumps(remembered, indent=1) + "\n")
        self._remembered, self.failure, self._stamp = remembered, None, file_stamp(self._path)

    def _set_aside(self) -> Path | None:
        """The new name of the file; None: it cannot have one."""
        assert self._path is not None
        damaged = self._path.with_name(f"{self._path.stem}.damaged{self._path.suffix}")
        try:
            with translate_os_errors(self._path):
                self._path.replace(damaged)
        except InputError:
            return None
        return damaged


def _parse(content: bytes) -> dict[str, Any]:
    """The settings in a file, with those of other versions. Raises ValueError: it has none, or wrong ones."""
    remembered = json.loads(content)
    if not isinstance(remembered, dict):
        raise ValueError(f"it holds a {type(remembered).__name__}")
    msgspec.convert({name: remembered[name] for name in _NAMES if name in remembered}, SettingsChange)
    return remembered


def _changed(change: SettingsChange) -> dict[str, Any]:
    return {name: value for name in _NAMES if (value := getattr(change, name)) is not UNSET}
