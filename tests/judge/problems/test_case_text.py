"""Cases as text are read and written without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InputError
from judge.problems.case_text import arguments_text, parameter_names, parse_arguments, parse_output

LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.lists(values).map(tuple) | st.dictionaries(st.text() | st.integers(), values),
    max_leaves=8,
)


@given(st.lists(LITERALS, max_size=5).map(tuple))
def test_arguments_written_and_read_are_the_same(arguments):
    for names in ((), ("a", "b", "c", "d", "e")):
        assert parse_arguments(arguments_text(arguments, names), "") == arguments


@given(LITERALS)
def test_an_output_written_and_read_is_the_same(value):
    assert parse_output(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("nums = [2, 7], target = 9", ([2, 7], 9)),
        ("s = 'a, b = 3', n = -1", ("a, b = 3", -1)),
        ("  x = {'a': (1, None)} ", ({"a": (1, None)},)),
        ("[1], 2", ([1], 2)),
        ("x = 1 # one", (1,)),
        ("", ()),
        (" none ", ()),
        ("None", ()),
    ],
)
def test_names_and_values_become_arguments(text, arguments):
    assert parse_arguments(text, "") == arguments


@pytest.mark.parametrize(
    "text",
    ["x = open('a')", "x) + f(", "x = 1, x = 2", "*[1]", "**{'a': 1}", "x = ", "x; y", "=", "(" * 9999, "x = 1\0"],
)
def test_what_is_no_list_of_literals_is_refused_in_one_line(text):
    with pytest.raises(InputError, match=r"^problem 3: input is .*, expected name = value") as refused:
        parse_arguments(text, "problem 3")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("shown", "value"),
    [("[0, 1]", [0, 1]), (" 3 ", 3), ("hello", "hello"), ("'3'", "3"), (4, 4), ("true", "true"), ("x" * 9, "x" * 9)],
)
def test_an_output_that_is_no_literal_is_a_text(shown, value):
    assert parse_output(shown) == value


def test_arguments_without_names_are_numbered():
    assert arguments_text((1, "a")) == "arg1 = 1, arg2 = 'a'"
    assert arguments_text((1, "a"), ("n",)) == "arg1 = 1, arg2 = 'a'"


@pytest.mark.parametrize(
    ("entry_point", "code", "names"),
    [
        ("f", "def f(a, b: dict[str, tuple[int, ...]] = {}, *, c=1) -> int:\n    ", ("a", "b")),
        (
            "Solution().f",
            "class Solution:\n    def g(self): pass\n    def f(self, nums: List[int]) -> int:\n",
            ("nums",),
        ),
        ("f", "def f(text=')'):", ("text",)),
        ("f", "def f(*values):", ()),
        ("f", "def g(a):", ()),
        ("f", "def f(", ()),
        ("(lambda: 1)", "def f(a): pass", ()),
        ("", "", ()),
    ],
)
def test_parameters_are_those_of_the_entry_point(entry_point, code, names):
    assert parameter_names(entry_point, code) == names
