"""What must be the same for a run to go on, and what happens to it when somebody else was faster."""

from dataclasses import replace

import pytest

import training.run
from errors import InputError
from state import Cursor, Env
from training.resume import fingerprint
from training.run import train


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
        one, moves=(*one.moves[:-1], replace(one.moves[-1], line=one.moves[-1].line + 1))
    ),
    "whether it ended": lambda one: replace(one, cut_off=not one.cut_off),
}


@pytest.mark.parametrize("what", CHANGES)
def test_recordings_are_the_same_only_if_all_is_that_is_learned_from(small, sessions, what):
    changed = CHANGES[what](sessions[0])
    assert fingerprint(small, [changed]) != fingerprint(small, sessions[:1])


def test_where_it_is_written_to_does_not_matter(small, sessions, tmp_path):
    moved = replace(small, checkpoint_dir=tmp_path / "b", pv_dir=tmp_path / "c", run_label="x", resume=True)
    assert fingerprint(moved, sessions) == fingerprint(small, sessions)


@pytest.mark.parametrize("how", ["resume", "init_from_pv"])
def test_a_run_that_starts_from_what_another_one_replaces_meanwhile_is_refused(small, sessions, monkeypatch, how):
    train(small, sessions)
    build = training.run.dataset.build

    def slowly(*arguments):
        monkeypatch.setattr(training.run.dataset, "build", build)
        train(small, sessions)
        return build(*arguments)

    monkeypatch.setattr(training.run.dataset, "build", slowly)
    with pytest.raises(InputError, match="another run has ended here"):
        train(replace(small, **{how: True}), sessions)
