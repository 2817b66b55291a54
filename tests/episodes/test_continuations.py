"""What a recording copied of another one that it goes on from counts once; without that one, it is its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.continuations import copied_turns, first_recording
from state_adapter import read_episodes


@pytest.fixture
def make(recordings):
    def session(name, last, source=None, *, upto=None, first=0, **more):
        """Turns by turns of the person (even) and the assistant, from `first` to `last`."""
        states = [
            recordings.state(t, "a\n" * t, recordings.by("A", 2, 1) if t % 2 else None) for t in range(first, last + 1)
        ]
        origin = {} if source is None else {"source_episode": source, "source_timestep": upto}
        return recordings.session(*states, episode_id=name, **origin, **more)

    return session


def own_turns(episode):
    return sorted(each.next.t for agent in "HA" for each in episode.transitions(agent))


def read(recordings):
    return {episode.id: episode for episode in read_episodes(recordings.folder)[0]}


@pytest.mark.parametrize("kind", ["snapshot", "stream"])
@pytest.mark.parametrize("upto", [4, None])
def test_states_copied_from_a_present_source_are_context_only(recordings, make, kind, upto):
    getattr(recordings, kind)(make("old", 4))
    getattr(recordings, kind)(make("new", 8, "old", upto=upto))
    episodes = read(recordings)
    assert own_turns(episodes["old"]) == [1, 2, 3, 4] and own_turns(episodes["new"]) == [5, 6, 7, 8]
    assert len(episodes["new"].states) == 9
    (first, _) = episodes["new"].transitions("A")
    assert [past.t for past in first.history] == [0, 2]


def test_a_recording_that_goes_on_elsewhere_did_not_end(recordings, make):
    recordings.snapshot(make("old", 4))
    recordings.snapshot(make("new", 8, "old", upto=4))
    recordings.snapshot(make("earlier", 4))
    recordings.snapshot(make("from the middle", 8, "earlier", upto=2))
    episodes = read(recordings)
    assert {name: episode.cut_off for name, episode in episodes.items()} == {
        "old": True, "new": False, "earlier": False, "from the middle": False,
    }  # fmt: skip


def test_without_the_source_copied_states_are_the_recordings_own(recordings, make):
    recordings.snapshot(make("new", 8, "old", upto=4))
    recordings.snapshot(make("other", 4))
    episode = read(recordings)["new"]
    assert own_turns(episode) == list(range(1, 9)) and episode.session == "new"


def test_what_an_excluded_source_recorded_is_learned_from_nowhere(recordings, make):
    recordings.snapshot(make("old", 4))
    recordings.snapshot(make("new", 8, "old", upto=4))
    recordings.write("old/old.excluded", "")
    assert own_turns(read(recordings)["new"]) == [5, 6, 7, 8]


def test_a_chain_is_one_session_and_each_turn_counts_once(recordings, make):
    for session in (make("a", 3), make("b", 5, "a", upto=3), make("c", 9, "b", upto=5), make("d", 7, "a", upto=1)):
        recordings.snapshot(session)
    episodes = read(recordings)
    assert [own_turns(episodes[name]) for name in "abcd"] == [[1, 2, 3], [4, 5], [6, 7, 8, 9], [2, 3, 4, 5, 6, 7]]
    assert {episode.session for episode in episodes.values()} == {"a"}


@pytest.mark.parametrize("source", ["new", 7, "", {"x": 1}, "absent"])
def test_a_source_that_is_none_changes_nothing(recordings, make, source):
    recordings.snapshot(make("new", 4, source, upto="x"))
    assert own_turns(read(recordings)["new"]) == [1, 2, 3, 4]


def test_silence_before_the_seam_counts_in_the_streak(recordings):
    states = [recordings.state(t, "a", recordings.by("A", 0) if t % 2 else None) for t in range(6)]
    recordings.snapshot(recordings.session(*states[:4], episode_id="old"))
    recordings.snapshot(recordings.session(*states, episode_id="new", source_episode="old", source_timestep=3))
    assert [each.streak for each in read(recordings)["new"].transitions("A")] == [2]


@given(st.lists(st.integers(0, 50), unique=True).map(sorted), st.none() | st.integers(0, 50), st.integers(0, 50))
def test_copied_turns_come_first_and_are_not_above_the_seam(turns, upto, last):
    copied = copied_turns(turns, upto, last)
    boundary = last if upto is None else upto
    assert all(turn <= boundary for turn in turns[:copied]) and all(turn > boundary for turn in turns[copied:])


@given(st.dictionaries(st.integers(0, 6), st.none() | st.integers(0, 8)))
def test_circles_of_sources_end(sources):
    for recording in sources:
        assert first_recording(recording, sources) in sources
