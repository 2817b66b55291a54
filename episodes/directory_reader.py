"""All recorded sessions below a folder, or in one file: found, read one file at a time, and summed up.

Not here: the formats, one module each.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from errors import InputError, NotFoundError
from state import Env

from .activity import ACTIVITY
from .continuations import link_continuations
from .episode import Episode
from .exclusion import exclusion_mark, session_folder
from .json_reader import read_document
from .jsonl_reader import CHANGES, TEST_RUNS, TESTS, read_stream, read_tests
from .summary import Summary

_NO_STREAMS = (TESTS, CHANGES, ACTIVITY, TEST_RUNS)

NO_DECISION = ", so no decision; expected two states at least"
"""How the reason ends why an episode that is whole was left out."""

BESIDE_SNAPSHOT = "streams beside their snapshot, which was read instead"

EXPECTED = "<id>/<id>.json (a snapshot), <id>/raw/<id>.jsonl (a stream) or a list of episodes, with two states at least"


def read_episodes(
    path: str | Path, *, strict: bool = False, progress: Callable[[int, int], object] | None = None
) -> tuple[list[Episode], Summary]:
    """Every episode with a decision at `path`: a folder, searched at any depth in a fixed order, or one file.

    Sessions of a folder that the person excluded are left out, and counted in the summary. What a session copied of
    another one that it goes on from counts once (`continuations`).

    strict: a file or episode that is not valid is an error; else it is skipped, with its reason in the summary.
    progress: called after each file with the number of files done and in all.
    Raises InputError: nothing is there, no episode has a decision, or `strict` and something is not valid.
    """
    root = Path(path)
    try:
        if not root.exists():
            raise NotFoundError(str(path), "does not exist, expected a folder of recorded sessions or a file of them")
    except OSError as error:
        raise InputError(str(path), f"cannot be reached: {error.strerror}") from None
    reading = _Reading(strict)
    files = list(find_files(root, reading.refuse)) if root.is_dir() else [root]
    for done, file in enumerate(files, 1):
        if root.is_dir() and (mark := exclusion_mark(file)).exists():
            reading.excluded.add(mark)
        else:
            reading.read(file)
        if progress is not None:
            progress(done, len(files))
    summary = reading.summary
    summary.excluded = len(reading.excluded)
    if not reading.used:
        raise _nothing(str(path), len(files) if root.is_dir() else None, summary)
    return link_continuations(reading.used, {mark.stem for mark in reading.excluded}), summary


def find_files(folder: Path, refuse: Callable[[InputError], None]) -> Iterator[Path]:
    """Files that may hold sessions: a folder's own before those of the folders in it, by name.

    Hidden files are left out; links are followed, but no folder is searched twice. refuse: called with the reason why a
    folder cannot be searched, or an entry cannot be opened.
    """
    waiting, searched = [folder], set[tuple[int, int]]()
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            with os.scandir(folder) as listing:
                entries = sorted([entry for entry in listing if not entry.name.startswith(".")], key=_name)
            folders = [entry.name for entry in entries if _is_folder(entry)]
        except OSError as error:
            refuse(InputError(str(folder), f"cannot be searched: {error.strerror}"))
            continue
        if (status.st_dev, status.st_ino) in searched:
            continue
        searched.add((status.st_dev, status.st_ino))
        waiting += [folder / name for name in reversed(folders)]
        for entry in entries:
            if _may_hold_sessions(entry.name) and not _is_folder(entry):
                path = folder / entry.name
                if entry.is_file(follow_symlinks=False) or _may_be_opened(path, refuse):
                    yield path


def has_recordings(folder: Path) -> bool:
    """Whether any file in a folder may hold sessions."""
    return any(True for _ in find_files(folder, lambda error: None))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Also behind a link; a link that leads nowhere or in a circle is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _may_hold_sessions(name: str) -> bool:
    """Whether a file of this name may."""
    return name.lower().endswith((".json", ".jsonl")) and name not in _NO_STREAMS


def _may_be_opened(path: Path, refuse: Callable[[InputError], None]) -> bool:
    """Whether reading the file can neither wait nor go on for ever; a FIFO, socket or device is skipped."""
    if path.exists() and not path.is_file():
        refuse(InputError(str(path), "is no regular file"))
        return False
    return True


def read_recording(path: Path) -> Iterator[Episode | InputError]:
    """The episodes of one file, whatever they hold; in place of a damaged one its error.

    Raises InputError: the file cannot be read, or holds no episodes.
    """
    if path.suffix.lower() != ".jsonl":
        yield from read_document(path, Counter())
        return
    tests = path.parent / TESTS
    yield read_stream(path, Counter(), read_tests(tests, Counter()) if tests.is_file() else {})


class _Reading:
    """One pass over the files."""

    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.summary = Summary()
        self.used: list[Episode] = []
        self.excluded: set[Path] = set()
        """Marks of the sessions that the person excluded."""
        self.snapshots: set[tuple[Path, str]] = set()
        """Session folders with the names and ids of what was read there."""

    def read(self, path: Path) -> None:
        try:
            for episode in self._stream(path) if path.suffix.lower() == ".jsonl" else self._document(path):
                self._take(episode)
            self.summary.files += 1
        except InputError as error:
            self.refuse(error)

    def refuse(self, error: InputError) -> None:
        if self.strict:
            raise error
        self.summary.skipped.append((error.where, error.reason))

    def _document(self, path: Path) -> Iterator[Episode]:
        for episode in read_document(path, self.summary.repaired):
            if isinstance(episode, InputError):
                self.refuse(episode)
            else:
                self.snapshots |= {(path.parent, path.stem), (path.parent, episode.id)}
                yield episode

    def _stream(self, path: Path) -> Iterator[Episode]:
        session = session_folder(path)
        if (session, path.stem) not in self.snapshots:
            episode = read_stream(path, self.summary.repaired, self._envs(path.parent / TESTS))
            if (session, episode.id) not in self.snapshots:
                yield episode
                return
        self.summary.repaired[BESIDE_SNAPSHOT] += 1

    def _envs(self, path: Path) -> dict[int, Env]:
        try:
            return (
                read_tests(path, self.summary.repaired) if path.exists() and _may_be_opened(path, self.refuse) else {}
            )
        except InputError as error:
            self.refuse(error)
            return {}

    def _take(self, episode: Episode) -> None:
        self.summary.episodes += 1
        self.summary.states += len(episode.states)
        if len(episode.states) < 2:
            place = f"{episode.source}, episode {episode.id}"
            count = "one state" if episode.states else "no states"
            self.summary.skipped.append((place, f"has {count}{NO_DECISION}"))
            return
        self.summary.used_episodes += 1
        self.summary.used_states += len(episode.states)
        self.used.append(episode)


def _nothing(path: str, files: int | None, summary: Summary) -> InputError:
    """The error of a place without an episode to learn from."""
    skipped = summary.skipped
    if files is None and skipped:
        return InputError(*skipped[0])
    first = f"; the first was skipped: {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
    searched = f" in {files} .json and .jsonl file(s)" if files is not None else ""
    kind = NotFoundError if all(reason.endswith(NO_DECISION) for _, reason in skipped) else InputError
    excluded = f"; left out by you: {summary.excluded}" if summary.excluded else ""
    return kind(path, f"holds no episode with a decision{searched}, expected {EXPECTED}{first}{excluded}")
