"""An episode written as a snapshot reads back equal."""

import dataclasses
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import actions as game
from actions import Action, Decision, Review, Withheld, Writer
from episodes.episode_builder import Step, next_history
from episodes.writer import snapshot, write_snapshot
from state import Env, State, unedited
from state_adapter import Episode, read_episodes

small = st.integers(0, 9)
edits = st.fixed_dictionaries(
    {
        "turn": st.integers(-1, 9),
        "span": st.tuples(small, small).map(list),
        "actions": st.lists(st.booleans(), min_size=3, max_size=3),
        "specialFlags": st.sampled_from([[], ["undo"], ["paste"], ["paste", "undo"]]),
    }
)
cursors = st.fixed_dictionaries({"turn": st.integers(-1, 9), "char": small})
entries = st.fixed_dictionaries({"human": edits, "assistant": edits, "cursor": cursors})
texts = st.lists(
    st.sampled_from(["a = 1", "    b", "", "# c", "\t\ud800\r", "\r", "é\u2028"]), min_size=1, max_size=5
).map("\n".join)
envs = st.none() | st.fixed_dictionaries(
    {
        "compiled": st.booleans(),
        "execution_time_ms": st.just(2),
        "tests": st.none() | st.just({"passed": 1, "total": 3}),
    }
)
shares = st.none() | st.floats(0.1, 1)
numbers = st.none() | st.floats(-100, 100)
names = st.none() | st.text(max_size=3)
log_probs = ("mean_log_prob", "min_log_prob", "first_log_prob")
writers = st.fixed_dictionaries(
    {}, optional={"name": names, **dict.fromkeys(log_probs, numbers), "tokens": small, "latency_ms": st.floats(0, 9)}
)
reviews = st.fixed_dictionaries(
    {},
    optional={
        "kept": st.floats(0, 1),
        "threshold": numbers,
        "shown_probability": st.floats(0, 1),
        "shown": st.booleans(),
        "explored": st.none() | st.booleans(),
    },
)
times = st.fixed_dictionaries({}, optional=dict.fromkeys(("policy", "writer", "reviewer"), st.floats(0, 9)))
withheld = st.fixed_dictionaries(
    {"type": st.integers(0, 6), "line": small, "text": st.sampled_from(["", "x\ny", "\ud800"])}
)
parts = st.fixed_dictionaries(
    {"type": st.none() | st.integers(0, 6), "line": st.sampled_from([-1, 0, 1, 9])},
    optional={
        "probability": shares,
        "decision_probability": shares,
        "policy_probability": st.floats(0, 1),
        "model": names,
        "value": numbers,
        "kept": st.none() | st.floats(0, 1),
        "writer": st.none() | writers,
        "review": st.none() | reviews,
        "milliseconds": st.none() | times,
        "dropped": st.sampled_from([None, "stale"]),
    },
)
held_back = st.builds(lambda part, help: {**part, "type": 0, "withheld": help}, parts, withheld)
actions = st.none() | st.builds(lambda agent, part: {agent: part}, st.sampled_from("HA"), parts | held_back)
states = st.fixed_dictionaries(
    {
        "timestep": st.integers(5, 12),
        "timestamp_ms": st.none() | small,
        "text": texts,
        "attribution": st.lists(entries, max_size=5),
        "action": actions,
        "env": envs,
        "history": st.none() | st.just([{"t": 3, "decision": 2, "kept": 0.25}, {"t": 5, "decision": 0, "kept": None}]),
    }
)


def with_histories(states, actions):
    steps = [Step(dataclasses.replace(states[0], history=()), actions[0])]
    for state, action in zip(states[1:], actions[1:], strict=True):
        history = next_history(tuple(steps[-2:]), state, action)
        steps.append(Step(dataclasses.replace(state, history=history), action))
    return tuple(step.state for step in steps)


def without_future(state):
    """No client knows where the cursor will be."""
    for entry in state["attribution"]:
        entry["cursor"]["turn"] = min(entry["cursor"]["turn"], state["timestep"])
    return state


sessions = st.fixed_dictionaries(
    {
        "episode_id": st.sampled_from(["e", "é 1"]),
        "problem_id": st.none() | st.just("p"),
        "endTime": st.sampled_from([None, 9]),
        "states": st.lists(
            states.map(without_future), min_size=2, max_size=5, unique_by=lambda state: state["timestep"]
        ),
    }
)


def read(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        (episode,), summary = read_episodes(path)
    assert not summary.skipped
    return episode


@settings(max_examples=60)
@given(session=sessions)
def test_what_was_read_reads_back_equal(same_episode, session):
    episode = read(session)
    assert same_episode(read(snapshot(episode)), episode)


@given(
    st.lists(
        st.tuples(st.sampled_from(list(Decision)), st.sampled_from(["x = 1", "y\nz", ""])), min_size=1, max_size=6
    ),
    st.data(),
)
def test_what_was_played_reads_back_equal(same_episode, choices, data):
    states = [State(("def f():", "    pass", ""), 0, unedited(3), unedited(3))]
    moves = [None]
    for i, (decision, text) in enumerate(choices):
        agent, state = "HA"[i % 2], states[-1]
        line = data.draw(st.integers(0, len(state) - 1)) if decision else -1
        if agent == "A" and not game.is_legal(state, decision, line, w_max=160):
            decision, line = Decision.NO_OP, -1  # noqa: PLW2901
        states.append(game.apply(state, decision, line, text, by=agent, t=i + 1))
        moves.append(Action(agent, decision, line, recorded=True, probability=0.5, model="m"))
    episode = Episode("played", "nowhere", None, with_histories(states, moves), tuple(moves), cut_off=False)
    assert same_episode(read(snapshot(episode)), episode)


def test_all_that_an_action_carries_and_what_did_not_compile_reads_back(tmp_path, same_episode):
    held_back = Action(
        "A",
        Decision.NO_OP,
        -1,
        probability=0.25,
        decision_probability=0.5,
        model="m",
        policy_probability=0.125,
        value=-1.5,
        kept=0.75,
        writer=Writer("w", -1.0, -2.0, -0.5, 3, 4.5),
        review=Review(0.75, 0.5, 0.25, False, True),
        withheld=Withheld(Decision.EDIT_EXISTING_LINES, 0, "a = 1\nb"),
    )
    envs = (Env(False), Env(False, 0, 2), Env(True))
    states = tuple(State(("a",), t, unedited(1), unedited(1), env=env) for t, env in enumerate(envs))
    actions = (None, held_back, Action("A", Decision.EDIT_EXISTING_LINES, -1))
    episode = Episode("e", "nowhere", None, with_histories(states, actions), actions)
    write_snapshot(episode, tmp_path)
    (again,), _ = read_episodes(tmp_path, strict=True)
    assert again.actions == actions and [state.env for state in again.states] == list(envs)
    assert same_episode(again, episode)


@pytest.mark.parametrize("file", [None, "src/ünï.py"])
def test_the_persons_file_reads_back_and_is_absent_where_there_is_none(tmp_path, file):
    state = State(("a",), 0, unedited(1), unedited(1))
    episode = Episode(
        "e", "memory", "p", (state, dataclasses.replace(state, t=1)), (None, Action("A", Decision.NO_OP, -1)), file=file
    )
    path = write_snapshot(episode, tmp_path)
    assert json.loads(path.read_text()).get("file") == file and ("file" in path.read_text()) == (file is not None)
    (again,), _ = read_episodes(path)
    assert again.file == file


@pytest.mark.parametrize("folder", [None, "/home/ünï/project", "/odd/\ud83d"])
def test_the_folder_of_the_persons_file_reads_back_and_is_absent_where_there_is_none(tmp_path, folder):
    state = State(("a",), 0, unedited(1), unedited(1))
    states, moves = (state, dataclasses.replace(state, t=1)), (None, Action("A", Decision.NO_OP, -1))
    path = write_snapshot(Episode("e", "memory", "p", states, moves, file="a.py", folder=folder), tmp_path)
    assert json.loads(path.read_text()).get("folder") == folder and ("folder" in path.read_text()) == bool(folder)
    (again,), _ = read_episodes(path)
    assert again.folder == folder


def test_a_folder_that_is_no_text_is_another_programs_and_says_nothing(tmp_path):
    state = State(("a",), 0, unedited(1), unedited(1))
    states, moves = (state, dataclasses.replace(state, t=1)), (None, Action("A", Decision.NO_OP, -1))
    path = write_snapshot(Episode("e", "memory", "p", states, moves), tmp_path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "folder": {"id": 3}}))
    (again,), _ = read_episodes(path)
    assert again.folder is None


@pytest.mark.parametrize(
    "name", ["e-1 #0", "", ".", "..", "a/b", "../b", "a\\b", "a\0b", "\n", "é", "\ud800", "a.json"]
)
def test_any_id_has_a_name_within_the_folder(tmp_path, same_episode, name):
    states = tuple(State(("a",), t, unedited(1), unedited(1), history=()) for t in range(2))
    moves = (None, Action("H", Decision.NO_OP, -1, recorded=False))
    episode = Episode(name, "nowhere", None, states, moves)
    path = write_snapshot(episode, tmp_path)
    assert path.parent.parent == tmp_path and path.name == f"{path.parent.name}.json" and path.name[0] != "."
    (again,), _ = read_episodes(tmp_path)
    assert same_episode(again, episode)
