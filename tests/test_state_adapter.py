"""Reading sessions: which transitions a session holds, what is refused, what repaired.

The tables of transitions are their specification: these states, these actions, these transitions.
"""

import json

import pytest

from state_adapter import Episode, InputError, PastDecision, parse_line_tuples, read_episodes, read_state

ROUND = ["a", "a\nb", "a\nb", "a\nb", "c\nb"]


def states_of(texts, actions=None):
    """Snapshot states of turns 0, 1, 2, ..."""
    actions = actions or [None] * len(texts)
    return [
        {"timestep": t, "text": text, "attribution": [], "action": action}
        for t, (text, action) in enumerate(zip(texts, actions, strict=True))
    ]


def by(agent, decision, line=0):
    return {agent: {"type": decision, "line": line}}


def read(folder, content):
    path = folder / "session.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return read_episodes(path)


def told(transition):
    """State, decision, line, next, reply, streak, done; states by their turns."""
    t = transition
    reply = None if t.reply is None else t.reply.t
    return (t.state.t, int(t.decision), t.line, t.next.t, reply, t.streak, t.done)


TRANSITIONS = {
    "rounds": (
        ROUND,
        [None, by("A", 3, 1), None, by("A", 0), None],
        [(0, 3, 0, 1, 2, 0, False), (2, 0, -1, 3, 4, 0, True)],
        [(1, 0, -1, 2, 3, 0, False), (3, 4, 0, 4, None, 1, True)],
    ),
    "the human alone, three states in a row": (
        ["a", "b", "b", "c"],
        [None, None, None, None],
        [],
        [(0, 4, 0, 1, 2, 0, False), (1, 0, -1, 2, 3, 0, False), (2, 4, 0, 3, None, 1, True)],
    ),
    "the human three times, then the assistant": (
        ["a", "b", "c", "c\nd"],
        [None, None, None, by("A", 3, 1)],
        [(2, 3, 0, 3, None, 0, True)],
        [(0, 4, 0, 1, 2, 0, False), (1, 4, 0, 2, 3, 0, True)],
    ),
    "the assistant twice: the reply is the next state, whoever made it": (
        ["a", "b", "c", "c"],
        [None, by("A", 4, 1), by("A", 4, 1), None],
        [(0, 4, 0, 1, 2, 0, False), (1, 4, 0, 2, 3, 0, True)],
        [(2, 0, -1, 3, None, 0, True)],
    ),
    "streaks of silence are each agent's own and end with a decision": (
        ["a"] * 8,
        [None, by("A", 0), None, by("A", 0), None, by("A", 2, 1), None, by("A", 0)],
        [
            (0, 0, -1, 1, 2, 0, False), (2, 0, -1, 3, 4, 1, False),
            (4, 2, 0, 5, 6, 2, False), (6, 0, -1, 7, None, 0, True),
        ],
        [(1, 0, -1, 2, 3, 0, False), (3, 0, -1, 4, 5, 1, False), (5, 0, -1, 6, 7, 2, True)],
    ),
    "the action of the first state led to it from nowhere": (
        ["a", "a"],
        [by("A", 3, 40), None],
        [],
        [(0, 0, -1, 1, None, 0, True)],
    ),
    "recorded decisions of the human": (
        ["a", "b", "b"],
        [None, by("H", 2, 1), by("H", 0)],
        [],
        [(0, 2, 0, 1, 2, 0, False), (1, 0, -1, 2, None, 0, True)],
    ),
    "a decision without a line": (
        ["a", "b"],
        [None, by("A", 2, 0)],
        [(0, 2, -1, 1, None, 0, True)],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("texts", "actions", "assistant", "human"), TRANSITIONS.values(), ids=TRANSITIONS)
def test_transitions(tmp_path, texts, actions, assistant, human):
    (episode,), _ = read(tmp_path, {"states": states_of(texts, actions)})
    assert [told(t) for t in episode.transitions("A")] == assistant
    assert [told(t) for t in episode.transitions("H")] == human
    assert all(t.last is episode.states[-1] for agent in "AH" for t in episode.transitions(agent))


LISTS = {
    "as many actions as states: each led to its state": [{}, by("A", 4, 0), by("H", 2, 0)],
    "one fewer: each was taken on its state": [by("A", 4, 0), by("H", 2, 0)],
    "by name": [{"A": {"type": "Edit Existing Lines", "line": 0}}, {"H": {"type": "write_single_line", "line": 0}}],
}


@pytest.mark.parametrize("kind", ["line tuples", "canonical", "snapshot"])
@pytest.mark.parametrize("actions", LISTS.values(), ids=LISTS)
def test_transitions_of_lists_of_any_kind_of_state(tmp_path, kind, actions):
    texts = ["a", "b", "c"]
    states = {
        "line tuples": [[[text]] for text in texts],
        "canonical": [{"lines_text": [text], "t": t} for t, text in enumerate(texts)],
        "snapshot": states_of(texts),
    }[kind]
    (episode,), _ = read(tmp_path, [{"states": states, "actions": actions}])
    assert [told(t) for t in episode.transitions("A")] == [(0, 4, 0, 1, 2, 0, True)]
    assert [told(t) for t in episode.transitions("H")] == [(1, 2, 0, 2, None, 0, True)]


def test_without_actions_the_one_whose_attribution_changed_moved(tmp_path):
    edit = {"t_last": 1, "span": [0, 1], "flags": [1, 0, 0]}
    states = [[["a", {}, {}, {"on": True}]], [["b", {}, edit, {"last_t": 0}]], [["b + 1", {}, edit]]]
    (episode,), _ = read(tmp_path, {"states": states})
    assert [told(t) for t in episode.transitions("A")] == [(0, 2, 0, 1, 2, 0, True)]
    assert [told(t) for t in episode.transitions("H")] == [(1, 1, 0, 2, None, 0, True)]


def test_actions_stay_with_their_states_when_these_are_sorted(tmp_path):
    states = [{"lines_text": [text], "t": t} for t, text in [(2, "c"), (0, "a"), (1, "b")]]
    for actions in ([by("H", 2, 0), {}, by("A", 4, 0)], [{}, by("A", 4, 0)]):
        (episode,), _ = read(tmp_path, {"states": states, "actions": actions})
        assert [told(t)[:4] for t in episode.transitions("A")] == [(0, 4, 0, 1)]


def test_an_episode_of_one_state_has_no_transitions():
    state = parse_line_tuples([["a"]], 0, "here")
    episode = Episode("e", "here", None, (state,), (None,))
    assert episode.transitions("A") == episode.transitions("H") == []


def test_the_decision_is_no_input_to_what_it_produced(tmp_path):
    """Whatever came of the assistant's decision, it was taken on the state before, and that state is the same."""
    after = ["a\nb", "zzz", ""]
    found = [read(tmp_path, {"states": states_of(["a", text], [None, by("A", 3, 1)])})[0][0] for text in after]
    pasts = {(t.state.lines, t.state.human.tobytes(), t.history) for one in found for t in one.transitions("A")}
    assert len(pasts) == 1


# --- single states -------------------------------------------------------------------------------------------------


def test_a_single_state_with_its_history(tmp_path):
    path = tmp_path / "state.json"
    path.write_text(json.dumps({"t": 3, "line_tuples": [["a"]], "history": [{"t": 1, "decision": 2, "kept": 1}]}))
    state = read_state(str(path))
    assert (state.t, state.lines, state.history) == (3, ("a",), (PastDecision(1, 2, 1.0),))
    path.write_text(json.dumps({"lines_text": ["a"], "t": 4}))
    assert (read_state(path).t, read_state(path).history) == (4, None)


# --- refused, repaired, accepted -----------------------------------------------------------------------------------

SINGLE = {
    "not JSON": "hello",
    "truncated JSON": '{"t": 0, "line_tuples": [["a"',
    "wrong top level": [1, 2],
    "no state": {"t": 0},
    "a state that is no list": {"t": 0, "line_tuples": {}},
    "a line that is no list": {"t": 0, "line_tuples": ["a"]},
    "no turn": {"line_tuples": []},
    "text that is no string": {"t": 0, "line_tuples": [[5]]},
    "NaN": '{"t": NaN, "line_tuples": []}',
    "infinity": '{"t": 0, "line_tuples": [["a", {"t_last": 1e999}]]}',
    "bool for a number": {"t": 0, "line_tuples": [["a", {"t_last": True}]]},
    "text for a number": {"t": 0, "line_tuples": [["a", {"t_last": "x"}]]},
    "negative turn": {"t": -1, "line_tuples": []},
    "huge integer": {"t": 10**400, "line_tuples": []},
    "endless integer": '{"t": ' + "9" * 10_000 + ', "line_tuples": []}',
    "too deep": '{"t": 0, "line_tuples": ' + "[" * 100_000,
    "not UTF-8": b"\xff\xfe\x00",
    "UTF-16": '{"t": 0, "line_tuples": []}'.encode("utf-16"),
    "empty": "",
}


@pytest.mark.parametrize("content", SINGLE.values(), ids=SINGLE)
def test_a_bad_state_is_refused_in_one_line_that_names_the_file(tmp_path, content):
    path = tmp_path / "state.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_state(path)
    assert str(refused.value).startswith(str(path)) and "\n" not in str(refused.value)
    with pytest.raises(InputError, match=r"absent\.json"):
        read_state(tmp_path / "absent.json")


def test_an_integer_may_be_written_as_a_float_and_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "state.json"
    path.write_bytes(b'\xef\xbb\xbf{"t": 3.0, "line_tuples": []}')
    assert read_state(path).t == 3


GOOD = [[["a"]], [["b"]]]
EPISODES = {
    "not JSON": "hello",
    "truncated JSON": '[{"states": [',
    "wrong top level": 5,
    "no states": {"version": 1},
    "a single state": {"t": 0, "line_tuples": []},
    "states that are no list": {"states": {}},
    "a state that is neither list nor object": {"states": [3, 4]},
    "an object that is no state": {"states": [{"a": 1}, {"a": 2}]},
    "states of several kinds": {"states": [[["a"]], {"lines_text": ["b"], "t": 1}]},
    "text that is no string": {"states": [[["a"]], [[5]]]},
    "NaN": '{"states": [[["a"]], [["b", {"t_last": NaN}]]]}',
    "bool for a number": {"states": [[["a"]], [["b", {"t_last": True}]]]},
    "negative count": {
        "states": [{"lines_text": [], "t": 0, "env": {"compiled": True, "tests": {"passed": -1, "total": 3}}}] * 2
    },
    "unknown decision": {"states": GOOD, "actions": [by("H", "Paint It Black", 0)] * 2},
    "decision 7": {"states": GOOD, "actions": [by("H", 7, 0)] * 2},
    "a decision that is a bool": {"states": GOOD, "actions": [by("H", True, 0)] * 2},
    "a line below none": {"states": GOOD, "actions": [{}, by("A", 4, -2)]},
    "two actions fewer": {"states": [*GOOD, *GOOD], "actions": [{}] * 2},
    "an action more": {"states": GOOD, "actions": [{}] * 3},
    "actions that are no list": {"states": GOOD, "actions": {}},
    "an action that is no object": {"states": GOOD, "actions": [{}, "A"]},
    "an id that is no text": {"states": GOOD, "episode_id": ["e"]},
    "a problem that is no text": {"states": GOOD, "problem_id": 1.5},
    "a beginning that is no time": {"states": GOOD, "startTime": "today"},
    "an end that is no number": '{"states": [[["a"]], [["b"]]], "endTime": 1e999}',
    "an end before all time": {"states": GOOD, "endTime": -1},
    "no states at all": {"states": []},
    "no episodes": [],
    "empty": "",
}


@pytest.mark.parametrize("content", EPISODES.values(), ids=EPISODES)
def test_a_bad_episode_is_refused_and_among_good_ones_skipped(tmp_path, content):
    with pytest.raises(InputError) as refused:
        read(tmp_path, content)
    assert str(tmp_path / "session.json") in str(refused.value) and "\n" not in str(refused.value)
    (tmp_path / "good.json").write_text(json.dumps({"states": GOOD}))
    episodes, summary = read_episodes(tmp_path)
    assert [episode.id for episode in episodes] == ["good"]
    assert all("session.json" in where and reason for where, reason in summary.skipped)
    if content not in ({"states": []}, []):  # nothing is wrong with these, there is just nothing in them
        assert len(summary.skipped) == 1
        with pytest.raises(InputError, match=r"session\.json"):
            read_episodes(tmp_path, strict=True)


def test_one_bad_episode_of_a_list_costs_this_one(tmp_path):
    content = [{"states": GOOD}, {"states": GOOD, "actions": [{}, by("A", "?", 0)]}, {"states": GOOD}]
    episodes, summary = read(tmp_path, content)
    assert [episode.id for episode in episodes] == ["session#0", "session#2"]
    assert [where for where, _ in summary.skipped] == [f"{tmp_path}/session.json, entry 1.actions[1].A.type"]


ACCEPTED = {
    "lone surrogates": "\ud800",
    "NUL": "a\0b",
    "100,000 characters in a line": "x" * 100_000,
    "50,000 lines": "x\n" * 50_000,
    "mixed line ends": "a\r\nb\nc\rd",
}


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_strange_text_is_accepted(tmp_path, text):
    (episode,), _ = read(tmp_path, {"states": states_of([text, text + "y", text])})
    assert episode.states[0].text == text.replace("\r\n", "\n")


def test_spans_and_cursors_outside_the_line_are_taken_as_given(tmp_path):
    entry = {"human": {"turn": 0, "span": [3, 900], "actions": [1, 0, 0]}, "cursor": {"turn": 0, "char": 700}}
    states = states_of(["a", "a"])
    states[0]["attribution"] = [entry]
    (episode,), _ = read(tmp_path, {"states": states})
    assert episode.states[0].human.tolist() == [[0, 3, 900, 1, 0, 0]]
    assert episode.states[0].cursor.char == 699


def test_a_decision_that_is_not_legal_is_read(tmp_path):
    """Whether it is legal is for those who learn from it; the reader only says what happened."""
    states = states_of(["a", "b"], [None, by("A", 4, 1)])
    states[0]["attribution"] = [{"human": {"turn": 0, "span": [0, 1]}}]
    (episode,), summary = read(tmp_path, {"states": states})
    assert [told(t)[:3] for t in episode.transitions("A")] == [(0, 4, 0)]
    assert summary.skipped == []
