"""What a recording copied of another one that it goes on from counts once; without that one, it is its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.continuations import copied_turns, first_recording, shared_beginnings
from state_adapter import read_episodes


@pytest.fixture
def make(recordings):
    def session(name, last, source=None, *, upto=None, first=0, begun=0, **more):
        """Turns by turns of the person (even) and the assistant, from `first` to `last`. begun: when its own begin."""
        states = [
            recordings.state(
                t,
                "a\n" * t,
                recordings.by("A", 2, 1) if t % 2 else None,
                timestamp_ms=1000 + t + (begun if not isinstance(upto, int) or t > upto else 0),
            )
            for t in range(first, last + 1)
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
    recordings.snapshot(make("other", 4, begun=60_000))
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


@pytest.mark.parametrize("kind", ["snapshot", "stream"])
def test_what_was_copied_through_a_deleted_recording_counts_once(recordings, make, kind):
    getattr(recordings, kind)(make("a", 3))
    getattr(recordings, kind)(make("c", 9, "b", upto=5))  # b, which went on from a, was deleted
    episodes = read(recordings)
    assert [own_turns(episodes[name]) for name in "ac"] == [[1, 2, 3], [4, 5, 6, 7, 8, 9]]
    assert {episode.session for episode in episodes.values()} == {"a"}
    assert episodes["a"].cut_off and not episodes["c"].cut_off


def test_two_that_lost_the_same_source_count_what_both_copied_once(recordings, make):
    for session in (
        make("c", 6, "gone", upto=4, begun=10_000),
        make("d", 8, "gone", upto=2, begun=20_000),
        make("e", 9, "c", upto=6, begun=30_000),
    ):
        recordings.snapshot(session)
    episodes = read(recordings)
    assert [own_turns(episodes[name]) for name in "cde"] == [[1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 8], [7, 8, 9]]
    assert {episode.session for episode in episodes.values()} == {"c"}


def test_states_without_a_time_are_never_taken_for_the_same(recordings, make):
    for name, source in (("a", None), ("c", "b")):
        session = make(name, 4, source, upto=3)
        for state in session["states"]:
            state["timestamp_ms"] = None
        recordings.snapshot(session)
    assert own_turns(read(recordings)["c"]) == [1, 2, 3, 4]


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


NAMES = "abcdef"


@given(
    st.dictionaries(st.sampled_from(NAMES), st.none() | st.sampled_from(NAMES + "xy")),
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.integers(0, 1), max_size=4)),
    st.sets(st.sampled_from("xy")),
)
def test_only_recordings_without_their_source_get_another_and_never_in_a_circle(sources, beginnings, excluded):
    beginnings = {name: beginnings.get(name, []) for name in sources}
    shared = shared_beginnings(beginnings, sources, excluded)
    for name, (other, length) in shared.items():
        assert sources[name] and sources[name] not in sources and sources[name] not in excluded
        assert length > 0 and beginnings[name][:length] == beginnings[other][:length]
    linked = sources | {name: other for name, (other, _) in shared.items()}
    for name in shared:
        assert first_recording(name, linked) != name
