"""What must be the same for a run to go on: settings, recordings, problems; whatever else differs is let be."""

from dataclasses import replace

import pytest

from actions import Action, Decision, Review
from config import LoopConfig, ServeConfig
from errors import InputError
from models.reviewer import START, Reviewer
from simulation.builtin_problems import PROBLEMS
from state import Cursor, Env
from training.runs.fingerprint import (
    canonical_order,
    fingerprint,
    loop_fingerprint,
    require_same,
    reviewer_digest,
)


def test_what_differs_is_named_with_both_values(small, sessions, tmp_path):
    changed = replace(small, seed=7, ppo=replace(small.ppo, gamma=0.5))
    with pytest.raises(InputError) as refused:
        require_same(fingerprint(small, sessions), fingerprint(changed, sessions), tmp_path)
    expected = (
        f"{tmp_path}: cannot go on with another run: ppo.gamma was {small.ppo.gamma} and is 0.5; seed was 0 and is 7."
    )
    assert str(refused.value) == f"{expected} Without --resume it begins anew"
    require_same(fingerprint(small, sessions), fingerprint(small, sessions), tmp_path)


def test_a_setting_that_an_earlier_version_did_not_have_is_named(tmp_path):
    with pytest.raises(InputError, match=r"seed was not set and is 1\."):
        require_same({}, {"seed": "1"}, tmp_path)


def with_last(episode, **change):
    return replace(episode, states=(*episode.states[:-1], replace(episode.states[-1], **change)))


def attributed(episode):
    human = episode.states[-1].human.copy()
    human[0, 0] += 1
    return with_last(episode, human=human)


CHANGES = {
    "text": lambda one: with_last(one, lines=("other", *one.states[-1].lines[1:])),
    "tests": lambda one: with_last(one, env=Env(True, 1, 3)),
    "cursor": lambda one: with_last(one, cursor=Cursor(True, 0, 3, 2)),
    "attribution": attributed,
    "what was taken back": lambda one: with_last(one, undone=frozenset({0})),
    "a decision": lambda one: replace(
        one, actions=(*one.actions[:-1], replace(one.actions[-1], line=one.actions[-1].line + 1))
    ),
    "whether it ended": lambda one: replace(one, cut_off=not one.cut_off),
}


@pytest.mark.parametrize("what", CHANGES)
def test_recordings_are_the_same_only_if_all_is_that_is_learned_from(small, sessions, what):
    changed = CHANGES[what](sessions[0])
    assert fingerprint(small, [changed]) != fingerprint(small, sessions[:1])


def test_problems_that_come_or_go_are_named(small, sessions, tmp_path):
    posed = [replace(sessions[0], problem_id="one"), *sessions[1:]]
    with pytest.raises(InputError, match=r"run: problems was known of 0 sessions \(\w+\) and is known of 1 sessions"):
        require_same(fingerprint(small, posed, {}), fingerprint(small, posed, {"one": PROBLEMS[0]}), tmp_path)


def test_sessions_have_an_order_of_their_own_also_where_ids_are_the_same(sessions):
    twins = [sessions[2], replace(sessions[2], cut_off=True), sessions[0]]
    for recordings in (twins, twins[::-1]):
        ordered = canonical_order(recordings)
        assert ordered == canonical_order(ordered[::-1]) and ordered[0] is sessions[0]


def test_where_it_is_written_to_does_not_matter(small, sessions, tmp_path):
    moved = replace(small, checkpoint_dir=tmp_path / "b", pv_dir=tmp_path / "c", run_label="x", resume=True)
    assert fingerprint(moved, sessions) == fingerprint(small, sessions)


def test_another_reviewer_is_named_where_texts_were_reviewed(small, sessions, tmp_path):
    action = Action("A", Decision.WRITE_SINGLE_LINE, 0, review=Review(0.6, 0.4, 1.0, True, False))
    reviewed = [replace(sessions[0], actions=(*sessions[0].actions[:-1], action))]
    was, other = Reviewer(), Reviewer((0.0,) * 10, 0.5)
    with pytest.raises(InputError, match=r"reviewer was 0\.4, .* and is 0\.5, "):
        require_same(fingerprint(small, reviewed, reviewer=was), fingerprint(small, reviewed, reviewer=other), tmp_path)
    require_same(fingerprint(small, reviewed, reviewer=was), fingerprint(small, reviewed, reviewer=was), tmp_path)
    assert fingerprint(small, sessions, reviewer=other) == fingerprint(small, sessions)


def test_the_fingerprint_is_of_what_decides_what_is_learned(sessions, monkeypatch):
    config = LoopConfig()
    posed = [replace(sessions[0], problem_id="p"), *sessions[1:]]
    expected = loop_fingerprint(config, posed, {})
    elsewhere = replace(config, device="cuda", telemetry_url="http://127.0.0.1:1/")
    assert loop_fingerprint(elsewhere, posed[::-1], {"other": PROBLEMS[0]}) == expected
    others = [
        loop_fingerprint(replace(config, seed=config.seed + 1), posed, {}),
        loop_fingerprint(config, posed[1:], {}),
        loop_fingerprint(config, posed, {"p": PROBLEMS[0]}),
    ]
    monkeypatch.setattr("training.runs.fingerprint.code_version", lambda: "another")
    others.append(loop_fingerprint(config, posed, {}))
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
        assert loop_fingerprint(other, sessions, {}) == loop_fingerprint(config, sessions, {})
        assert (loop_fingerprint(other, reviewed, {}) != loop_fingerprint(config, reviewed, {})) is decides


def test_reviewers_with_any_one_coefficient_different_are_told_apart():
    others = [tuple(c + (i == changed) * 1e-4 for i, c in enumerate(START)) for changed in range(len(START))]
    assert len({reviewer_digest(Reviewer(coefficients)) for coefficients in (START, *others)}) == 1 + len(START)
    unrounded = Reviewer(tuple(coefficient + 1e-9 for coefficient in START))
    assert reviewer_digest(unrounded) == reviewer_digest(Reviewer(START))
