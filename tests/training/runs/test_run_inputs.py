"""What a run is given: read and checked before anything is written, and the same for every process."""

from dataclasses import dataclass, replace

import pytest

from actions import Review
from data_paths import DataPaths
from errors import InputError
from models.reviewer import FILE, START, Reviewer, save_coefficients
from rewards import break_even
from simulation.problem_loader import load_problems
from training.data.transitions import build_dataset
from training.distributed.process_group import DistributedContext
from training.runs.observer import NullObserver
from training.runs.run_inputs import file_versions, read_inputs


@dataclass(frozen=True)
class WithPeer(DistributedContext):
    """The first of two processes; the other has no error of its own, and has `change`d what else this one gathers."""

    change: object = None

    def all_gather(self, value):
        return [value, None if value is None else self.change(value)]


def read(small, sessions, change):
    paths = DataPaths(small.pv_dir.parent)
    return read_inputs(
        small, sessions, WithPeer(change=change), NullObserver(), problems_path=paths.problems, publish=True
    )


def test_nothing_is_written(small, inputs_of, tmp_path):
    inputs = inputs_of(small)
    assert list(tmp_path.iterdir()) == [] and inputs.saved is None and inputs.start == "fresh"


def test_every_session_is_learned_from_or_held_out_and_steps_are_those_learned_from(small, sessions, inputs_of):
    inputs = inputs_of(small, sessions)
    assert inputs.train | inputs.validation == set(range(6)) and len(inputs.validation) == 1
    assert not inputs.train & inputs.validation
    assert {*inputs.train_steps.episode.tolist()} == inputs.train


def test_runs_have_ids_of_their_own_and_a_label_if_they_were_given_one(small, inputs_of):
    first, second = inputs_of(small), inputs_of(replace(small, run_label="evening"))
    assert first.run_id != second.run_id
    assert first.label == {} and second.label == {"run_label": "evening"}


def test_all_processes_have_the_run_id_of_the_first(small, sessions):
    """The other process's own id is of no account."""
    assert read(small, sessions[:1], lambda mine: ("other", *mine[1:])).run_id != "other"


@pytest.mark.parametrize(
    "change",
    [lambda mine: (mine[0], {**mine[1], "seed": "9"}, mine[2]), lambda mine: (*mine[:2], ("id", "bc", []))],
    ids=["settings", "saved run"],
)
def test_processes_that_were_given_different_things_are_refused_by_name(small, sessions, change):
    with pytest.raises(InputError, match=r"^process 1: has been given other recordings, settings or a run"):
        read(small, sessions[:1], change)


def test_versions_of_files_change_when_they_do(small):
    config = replace(small, init_from_pv=True, resume=True)
    assert file_versions(small) == [] and file_versions(config) == [None] * 4
    small.checkpoint_dir.mkdir()
    state = small.checkpoint_dir / "resume.pt"
    versions = []
    for _ in range(2):
        (small.checkpoint_dir / "new").write_text("the same content")
        (small.checkpoint_dir / "new").replace(state)
        versions.append(file_versions(config)[-1])
    assert None not in versions and versions[0] != versions[1]


@pytest.mark.parametrize("coefficients", [None, "damaged", (9.0, *[0.0] * 9), (-9.0, *[0.0] * 9)])
def test_the_reviewer_is_the_one_beside_the_models_unless_another_is_given(small, sessions, inputs_of, coefficients):
    """Where there is none, or a damaged one, the start's, as in serving."""
    reviewed = [with_reviews(one) for one in sessions[:2]]
    small.pv_dir.mkdir()
    if coefficients == "damaged":
        (small.pv_dir / FILE).write_text("{")
    elif coefficients is not None:
        save_coefficients(small.pv_dir, coefficients, 3)
    expected = Reviewer(coefficients if isinstance(coefficients, tuple) else START, break_even(small.rewards))
    rows = build_dataset(reviewed, inputs_of(small).networks.featurizer, reviewer=expected).steps.log_review
    assert inputs_of(small, reviewed).dataset.steps.log_review.tolist() == rows.tolist()
    assert rows.any().item() is (expected.coefficients[0] < 0.0)


def with_reviews(episode):
    """The session with a review of everything."""
    review = Review(0.6, 0.4, 1.0, True, False)
    actions = tuple(action and replace(action, review=review, probability=0.5) for action in episode.actions)
    return replace(episode, actions=actions)


def with_paste(episode):
    """The episode, whose first turn of the human's has a large paste."""
    turn = next(i for i, action in enumerate(episode.actions) if action is not None and action.agent == "H")
    states = list(episode.states)
    states[turn] = replace(states[turn], pasted=frozenset({0}))
    return replace(episode, states=tuple(states))


def test_pastes_are_counted_and_said_unless_they_are_learned_from(small, sessions, inputs_of):
    messages = []
    observer = NullObserver()
    observer.message = lambda text: messages.append(text) if "paste" in text else None
    inputs = inputs_of(small, [with_paste(sessions[0]), sessions[1]], observer)
    expected = "the person's turns with a large paste, which teach nothing of what the person does: 1"
    assert messages == [expected] and inputs.dataset.pasted == 1
    learning = inputs_of(replace(small, learn_pastes=True), [with_paste(sessions[0]), sessions[1]], observer)
    assert messages == [expected] and learning.dataset.pasted == 0
    assert learning.train_steps.trainable.sum() == inputs.train_steps.trainable.sum() + 1


def test_without_pastes_it_is_the_same_run_whether_they_are_learned_from_or_not(small, sessions, inputs_of):
    learning = replace(small, learn_pastes=True)
    assert inputs_of(small, sessions).fingerprint == inputs_of(learning, sessions).fingerprint
    pasted = [with_paste(sessions[0]), *sessions[1:]]
    assert inputs_of(small, pasted).fingerprint != inputs_of(small, sessions).fingerprint
    assert inputs_of(learning, pasted).fingerprint == inputs_of(small, sessions).fingerprint


class Hearing(NullObserver):
    """Keeps what it is told."""

    def __init__(self):
        self.lines = []

    def message(self, text):
        self.lines.append(text)


def test_problems_that_cannot_be_read_are_told_of_and_ours_are_played(small, sessions, tmp_path):
    path = DataPaths(tmp_path).problems
    path.write_text("[{")
    playing, observer = replace(small, zero_style=replace(small.zero_style, epochs=1)), Hearing()
    inputs = read_inputs(playing, sessions[:1], DistributedContext(), observer, problems_path=path, publish=True)
    assert inputs.problems == load_problems(tmp_path / "absent.json")
    assert len([line for line in observer.lines if str(path) in line]) == 1
