"""Episodes as tensors: what is taken along, what does not teach the policy, what is not known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rewards
from actions import Decision, Review, Withheld
from config import FeaturizerConfig
from featurizers import Featurizer
from models.reviewer import START, Reviewer
from state import Cursor, State, unedited
from state_adapter import Action, Episode
from training.data.transition_rows import line_kinds
from training.data.transitions import build_dataset


@pytest.fixture(scope="module")
def featurizer():
    return Featurizer(FeaturizerConfig(d_in=24, char_dim=8, h_max=40))


def state(lines, t, cursor=0, protected=()):
    human = unedited(len(lines)).copy()
    for line in protected:
        human[line] = (0, 0, 5, 1, 0, 0)
    return State(tuple(lines), t, human, unedited(len(lines)), Cursor(True, cursor, 0, t), last_known_line=cursor)


def episode(*turns, cut_off=False):
    """Turns of (state, agent, decision, line) after a first state."""
    first, *rest = turns
    moves = [None, *(Action(agent, Decision(d), line, True) for _, agent, d, line in rest)]
    return Episode("one", "made up", None, (first, *(turn[0] for turn in rest)), tuple(moves), cut_off)


def test_every_transition_of_both_agents_is_a_row(featurizer, sessions):
    data = build_dataset(sessions, featurizer)
    for index, one in enumerate(sessions):
        for agent, is_human in (("H", True), ("A", False)):
            steps, transitions = data.select_episodes([index], is_human=is_human), one.transitions(agent)
            assert steps.decision.tolist() == [int(t.decision) for t in transitions]
            first = int(data.select_episodes([index]).state_index.min())
            assert (steps.state_index - first).tolist() == [t.index for t in transitions]
            if agent == "A":
                assert steps.reward.tolist() == pytest.approx([rewards.reward(t).total for t in transitions])
                assert steps.parts.sum(1).tolist() == pytest.approx(steps.reward.tolist(), abs=1e-5)
                expected = [math.nan if (k := rewards.retention(t).retained) is None else k for t in transitions]
                assert steps.retained.tolist() == pytest.approx(expected, nan_ok=True)


def test_a_decision_that_was_not_legal_does_not_teach(featurizer):
    lines = ["def f():", "    pass"]
    one = episode(
        state(lines, 0, cursor=1, protected=[0]),
        (state(lines, 1, cursor=1, protected=[0]), "A", 4, 0),  # the skeleton
        (state(lines, 2, cursor=1, protected=[0]), "H", 4, 0),  # the human may
        (state(lines, 3, cursor=1, protected=[0]), "A", 2, 1),
    )
    data = build_dataset([one], featurizer)
    assert data.steps.trainable.tolist() == [False, True, True]
    assert data.illegal == 1 and data.outside == 0


def test_lines_count_in_the_window_and_those_outside_do_not_teach(featurizer):
    lines = [f"x{i} = {i}" for i in range(200)]
    one = episode(
        state(lines, 0, cursor=150),
        (state(lines, 1, cursor=150), "A", 4, 155),
        (state(lines, 2, cursor=150), "H", 4, 3),
    )
    data = build_dataset([one], featurizer)
    assert data.encoded.first_line.tolist() == [130, 130, 130]
    assert data.steps.line.tolist() == [25, 0] and data.steps.trainable.tolist() == [True, False]
    assert data.outside == 1


@pytest.mark.parametrize(
    ("probability", "decision_probability", "decision", "logs"),
    [
        (0.1, 0.5, 4, (math.log(0.5), math.log(0.2))),
        (0.1, None, 4, (math.nan, math.nan)),  # how much of it was the line's is not known
        (0.25, None, 0, (math.log(0.25), 0.0)),
        (None, None, 4, (math.nan, math.nan)),
        (0.6, 0.5, 4, (math.log(0.5), 0.0)),  # rounded by whoever recorded it
    ],
)
def test_recorded_probabilities(featurizer, probability, decision_probability, decision, logs):
    one = episode(state(["a", "b"], 0), (state(["a", "b"], 1), "A", decision, 1 if decision else -1))
    move = replace(one.actions[1], probability=probability, decision_probability=decision_probability)
    steps = build_dataset([replace(one, actions=(None, move))], featurizer).steps
    assert (steps.log_decision.item(), steps.log_line.item()) == pytest.approx(logs, nan_ok=True, abs=1e-6)


def test_only_what_is_not_recorded_is_fitted(featurizer, sessions):
    from training.data.behaviour_policy import fit_behaviour_policy

    one = sessions[0]
    actions = tuple(
        action
        and (
            replace(action, probability=0.3, decision_probability=0.6)
            if action.agent == "A" and i < 4
            else replace(action, probability=None, decision_probability=None)
        )
        for i, action in enumerate(one.actions)
    )
    steps = build_dataset([replace(one, actions=actions)], featurizer).select_episodes([0], is_human=False)
    decision, line = steps.behaviour_log_probs(fit_behaviour_policy(steps.choices))
    known = ~steps.log_decision.isnan()
    assert known.any() and not known.all()
    assert torch.equal(decision[known], steps.log_decision[known]) and torch.isfinite(decision).all()
    assert torch.isfinite(line).all() and (decision <= 0).all() and (line <= 0).all()


@pytest.mark.parametrize("cut_off", [False, True])
def test_values_are_bootstrapped_only_where_the_recording_was_cut_off(featurizer, cut_off):
    texts = (["a"], ["b"], ["c"], ["d"])
    states = [state(text, t) for t, text in enumerate(texts)]
    one = episode(states[0], (states[1], "A", 2, 0), (states[2], "H", 2, 0), (states[3], "A", 2, 0), cut_off=cut_off)
    steps = build_dataset([one, one], featurizer).select_episodes([1], is_human=False)
    assert steps.bootstrap_index.tolist() == [-1, 7 if cut_off else -1]


def test_the_humans_answer_is_found_in_the_lines_that_the_assistant_saw(featurizer):
    before, after = ["a = 1", "b = 2"], ["# note", "a = 1", "b = 2"]
    one = episode(state(before, 0), (state(after, 1), "A", 6, 0), (state([*after[:2], "b = 3"], 2), "H", 4, 2))
    steps = build_dataset([one], featurizer).steps
    assert steps.next_human.tolist() == [4, -1] and steps.next_human_line.tolist() == [1, -1]


def test_kinds_of_lines():
    lines = ["a"] * 9 + [""]
    kinds = line_kinds(state(lines, 0, cursor=5), 0, 10)
    assert kinds.tolist() == [6, 6, 2, 2, 2, 0, 4, 4, 4, 9]
    nowhere = replace(state(lines, 0), cursor=Cursor(), last_known_line=-1)
    assert set(line_kinds(nowhere, 0, 10).tolist()) == {8, 9}


def test_the_cost_grows_with_the_sessions_not_faster(featurizer, sessions):
    """In stored numbers, which do not depend on what else the machine does."""
    sizes = []
    for n in (2, 4):
        data = build_dataset(sessions[:1] * n, featurizer)
        sizes.append(sum(array.size for array in (data.encoded.scalars, data.encoded.text_ids, data.encoded.legal)))
    assert sizes[1] == 2 * sizes[0]


def test_an_empty_file_has_no_op_only(featurizer):
    one = episode(state([], 0, cursor=-1), (state([], 1, cursor=-1), "A", 0, -1))
    steps = build_dataset([one], featurizer).steps
    assert steps.choices.decisions[0].tolist() == [True] + [False] * 6
    assert np.isfinite(steps.reward.item()) and steps.trainable.all()


def test_the_share_retained_is_known_only_of_lines_that_the_policy_could_take(featurizer):
    """Of a protected line, of one outside the window, of a line that was not recorded, p(kept) learns nothing."""
    lines = [f"x{i} = {i}" for i in range(200)]
    protected = state(lines, 0, cursor=150, protected=[151])
    for line, is_known in ((155, True), (151, False), (3, False), (-1, False)):
        changed = list(lines)
        changed[line] = "y = 1"
        after = state(changed, 1, cursor=150, protected=[151])
        reply = state([*changed, ""], 2, cursor=150, protected=[151])
        one = episode(protected, (after, "A", 4, line), (reply, "H", 0, -1))
        steps = build_dataset([one], featurizer).select_episodes([0], is_human=False)
        assert rewards.retention(one.transitions("A")[0]).retained == 1.0
        assert steps.retained.tolist() == pytest.approx([1.0 if is_known else math.nan], nan_ok=True)


def test_a_decision_that_changed_nothing_has_no_share_retained(featurizer):
    one = episode(state(["a"], 0), (state(["a"], 1), "A", 4, 0), (state(["b"], 2), "H", 4, 0))
    steps = build_dataset([one], featurizer).select_episodes([0], is_human=False)
    assert steps.retained.isnan().all() and steps.trainable.all()


def test_a_decision_whose_line_was_not_recorded_counts_without_its_line(featurizer):
    one = episode(state(["a", "b"], 0), (state(["a", "c"], 1), "A", 4, -1), (state(["a", "d"], 2), "H", 4, -1))
    move = replace(one.actions[1], probability=0.1, decision_probability=0.5)
    data = build_dataset([replace(one, actions=(None, move, one.actions[2]))], featurizer)
    assert data.steps.trainable.tolist() == [True, True]
    assert data.steps.line_trainable.tolist() == [False, False]
    assert (data.illegal, data.outside, data.without_line) == (0, 0, 2)
    assert data.steps.choices.line_kind.tolist() == [-1, -1]
    assert data.steps.log_decision[0].item() == pytest.approx(math.log(0.5)) and data.steps.log_line[0] == 0
    assert data.steps.next_human.tolist() == [4, -1] and data.steps.next_human_line.tolist() == [-1, -1]


def test_a_decision_without_a_line_is_legal_where_any_line_is(featurizer):
    lines, protected = ["def f():"], [0]
    one = episode(state(lines, 0, protected=protected), (state(lines, 1, protected=protected), "A", 4, -1))
    data = build_dataset([one], featurizer)
    assert data.steps.trainable.tolist() == [False] and data.illegal == 1


def test_help_that_was_held_back_is_learned_as_the_decision_that_was_taken(featurizer):
    """Its reward and its streak are those of the NO-OP that the human saw; its text has no share retained."""
    same = state(["a", "b"], 1)
    one = episode(state(["a", "b"], 0), (same, "A", 0, -1), (state(["a", "b", "c"], 2), "H", 3, 2))
    shown = build_dataset([one], featurizer).select_episodes([0], is_human=False)
    withheld = replace(
        one.actions[1], probability=0.2, decision_probability=0.4, review=Review(shown_probability=0.1, shown=False),
        withheld=Withheld(Decision.EDIT_EXISTING_LINES, 1, "c"),
    )  # fmt: skip
    hidden = build_dataset([replace(one, actions=(None, withheld, one.actions[2]))], featurizer)
    steps = hidden.select_episodes([0], is_human=False)
    assert steps.decision.tolist() == [4] and steps.choices.decision.tolist() == [4]
    assert steps.trainable.tolist() == [True] and steps.line_trainable.tolist() == [False]
    assert steps.reward.tolist() == shown.reward.tolist() and steps.parts.tolist() == shown.parts.tolist()
    assert steps.retained.isnan().all()
    assert steps.log_decision.item() == pytest.approx(math.log(0.4)) and steps.log_line.item() == 0.0
    assert steps.next_human.tolist() == shown.next_human.tolist() == [3]


def test_a_silence_that_stands_for_help_that_was_not_carried_out_teaches_nothing(featurizer):
    one = episode(state(["a", ""], 0), (state(["a", ""], 1), "A", 0, -1), (state(["a", "b"], 2), "H", 3, 1))
    dropped = replace(one.actions[1], dropped="stale")
    data = build_dataset([replace(one, actions=(None, dropped, one.actions[2]))], featurizer)
    steps = data.select_episodes([0], is_human=False)
    assert data.dropped == 1 and steps.trainable.tolist() == steps.line_trainable.tolist() == [False]
    assert data.select_episodes([0], is_human=True).trainable.tolist() == [True]


def test_help_that_was_held_back_at_an_illegal_place_teaches_nothing(featurizer):
    lines = ["def f():", "    pass"]
    one = episode(state(lines, 0, protected=[0]), (state(lines, 1, protected=[0]), "A", 0, -1))
    action = replace(one.actions[1], withheld=Withheld(Decision.EDIT_EXISTING_LINES, 0, "c"))
    data = build_dataset([replace(one, actions=(None, action))], featurizer)
    assert data.steps.trainable.tolist() == [False] and data.illegal == 1


def test_a_row_has_the_ratio_of_the_reviewer_that_will_serve(featurizer):
    """Without one, and of the human's moves, it is 1."""
    one = episode(state(["a", ""], 0, cursor=1), (state(["a", "b"], 1), "A", 2, 1), (state(["a", "c"], 2), "H", 2, 1))
    action = replace(one.actions[1], probability=0.5, review=Review(0.6, 0.4, 0.1, True, True))
    reviewed = [replace(one, actions=(None, action, one.actions[2]))]
    hides = Reviewer((-9.0, *START[1:]), exploration=0.05)
    rows = build_dataset(reviewed, featurizer, reviewer=hides).steps.log_review
    assert rows.tolist() == pytest.approx([math.log(0.5), 0.0])
    assert build_dataset(reviewed, featurizer).steps.log_review.tolist() == [0.0, 0.0]


def columns(data):
    return {name: column for name, column in vars(data.steps).items() if name != "choices"}


@given(number=st.integers(0, 5), pasted=st.sets(st.integers(0, 30)))
def test_pasted_turns_teach_nothing_of_the_human_and_all_else_stays(featurizer, sessions, number, pasted):
    whole = sessions[number]
    states = tuple(
        replace(state, pasted=frozenset({0}) if i in pasted else frozenset()) for i, state in enumerate(whole.states)
    )
    marked = replace(whole, states=states)
    plain, data = build_dataset([whole], featurizer), build_dataset([marked], featurizer)
    turns = plain.steps.state_index + 1  # of the state that a step led to
    by_paste = plain.steps.is_human & torch.tensor([turn in pasted for turn in turns.tolist()])
    reply = torch.tensor([turn + 1 in pasted for turn in turns.tolist()]) & ~plain.steps.is_human
    assert data.pasted == int(by_paste.sum()) and data.illegal == plain.illegal
    changed = {"trainable": by_paste, "line_trainable": by_paste, "line": by_paste}
    changed |= {"next_human": reply, "next_human_line": reply}
    assert not data.steps.trainable[by_paste].any() and not data.steps.line_trainable[by_paste].any()
    assert (data.steps.next_human[reply] == -1).all() and (data.steps.next_human_line[reply] == -1).all()
    for name, column in columns(data).items():
        same = ~changed.get(name, torch.zeros(len(by_paste), dtype=torch.bool))
        assert torch.equal(column[same].nan_to_num(-9), columns(plain)[name][same].nan_to_num(-9)), name
    again = build_dataset([marked.without_pastes()], featurizer)
    assert all(torch.equal(c.nan_to_num(-9), columns(again)[name].nan_to_num(-9)) for name, c in columns(plain).items())
