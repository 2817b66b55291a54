"""What help in an open session may know and whether there may be any. Not here: help itself (`assistance`)."""

from __future__ import annotations

from dataclasses import dataclass

from delegates import Cancellation, WritingContext
from delegates.file_kinds import is_python_file
from errors import InputError
from services.person.person_folder import PersonFolder
from services.recording.recorder import Recorder


@dataclass(frozen=True, slots=True)
class SessionHelp:
    """Of the sessions of a recorder. folder: of the person's own files."""

    recorder: Recorder
    folder: PersonFolder

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
        if episode_id is None or file is None:
            return None
        if not is_python_file(file, first_line):
            return f"{file} is not Python: what you do is recorded, but only Python is written"
        try:
            if (files := self.folder.files_in(self.recorder.folder(episode_id))) is not None:
                files.allowed(file)
        except InputError as error:
            return str(error)
        return None
