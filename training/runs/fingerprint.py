"""What decides what a run computes, as short digests: settings, recordings, problems. Not here: where they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from config import LoopConfig, TrainConfig
from errors import InputError
from judge import Problem
from models.reviewer import Reviewer
from simulation.builtin_problems import BY_ID
from state_adapter import Episode
from training.runs.code_version import code_version

_FREE = ("checkpoint_dir", "pv_dir", "resume", "run_label", "device", "learn_pastes")
"""Settings that do not decide what a run computes, but for what they change in the recordings."""

_FREE_OF_LOOP = ("device", "telemetry_url", "serve", "learn_pastes")
"""Settings that do not decide what a run of `run.py` learns, but for the reviewer's where texts were reviewed, and for
what they change in the sessions."""


def fingerprint(
    config: TrainConfig,
    episodes: Sequence[Episode],
    problems: Mapping[str, Problem] = BY_ID,
    reviewer: Reviewer | None = None,
) -> dict[str, str]:
    """What must be the same for a run to go on: settings by name, the recordings, and their problems.

    Also the reviewer that will serve, if a text of the recordings was reviewed: else it decides nothing.
    """
    settings = {name: value for name, value in asdict(config).items() if name not in _FREE}
    return {
        **dict(_flatten("", settings)),
        "recordings": recordings_digest(episodes),
        "problems": problems_digest(episodes, problems),
        **({} if reviewer is None or not has_reviews(episodes) else {"reviewer": reviewer_digest(reviewer)}),
    }


def loop_fingerprint(config: LoopConfig, episodes: Sequence[Episode], problems: Mapping[str, Problem]) -> str:
    """A digest of what decides what a run of `run.py` learns: sessions with contents (in any order), settings, problems
    and code."""
    settings = {name: value for name, value in asdict(config).items() if name not in _FREE_OF_LOOP}
    ordered = canonical_order(episodes)
    if has_reviews(episodes):
        settings["review"] = (config.serve.review_threshold, config.serve.review_exploration)
    decisive = (settings, recordings_digest(ordered), problems_digest(ordered, problems), code_version())
    return hashlib.blake2b(repr(decisive).encode("utf-8", "backslashreplace"), digest_size=12).hexdigest()


def has_reviews(episodes: Sequence[Episode]) -> bool:
    """Whether any text of the sessions was reviewed."""
    return any(action is not None and action.review is not None for episode in episodes for action in episode.actions)


def reviewer_digest(reviewer: Reviewer) -> str:
    """Threshold, exploration, and a digest of the coefficients."""
    coefficients = [round(coefficient, 6) for coefficient in reviewer.coefficients]
    digest = hashlib.blake2b(_bytes(*coefficients), digest_size=6).hexdigest()
    return f"{reviewer.threshold:.4g}, exploration {reviewer.exploration:.4g} ({digest})"


def canonical_order(episodes: Sequence[Episode]) -> list[Episode]:
    """Sessions by their ids (of equal ones by their contents), however their files are named or arranged."""
    if len({episode.id for episode in episodes}) == len(episodes):
        return sorted(episodes, key=lambda episode: episode.id)
    return sorted(episodes, key=lambda episode: (episode.id, recordings_digest([episode])))


def recordings_digest(episodes: Sequence[Episode]) -> str:
    """Number and digest of the sessions, contents and order included."""
    digest = hashlib.blake2b(digest_size=6)
    for episode in episodes:
        for content in _contents(episode):
            digest.update(content)
    return f"{len(episodes)} sessions ({digest.hexdigest()})"


def problems_digest(episodes: Sequence[Episode], problems: Mapping[str, Problem]) -> str:
    """How many sessions have a problem whose tests are available, and a digest of these problems."""
    digest, count = hashlib.blake2b(digest_size=6), 0
    for episode in episodes:
        if (problem := problems.get(episode.problem_id or "")) is not None:
            count += 1
            digest.update(_bytes(problem.key, problem.notes))
    return f"known of {count} sessions ({digest.hexdigest()})"


def require_same(saved: Mapping[str, str], current: Mapping[str, str], where: Path) -> None:
    """Raises InputError that names what differs between the interrupted run and this one."""
    different = [
        f"{name} was {saved.get(name, 'not set')} and is {current.get(name, 'not set')}"
        for name in sorted({*saved, *current})
        if saved.get(name) != current.get(name)
    ]
    if different:
        reason = f"cannot go on with another run: {'; '.join(different)}. Without --resume it begins anew"
        raise InputError(str(where), reason)


def _flatten(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Nested settings as dotted names and texts."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", str(value)


def _contents(episode: Episode) -> Iterator[bytes]:
    """All that is learned from in a session."""
    yield _bytes(episode.id, episode.actions, episode.cut_off)
    if episode.copied:
        yield _bytes(episode.copied)
    for state in episode.states:
        yield "\n".join(state.lines).encode("utf-8", "surrogatepass")
        yield _bytes(state.t, state.cursor, state.last_known_line, state.env, sorted(state.undone))
        if state.pasted:
            yield _bytes(sorted(state.pasted))
        yield state.human.tobytes() + state.assistant.tobytes()
    yield _bytes(*[state.history for state in episode.states[:1]])


def _bytes(*values: object) -> bytes:
    return repr(values).encode("utf-8", "backslashreplace")
