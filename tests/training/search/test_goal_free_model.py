"""What a search of files imagines: real edits, expected rewards, people who go by the network, nothing of a goal."""

import gc
import math
from dataclasses import fields, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import Decision, legality_mask
from config import FeaturizerConfig, ModelConfig, RewardWeights, SearchConfig
from delegates import Completion
from featurizers import Featurizer
from models import Policy
from simulation.builtin_problems import PROBLEMS
from simulation.goal import Goal
from simulation.network_agents import NetworkPolicy
from simulation.rollout import RolloutSpec, run_rollouts
from simulation.scripted_people import PEOPLE
from simulation.sessions import first_state
from state import Cursor, PastDecision, State, unedited
from training.search import Evaluation
from training.search.evaluator import PolicyEvaluator, observation
from training.search.goal_free_model import DISCOUNT, MIN_KEPT_PROB, REPLIES, UNDO, GoalFreeModel, placeholder_text
from training.search.tree_search import grow_trees, read_result
from training.zero_style.self_play import SearchAssistant

LINES = ("total = 0", "for x in xs:", "    total +=", "", "print(total)")
WRITE = (int(Decision.EDIT_EXISTING_LINES), 2)
NO_OP = (0, -1)
CONFIG = SearchConfig(simulations=12, discount=DISCOUNT)
WEIGHTS = RewardWeights()


def state_of(*lines, history=()):
    at = Cursor(True, len(lines) - 1, len(lines[-1]), 4) if lines else Cursor()
    return State(lines, 4, unedited(len(lines)), unedited(len(lines)), at, history=history, last_known_line=at.line)


class Says:
    """An evaluator and a human of the table: p(kept) of `WRITE`, and the human's distribution over decisions."""

    def __init__(self, kept=0.8, human=(1, 0, 0, 0, 0, 0, 0)):
        self.kept, self.human = kept, np.array(human) / sum(human)

    def evaluate(self, states):
        pairs = np.tile(np.array([NO_OP, WRITE]), (len(states), 1, 1))
        kept = np.tile([0.5, self.kept], (len(states), 1))
        return Evaluation(pairs, np.log(np.full((len(states), 2), 0.5)), np.zeros(len(states)), kept)

    def pair_probabilities(self, states):
        found = []
        for state in states:
            pairs = np.repeat(self.human[:, None] / len(state), len(state), axis=1)
            pairs[0] = 0
            pairs[0, 0] = self.human[0]
            found.append(pairs)
        return found


def imagined(says, state, pair, survival_rate=0.9):
    """What happens to `pair` on `state`: the model, the afterstate and the step's reward."""
    world = GoalFreeModel(says, says, WEIGHTS, CONFIG, survival_rate=survival_rate)
    evaluation = world.evaluate([state])
    place = evaluation.pairs[0].tolist().index(list(pair))
    (after,), (reward,) = world.step([state], np.array([pair]), evaluation.kept_probs[:, place])
    return world, after, reward


@pytest.mark.parametrize(("pair", "kept", "survival_rate", "history", "reward"), [
    (WRITE, 1.0, 1.0, (), 0.25 + 1.0),
    (WRITE, 0.0, 1.0, (), -0.75),
    (WRITE, 0.4, 0.5, (), 0.4 * (0.25 + 0.5 * 1.0 - 0.5 * 0.25) - 0.6 * 0.75),
    (NO_OP, 0.4, 0.5, (), 0.05),
    (NO_OP, 0.4, 0.5, (PastDecision(0, 2, 1.0), PastDecision(2, 0, None)), -0.05),
    (NO_OP, 0.4, 0.5, (PastDecision(0, 0, None), PastDecision(2, 0, None)), -0.075),
])  # fmt: skip
def test_a_decision_brings_what_is_expected_of_it(pair, kept, survival_rate, history, reward):
    found = imagined(Says(kept), state_of(*LINES, history=history), pair, survival_rate)[2]
    assert found == pytest.approx(reward, abs=1e-5)


def test_a_value_goes_by_what_decisions_bring_and_not_by_the_value_head():
    """A longer file is not a better one, though a value head may say so."""

    class Longing(Says):
        def evaluate(self, states):
            found = super().evaluate(states)
            return replace(found, value=np.array([100.0 * len(state) for state in states]))

    short, long = state_of(*LINES), state_of(*LINES, *LINES)
    values = {}
    for kept in (0.0, 0.5, 1.0):
        says = Longing(kept)
        here, there = GoalFreeModel(says, says, WEIGHTS, CONFIG).evaluate([short, long]).value
        assert here == there
        values[kept] = here
    assert values[0.0] < values[0.5] < values[1.0]
    assert values[1.0] < (0.25 + 0.9 * 1.0 - 0.1 * 0.25) / (1 - DISCOUNT)  # the best decision without end


@pytest.mark.parametrize(("kept", "streak"), [(0.2, 0), (0.9, 0), (0.9, 2)])
def test_a_value_worked_out(kept, streak):
    """NO-OP and writing are equally likely; whoever searches prefers by exp(4 r), and so on without end."""
    history = tuple(PastDecision(t, 0, None) for t in range(streak))
    no_op, write = (0.05, None, -0.075)[streak], kept * (0.25 + 0.5 * 1.0 - 0.5 * 0.25) - (1 - kept) * 0.75
    says = Says(kept)
    world = GoalFreeModel(says, says, WEIGHTS, SearchConfig(discount=0.7), survival_rate=0.5)
    (value,) = world.evaluate([state_of(*LINES, history=history)]).value
    preferred = math.exp(4 * write) / (math.exp(4 * write) + math.exp(4 * no_op))
    assert value == pytest.approx((preferred * write + (1 - preferred) * no_op) / 0.3)


def test_people_act_where_the_network_expects_them():
    class Below(Says):
        def pair_probabilities(self, states):
            (pairs,) = super().pair_probabilities(states)
            pairs[4] = 0.0
            pairs[4, 1:3] = 0.25, 0.75
            return [pairs]

    world, after, _ = imagined(Below(human=[1, 0, 0, 0, 1, 0, 0]), state_of(*LINES), NO_OP)
    found, _ = world.reply([after] * 200, np.full(200, 1 + Decision.EDIT_EXISTING_LINES), np.arange(200))
    changed = [next(i for i, line in enumerate(LINES) if state.lines[i] != line) for state in found]
    assert set(changed) == {1, 2} and 20 < changed.count(1) < 80


def test_a_discount_of_one_is_refused():
    with pytest.raises(ValueError, match="discount of 1"):
        GoalFreeModel(Says(), Says(), WEIGHTS, SearchConfig(discount=1.0))


def test_replies_are_undoing_else_the_humans_decisions():
    human = (0.5, 0.3, 0.2, 0, 0, 0, 0)
    world, after, _ = imagined(Says(0.75, human), state_of(*LINES), WRITE)
    assert np.exp(world.reply_log_probs([after])[0]) == pytest.approx([0.25, *(0.75 * p for p in (*human,))])
    world, after, _ = imagined(Says(0.75, human), state_of(*LINES), NO_OP)
    assert np.exp(world.reply_log_probs([after])[0]) == pytest.approx([0.0, *human])


@pytest.mark.parametrize(("kept", "undone"), [(1.0, MIN_KEPT_PROB), (0.0, 1.0 - MIN_KEPT_PROB)])
def test_a_network_that_is_certain_excludes_no_reply(kept, undone):
    world, after, _ = imagined(Says(kept, [1.0] * 7), state_of(*LINES), WRITE)
    log_probs = world.reply_log_probs([after])[0, :REPLIES]
    assert np.exp(log_probs) == pytest.approx([undone, *[(1.0 - undone) / 7] * 7], rel=1e-6)


def test_undoing_puts_the_text_back_and_the_history_says_so():
    state = state_of(*LINES, history=(PastDecision(0, 2, 0.5),))
    world, after, _ = imagined(Says(), state, WRITE)
    assert after.state.lines != LINES and after.state.history[-1] == PastDecision(4, WRITE[0], None)
    (undone, rested), _ = world.reply([after, after], np.array([UNDO, 1]), np.array([0, 0]))
    assert undone.lines == LINES and undone.undone == {2}
    assert undone.history[-1] == PastDecision(4, WRITE[0], 0.0)
    assert rested.lines == after.state.lines and rested.history[-1] == PastDecision(4, WRITE[0], 1.0)
    assert {undone.t, rested.t} == {6}


TEXTS = st.lists(st.sampled_from(["", "pass", "    x = 1", "return x", "# note", "  ", "a\tb", "def f():"]), min_size=1)


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(0, 6), st.integers(0, 2**32))
def test_every_legal_decision_and_reply_can_be_imagined(lines, reply, seed):
    state = state_of(*lines[:8])
    table = legality_mask([state], FeaturizerConfig.w_max)[0]
    pairs = [(int(d), int(line)) for d, line in zip(*np.nonzero(table[1:]), strict=True)]
    decision, line = Random(seed).choice([(d + 1, line) for d, line in pairs] or [NO_OP])
    says = Says(human=[1.0] * 7)
    world = GoalFreeModel(says, says, WEIGHTS, CONFIG)
    (after,), _ = world.step([state], np.array([(decision, line)]), np.array([0.5]))
    assert after.state.lines != state.lines or decision == 0
    (found,), _ = world.reply([after], np.array([reply + 1]), np.array([seed]))
    (again,), _ = world.reply([after], np.array([reply + 1]), np.array([seed]))
    assert found.t == state.t + 2 and observation(found) == observation(again)


def test_a_stand_in_comes_from_the_file():
    state = state_of(*LINES)
    assert placeholder_text(state, Decision.WRITE_SINGLE_LINE, 2) == "for x in xs:"
    assert placeholder_text(state, Decision.WRITE_SINGLE_LINE, 0) == "for x in xs:"
    assert placeholder_text(state_of("x"), Decision.EDIT_EXISTING_LINES, 0) == "pass"
    assert placeholder_text(state_of("pass"), Decision.EDIT_EXISTING_LINES, 0) == "return"


@pytest.fixture(scope="module")
def networks():
    """Seeded networks of assistant and human, with their featurizer."""
    import torch

    torch.manual_seed(0)
    config = ModelConfig(d_in=24, d_model=16, n_layers=1, n_heads=2, hidden=16, radius=8)
    return Policy(config).eval(), Policy(config).eval(), Featurizer(FeaturizerConfig(d_in=24, char_dim=8)).eval()


def assistant_of(networks):
    assistant, human, featurizer = networks
    evaluator = PolicyEvaluator(assistant, featurizer, CONFIG)
    return SearchAssistant(GoalFreeModel(evaluator, NetworkPolicy(human, featurizer), WEIGHTS, CONFIG), CONFIG)


def test_planted_goals_do_not_leak(networks):
    """Games that look the same and have opposite goals are searched to the same last digit, and go different ways."""
    root, results = first_state(PROBLEMS[0]), []
    planted = (Goal(PROBLEMS[0].solution), Goal((*root.lines[:1], "    return 'planted'")), Goal(root.lines))
    for goal in planted:
        assistant = assistant_of(networks)
        run_rollouts([RolloutSpec(root, goal, PEOPLE["likes_code"], "seed")], assistant, Plants(), horizon=2)
        results.append(assistant.searches)
    for name in (field.name for field in fields(results[0][0])):
        first, second, third = (getattr(found[0], name) for found in results)
        assert np.array_equal(first, second) and np.array_equal(first, third), name
    assert not np.array_equal(results[0][1].qvalues, results[1][1].qvalues)  # by then the text tells


class Plants:
    """Writers that write the goal down at once."""

    def writer_for(self, goal, generator):
        return Planting(goal)


class Planting:
    def __init__(self, goal):
        self.goal = goal

    def write(self, state, decision, line):
        return Completion(self.goal.lines[-1], "planting")


def test_no_goal_can_be_reached_from_the_trees_of_a_game(networks, monkeypatch):
    trees = []

    def keeping(roots, model, config, randomness):
        trees.append(grow_trees(roots, model, config, randomness))
        return read_result(trees[-1], config, randomness)

    monkeypatch.setattr("training.zero_style.self_play.run_search", keeping)
    goal = Goal(("def secret():", "    return 41 + 1"), PROBLEMS[1])
    run_rollouts(
        [RolloutSpec(first_state(PROBLEMS[0]), goal, PEOPLE["likes_code"], "1")],
        assistant_of(networks),
        Plants(),
        horizon=3,
    )
    assert len(trees) == 3 and all(len(tree.states[0]) > 1 and len(tree.afterstates[0]) > 1 for tree in trees)
    frontier, reached = list(trees), set()
    while frontier:
        thing = frontier.pop()
        if id(thing) in reached or isinstance(thing, type) or type(thing).__name__ in ("module", "function"):
            continue
        reached.add(id(thing))
        assert thing is not goal and thing is not goal.lines and thing is not goal.problem
        frontier += gc.get_referents(thing)
    assert len(reached) > 500


def test_a_file_without_lines_can_be_searched(networks):
    assistant = assistant_of(networks)
    decided = assistant.decide([State((), 0, unedited(0), unedited(0)), state_of(*LINES)], [Random(0), Random(1)])
    assert decided[0].decision == Decision.NO_OP and decided[0].line == -1
    found = assistant.searches[0]
    assert found.improved_policy[0].tolist() == [1.0, *[0.0] * (CONFIG.candidates - 1)]
    assert all(
        np.isfinite(getattr(found, name)).all()
        for name in ("qvalues", "value", "improved_policy", "mass_outside_candidates")
    )


def test_too_few_replies_are_refused():
    with pytest.raises(ValueError, match=f"{REPLIES} replies"):
        GoalFreeModel(Says(), Says(), WEIGHTS, SearchConfig(replies=4))


def test_a_person_who_keeps_is_helped_and_one_who_undoes_is_left_alone():
    for kept, chosen in ((0.95, WRITE), (0.05, NO_OP)):
        says = Says(kept)
        config = SearchConfig(simulations=8, candidates=2, discount=DISCOUNT)
        assistant = SearchAssistant(GoalFreeModel(says, says, WEIGHTS, config), config, explore=False)
        (decided,) = assistant.decide([state_of(*LINES)], [Random(0)])
        assert (decided.decision, decided.line) == chosen
        assert math.isclose(assistant.searches[0].improved_policy.sum(), 1.0)
