"""What help in an open session may know and whether there may be any. Not here: help itself (`assistance`)."""

from __future__ import annotations

from dataclasses import dataclass

from delegates import Cancellation, WritingContext
from delegates.file_kinds import is_python_file
from errors import InputError
from services.person_files import PersonFiles
from services.recording.recorder import Recorder


@dataclass(frozen=True, slots=True)
class SessionHelp:
    """Of the sessions of a recorder. files: the person's own; None: no folder is open."""

    recorder: Recorder
    files: PersonFiles | None = None

    def context(self, episode_id: str | None, cancellation: Cancellation | None = None) -> WritingContext:
        """What a writer may know of a session beside its text."""
        recorder = self.recorder
        return WritingContext(
            recorder.problem(episode_id),
            recorder.rejected_texts(episode_id),
            cancellation or Cancellation(),
            recorder.file(episode_id),
        )

    def refusal(self, episode_id: str | None, first_line: str) -> str | None:
        """Why nobody may help in a session; None: they may. Ignore files count as they are now."""
        file = self.recorder.file(episode_id)
        if file is None:
            return None
        if not is_python_file(file, first_line):
            return f"{file} is not Python: what you do is recorded, but only Python is written"
        try:
            if self.files is not None:
                self.files.allowed(file)
        except InputError as error:
            return str(error)
        return None
