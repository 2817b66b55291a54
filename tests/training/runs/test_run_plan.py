"""The plan of a run: what it is fixed on, and that it outlives a kill. Damaged plans: test_damaged_files.py."""

import json
from dataclasses import replace

import pytest

from actions import Action, Decision, Review
from config import LoopConfig, ServeConfig
from simulation.builtin_problems import PROBLEMS
from training.runs import run_plan
from training.runs.run_plan import RunPlan, fingerprint_of, read_plan, remove_plan, write_plan

PLAN = RunPlan("id", "fingerprint", "fresh", None, 3, ("a", "b"))


def test_a_plan_is_read_as_it_was_written_until_it_is_removed(tmp_path):
    path, messages = tmp_path / "run" / "plan.json", []
    assert read_plan(path, messages.append) is None
    write_plan(path, PLAN)
    assert read_plan(path, messages.append) == PLAN
    remove_plan(path)
    remove_plan(path)
    assert read_plan(path, messages.append) is None and not messages


def test_a_plan_says_whose_sessions_it_is_for_and_an_older_one_is_for_a_persons(tmp_path):
    path = tmp_path / "plan.json"
    write_plan(path, replace(PLAN, trained_on="scripted"))
    assert read_plan(path, print).trained_on == "scripted"
    older = json.loads(path.read_text())
    del older["trained_on"]
    path.write_text(json.dumps(older))
    assert read_plan(path, print) == PLAN


@pytest.mark.parametrize("count", [-1, 2**63, True, 1.0, "3"])
def test_a_count_of_games_that_is_none_is_no_plan(tmp_path, count):
    path, messages = tmp_path / "plan.json", []
    write_plan(path, replace(PLAN, games_before=count))
    assert read_plan(path, messages.append) is None and len(messages) == 1


def test_the_fingerprint_is_of_what_decides_what_is_learned(sessions, monkeypatch):
    config = LoopConfig()
    posed = [replace(sessions[0], problem_id="p"), *sessions[1:]]
    expected = fingerprint_of(config, posed, {})
    elsewhere = replace(config, device="cuda", telemetry_url="http://127.0.0.1:1/")
    assert fingerprint_of(elsewhere, posed[::-1], {"other": PROBLEMS[0]}) == expected
    others = [
        fingerprint_of(replace(config, seed=config.seed + 1), posed, {}),
        fingerprint_of(config, posed[1:], {}),
        fingerprint_of(config, posed, {"p": PROBLEMS[0]}),
    ]
    monkeypatch.setattr(run_plan, "code_version", lambda: "another")
    others.append(fingerprint_of(config, posed, {}))
    assert len({expected, *others}) == 5


def with_review(episode):
    action = Action("A", Decision.WRITE_SINGLE_LINE, 0, review=Review(0.6, 0.4, 1.0, True, False))
    return replace(episode, actions=(*episode.actions[:-1], action))


def test_how_the_reviewer_serves_decides_what_is_learned_only_where_texts_were_reviewed(sessions):
    config = LoopConfig()
    reviewed = [with_review(sessions[0]), *sessions[1:]]
    for serve, decides in (
        (ServeConfig(review_threshold=0.9), True),
        (ServeConfig(review_exploration=0.2), True),
        (ServeConfig(epsilon=0.5, tutor=True), False),
    ):
        other = replace(config, serve=serve)
        assert fingerprint_of(other, sessions, {}) == fingerprint_of(config, sessions, {})
        assert (fingerprint_of(other, reviewed, {}) != fingerprint_of(config, reviewed, {})) is decides
