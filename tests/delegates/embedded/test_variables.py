"""Variables are known by how lately they were used; what is no variable keeps its name."""

from hypothesis import given
from hypothesis import strategies as st

from delegates.embedded.variables import NEW, VariableCoder, coded_stream
from delegates.embedded.vocabulary import LINE_END, token_stream
from delegates.python_lexer import logical_lines


def codes(text):
    return " ".join(
        token for token in coded_stream(token_stream(logical_lines(text))) if token[0] != "<" or token[1] in "vn"
    )


def test_two_programs_that_differ_in_names_have_the_same_codes():
    one = "def f(values):\n    total = 0\n    for value in values:\n        total += value\n    return total\n"
    other = "def f(prices):\n    money = 0\n    for price in prices:\n        money += price\n    return money\n"
    assert codes(one) == codes(other)
    assert codes(one).startswith("def f ( <new> ) : <new> = 0 for <new> in <v2> : <v2> += <v2> return <v1>")


def test_functions_attributes_and_keyword_arguments_keep_their_names():
    assert (
        codes("def f(x):\n    y = load(x.size, limit=x)\n")
        == "def f ( <new> ) : <new> = load ( <v1> . size , limit = <v0> )"
    )
    assert codes("import os\nos.remove(1)\nself.x = len(2)\n") == "import os os . remove ( 1 ) self . x = len ( 2 )"


def test_a_function_does_not_know_the_variables_of_another():
    assert codes("def f(a):\n    b = a\ndef g(c):\n    d = c\n").endswith("def g ( <new> ) : <new> = <v1>")


def test_codes_are_decoded_to_the_names_that_they_stand_for():
    coder = VariableCoder()
    coded_stream(token_stream(logical_lines("def f(a, b):\n    c = a\n")), coder)
    assert [coder.decode(code) for code in ("<v0>", "<v1>", "<v2>", "<v3>", NEW, "return")] == [
        "a",
        "c",
        "b",
        "",
        "",
        "return",
    ]


@given(
    st.lists(
        st.sampled_from(["a", "b", "for", "in", "def", "(", ")", "=", ",", ".", "len", "self", LINE_END, "1"]),
        max_size=40,
    )
)
def test_decoding_gives_back_every_token_but_new_names(tokens):
    coder = VariableCoder()
    for token, following in zip(tokens, [*tokens[1:], ""], strict=False):
        before = coder.copy()
        code = coder.code(token, following)
        assert before.decode(code) == ("" if code == NEW else token)
