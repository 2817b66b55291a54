"""People from outside the repository play like any other; what is no person is refused in one line."""

import pickle
import re
import sys
from pathlib import Path

import pytest

from actions import EXPLAIN, Decision
from errors import InputError
from simulation.assistants import RandomAssistant
from simulation.builtin_problems import BY_ID
from simulation.goal import Goal
from simulation.oracle_writer import NoisyOracle
from simulation.person_loader import load_person
from simulation.sessions import simulate

OUTSIDE = """
from simulation.typing_model import noop_reply
from simulation.person import Option

class Sleeper:
    name = "sleeper"
    policy = None

    def options(self, turn, pairs):
        return [Option(1.0, lambda generator: noop_reply(turn.state))]

sleeper = Sleeper()
def make():
    return Sleeper()
unfit = 3
"""


@pytest.mark.parametrize("attribute", ["sleeper", "Sleeper", "make"])
@pytest.mark.parametrize("kind", ["module", "file"])
def test_a_person_from_outside_the_repository_plays_like_any_other(tmp_path, monkeypatch, attribute, kind):
    (tmp_path / "outsiders.py").write_text(OUTSIDE)
    monkeypatch.syspath_prepend(tmp_path)
    where = f"outsiders:{attribute}" if kind == "module" else f"{tmp_path / 'outsiders.py'}:{attribute}"
    person = load_person(where)
    (episode,) = simulate([person], 1, RandomAssistant(), rounds=3)
    assert len(episode.states) == 7
    assert {move.decision for move in episode.actions if move and move.agent == "H"} == {Decision.NO_OP}


def test_the_person_that_the_manual_shows_is_what_it_says(tmp_path):
    manual = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    (code,) = re.findall(r"```python\n(# strict.py.*?)```", manual, re.DOTALL)
    (tmp_path / "strict.py").write_text(code)
    strict = load_person(f"{tmp_path / 'strict.py'}:Strict")
    episodes = simulate([strict], 6, RandomAssistant(), writers=NoisyOracle(right=1.0, near=0.0), rounds=40)
    moves = [move for episode in episodes for move in episode.actions if move]
    history = [past for episode in episodes for past in episode.states[-1].history]
    judged = [past for past in history if past.kept is not None]  # the others changed nothing
    goals = [Goal.from_problem(BY_ID[episode.problem_id]) for episode in episodes]
    assert all(g.progress(e.states[-1].lines).done for g, e in zip(goals, episodes, strict=True))
    assert len(moves) > 50
    assert {past.kept for past in judged if past.decision in EXPLAIN} == {0.0}
    assert {past.kept for past in judged if past.decision not in EXPLAIN} == {1.0}


ANNOTATED = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Somebody:
    name: str = "{name}"
    policy: None = None

    def options(self, turn, pairs):
        return []
"""


def test_files_of_one_stem_are_people_of_their_own_and_may_be_dataclasses(tmp_path):
    people = []
    for name in ("ann", "bob"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "me.py").write_text(ANNOTATED.format(name=name))
        people.append(load_person(f"{tmp_path / name / 'me.py'}:Somebody"))
    assert [person.name for person in people] == ["ann", "bob"]
    assert [pickle.loads(pickle.dumps(person)) for person in people] == people


def test_a_file_that_cannot_be_imported_leaves_no_module(tmp_path):
    (tmp_path / "torn.py").write_text("x = 1\ny = nobody")
    known = set(sys.modules)
    with pytest.raises(InputError, match="cannot be imported: NameError"):
        load_person(f"{tmp_path / 'torn.py'}:x")
    assert set(sys.modules) == known


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("outsiders", "expected module:attribute"),
        (":x", "expected module:attribute"),
        ("nowhere_at_all:x", "nowhere_at_all cannot be imported"),
        ("nowhere.py:x", "there is no file nowhere.py"),
        ("outsiders:nobody", "outsiders has no nobody"),
        ("outsiders:unfit", "a int is no person: it needs a name"),
        ("broken:x", "broken cannot be imported: SyntaxError"),
        ("{folder}/broken.py:x", "cannot be imported: SyntaxError"),
    ],
)
def test_what_is_no_person_is_refused_in_one_line(tmp_path, monkeypatch, where, what):
    (tmp_path / "outsiders.py").write_text(OUTSIDE)
    (tmp_path / "broken.py").write_text("x = = 1")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=what):
        load_person(where.format(folder=tmp_path))
