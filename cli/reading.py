"""Sessions read while a person watches. Not here: how they are read (`state_adapter`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cli.tables import pluralise
from errors import NotFoundError
from state_adapter import BESIDE_SNAPSHOT, NO_DECISION, Episode, Summary, read_episodes
from training.runs.observer import Observer
from training.telemetry import RunRecord


def read(path: Path, observer: Observer, run: RunRecord, *, strict: bool = False) -> list[Episode]:
    """The sessions at `path`, with a line for each that is unreadable, and one each for all that have no decision, that
    were repaired, that the person left out, and whose file is ignored by now, which are left out.

    That a stream lies beside its snapshot, as the recorder leaves it, is nothing to tell a person.
    """
    episodes, summary = read_with_progress(path, observer, strict=strict)
    _report_skipped(summary, observer)
    repaired = {repair: times for repair, times in summary.repaired.items() if repair != BESIDE_SNAPSHOT}
    if repaired:
        listed = ", ".join(f"{repair} ({times})" for repair, times in sorted(repaired.items()))
        observer.message(f"repaired: {listed}")
    if summary.excluded:
        observer.message(f"left out by you: {pluralise(summary.excluded, 'session')}")
    episodes = _without_ignored(episodes, path, observer)
    run.counts.update(sessions=len(episodes), states=sum(len(episode.states) for episode in episodes))
    return episodes


def _report_skipped(summary: Summary, observer: Observer) -> None:
    without_decision = 0
    for where, reason in summary.skipped:
        if reason.endswith(NO_DECISION):
            without_decision += 1
        else:
            observer.message(f"unreadable: {where}: {reason}")
    if without_decision:
        observer.message(f"without the assistant, so nothing to learn from: {pluralise(without_decision, 'session')}")


def _without_ignored(episodes: Sequence[Episode], path: Path, observer: Observer) -> list[Episode]:
    """The sessions but those of a person's file that is ignored or a secret now. Raises NotFoundError: all are."""
    if not any(episode.file is not None and episode.folder is not None for episode in episodes):
        return list(episodes)
    try:
        from sessions.ignored_sessions import IgnoredSessions
    except ImportError:
        why = "whether their files are ignored cannot be told without pathspec (extra `serve`)"
        learned = [episode for episode in episodes if episode.file is None or episode.folder is None]
    else:
        why, sessions = "their files are ignored", IgnoredSessions()
        learned = [episode for episode in episodes if not sessions.ignores(episode.file, episode.folder)]
    left_out = f"{pluralise(len(episodes) - len(learned), 'session')}: {why}"
    if not learned:
        raise NotFoundError(str(path), f"nothing is learned from {left_out}")
    if len(learned) < len(episodes):
        observer.message(f"left out {left_out}")
    return learned


def without_open_sessions(episodes: Sequence[Episode], path: Path) -> list[Episode]:
    """The sessions that have ended. A stream without an end is being recorded: a server ends what others left open.

    Raises NotFoundError: none has.
    """
    ended = [episode for episode in episodes if not (episode.cut_off and Path(episode.source).suffix == ".jsonl")]
    if not ended:
        raise NotFoundError(str(path), "holds no session that has ended yet; learning begins with the first one")
    return ended


def read_with_progress(path: Path, observer: Observer, *, strict: bool = False) -> tuple[list[Episode], Summary]:
    """As `state_adapter.read_episodes`; the observer sees a phase of a step for each file."""
    started = False

    def progress(done: int, files: int) -> None:
        nonlocal started
        if not started:
            observer.phase("loading", files)
        started = True
        observer.advance()

    return read_episodes(path, strict=strict, progress=progress)
