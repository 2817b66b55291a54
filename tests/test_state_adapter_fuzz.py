"""Whatever is read becomes valid states and episodes or one error of one line, never anything else."""

import json
import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state_adapter import InputError, State, read_episodes, read_state

keys = st.sampled_from(
    sorted(
        {"states", "actions", "t", "text", "timestep", "timestamp_ms", "attribution", "human", "assistant", "cursor"}
        | {
            "turn",
            "span",
            "action",
            "env",
            "tests",
            "passed",
            "failed",
            "total",
            "compiled",
            "lines_text",
            "h",
            "H",
            "A",
        }
        | {
            "line_attribs",
            "line_tuples",
            "history",
            "decision",
            "kept",
            "type",
            "line",
            "char",
            "on",
            "last_t",
            "t_last",
        }
        | {"flags", "episode_id", "endTime", "specialFlags"}
    )
)
numbers = st.integers(-3, 9) | st.sampled_from([2**53, -(2**70), 10**30, 0.0, 3.0, -1.5, 1e300])
leaves = st.none() | st.booleans() | numbers | st.floats() | st.text(max_size=3)
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5), max_leaves=25
)

FULL = [
    {
        "t": 2,
        "line_tuples": [
            [
                "a",
                {"t_last": 1, "span": [0, 1], "flags": [1, 0, True]},
                {},
                {"on": True, "line": 0, "char": 1, "last_t": 2},
            ]
        ],
        "history": [{"t": 1, "decision": 2, "kept": 0.5}],
    },
    {
        "lines_text": ["a", "b"],
        "t": 3,
        "line_attribs": {"H": [{"t_last": 1}], "A": [{}]},
        "cursor": {"on": True, "line": 1},
        "h": 2,
        "env": {"compiled": True, "tests": {"passed": 1, "failed": 1}},
        "timestamp_ms": 5,
        "history": [],
    },
    {
        "episode_id": "e",
        "problem_id": "p",
        "endTime": 4,
        "states": [
            {
                "timestep": t,
                "timestamp_ms": t,
                "text": "a\nb" * t,
                "action": [None, {"H": None, "A": {"type": 4, "line": 1}}, None][t],
                "env": {"compiled": True, "tests": {"passed": t, "total": 3}},
                "history": [{"t": 0, "decision": 0, "kept": None}],
                "attribution": [
                    {
                        "human": {"turn": t, "span": [0, 1], "actions": [True, False, False], "specialFlags": ["undo"]},
                        "assistant": {"turn": 0, "span": [0, 0]},
                        "cursor": {"turn": t, "char": 1},
                    }
                ]
                * 2,
            }
            for t in range(3)
        ],
    },
    [
        {
            "states": [[["a", {}, {"t_last": t}, {"on": t == 1}]] for t in range(3)],
            "actions": [{"A": {"type": "NO-OP", "line": -1}}, {"H": {"type": 2, "line": 0}}],
        },
        {"states": [{"lines_text": ["a"], "t": t} for t in (2, 0, 2)]},
    ],
]


def places(value, place=()):
    """Every place in a JSON value."""
    yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*place, key))


@st.composite
def mutated(draw):
    """Valid input in which a few parts were replaced by something else, doubled, or left out."""
    value = json.loads(json.dumps(draw(st.sampled_from(FULL))))
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from([place for place in places(value) if place] or [(None,)]))
        if last is None:
            break
        holder = value
        for key in way:
            holder = holder[key]
        change = draw(st.sampled_from(["replace", "leave out", "double"]))
        if change == "replace":
            holder[last] = draw(leaves | anything)
        elif change == "leave out":
            del holder[last]
        elif isinstance(holder, list):
            holder.insert(last, holder[last])
    return value


def is_valid(state):
    assert isinstance(state, State)
    assert all(type(line) is str for line in state.lines)
    numbers = [state.t, state.cursor.line, state.cursor.char, state.cursor.last_t, state.last_known_line]
    assert all(type(number) is int for number in numbers) and type(state.cursor.on) is bool and state.t >= 0
    for array in (state.human, state.assistant):
        assert array.shape == (len(state), 6) and array.dtype == "int64" and not array.flags.writeable
        assert ((array[:, 3:] == 0) | (array[:, 3:] == 1)).all() and (array[:, 0] >= -1).all()
    for past in state.history or ():
        assert past.decision in range(7) and (past.kept is None or (math.isfinite(past.kept) and 0 <= past.kept <= 1))
    if state.env is not None and state.env.tests_total is not None:
        assert 0 <= state.env.tests_passed <= state.env.tests_total
    assert state.timestamp_ms is None or type(state.timestamp_ms) is int


def is_valid_episode(episode):
    assert len(episode.states) == len(episode.actions) and episode.actions[0] is None
    turns = [state.t for state in episode.states]
    assert turns == sorted(set(turns))
    for state in episode.states:
        is_valid(state)
        assert state.history is not None
    for before, move in zip(episode.states, episode.actions[1:], strict=False):
        assert move.agent in "HA" and -1 <= move.line < len(before)
        assert move.decision or move.line == -1
    for agent in "HA":
        found = episode.transitions(agent)
        assert [t.done for t in found] == [False] * (len(found) - 1) + [True] * bool(found)


def one_answer(content):
    """A valid state or episode, or one error of one line: anything else fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.json"
        path.write_bytes(content)
        as_stream = Path(folder) / "f.jsonl"
        as_stream.write_bytes(content)
        for read_it, file in ((read_state, path), (read_episodes, path), (read_episodes, as_stream)):
            try:
                answer = read_it(file)
            except InputError as error:
                assert "\n" not in str(error) and "f.json" in str(error)
                continue
            if isinstance(answer, State):
                is_valid(answer)
            else:
                for episode in answer[0]:
                    is_valid_episode(episode)


quick = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(anything)
def test_any_json_is_a_state_or_an_error(value):
    one_answer(json.dumps(value).encode())


@quick
@given(mutated())
def test_any_change_to_valid_input_is_a_state_or_an_error(value):
    one_answer(json.dumps(value).encode())


@quick
@given(mutated(), st.data())
def test_any_damage_to_a_file_is_a_state_or_an_error(value, data):
    content = bytearray(json.dumps(value, indent=data.draw(st.sampled_from([None, 1]))).encode())
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    one_answer(bytes(content))
