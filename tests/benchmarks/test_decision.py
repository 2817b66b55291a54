"""The benchmark of decisions measures what it says, against a network of the size that it says."""

import pytest
import torch

from benchmarks import decision
from benchmarks.bare_network import BareNetwork, local_mask
from benchmarks.timing import medians
from config import ModelConfig
from inference import fresh_models
from models import Policy
from state_adapter import parse_line_tuples


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_yardstick_has_the_size_of_the_default_policy_without_what_imported_ones_lack():
    assert size(BareNetwork()) == size(Policy(ModelConfig(history=False, predict_kept=False)))


@torch.inference_mode()
def test_the_yardstick_answers_like_any_network():
    outputs = BareNetwork().eval()(torch.randn(1, 5, 192), local_mask(5))
    assert [tuple(output.shape) for output in outputs] == [(1, 5, 7), (1, 5, 7), (1, 1), (1, 8)]


@pytest.mark.parametrize("lines", decision.LINES)
def test_files_that_are_decided_on_have_the_size_they_should(lines):
    state = parse_line_tuples(decision.line_tuples(lines), 9, "benchmark")
    assert len(state) == lines and state.cursor.on and state.cursor.line == lines // 2


def test_all_columns_of_the_table_are_measured():
    row = decision.measure(3, {"lg_transformer": fresh_models(), "lstm": fresh_models(model=ModelConfig("lstm"))}, 0.01)
    assert row.keys() == {"bare", "parse", "featurize", "lg_transformer", "lstm", "ratio"}
    assert all(value > 0 for value in row.values()) and row["lg_transformer"] > row["parse"]


def test_calls_take_turns():
    order = []
    found = medians({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, seconds=0.01, warm_up=1)
    assert order[:2] == ["a", "b"] and order[2:6] == ["a", "b", "a", "b"] and found.keys() == {"a", "b"}
