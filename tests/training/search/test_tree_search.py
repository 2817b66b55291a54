"""Whole searches: trees worked by hand, depth, masks, lockstep, the human's replies."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import SearchConfig
from training.search import SearchRandomness, run_search
from training.search.simulations import TreeSimulator
from training.search.tree_search import grow_trees

INF = float("inf")
PLAIN = SearchConfig(
    simulations=4, candidates=3, considered=3, replies=2, depth=1, discount=1.0, prior_visits=0.0, lambdas=(INF,)
)


def quiet(games, config, offset=0.0):
    """No Gumbel noise; every chance node's first reply is the one at `offset`."""
    noise = SearchRandomness.draw([np.random.default_rng(0)] * games, config, explore=False)
    return replace(noise, offsets=np.full_like(noise.offsets, offset))


def three_candidates(world):
    """Three certain rewards: 0, 1 and .5."""
    end = ([1, 0, 0], 0.0)
    moves = {("root", a): (reward, [(1.0, 0.0, "end")]) for a, reward in enumerate((0.0, 1.0, 0.5))}
    return world({"root": ([0.5, 0.3, 0.2], 0.0), "end": end}, moves, candidates=3)


@pytest.mark.parametrize(
    ("config", "visits", "q", "weights"),
    [
        # Considered visits 0 0 0 1: all once, then the best by log p + 5.1 q. sigma = 5.2 q.
        (PLAIN, [1, 2, 1], [0, 1, 0.5], [0.5, 0.3 * np.exp(5.2), 0.2 * np.exp(2.6)]),
        # Two simulations: the third keeps the mixed value 2 * (.3 / .8) / 3 = .25. sigma = 5.1 q.
        (replace(PLAIN, simulations=2), [1, 1, 0], [0, 1, 0.25], [0.5, 0.3 * np.exp(5.1), 0.2 * np.exp(1.275)]),
        # A prior visit draws .25 in halfway; rescaled, nothing changes.
        (
            replace(PLAIN, simulations=2, prior_visits=1.0),
            [1, 1, 0],
            [0.125, 0.625, 0.25],
            [0.5, 0.3 * np.exp(5.1), 0.2 * np.exp(1.275)],
        ),
        # PUCT (scores in test_action_selection.test_puct_choice): NO-OP, 1, 1; the policy is the share of visits.
        # The third keeps 3 * (.3 / .8) / 4.
        (replace(PLAIN, algorithm="puct", simulations=3), [1, 2, 0], [0, 1, 0.28125], [1, 2, 0]),
    ],
)
def test_one_ply_worked_by_hand(world, config, visits, q, weights):
    table = three_candidates(world)
    found = run_search(["root"], table, config, quiet(1, config))
    policy = np.array(weights) / np.sum(weights)
    assert found.visit_counts[0].tolist() == visits
    assert found.qvalues[0] == pytest.approx(q)
    assert found.improved_policy[0] == pytest.approx(policy)
    assert found.value[0] == pytest.approx(policy @ q)
    assert found.selected.tolist() == [1]
    assert (found.decisions.tolist(), found.lines.tolist()) == ([1], [0])
    assert found.mass_outside_candidates[0] == pytest.approx(0)


def kept_or_undone(world):
    """NO-OP: .1, then a state worth .2, then .4. Writing: kept 3 times of 4 (+1, .6), else undone (-.6, -.2)."""
    return world(
        {
            "root": ([0.6, 0.4], 0.1),
            "quiet": ([0.5, 0.5], 0.2),
            "quieter": ([0.5, 0.5], 0.4),
            "kept": ([0.5, 0.5], 0.6),
            "undone": ([0.5, 0.5], -0.2),
        },
        {
            ("root", 0): (0.1, [(1.0, 0.0, "quiet")]),
            ("quiet", 0): (0.1, [(1.0, 0.0, "quieter")]),
            ("root", 1): (0.0, [(0.75, 1.0, "kept"), (0.25, -0.6, "undone")]),
        },
        candidates=2,
    )


@pytest.mark.parametrize(("prior_visits", "q"), [(0.0, [0.225, 0.3]), (1.0, [0.224667, 0.274667])])
def test_two_plies_with_replies_worked_by_hand(world, prior_visits, q):
    """Discount 1/2. Simulations: NO-OP, writing, writing, NO-OP (considered visits 0 0 1 1).

    NO-OP: .1 + .2 / 2 = .2; again, deeper: .1 + (.1 + .4 / 2) / 2 = .25; mean .225.
    Writing: the first reply, at .2, is kept: 1 + .6 / 2 = 1.3; the second, at .2 + .618, undone: -.6 - .2 / 2 = -.7.
    Mean .3.
    mixed = (.1 + 4 * (.6 * .225 + .4 * .3)) / 5 = .224. Rescaled Q: 0 and 1; sigma = 5.2 q.
    """
    config = replace(PLAIN, candidates=2, considered=2, depth=2, discount=0.5, prior_visits=prior_visits)
    table = kept_or_undone(world)
    noise = quiet(1, config, offset=0.2)
    found, tree = run_search(["root"], table, config, noise), grow_trees(["root"], table, config, noise)
    weights = np.array([0.6, 0.4 * np.exp(5.2)])
    assert found.visit_counts[0].tolist() == [2, 2]
    assert found.qvalues[0] == pytest.approx(q, abs=1e-6)
    assert found.improved_policy[0] == pytest.approx(weights / weights.sum())
    assert found.selected.tolist() == [1]
    assert tree.states[0] == ["root", "quiet", "kept", "undone", "quieter"]
    assert tree.children_visits[0, 1].tolist() == [1, 0]
    assert tree.children_returns[0, 1, 0] == pytest.approx(0.3)
    assert tree.reply_visits[0, 1].tolist() == [1, 1]
    assert (tree.min_value[0], tree.max_value[0]) == pytest.approx((-0.2, 1.3))


def test_replies_are_compared_by_returns_of_the_whole_tree(world):
    """The tree of `test_two_plies_...`: kept returned 1.3, undone -.7; all returns lie between -.2 and 1.3."""
    config = replace(PLAIN, candidates=2, considered=2, depth=2, discount=0.5)
    table = kept_or_undone(world)
    tree = grow_trees(["root"], table, config, quiet(1, config, offset=0.2))
    assert tree.rescaled_reply_qvalues(np.array([0]), np.array([1]))[0] == pytest.approx([1.0, -1 / 3])


@pytest.mark.parametrize(("lambdas", "undone"), [((INF,), (6, 9)), ((0.0,), (1, 1)), ((0.0, INF), (3, 6))])
def test_people_reply_between_imitation_and_reason(world, lambdas, undone):
    """Who imitates undoes a quarter; who reasons tries it once, sees that keeping is better, and keeps."""
    config = replace(PLAIN, candidates=2, considered=1, simulations=30, lambdas=lambdas)
    table = kept_or_undone(world)
    table.states["root"] = ([0.0, 1.0], 0.0)
    tree = grow_trees(["root"], table, config, quiet(1, config, offset=0.2))
    visits = tree.reply_visits[0, tree.chance_index[0, 0, 1]]
    assert visits.sum() == tree.children_visits[0, 0, 1] and undone[0] <= visits[1] <= undone[1], visits


def test_a_child_is_found_again_by_decision_and_reply(world):
    config = replace(PLAIN, candidates=2, considered=2, depth=2, simulations=16)
    table = kept_or_undone(world)
    run_search(["root"], table, config, quiet(1, config))
    asked = [after for call in table.calls["step"] for after in call]
    replied = [reply for call in table.calls["reply"] for reply in call]
    assert len(asked) == len(set(asked))
    assert len(replied) == len(set(replied))


@pytest.mark.parametrize(("algorithm", "simulations"), [("gumbel", 16), ("gumbel", 64), ("puct", 512)])
def test_two_decisions_that_pay_together_need_depth_two(world, algorithm, simulations):
    """Candidate 1 pays .2 now; candidate 2 nothing, but then candidate 1 pays 1. The network sees neither."""
    table = world(
        {"root": ([0.4, 0.4, 0.2], 0.0), "set up": ([0.2, 0.6, 0.2], 0.0)},
        {
            ("root", 1): (0.2, [(1.0, 0.0, "end")]),
            ("root", 2): (0.0, [(1.0, 0.0, "set up")]),
            ("set up", 1): (1.0, [(1.0, 0.0, "end")]),
        },
        candidates=3,
    )
    for depth, chosen in ((1, 1), (2, 2)):
        config = replace(PLAIN, algorithm=algorithm, simulations=simulations, depth=depth)
        found = run_search(["root"], table, config, quiet(1, config))
        assert found.selected.tolist() == [chosen]
        assert found.improved_policy[0].argmax() == chosen


class Maze:
    """A game without end whose every number follows from a hash: some candidates and replies do not exist."""

    def __init__(self, candidates, replies):
        self.candidates, self.replies = candidates, replies

    def numbers(self, *key):
        return np.random.default_rng([abs(part) for part in key])

    def evaluate(self, states):
        from training.search import Evaluation

        rows, values = [], []
        for state in states:
            rng = self.numbers(1, state)
            prior = rng.dirichlet(np.ones(self.candidates)) * (rng.random(self.candidates) < 0.7)
            prior[0] += 0.1
            rows.append(prior / prior.sum())
            values.append(rng.normal())
        pairs = np.tile(np.stack([np.arange(self.candidates)] * 2, axis=-1), (len(states), 1, 1))
        with np.errstate(divide="ignore"):
            return Evaluation(pairs, np.log(rows), np.array(values))

    def step(self, states, pairs, kept_probs):
        for state, (pick, _) in zip(states, pairs.tolist(), strict=True):
            assert self.evaluate([state]).log_probs[0, pick] > -np.inf, "a masked candidate was taken"
        afters = [int(self.numbers(2, s, a).integers(2**40)) for s, a in zip(states, pairs[:, 0].tolist(), strict=True)]
        return afters, np.array([self.numbers(3, after).normal() for after in afters])

    def reply_log_probs(self, afters):
        tau = np.array([self.numbers(4, after).dirichlet(np.ones(self.replies)) for after in afters])
        tau[tau < 0.1] = 0.0
        with np.errstate(divide="ignore"):
            return np.log(tau / tau.sum(-1, keepdims=True))

    def reply(self, afters, replies, seeds):
        assert (self.reply_log_probs(afters)[np.arange(len(afters)), replies] > -np.inf).all(), "an impossible reply"
        keys = list(zip(afters, replies.tolist(), seeds.tolist(), strict=True))
        return [int(self.numbers(5, *key).integers(2**40)) for key in keys], np.array(
            [self.numbers(6, *key).normal() for key in keys]
        )


def play(maze, roots, config, seeds):
    noise = SearchRandomness.draw([np.random.default_rng(seed) for seed in seeds], config, explore=True)
    return run_search(roots, maze, config, noise)


MAZE = SearchConfig(simulations=12, candidates=6, considered=4, replies=4, depth=3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["gumbel", "puct"]), st.integers(1, 4), st.integers(1, 20))
def test_masked_moves_are_never_visited_and_every_simulation_is_spent(root, algorithm, depth, simulations):
    config = replace(MAZE, algorithm=algorithm, depth=depth, simulations=simulations)
    found = play(Maze(6, 4), [root, root + 1], config, [root, 7])
    assert found.visit_counts.sum(-1).tolist() == [simulations] * 2
    assert (found.visit_counts[~found.mask] == 0).all()
    assert (found.improved_policy[~found.mask] == 0).all()
    assert found.improved_policy.sum(-1) == pytest.approx([1, 1])
    assert found.mask[np.arange(2), found.selected].all()
    assert found.mask[:, 0].all()


@pytest.mark.parametrize("algorithm", ["gumbel", "puct"])
def test_games_in_lockstep_are_the_same_games_alone(algorithm):
    config, roots, seeds = replace(MAZE, algorithm=algorithm), list(range(9)), list(range(100, 109))
    together = play(Maze(6, 4), roots, config, seeds)
    for game, (root, seed) in enumerate(zip(roots, seeds, strict=True)):
        alone = play(Maze(6, 4), [root], config, [seed])
        for name, value in vars(alone).items():
            assert np.array_equal(getattr(together, name)[game], value[0]), name


class Counting(Maze):
    """calls: of `evaluate` for the search (masks are checked one state at a time, which does not count)."""

    def __init__(self):
        super().__init__(6, 4)
        self.calls = 0

    def evaluate(self, states):
        self.calls += len(states) > 1
        return super().evaluate(states)


@pytest.mark.parametrize("algorithm", ["gumbel", "puct"])
def test_one_call_a_simulation_for_all_games(algorithm):
    maze = Counting()
    play(maze, list(range(8)), replace(MAZE, algorithm=algorithm), list(range(8)))
    assert maze.calls <= 1 + MAZE.simulations


def test_one_call_for_the_first_visits():
    maze, roots = Counting(), [root for root in range(100) if (Maze(6, 4).evaluate([root]).log_probs > -np.inf).all()]
    play(maze, roots, replace(MAZE, simulations=4, considered=4), roots)
    assert len(roots) > 1
    assert maze.calls == 1 + 1


def test_what_a_reply_leaves_to_chance_follows_the_seed_of_its_simulation():
    seen: list[int] = []

    class Noting(Maze):
        def reply(self, afters, replies, seeds):
            seen.extend(seeds.tolist())
            return super().reply(afters, replies, seeds)

    noise, maze = quiet(1, MAZE), Noting(6, 4)
    tree = grow_trees([5], maze, MAZE, noise)
    assert len(seen) == tree.node_count[0] - 1 >= 10
    assert [seed for seed in noise.seeds[0].tolist() if seed in seen] == seen


class Even(Maze):
    """Every candidate is as likely as any other, so that the first is taken."""

    def evaluate(self, states):
        found = super().evaluate(states)
        exists = found.log_probs > -np.inf
        even = np.where(exists, -np.log(exists.sum(-1, keepdims=True)), -np.inf)
        return replace(found, log_probs=even)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 2**32), min_size=1, max_size=5),
    st.sampled_from([Maze(6, 4), Even(6, 4)]),
    st.builds(
        replace,
        st.just(MAZE),
        considered=st.integers(0, 8),
        simulations=st.integers(0, 20),
        depth=st.integers(0, 4),
        lambdas=st.sampled_from([(0.0,), (INF,), MAZE.lambdas]),
    ),
    st.booleans(),
)
def test_first_visits_together_are_the_same_as_one_by_one(seeds, maze, config, explore):
    noise = SearchRandomness.draw([np.random.default_rng(seed) for seed in seeds], config, explore=explore)
    together = grow_trees(seeds, maze, config, noise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TreeSimulator, "visit_considered_once", lambda simulator: np.zeros(len(seeds), dtype=np.int64))
        one_by_one = grow_trees(seeds, maze, config, noise)
    for name, value in vars(one_by_one).items():
        found = getattr(together, name)
        same = found == value if not isinstance(value, np.ndarray) else np.array_equal(found, value, equal_nan=True)
        assert same, name


@pytest.mark.parametrize("seed", range(5))
def test_noise_decides_what_is_played_and_not_what_is_learned(world, seed):
    """Each candidate is visited once, whatever the noise; the target is that of the table without noise."""
    config = replace(PLAIN, simulations=3)
    noise = SearchRandomness.draw([np.random.default_rng(seed)], config, explore=True)
    assert np.abs(noise.gumbel).max() > 0.5
    found = run_search(["root"], three_candidates(world), config, noise)
    weights = np.array([0.5, 0.3 * np.exp(5.1), 0.2 * np.exp(2.55)])
    assert found.visit_counts[0].tolist() == [1, 1, 1]
    assert found.improved_policy[0] == pytest.approx(weights / weights.sum())
    assert found.mass_outside_candidates[0] == pytest.approx(0)


def test_a_greedy_search_takes_the_most_probable_decision_then_its_line(world):
    """NO-OP is the most probable pair; writing, at two lines, the most probable decision. All pay alike."""

    class TwoLines:
        def __init__(self, table):
            self.step, self.reply_log_probs, self.reply = table.step, table.reply_log_probs, table.reply
            self.table = table

        def evaluate(self, states):
            evaluation = self.table.evaluate(states)
            return replace(evaluation, pairs=np.tile([[0, -1], [2, 0], [2, 1]], (len(states), 1, 1)))

    model = TwoLines(world({"root": ([0.4, 0.28, 0.32], 0.0)}, {}, candidates=3))
    found = run_search(["root"], model, PLAIN, quiet(1, PLAIN))
    assert found.improved_policy[0] == pytest.approx([0.4, 0.28, 0.32])
    assert (found.decisions.tolist(), found.lines.tolist()) == ([2], [1])


def test_a_node_without_choice_is_searched_all_the_same(world):
    table = world({"root": ([1, 0, 0], 0.5)}, {}, candidates=3)
    found = run_search(["root"], table, PLAIN, quiet(1, PLAIN))
    assert found.visit_counts[0].tolist() == [4, 0, 0]
    assert found.improved_policy[0].tolist() == [1, 0, 0]
    assert (found.decisions.tolist(), found.lines.tolist()) == ([0], [-1])


def test_mass_outside_the_candidates_is_what_the_whole_policy_would_leave_there(world):
    """Half of the prior is no candidate: .25, .15, .1 are. Two simulations as above: mixed .25 of the way."""
    table = three_candidates(world)
    table.states["root"] = ([0.25, 0.15, 0.1], 0.0)
    config = replace(PLAIN, simulations=2)
    found = run_search(["root"], table, config, quiet(1, config))
    weights = np.array([0.25, 0.15 * np.exp(5.1), 0.1 * np.exp(1.275)])
    rest = 0.5 * np.exp(1.275)
    assert found.improved_policy[0] == pytest.approx(weights / weights.sum())
    assert found.mass_outside_candidates[0] == pytest.approx(rest / (rest + weights.sum()))


@pytest.mark.parametrize(("kept", "chosen"), [(0.1, 0), (0.9, 1)])
def test_who_undoes_what_is_written_is_left_alone(world, kept, chosen):
    """With the default mixture of humans, who would rather all profit but mostly do what they always do."""
    table = world(
        {"root": ([0.3, 0.7], 0.0)},
        {("root", 0): (0.1, [(1.0, 0.0, "end")]), ("root", 1): (0.0, [(kept, 0.5, "end"), (1 - kept, -0.6, "end")])},
        candidates=2,
    )
    config = SearchConfig(simulations=16, candidates=2, replies=2)
    noise = SearchRandomness.draw([np.random.default_rng(seed) for seed in range(100)], config, explore=False)
    found = run_search(["root"] * 100, table, config, noise)
    assert (found.selected == chosen).mean() > 0.9
