"""Recorded states become an episode: put in order, attribution following its lines, history without the future."""

import pytest

from state import HISTORY_LENGTH, UNEDITED, PastDecision
from state_adapter import read_episodes


def read(recordings, session, **options):
    (episode,), summary = read_episodes(recordings.snapshot(session), **options)
    return episode, summary


def test_states_are_sorted_and_of_one_timestep_the_later_wins(recordings):
    texts = [(3, "c"), (1, "a"), (2, "old"), (5, "e"), (2, "b")]
    episode, summary = read(recordings, recordings.session(*(recordings.state(t, text) for t, text in texts)))
    assert [(state.t, state.text) for state in episode.states] == [(1, "a"), (2, "b"), (3, "c"), (5, "e")]
    assert summary.repaired == {
        "episodes with states out of order": 1,
        "states replaced by a later one of the same timestep": 1,
    }


def test_attribution_follows_its_lines(recordings):
    """What clients write by line number is used for the first state only: a line above must not move the rest."""
    wrong = [recordings.entry((9, 0, 9), (9, 0, 9))] * 3
    episode, _ = read(
        recordings,
        recordings.session(
            recordings.state(1, "head\ntail", attribution=[recordings.entry((0, 0, 3)), recordings.entry((1, 0, 4))]),
            recordings.state(2, "# note\nhead\ntail", recordings.by("A", 6, 1), wrong),
            recordings.state(3, "# note\nhead\ntails", None, wrong),
            recordings.state(4, "# note\nhead\ntails", recordings.by("A", 0), wrong),
            recordings.state(5, "head\ntails", None, wrong),
        ),
    )
    never = list(UNEDITED)
    skeleton, first, later = [0, 0, 3, 1, 0, 0], [1, 0, 4, 1, 0, 0], [3, 4, 5, 1, 0, 0]
    note = [2, 0, 6, 1, 0, 0]
    assert [state.human.tolist() for state in episode.states] == [
        [skeleton, first],
        [never, skeleton, first],
        [never, skeleton, later],
        [never, skeleton, later],
        [skeleton, later],
    ]
    assert [state.assistant.tolist() for state in episode.states] == [
        [never, never], [note, never, never], [note, never, never], [note, never, never], [never, never],
    ]  # fmt: skip
    assert episode.states[2].human is episode.states[3].human, "what is unchanged is shared"
    assert episode.states[2].lines is episode.states[3].lines


def test_a_state_that_comes_alone_is_used_as_it_is(recordings):
    alone = recordings.session(recordings.state(3, "a", attribution=[recordings.entry((3, 0, 1))]))
    two = recordings.session(recordings.state(1, "a"), recordings.state(2, "b"))
    path = recordings.write("list.json", [alone, two])
    _, summary = read_episodes(path)
    assert summary.episodes == 2 and summary.used_episodes == 1
    assert summary.skipped == [(f"{path}, episode e", "has one state, so no decision; expected two states at least")]


@pytest.mark.parametrize("kind", ["line tuples", "canonical"])
def test_canonical_attribution_in_lists_is_used_as_it_is(recordings, kind):
    def given(t, text, turn):
        edit = {"t_last": turn, "span": [0, 1], "flags": [1, 0, 0]}
        if kind == "line tuples":
            return [[text, edit, {}, {}]]
        return {"lines_text": [text], "t": t, "line_attribs": {"H": [edit]}}

    path = recordings.write("list.json", {"states": [given(0, "a", 0), given(1, "b", 0)]})
    (episode,), _ = read_episodes(path)
    assert [state.human.tolist() for state in episode.states] == [[[0, 0, 1, 1, 0, 0]]] * 2


def test_the_humans_decisions_are_read_off_at_the_last_known_cursor(recordings):
    """The assistant's states have no cursor; the human's was on line 1, then on line 0."""
    at = [recordings.entry(cursor=(1, 1)), recordings.entry(cursor=(3, 2))]
    episode, _ = read(
        recordings,
        recordings.session(
            recordings.state(3, "a\nb", attribution=at),
            recordings.state(4, "a\nb", recordings.by("A", 0), at),
            recordings.state(5, "a\nb + 1", None, [recordings.entry(cursor=(5, 9)), at[1]]),
            recordings.state(6, "a\nb + 1", recordings.by("A", 0), [recordings.entry(cursor=(5, 9)), at[1]]),
            recordings.state(7, "a\nb + 2", None),
            recordings.state(8, "a + 1\nb + 2", None),
        ),
    )
    assert [state.cursor.on for state in episode.states] == [True, False, True, False, False, False]
    assert [state.last_known_line for state in episode.states] == [1, 1, 0, 0, 0, 0]
    assert [(move.decision, move.line) for move in episode.actions[1:]] == [(0, -1), (1, 1), (0, -1), (4, 1), (1, 0)]


def test_history_knows_what_happened_and_nothing_that_comes_after(recordings):
    """A decision is known at once, what was kept of it from the human's reply on."""
    texts = ["x = 1", *["x = 1\ny = 2"] * 4, "x = 1\ny = 2\nz = 3", "x = 1\ny = 2"]
    by = recordings.by
    actions = [None, by("A", 4, 1), None, by("A", 0), None, by("A", 3, 2), None]
    states = [recordings.state(i + 1, *pair) for i, pair in enumerate(zip(texts, actions, strict=True))]
    episode, _ = read(recordings, recordings.session(*states))
    one, one_kept, two = PastDecision(1, 4, None), PastDecision(1, 4, 1.0), PastDecision(3, 0, None)
    three, gone = PastDecision(5, 3, None), PastDecision(5, 3, 0.0)
    assert [state.history for state in episode.states] == [
        (), (one,), (one_kept,), (one_kept, two), (one_kept, two), (one_kept, two, three), (one_kept, two, gone),
    ]  # fmt: skip
    assert [transition.history for transition in episode.transitions("A")] == [(), (one_kept,), (one_kept, two)]


def test_history_of_earlier_sessions_comes_first(recordings):
    first = recordings.state(1, "a", history=[{"t": 9, "decision": 5, "kept": 0.5}])
    episode, _ = read(recordings, recordings.session(first, recordings.state(2, "a", recordings.by("A", 0))))
    assert [state.history for state in episode.states] == [
        (PastDecision(9, 5, 0.5),),
        (PastDecision(9, 5, 0.5), PastDecision(1, 0, None)),
    ]


def test_history_is_capped(recordings):
    states = [recordings.state(t, "a", recordings.by("A", 0)) for t in range(HISTORY_LENGTH + 10)]
    episode, _ = read(recordings, recordings.session(*states))
    assert max(len(state.history) for state in episode.states) == HISTORY_LENGTH
    assert episode.states[-1].history[-1].t == HISTORY_LENGTH + 8


def test_a_decision_at_a_line_outside_its_file_is_kept_without_its_line_and_counted(recordings):
    states = [
        recordings.state(1, "a\nb"),
        recordings.state(2, "a\nb = 2", recordings.by("A", 1, 3)),
        recordings.state(3, "a\nb"),
        recordings.state(4, "a\nb = 4", recordings.by("A", 1, 2)),
    ]
    (episode,), summary = read_episodes(recordings.write("e.json", recordings.session(*states)), strict=True)
    assert [(action.decision, action.line) for action in episode.actions[1:]] == [(1, -1), (4, 1), (1, 1)]
    assert summary.repaired == {"decisions at a line outside their file, whose line is taken as unknown": 1}
    assert episode.states[2].history[-1].kept == 0.0
