"""The search finds the most probable line that the mixture of models has, and never one with wrong brackets."""

import math

import pytest

from delegates import Cancellation
from delegates.embedded.line_search import LineStart, search_lines
from delegates.embedded.next_token import NextToken
from delegates.embedded.recent_text import RecentText
from delegates.embedded.vocabulary import LINE_END, token_stream
from delegates.python_lexer import logical_lines

NEVER = math.inf


def model_of(text, own=""):
    file, earlier = RecentText(), RecentText()
    stream = token_stream(logical_lines(text))
    file.add(stream)
    earlier.add([LINE_END, *token_stream(logical_lines(own))])
    return NextToken(file, tuple(stream), earlier)


def found(model, context, **start):
    return [line.tokens for line in search_lines(model, LineStart(context, **start), Cancellation(), NEVER)]


def test_the_line_that_was_written_before_is_the_first():
    model = model_of("a = f(x, 1)\nb = f(x, 1)\n")
    assert found(model, [LINE_END, "c", "="])[0] == ("f", "(", "x", ",", "1", ")")


def test_the_file_counts_more_than_earlier_text_and_earlier_text_more_than_nothing():
    model = model_of("a = b\nlimit = 3\n", own="size = 7\nlimit = 4\n")
    assert found(model, [LINE_END, "limit", "="])[0] == ("3",)
    assert found(model, [LINE_END, "size", "="])[0] == ("7",)


def test_open_brackets_are_closed_in_order():
    model = model_of("a = [f(x)]\nb = f([x])\n")
    for tokens in found(model, ["a", "=", "["], brackets=["["]):
        depth = [1]
        for token in tokens:
            depth.append(depth[-1] + (token in "([") - (token in ")]"))
        assert min(depth) >= 0 and depth[-1] == 0


def test_the_first_token_begins_as_typed_and_is_one_of_the_known_names():
    model = model_of("count = 1\ncolumn = 2\nx = count\n")
    assert all(tokens[0].startswith("co") for tokens in found(model, ["x", "="], fragment="co"))
    assert {tokens[0] for tokens in found(model, ["x", "."], names=["append"])} == {"append"}


def test_probabilities_of_a_token_are_shares():
    model = model_of("for i in range(n):\n    total += i\nself.x = 3\n", own="x = y\n")
    for context in (["for"], ["self", "."], [LINE_END], ["unknown"], []):
        shares = model.probabilities(context)
        assert all(share >= 0 for share in shares.values()) and sum(shares.values()) <= 1 + 1e-9


@pytest.mark.parametrize(("context", "name"), [(["self", "."], "size"), (["print", "("], "total")])
def test_unknown_names_give_way_to_names_of_the_file(context, name):
    model = model_of(
        "class A:\n    def f(self):\n        self.size = 3\n        total = 1\n", own="self.other = print(value)\n"
    )
    shares = model.probabilities(context)
    assert name in shares and not {"other", "value"} & set(shares)
