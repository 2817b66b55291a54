"""Recordings that go on from others: what they copied of them is learned from once. Not here: reading, recording."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from .episode import Episode


def link_continuations(episodes: Sequence[Episode], excluded: Collection[str] = ()) -> list[Episode]:
    """The episodes; those that go on from another of them, or from an `excluded` one, know what they copied.

    An episode that another one goes on from did not end there: it is cut off. Where the source is absent, what was
    copied is the episode's own. excluded: ids of recordings that the person leaves out of learning.
    """
    if not any(episode.source_episode for episode in episodes):
        return list(episodes)
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
