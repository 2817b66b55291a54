"""Games that are played on: goals have the tests of their sessions' problems, wherever the problem comes from."""

import json
from dataclasses import replace

import pytest

import rewards
from judge import SMALL_PROBLEM_LIMITS, Judge
from simulation.assistants import RandomAssistant
from simulation.builtin_problems import BY_ID
from simulation.scripted_people import PEOPLE
from simulation.sessions import simulate
from training.train_from_episodes import train_from_episodes
from training.zero_style.self_play import Root, goal_of, rollout_from_roots


@pytest.fixture(scope="module")
def foreign():
    """A session of a problem that is not ours, and the problem."""
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        (session,) = simulate([PEOPLE["likes_code"]], 1, RandomAssistant(), judge=judge, seed=3)
    return replace(session, problem_id="theirs"), BY_ID[session.problem_id]


def test_goals_have_the_tests_of_problems_that_are_known(foreign):
    session, problem = foreign
    assert goal_of(session, {"theirs": problem}).problem is problem
    assert goal_of(session, {"theirs": problem}).notes == problem.notes
    assert goal_of(session, BY_ID).problem is None


def test_games_are_tested_where_the_problem_is_known(foreign):
    session, problem = foreign
    roots = [Root(session, index) for index in range(0, len(session.states) - 1, 2)] * 3

    def games(problems):
        return rollout_from_roots(roots, RandomAssistant(), PEOPLE["likes_code"], plies=6, seed=1, problems=problems)

    def parts(played):
        found = [rewards.reward(step).parts for game in played for step in game.transitions("A")]
        return {name for one in found for name in ("test_pass_delta", "test_regress") if one[name]}

    tested, compiled = games({"theirs": problem}), games(BY_ID)
    for game in tested:
        assert all(state.env.tests_total == len(problem.cases) for state in game.states[1:])
    assert parts(tested) == {"test_pass_delta", "test_regress"}
    assert all(state.env.tests_total is None for game in compiled for state in game.states[1:])
    assert not parts(compiled)


def test_a_training_looks_for_problems_in_the_data_root(small, sessions, tmp_path, monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))
    config = replace(
        small, bc=replace(small.bc, epochs=0), ppo=replace(small.ppo, epochs=0),
        zero_style=replace(small.zero_style, epochs=1),
    )  # fmt: skip
    theirs = [replace(session, problem_id="theirs") for session in sessions]

    def tested(name):
        run = replace(config, checkpoint_dir=tmp_path / name)
        return train_from_episodes(run, theirs, publish=False).rows[-1]["tested_share"]

    assert tested("without") == 0.0
    file = tmp_path / "data" / "problems.json"
    file.parent.mkdir()
    file.write_text(json.dumps([{"id": "theirs", "name": "f", "cases": [[[1], 2]]}]))
    assert tested("with") == 1.0
