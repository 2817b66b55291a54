"""Replies that are none, too many or no distribution are refused."""

from math import inf, nan
from random import Random

import numpy as np
import pytest

from actions import Decision
from errors import InputError
from simulation.goal import Goal
from simulation.person import Option, Turn, draw_reply
from simulation.typing_model import noop_reply


@pytest.mark.parametrize(
    ("chances", "what"),
    [
        ([], "odd: gave 0 ways to reply, expected 1 to 8"),
        ([1 / 9] * 9, "odd: gave 9 ways to reply, expected 1 to 8"),
        ([1.5, -0.5], "odd: gave replies with probabilities 1.5, -0.5, expected none below 0"),
        ([0.5, nan], "odd: gave replies with probabilities 0.5, nan"),
        ([nan, 0.5], "odd: gave replies with probabilities nan, 0.5"),
        ([inf], "odd: gave replies with probabilities inf"),
        ([0.5, 0.4], "odd: gave replies with probabilities 0.5, 0.4, expected none below 0 and a sum of 1"),
        ([0.0, 0.0], "odd: gave replies with probabilities 0, 0"),
    ],
)
def test_replies_that_are_no_distribution_are_refused(state_of, chances, what):
    with pytest.raises(InputError, match=what):
        draw_reply(Odd(chances), Turn(state_of("x"), Goal(())), None, Random(0))


def test_replies_may_be_rounded_to_32_bits(state_of):
    chances = [float(np.float32(1 / 7))] * 7
    assert draw_reply(Odd(chances), Turn(state_of("x"), Goal(())), None, Random(0)).action.decision is Decision.NO_OP


class Odd:
    """Somebody who does nothing, in ways of the given probabilities."""

    name, policy = "odd", None

    def __init__(self, chances):
        self.chances = chances

    def options(self, turn, pairs):
        return [Option(chance, lambda _: noop_reply(turn.state)) for chance in self.chances]
