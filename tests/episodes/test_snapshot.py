"""A recorded state becomes a canonical one: lines as the editor shows them, attribution, the cursor by its turn."""

import pytest

from episodes.snapshot import SnapshotCache, parse_snapshot_state
from errors import InputError
from state import UNEDITED, Cursor, Env
from state_adapter import read_episodes


def parsed(value):
    return parse_snapshot_state(value, ("f", "states"), SnapshotCache()).state


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ("",)),
        ("a", ("a",)),
        ("a\n", ("a", "")),
        ("a\r\nb\nc", ("a", "b", "c")),
        ("a\rb", ("a\rb",)),
        ("a\r\r\nb\r", ("a\r", "b\r")),
        ("a\x0cb\u2028c\x85d\x1ce", ("a\x0cb\u2028c\x85d\x1ce",)),
        ("\ud800\0", ("\ud800\0",)),
    ],
)
def test_lines_end_at_line_feeds_only(recordings, text, lines):
    assert parsed(recordings.state(1, text)).lines == lines


@pytest.mark.parametrize(
    ("cursors", "t", "cursor", "last_known"),
    [
        ([(0, 0), (0, 0)], 0, Cursor(), -1),
        ([(0, 0), (0, 0)], 3, Cursor(), -1),
        ([(0, 3), (0, 0)], 0, Cursor(True, 0, 2, 0), 0),
        ([(2, 1), (3, 5)], 3, Cursor(True, 1, 4, 3), 1),
        ([(2, 1), (3, 5)], 4, Cursor(), 1),
        ([(3, 1), (2, 5)], 4, Cursor(), 0),
        ([(3, 2), (3, 5)], 3, Cursor(True, 1, 4, 3), 1),
        ([(0, 1), (-1, 9)], 2, Cursor(), 0),
        ([(1, 0), (0, 0)], 1, Cursor(True, 0, 0, 1), 0),
    ],
)
def test_the_cursor_is_on_in_its_own_turn_only(recordings, cursors, t, cursor, last_known):
    entries = [recordings.entry(cursor=at) for at in cursors] + [recordings.entry(cursor=(t, 1))] * 3
    found = parsed(recordings.state(t, "a\nb", attribution=entries))
    assert (found.cursor, found.last_known_line) == (cursor, last_known)


def test_turn_0_with_an_empty_span_means_never(recordings):
    entries = [
        recordings.entry((0, 0, 4)),
        recordings.entry((0, 0, 0), (3, 0, 0)),
        recordings.entry(assistant=(2, 1, 5)),
    ]
    found = parsed(recordings.state(3, "a\nb\nc\nd", attribution=entries))
    assert found.human.tolist() == [[0, 0, 4, 1, 0, 0], [-1, 0, 0, 1, 0, 0], list(UNEDITED), list(UNEDITED)]
    assert found.assistant.tolist() == [list(UNEDITED), [3, 0, 0, 1, 0, 0], [2, 1, 5, 1, 0, 0], list(UNEDITED)]


@pytest.mark.parametrize(
    ("turns", "undone"),
    [((None, 4), {1}), ((None, 3), {1}), ((None, 2), set()), ((3, 3), set()), ((3, 4), {1})],
    ids=["led to", "made on", "older", "led to the state before", "once more"],
)
def test_an_undo_counts_by_the_turn_it_was_made_on_or_led_to(recordings, turns, undone):
    entries = [[{}, recordings.entry((turn, 0, 1), undo=True) if turn else {}] for turn in turns]
    states = [recordings.state(0, "a\nb"), recordings.state(3, "a\nbcd", recordings.by("A", 4, 2), entries[0])]
    states.append(recordings.state(4, "a\nb", None, entries[1]))
    (episode,), _ = read_episodes(recordings.snapshot(recordings.session(*states)))
    assert episode.states[2].undone == undone


@pytest.mark.parametrize(
    ("turns", "pasted"),
    [((None, 4), {1}), ((None, 3), {1}), ((None, 2), set()), ((3, 3), set()), ((3, 4), {1})],
    ids=["led to", "made on", "older", "led to the state before", "once more"],
)
def test_a_paste_counts_by_the_turn_it_was_made_on_or_led_to(recordings, turns, pasted):
    entries = [[{}, recordings.entry((turn, 0, 1), paste=True) if turn else {}] for turn in turns]
    states = [recordings.state(0, "a\nb"), recordings.state(3, "a\nbcd", None, entries[0])]
    states.append(recordings.state(4, "a\nb", None, entries[1]))
    (episode,), _ = read_episodes(recordings.snapshot(recordings.session(*states)))
    assert episode.states[2].pasted == pasted and not episode.states[2].undone
    assert not any(state.pasted for state in episode.without_pastes().states)


def test_undone_are_the_lines_whose_undo_is_of_this_turn(recordings):
    entries = [
        recordings.entry((3, 0, 1), undo=True),
        recordings.entry((4, 0, 1), undo=True),
        recordings.entry((4, 0, 1)),
    ]
    assert parsed(recordings.state(4, "a\nb\nc", attribution=entries)).undone == {1}


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        (None, None),
        ({}, None),
        ({"compiled": True}, Env(True)),
        ({"compiled": False, "tests": None}, None),
        ({"compiled": False, "tests": None, "execution_time_ms": 1}, Env(False)),
        ({"compiled": False, "execution_time_ms": 0}, None),
        ({"compiled": False, "tests": {"passed": 0, "total": 0}, "execution_time_ms": 0}, None),
        ({"compiled": False, "tests": {"passed": 0, "total": 0}, "execution_time_ms": 0.5}, Env(False)),
        ({"compiled": False, "tests": {"passed": 0, "total": 2}, "execution_time_ms": 0}, Env(False, 0, 2)),
        ({"compiled": True, "tests": {"passed": 0, "total": 0}, "execution_time_ms": 0}, Env(True)),
        ({"compiled": True, "tests": {"passed": 2, "total": 3}, "execution_time_ms": 4}, Env(True, 2, 3)),
        ({"compiled": True, "tests": {"passed": 2, "failed": 1}}, Env(True, 2, 3)),
        ({"compiled": False, "tests": {"passed": 0, "total": 0}}, None),
    ],
)
def test_env_is_unknown_where_it_is_absent_or_was_never_run(recordings, env, expected):
    assert parsed(recordings.state(1, "a") | {"env": env}).env == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": 3}, "f, states.text: found 3, expected text"),
        ({"text": None}, "f, states.text: found null"),
        ({"timestep": True}, "f, states.timestep: found true"),
        ({"timestep": -1}, "f, states.timestep: found -1"),
        ({"timestamp_ms": "now"}, "f, states.timestamp_ms: found the text 'now'"),
        ({"timestamp_ms": float("inf")}, "f, states.timestamp_ms: found a number too large"),
        ({"attribution": {}}, "f, states.attribution: found an object"),
        ({"attribution": [3]}, "f, states.attribution[0]: found 3"),
        ({"attribution": [{"human": []}]}, "f, states.attribution[0].human: found a list"),
        ({"attribution": [{"human": {"turn": "x"}}]}, "f, states.attribution[0].human.turn: found the text"),
        ({"attribution": [{"cursor": {"turn": 1.5}}]}, "f, states.attribution[0].cursor.turn: found 1.5"),
        ({"attribution": [{"cursor": {"char": -1}}]}, "f, states.attribution[0].cursor.char: found -1"),
        ({"attribution": [{"human": {"specialFlags": "undo"}}]}, "f, states.attribution[0].human.specialFlags: found"),
        ({"env": {"compiled": 1}}, "f, states.env.compiled: found 1, expected true or false"),
        ({"env": {"tests": {"passed": 1, "total": 1}}}, "f, states.env.compiled: found null"),
        ({"env": {"compiled": True, "tests": {"passed": -1, "total": 1}}}, "f, states.env.tests.passed: found -1"),
        ({"env": {"compiled": True, "tests": {"passed": 2, "total": 1}}}, "f, states.env.tests.passed: found 2"),
        ({"env": {"compiled": True, "tests": {"passed": 2}}}, "f, states.env.tests.failed: found null"),
        ({"env": 3}, "f, states.env: found 3"),
        ({"action": 3}, "f, states.action: found 3"),
        ({"action": {"H": 2}}, "f, states.action.H: found 2"),
        ({"action": {"A": {"type": "Paint It Black"}}}, "f, states.action.A.type: unknown decision"),
        ({"action": {"A": {"type": 7}}}, "f, states.action.A.type:"),
        ({"action": {"A": {"type": True}}}, "f, states.action.A.type:"),
        ({"action": {"A": {"type": 2, "line": -2}}}, "f, states.action.A.line: found -2"),
        ({"action": {"A": {"type": 2, "line": "1"}}}, "f, states.action.A.line: found the text '1'"),
        ({"action": {"A": {"type": 2, "probability": 0}}}, "f, states.action.A.probability: found 0"),
        ({"action": {"A": {"type": 2, "probability": 1.1}}}, "f, states.action.A.probability: found 1.1"),
        ({"action": {"A": {"type": 2, "model": 3}}}, "f, states.action.A.model: found 3"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(recordings, change, message):
    with pytest.raises(InputError) as refused:
        parsed(recordings.state(1, "a") | change)
    assert str(refused.value).startswith(message)


def test_entries_beyond_the_lines_are_not_looked_at(recordings):
    assert len(parsed(recordings.state(1, "a", attribution=[recordings.entry(), {"human": "?"}, 3]))) == 1


def test_states_share_texts_lines_and_entries(recordings):
    known, shared = SnapshotCache(), recordings.entry((1, 0, 1))
    texts = ["".join(["a\n", "b"]), "".join(["a\n", "b"]), "a\nc"]
    one, two, three = (
        parse_snapshot_state(recordings.state(i, text, attribution=[shared]), "f", known).state
        for i, text in enumerate(texts)
    )
    assert one.lines is two.lines and one.lines[0] is three.lines[0]
    assert len(known.entries) == 1
