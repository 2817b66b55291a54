"""Recordings that go on from others: what they copied of them is learned from once. Not here: reading, recording."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from .episode import Episode


def link_continuations(episodes: Sequence[Episode], excluded: Collection[str] = ()) -> list[Episode]:
    """The episodes; those that go on from another of them, or from an `excluded` one, know what they copied.

    An episode that another one goes on from did not end there: it is cut off. Where the source is absent, the episode
    goes on from whichever other one begins with the same states; if there is none, what was copied is its own.
    excluded: ids of recordings that the person leaves out of learning.
    """
    if not any(episode.source_episode for episode in episodes):
        return list(episodes)
    episodes = _with_present_sources(episodes, excluded)
    by_id = {episode.id: episode for episode in episodes}
    sources = {episode.id: episode.source_episode for episode in episodes}
    continued = {_continued(episode, by_id) for episode in episodes}
    return [
        replace(
            episode,
            copied=_copied(episode, by_id, excluded),
            first_recording=first_recording(episode.id, sources),
            cut_off=episode.cut_off or episode.id in continued,
        )
        for episode in episodes
    ]


def copied_turns(turns: Sequence[int], source_timestep: int | None, last_of_source: int | None) -> int:
    """How many of a recording's first states, of these turns, it copied.

    source_timestep: up to which turn, None: all. last_of_source: turn of the source's last state, None: unknown.
    """
    boundary = last_of_source if source_timestep is None else source_timestep
    return 0 if boundary is None else sum(turn <= boundary for turn in turns)


def first_recording(recording: str, sources: Mapping[str, str | None]) -> str:
    """Id of the recording with which the session of a recording began. sources: of each recording that there is."""
    passed = {recording}
    while (source := sources.get(recording)) in sources and source is not None and source not in passed:
        passed.add(source)
        recording = source
    return recording


class SharedBeginning(NamedTuple):
    """Another recording that begins as one does. length: how many of their first states, or decisions, are the same."""

    recording: str
    length: int


def shared_beginnings(
    beginnings: Mapping[str, Iterable[object]], sources: Mapping[str, str | None], excluded: Collection[str]
) -> dict[str, SharedBeginning]:
    """For each recording whose source is absent the one whose beginning it has, if there is any: both copied it.

    So what was copied through a recording that was deleted counts once all the same. beginnings: what is the same only
    where it was copied, such as states with their time; sources: of each recording; both by id.
    """
    orphans = {name for name, source in sources.items() if source and source not in sources and source not in excluded}
    if not orphans:
        return {}
    listed = {name: list(beginning) for name, beginning in beginnings.items()}
    first = {name: first_recording(name, sources) for name in sources}
    result = {}
    for orphan in orphans:
        # Of two that lost the same source one goes on from the other.
        other_names = [name for name in sorted(listed) if first[name] not in orphans or first[name] < orphan]
        candidates = [SharedBeginning(name, _common_length(listed[orphan], listed[name])) for name in other_names]
        longest = max(candidates, key=lambda beginning: beginning.length, default=None)
        if longest is not None and longest.length:
            result[orphan] = longest
    return result


def _common_length(entries: Sequence[object], other_entries: Sequence[object]) -> int:
    pairs = zip(entries, other_entries, strict=False)
    return next((i for i, (entry, other) in enumerate(pairs) if entry != other), min(len(entries), len(other_entries)))


def _with_present_sources(episodes: Sequence[Episode], excluded: Collection[str]) -> list[Episode]:
    """The episodes; those whose source is absent have another one that begins as they do, if there is any."""
    beginnings = {episode.id: _timed_states(episode) for episode in episodes}
    sources = {episode.id: episode.source_episode for episode in episodes}
    origins = shared_beginnings(beginnings, sources, excluded)
    return [_from(episode, origins[episode.id]) if episode.id in origins else episode for episode in episodes]


def _from(episode: Episode, beginning: SharedBeginning) -> Episode:
    last = episode.states[beginning.length - 1].t
    return replace(episode, source_episode=beginning.recording, source_timestep=last)


def _timed_states(episode: Episode) -> Iterator[object]:
    """What tells the first states from those of any other recording that did not copy them."""
    for state in episode.states:
        if state.timestamp_ms is None:
            return
        yield state.t, state.timestamp_ms, state.lines


def _continued(episode: Episode, by_id: Mapping[str, Episode]) -> str | None:
    """Id of the episode that goes on in this one from its very end; None: there is none."""
    source = by_id.get(episode.source_episode or "")
    if source is None or source is episode or not source.states:
        return None
    last = source.states[-1].t
    return source.id if episode.source_timestep is None or episode.source_timestep >= last else None


def _copied(episode: Episode, by_id: Mapping[str, Episode], excluded: Collection[str]) -> int:
    source = by_id.get(episode.source_episode or "")
    if source is episode or (source is None and episode.source_episode not in excluded):
        return 0
    last = source.states[-1].t if source is not None and source.states else None
    return copied_turns([state.t for state in episode.states], episode.source_timestep, last)
