"""The examples of docs/formats.md are read as the page says."""

import re

import pytest

from actions import Review, Writer
from errors import InputError
from simulation.problem_loader import load_problems
from state import Env, PastDecision
from state_adapter import read_activity, read_episodes, read_state

EXAMPLE = re.compile(r"<!-- (\w+): (.*?) -->\n```jsonl?\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def page(root):
    return (root / "docs" / "formats.md").read_text(encoding="utf-8")


@pytest.fixture
def examples(page, recordings):
    """Path of each example by its kind and name."""
    none = ("refused", "problems")
    return {name: recordings.write(name, text) for kind, name, text in EXAMPLE.findall(page) if kind not in none}


def test_every_block_is_an_example(page):
    assert len(EXAMPLE.findall(page)) == page.count("```json") == 11


def test_states(examples):
    state = read_state(examples["state.json"])
    assert (len(state), state.t, state.cursor.line, state.history) == (3, 4, 1, (PastDecision(2, 6, 1.0),))
    canonical = read_state(examples["canonical.json"])
    assert (canonical.lines[1], canonical.env) == ("    return a + b", Env(True, 1, 2))


def test_activity(examples):
    events = read_activity(examples["two/raw/activity.jsonl"])
    assert [event.kind for event in events] == ["focus", "selection", "pause", "run"]


def test_sessions(examples, tmp_path):
    for name in ("state.json", "canonical.json"):
        examples[name].unlink()
    episodes, summary = read_episodes(tmp_path)
    problems = [
        (e.id, [(m.agent, int(m.decision), m.line) for m in e.actions[1:]], [s.env is not None for s in e.states])
        for e in episodes
    ]
    assert problems == [
        ("episodes#0", [("A", 1, 0), ("H", 2, 1)], [False] * 3),
        ("named", [("H", 4, 0)], [False] * 2),
        ("one", [("A", 2, 1), ("H", 2, 1)], [True] * 3),
        ("two", [("A", 0, -1)], [False, True]),
    ]
    assert summary.skipped == [] and summary.repaired == {}
    snapshot = episodes[2]
    action = snapshot.actions[1]
    assert (action.probability, action.policy_probability, action.value, action.kept) == (0.2, 0.3, 0.7, 0.9)
    assert action.writer == Writer("w", -0.2, -1.5, -0.1, 6, 80) and action.review == Review(0.9, 0.5, 1.0, True, False)
    assert snapshot.states[2].undone == {1}


def test_refusals(page, recordings):
    refusals = [(message, text) for kind, message, text in EXAMPLE.findall(page) if kind == "refused"]
    assert len(refusals) == 3
    for message, text in refusals:
        with pytest.raises(InputError) as refused:
            read_episodes(recordings.write("refused.json", text))
        assert message in str(refused.value)


def test_problems(page, recordings):
    (text,) = [text for kind, _, text in EXAMPLE.findall(page) if kind == "problems"]
    problems = load_problems(recordings.write("problems.json", text))
    assert [(case.arguments, case.expected) for case in problems["twice"].cases] == [(([1, 2],), [2, 4]), (([],), [])]
    assert [case.hidden for case in problems["twice"].cases] == [False, True] and problems["twice"].solution
    assert [(case.arguments, case.expected) for case in problems["thrice"].cases] == [((2,), 6)]
