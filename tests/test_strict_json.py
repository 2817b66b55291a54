"""What is written is JSON by its standard, whatever numbers came out."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
)


def no_constant(word):
    pytest.fail(f"{word} is no JSON")


@given(VALUES)
def test_any_value_becomes_strict_json_in_one_line(value):
    text = strict_json.dumps(value)
    assert "\n" not in text
    json.loads(text, parse_constant=no_constant)


def test_finite_values_stay_and_others_are_null():
    value = {"a": (1.5, math.nan, [math.inf, -math.inf, "x", None, True, 3])}
    assert json.loads(strict_json.dumps(value)) == {"a": [1.5, None, [None, None, "x", None, True, 3]]}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_json_has_no_number_for_is_refused(word):
    with pytest.raises(ValueError, match=f"^{word} is not a JSON number$"):
        json.loads(f"[{word}]", parse_constant=strict_json.refuse_constant)
