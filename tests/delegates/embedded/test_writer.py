"""The embedded writer: helps from the open file alone, better with the library, and stops when it is told to."""

import pytest

from actions import Decision, apply_text
from delegates import NO_CONTEXT, Cancellation, WritingCancelledError, WritingContext
from delegates.embedded import EmbeddedWriter
from state import Cursor, State, unedited

FILL, SINGLE, MULTI = Decision.FILL_PARTIAL_LINE, Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE


def state_of(text):
    before, _, after = text.partition("|")
    line, char = before.count("\n"), len(before) - before.rfind("\n") - 1
    lines = tuple((before + after).split("\n"))
    return State(lines, 1, unedited(len(lines)), unedited(len(lines)), Cursor(True, line, char, 1)), line


def written(writer, text, decision, context=NO_CONTEXT):
    """The cursor's line and those that were written below it."""
    state, line = state_of(text)
    completion = writer.write(state, decision, line, context)
    lines = apply_text(state.lines, decision, line, completion.text, state.cursor.char)
    return "\n".join(lines[line : line + 1 + len(lines) - len(state)])


REPEATED = "first = load('a.txt', encoding='utf-8')\nsecond = load('b.txt', encoding='utf-8')\nthird = load('c.txt', "


def test_a_line_is_completed_as_the_files_other_lines_are():
    assert written(EmbeddedWriter(), REPEATED + "|)", FILL) == "third = load('c.txt', encoding='utf-8')"
    assert written(EmbeddedWriter(), REPEATED + "enc|", FILL) == "third = load('c.txt', encoding='utf-8')"


def test_what_the_person_wrote_before_is_known():
    writer = EmbeddedWriter()
    text = "def area(width, height):\n    |"
    before = written(writer, text, SINGLE)
    writer.add_text("def area(width, height):\n    return width * height\n")
    assert written(writer, text, SINGLE) == "    return width * height" != before


def test_rejected_text_is_not_written_again():
    first = written(EmbeddedWriter(), REPEATED + "|", FILL)
    again = written(EmbeddedWriter(), REPEATED + "|", FILL, WritingContext(rejected=(first,)))
    assert first != again


def test_inside_comments_and_strings_nothing_is_written():
    for text in ("# a note about |", "x = 'some text |", "x = 1  # and |"):
        state, line = state_of(text)
        assert EmbeddedWriter().write(state, FILL, line).text == ""


def test_each_token_has_a_log_probability():
    state, line = state_of(REPEATED + "|")
    completion = EmbeddedWriter().write(state, FILL, line)
    assert completion.writer == "embedded"
    assert completion.token_log_probs and all(log_prob <= 1e-9 for log_prob in completion.token_log_probs)


def test_who_cancels_is_not_answered():
    cancellation = Cancellation()
    cancellation.cancel()
    state, line = state_of(REPEATED + "|")
    with pytest.raises(WritingCancelledError):
        EmbeddedWriter().write(state, FILL, line, WritingContext(cancellation=cancellation))


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("total += price", "Adds price to total"),
        ("for i in range(n):", "Counts i from 0 up to, but not including, n"),
        ("elif x not in seen:", "Checks whether x is not in seen"),
        (
            "return [x * x for x in values if x > 0]",
            "Returns a list of x * x for each x in values if x is greater than 0",
        ),
        ("left, right = right, left", "Swaps left and right"),
        ("x = = 3", None),
    ],
)
def test_an_explanation_says_what_the_line_does_or_nothing(line, comment):
    expected = line if comment is None else f"{line}  # {comment}"
    assert written(EmbeddedWriter(), "|" + line, Decision.EXPLAIN_SINGLE_LINES) == expected
