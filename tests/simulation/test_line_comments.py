"""Where the comment of a line begins, and what it says."""

import pytest

from simulation.line_comments import code, comment_texts, is_comment


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 1", "x = 1"),
        ("x = 1  # one", "x = 1"),
        ("    # only a comment", ""),
        ('x = "#"', 'x = "#"'),
        ('x = "#" # one', 'x = "#"'),
        ("x = '\\'#' # one", "x = '\\'#'"),
        ('x = "# never closed', 'x = "# never closed'),
        ("", ""),
    ],
)
def test_code_is_what_remains_without_the_comment(line, expected):
    assert code(line) == expected


def test_a_long_line_of_quotes_takes_no_time():
    assert code("'" * 100_001 + "#")


def test_comments_are_found_once_each_without_their_sign():
    assert comment_texts(["# a", "x = 1  ## b ", "x  # a", "'# c'", "#"]) == ("a", "b")
    assert is_comment("  # a") and not is_comment("x  # a")
