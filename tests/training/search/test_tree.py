"""Q-values that a tree compares, from statistics written down by hand."""

import numpy as np
import pytest

from config import SearchConfig
from training.search import Evaluation
from training.search.tree import Tree

CONFIG = SearchConfig(simulations=4, candidates=2, replies=3, prior_visits=0.0)
GAME = np.array([0])


@pytest.fixture
def tree():
    """A root worth 0 and a node worth 5, both candidates of which were visited: they brought 2 and 4 on average."""
    pairs, log_probs = np.array([[[0, -1], [2, 0]]]), np.log([[0.5, 0.5]])
    tree = Tree.of_roots(["root"], Evaluation(pairs, log_probs, np.array([0.0])), CONFIG)
    (node,) = tree.add_nodes(GAME, ["node"], np.zeros(1), Evaluation(pairs, log_probs, np.array([5.0])))
    tree.children_visits[0, node] = 1, 2
    tree.children_returns[0, node] = 2.0, 8.0
    return tree


@pytest.mark.parametrize(("algorithm", "expected"), [("gumbel", [0.0, 1.0]), ("puct", [2 / 5, 4 / 5])])
def test_gumbel_compares_candidates_of_one_node_and_puct_with_the_whole_tree(tree, algorithm, expected):
    """The tree has seen from 0 to 5."""
    config = SearchConfig(algorithm=algorithm, prior_visits=0.0)
    assert tree.rescaled_qvalues(GAME, np.array([1]), config)[0] == pytest.approx(expected)


def test_a_reply_that_is_new_is_worth_what_the_others_brought_on_average(tree):
    """(1 + 3.5) / 3, however often each of them was drawn; rescaled by the tree's 0 to 5."""
    (chance,) = tree.add_chances(GAME, ["after"], np.zeros(1), np.log([[0.4, 0.4, 0.2]]))
    tree.reply_visits[0, chance] = 2, 1, 0
    tree.reply_returns[0, chance] = 1.0, 3.5, 0.0
    assert tree.rescaled_reply_qvalues(GAME, np.array([chance]))[0] == pytest.approx([0.5 / 5, 3.5 / 5, 1.5 / 5])
