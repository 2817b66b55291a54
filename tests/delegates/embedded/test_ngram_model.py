"""The sorted corpus answers what counting every n-gram would."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.embedded.ngram_model import ORDER, NgramModel, count_tokens
from delegates.embedded.recent_text import RecentText
from delegates.embedded.vocabulary import LINE_END

PROGRAMS = st.lists(
    st.lists(st.sampled_from(["a", "b", "(", ")", "=", "+"]), min_size=1, max_size=30), min_size=2, max_size=4
)


def counted(corpus, context):
    """How often each token followed the context, counted one by one; the corpus goes on at its beginning."""
    counts = {}
    for position in range(len(corpus)):
        if all(corpus[position - 1 - i] == token for i, token in enumerate(reversed(context))):
            counts[corpus[position]] = counts.get(corpus[position], 0) + 1
    return counts


@given(PROGRAMS, st.data())
def test_what_follows_a_context_is_counted_right(programs, data):
    model = count_tokens(programs)
    corpus = [model.words[number] for number in model.tokens]
    context = data.draw(st.lists(st.sampled_from(corpus), min_size=1, max_size=ORDER))
    ranges = model.ranges(context)
    for order in range(1, len(context) + 1):
        expected = counted(corpus, context[-order:])
        assert (model.counts(ranges[order - 1]) if order <= len(ranges) else {}) == expected


def test_long_ranges_are_narrowed_like_short_ones():
    program = ["x", "=", "y", LINE_END] * 3000 + ["x", "=", "z", LINE_END]
    model = count_tokens([program, program])
    one, two = model.ranges(["x", "="])
    assert len(one) == len(two) == 6002
    assert model.counts(two)["y"] == pytest.approx(6002, rel=0.05)


def test_a_token_of_one_program_is_known_by_its_kind():
    model = count_tokens([["shared", "=", "only_here"], ["shared", "=", "3.25", "'text'"]])
    assert {"shared", "="} < set(model.words) and not {"only_here", "3.25", "'text'"} & set(model.words)
    assert [model.words[model.number(token)] for token in ("only_here", "3.25", "'text'")] == [
        "<name>",
        "<number>",
        "<string>",
    ]
    assert model.number("@") == -1


def test_a_model_comes_back_from_its_arrays():
    model = count_tokens([["a", "=", "é"], ["a", "=", "é"]])
    again = NgramModel.from_arrays(model.arrays())
    assert again.words == model.words and np.array_equal(again.tokens, model.tokens)
    with pytest.raises(ValueError, match="not the tokens"):
        NgramModel.from_arrays(model.arrays() | {"tokens": np.array([60_000], dtype=np.uint16)})


@given(st.lists(st.sampled_from("ab(="), max_size=40), st.lists(st.sampled_from("ab(="), min_size=1, max_size=5))
def test_recent_text_counts_the_same_without_counting_ahead(tokens, context):
    text = RecentText()
    text.add(tokens)
    for order, counts in enumerate(text.successors(context), 1):
        expected = {}
        for i in range(order, len(tokens)):
            if tokens[i - order : i] == context[-order:]:
                expected[tokens[i]] = expected.get(tokens[i], 0) + 1
        assert counts == expected
