"""Every text has tokens, right Python those of Python's own tokenizer."""

import ast
import io
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegates.python_lexer import line_tokens, lines_within_statements, logical_lines, open_brackets

LIBRARY = Path(ast.__file__).parent
NO_TOKEN = (
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
)  # fmt: skip


@pytest.mark.parametrize("name", ["shlex.py", "heapq.py", "csv.py", "zipfile.py", "json/decoder.py", "tokenize.py"])
def test_the_tokens_are_those_of_python(name):
    text = (LIBRARY / name).read_text()
    expected = [
        token.string for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in NO_TOKEN
    ]
    if not any(token.startswith(("f'", 'f"')) and len(token) == 2 for token in expected):  # one token before 3.12
        assert list(line_tokens(text)) == expected
        assert [token for line in logical_lines(text) for token in line.tokens] == expected


@given(st.text(alphabet="ab1. ()[]{}'\"#\\\n:=+\té", max_size=80))
def test_no_text_is_refused_and_nothing_is_lost(text):
    tokens = line_tokens(text)
    assert "".join(tokens) == "" or all(token in text for token in tokens)
    assert len(lines_within_statements(text.split("\n"))) == text.count("\n") + 1
    for line in logical_lines(text):
        assert line.tokens and line.row <= text.count("\n")


def test_a_line_knows_where_it_begins_and_how_deep():
    text = 'def f(a,\n      b):\n    """x\n    y"""\n\n    c = a + \\\n        b  # note\n'
    lines = list(logical_lines(text))
    assert [(line.row, line.indent, line.tokens[0]) for line in lines] == [
        (0, "", "def"),
        (2, "    ", '"""x\n    y"""'),
        (5, "    ", "c"),
    ]
    assert lines_within_statements(text.split("\n")) == [False, True, False, True, False, False, True, False]


def test_a_bracket_that_is_never_closed_ends_at_the_next_statement():
    assert [line.tokens for line in logical_lines("x = f(1,\nreturn x\n")] == [
        ("x", "=", "f", "(", "1", ","),
        ("return", "x"),
    ]


def test_open_brackets_are_those_without_a_partner():
    assert open_brackets(line_tokens("f(a[1], {)")) == ["(", "{"]
    assert open_brackets(line_tokens("f(')', a)]")) == []
