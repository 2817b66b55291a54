"""Every part of the reward on worked examples; a decision is paid for what it wrote itself, by nothing hidden."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rewards
from actions import Decision, Withheld
from config import RewardWeights
from errors import InputError
from line_tracking import carry_attribution, retained_share
from rewards import Retention, retention, reward
from state import Env, PastDecision, State, unedited
from state_adapter import Action, Episode

NO_OP, FILL, WRITE_ONE, *_ = Decision
WEIGHTS = RewardWeights()


def episode(*texts, decisions=(), envs=()):
    """States in turns: the human's, the assistant's (one for each of `decisions`), the human's, ..."""
    states: list[State] = []
    moves: list[Action | None] = []
    for t, lines in enumerate(texts):
        by = "H" if t % 2 == 0 else "A"
        human, assistant = (
            carry_attribution(states[-1], lines, by, t) if t else (unedited(len(lines)), unedited(len(lines)))
        )
        env = envs[t] if t < len(envs) else None
        states.append(State(tuple(lines), t, human, assistant, env=env))
        decision = decisions[t // 2] if by == "A" and t // 2 < len(decisions) else NO_OP
        moves.append(Action(by, decision, -1 if decision is NO_OP else 0, True) if t else None)
    return Episode("e", "e.json", None, tuple(states), tuple(moves))


def step(
    before,
    after,
    *later,
    decision=WRITE_ONE,
    envs=(),
):
    return episode(before, after, *later, decisions=(decision,), envs=envs).transitions("A")[0]


def nonzero(found):
    return {name: pytest.approx(part) for name, part in found.parts.items() if part}


RUNS, FAILS = Env(True), Env(False)


def ran(passed, total):
    return Env(False, passed, total)


# env at the state, env at the reply: the parts that are not 0.
ENVS = {
    "more pass": (ran(1, 3), ran(3, 3), {"test_pass_delta": 1.0}),
    "fewer pass": (ran(2, 3), ran(1, 3), {"test_regress": -1.0}),
    "as many pass": (ran(2, 3), ran(2, 3), {}),
    "one of two, then one of four": (ran(1, 2), ran(1, 4), {"test_regress": -1.0}),
    "one of four, then one of two": (ran(1, 4), ran(1, 2), {"test_pass_delta": 1.0}),
    "one of two, then two of four": (ran(1, 2), ran(2, 4), {}),
    "none, then none of more": (ran(0, 2), ran(0, 9), {}),
    "tests unknown before": (FAILS, ran(3, 3), {}),
    "tests unknown after": (ran(3, 3), FAILS, {}),
    "compiles again": (FAILS, RUNS, {"compile_fix": 0.75}),
    "compiles no more": (RUNS, FAILS, {"compile_break": -0.5}),
    "goes on compiling": (RUNS, RUNS, {"compile_maintain": 0.1}),
    "still does not": (FAILS, FAILS, {}),
    "unknown before": (None, RUNS, {}),
    "unknown after": (RUNS, None, {}),
    "both": (Env(False, 0, 2), Env(True, 2, 2), {"test_pass_delta": 1.0, "compile_fix": 0.75}),
}


@pytest.mark.parametrize("case", ENVS)
def test_tests_and_compiling_are_compared_between_state_and_reply(case):
    before, after, parts = ENVS[case]
    # What the decision itself led to does not count: the pair that is compared is the state and the reply.
    found = reward(step(["a"], ["a"], ["a"], envs=(before, Env(True, 9, 9), after)))
    assert nonzero(found) == parts
    assert found.total == pytest.approx(sum(parts.values()))


FOUR, SIX = "four", "sixsix"

# after the decision, at the reply, at the end: the parts that are not 0.
FATES = {
    "all kept, all survives": ([FOUR, SIX], [FOUR, SIX], [FOUR, SIX], {"retain_reward": 0.25, "survival_reward": 1.0}),
    "all undone": ([FOUR, SIX], [], [], {"undo_penalty": -0.75}),
    "part is kept": (
        [FOUR, SIX],
        [SIX],
        [SIX],
        {"retain_reward": 0.15, "undo_penalty": -0.3, "survival_reward": 1.0},
    ),
    "kept, then gone": ([FOUR, SIX], [FOUR, SIX], [], {"retain_reward": 0.25, "extinction_penalty": -0.25}),
    "kept, then part is gone": (
        [FOUR, SIX],
        [FOUR, SIX],
        [FOUR],
        {"retain_reward": 0.25, "survival_reward": 0.4, "extinction_penalty": -0.15},
    ),
    "part is kept, of which nothing survives": (
        [FOUR, SIX],
        [SIX],
        [FOUR],
        {"retain_reward": 0.15, "undo_penalty": -0.3, "extinction_penalty": -0.25},
    ),
    "undone, then back: it did not survive": ([FOUR, SIX], [], [FOUR, SIX], {"undo_penalty": -0.75}),
}


@pytest.mark.parametrize("case", FATES)
def test_what_was_written_is_paid_at_the_reply_and_at_the_end(case):
    after, reply, last, parts = FATES[case]
    head = ["def f():"]
    found = reward(step(head, head + after, head + reply, head + reply, head + last))
    assert nonzero(found) == {name: pytest.approx(part) for name, part in parts.items()}
    assert found.total == pytest.approx(sum(parts.values()))


def test_what_is_taken_back_between_the_reply_and_the_end_does_not_survive():
    """However alike it is: the human's flag counts, in whichever turn the edit was made."""
    long, less = ["a", "total = sum(values)"], ["a", "total = sum(value)"]
    whole = episode(["a"], long, long, long, less, less, less, decisions=(WRITE_ONE,))
    flagged = replace(whole.states[4], undone=frozenset({1}))
    taken_back = replace(whole, states=(*whole.states[:4], flagged, *whole.states[5:]))
    assert retention(whole.transitions("A")[0]) == Retention(1.0, 1.0)
    assert retention(taken_back.transitions("A")[0]) == Retention(1.0, 0.0)


def test_where_the_reply_is_the_end_what_stands_there_survives():
    assert nonzero(reward(step(["a"], ["a", FOUR], ["a", FOUR]))) == {"retain_reward": 0.25, "survival_reward": 1.0}


def test_without_a_reply_only_silence_counts():
    envs = (FAILS, RUNS)
    assert nonzero(reward(step(["a"], ["a", FOUR], envs=envs))) == {}
    assert nonzero(reward(step(["a"], ["a"], decision=NO_OP, envs=envs))) == {"noop_shaping": 0.05}


@pytest.mark.parametrize(
    ("streak", "default", "as_before"),
    [
        (0, 0.05, 0.05),
        (1, -0.05, -0.05),
        (2, -0.075, -0.075),
        (3, -0.1, -0.1125),
        (4, -0.1, -0.16875),
        (99, -0.1, -5.0),
        (10_000, -0.1, -5.0),
    ],
)
def test_silence_is_welcome_once(streak, default, as_before):
    assert rewards.noop_shaping(streak, WEIGHTS) == pytest.approx(default)
    assert rewards.noop_shaping(streak, RewardWeights(noop_penalty_cap=5.0)) == pytest.approx(as_before)


def test_a_streak_ends_with_a_decision_and_with_the_episode():
    def shaping():
        texts = [["a"]] * 11
        steps = episode(*texts, decisions=(NO_OP, NO_OP, FILL, NO_OP, NO_OP)).transitions("A")
        return [reward(each).parts["noop_shaping"] for each in steps]

    assert shaping() == pytest.approx([0.05, -0.05, 0.0, 0.05, -0.05])
    assert shaping() == shaping()


def test_a_streak_goes_on_where_a_session_is_taken_up():
    before = (
        PastDecision(40, 0, None),
        PastDecision(1, 2, 1.0),
        PastDecision(3, 0, None),
        PastDecision(5, 0, None),
    )  # the first: another session's
    for history, expected in ((before, -0.075), (before[:-1], -0.05), (before[:2], 0.05), ((), 0.05), (None, 0.05)):
        of = episode(["a"], ["a"], ["a"], decisions=(NO_OP,))
        first = replace(of.states[0], t=7, history=history)
        steps = replace(of, states=(first, *of.states[1:])).transitions("A")
        assert reward(steps[0]).parts["noop_shaping"] == pytest.approx(expected)


def test_what_an_earlier_session_left_undone_is_no_streak():
    of = episode(["a"], ["a"], ["a"], decisions=(NO_OP,))
    first = replace(of.states[0], t=0, history=(PastDecision(40, 0, None), PastDecision(42, 0, None)))
    assert replace(of, states=(first, *of.states[1:])).transitions("A")[0].streak == 0


def test_old_lines_pay_nothing():
    """Write once, then wait: each waiting turn is worth its silence and no more."""
    long = ["a", "total = compute(everything)"]
    steps = episode(["a"], long, long, long, long, long, long, decisions=(WRITE_ONE, NO_OP, FILL)).transitions("A")
    assert [nonzero(reward(each)) for each in steps] == [
        {"retain_reward": 0.25, "survival_reward": 1.0},
        {"noop_shaping": 0.05},
        {},
    ]


def test_a_decision_is_not_paid_for_what_the_human_then_writes():
    assert nonzero(reward(step(["a"], ["a"], ["a", "typed = by(human)"], decision=FILL))) == {}
    found = retention(step(["a"], ["a", FOUR], ["a", "typed = by(human)", "more"]))
    assert found == Retention(retained=0.0, survived=None)


def test_an_older_equal_line_is_not_what_the_decision_wrote():
    old = ["return a", "b"]
    assert retention(step(old, [*old, "return a"], old)).retained == 0.0


def test_kept_is_the_share_at_the_reply():
    assert retention(step(["a"], ["a", FOUR, SIX], ["a", SIX], ["a"])).retained == pytest.approx(0.6)
    assert retention(step(["a"], ["a", FOUR])).retained is None
    assert retention(step(["a"], ["a"], ["a"])).retained is None
    assert retention(step(["a"], ["a", FOUR], ["a", FOUR], decision=NO_OP)).retained is None


@pytest.mark.parametrize("later", [[FOUR, SIX], [FOUR], [SIX, "else"], ["else"], []])
def test_the_share_retained_is_the_one_that_the_history_tells(later):
    transition = step(["a"], ["a", FOUR, SIX], ["a", *later], ["a"])
    share = retained_share(Decision.WRITE_MULTI_LINE, transition.state, transition.next, transition.reply)
    assert retention(transition).retained == share


@pytest.mark.parametrize("decision", list(Decision)[1:])
def test_a_decision_that_changes_nothing_is_neither_paid_for_text_nor_a_silence(decision):
    of = episode(["a"], ["a"], ["a"], ["a"], ["a"], ["a"], ["a"], decisions=(NO_OP, decision, NO_OP))
    first, empty, last = of.transitions("A")
    assert retention(empty) == Retention(None, None)
    assert nonzero(reward(empty)) == {}
    assert (first.streak, empty.streak, last.streak) == (0, 1, 0)
    assert nonzero(reward(last)) == {"noop_shaping": 0.05}


def test_help_that_was_held_back_is_rewarded_as_a_silence():
    of = episode(["a"], ["a"], ["a"], decisions=(NO_OP,))
    held_back = replace(of.actions[1], withheld=Withheld(WRITE_ONE, 0, FOUR))
    (transition,) = replace(of, actions=(None, held_back, of.actions[2])).transitions("A")
    assert transition.action.withheld == Withheld(WRITE_ONE, 0, FOUR)
    assert nonzero(reward(transition)) == {"noop_shaping": 0.05} and retention(transition) == Retention()


def test_the_sum_is_clipped_and_the_breakdown_says_so():
    weights = RewardWeights(test_pass_delta=7.0, compile_fix=1.0, noop_bonus=0.0)
    found = reward(step(["a"], ["a"], ["a"], envs=(Env(False, 0, 1), None, Env(True, 1, 1))), weights)
    assert found.total == 5.0
    assert nonzero(found) == {"test_pass_delta": 7.0, "compile_fix": 1.0, "clip": -3.0}
    found = reward(step(["a"], ["a", FOUR], ["a"]), RewardWeights(undo_penalty=-20.0, clip=2.0))
    assert (found.total, found.parts["clip"]) == (-2.0, 18.0)


texts = st.lists(st.sampled_from(["a = 1", "a = 12", "return a", "# note", "", "total = compute(a)"]), max_size=5)
envs = st.none() | st.builds(
    lambda compiled, total, share: Env(compiled, int(share * total), total),
    st.booleans(),
    st.integers(1, 4),
    st.floats(0, 1),
)


@given(st.lists(texts, min_size=2, max_size=6), st.lists(envs, max_size=6), st.sampled_from(Decision))
def test_a_reward_is_the_sum_of_its_parts_and_always_the_same(states, results, decision):
    found = episode(*states, decisions=(decision,) * 3, envs=tuple(results)).transitions("A")
    first = [reward(each) for each in found]
    for each in first:
        assert tuple(each.parts) == rewards.part_names()
        assert each.total == pytest.approx(sum(each.parts.values()))
        assert -WEIGHTS.clip <= each.total <= WEIGHTS.clip
        assert all(math.isfinite(part) for part in each.parts.values())
    assert [reward(each) for each in reversed(found)] == first[::-1]


def test_lines_are_followed_through_a_session_that_grows_around_them():
    lines = [f"value_{k} = compute({k})" for k in range(45)]
    texts = [lines[20 - k // 2 : 22 + (k + 1) // 2] for k in range(41)]
    found = episode(*texts, decisions=(WRITE_ONE,) * 20).transitions("A")
    assert [reward(each).retention for each in found] == [Retention(1.0, 1.0)] * len(found)


def test_the_guide_to_adding_a_reward_works(monkeypatch):
    monkeypatch.setattr(rewards, "_REGISTERED", {})
    guide = (Path(__file__).parents[1] / "docs" / "adding-a-reward.md").read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL):
        exec(compile(block, "docs/adding-a-reward.md", "exec"), namespace)
    assert rewards.part_names()[-2:] == ("brevity", "clip")
    found = reward(step(["a"], ["a", "x" * 200], ["a"]))
    assert found.parts["brevity"] == pytest.approx(-0.1)
    assert found.total == pytest.approx(-0.85)
    assert np.isclose(reward(step(["a"], ["a"], ["a"], decision=NO_OP)).total, 0.05)


@pytest.mark.parametrize(
    "name", ["clip", "retain_reward", "tests", "compiling", "kept", "survival", "silence", "total"]
)
def test_a_registered_part_has_a_name_and_a_column_of_its_own(name):
    with pytest.raises(ValueError, match=name):
        rewards.register(name, lambda transition: 0.0)


EXPECTED = "expected a number from -1000000 to 1000000"


@pytest.mark.parametrize(
    "part, problem",
    [
        (lambda transition: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda transition: transition.nothing, "AttributeError: .*"),
        (lambda transition: None, f"returned null, {EXPECTED}"),
        (lambda transition: "1", f'returned "1", {EXPECTED}'),
        (lambda transition: math.nan, f"returned NaN, {EXPECTED}"),
        (lambda transition: 10**5000, f"returned a number of more than 60 digits, {EXPECTED}"),
        (lambda transition: 1e38, f"returned 1e\\+38, {EXPECTED}"),
        (lambda transition: -math.inf, f"returned -Infinity, {EXPECTED}"),
    ],
)
def test_a_registered_part_that_fails_or_gives_no_number_of_usual_size_is_named(monkeypatch, part, problem):
    monkeypatch.setattr(rewards, "_REGISTERED", {"brevity": part})
    with pytest.raises(InputError, match=f"^reward part 'brevity': turn 0: {problem}$"):
        reward(step(["a"], ["a", "b"], ["a"]))


@pytest.mark.parametrize("value", [1, True, np.float32(0.5), np.int64(-1)])
def test_any_real_number_is_a_part(monkeypatch, value):
    monkeypatch.setattr(rewards, "_REGISTERED", {"brevity": lambda transition: value})
    assert reward(step(["a"], ["a", "b"], ["a"])).parts["brevity"] == float(value)
