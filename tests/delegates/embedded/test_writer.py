"""The embedded writer: helps from the open file alone, better with the library, and stops when it is told to."""

from functools import partial

import pytest

from actions import Decision, apply_text
from delegates import NO_CONTEXT, Cancellation, WritingCancelledError, WritingContext, embedded
from delegates.embedded import library_model
from judge import Problem
from state import Cursor, State, unedited

FILL, SINGLE, MULTI = Decision.FILL_PARTIAL_LINE, Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE


EmbeddedWriter = partial(embedded.EmbeddedWriter, seconds=600)  # a busy machine is no failure


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


def test_a_block_assigns_what_a_new_object_is_made_of():
    text = "class Point:\n    def __init__(self, x, y):\n        |"
    assert written(EmbeddedWriter(), text, MULTI) == "        self.x = x\n        self.y = y"
    assert written(EmbeddedWriter(), text + "self.x", FILL) != "        self.x"


def test_a_wrong_line_is_repaired_and_a_right_one_left_alone():
    assert written(EmbeddedWriter(), "|for i in range(3)\n    print(i)", Decision.EDIT_EXISTING_LINES).endswith("3):")
    state, line = state_of("|for i in range(3):\n    print(i)")
    assert EmbeddedWriter().write(state, Decision.EDIT_EXISTING_LINES, line).text == ""


def test_names_of_the_problem_are_known():
    problem = Problem("p", "f", (), starter_code="def f(measurements):\n    pass", statement="Use `threshold`.")
    for typed, name in (("    x = meas", "measurements"), ("    x = thre", "threshold")):
        completed = written(EmbeddedWriter(), f"def g():\n{typed}|", FILL, WritingContext(problem=problem))
        assert completed.startswith(f"    x = {name}")


def test_a_secret_is_not_learned():
    writer = EmbeddedWriter()
    writer.add_text("api_key = 'x8f7d6s5a4x8f7d6s5a4'\n")
    assert "x8f7" not in written(writer, "api_key = |", FILL)


def test_what_was_added_twice_counts_once():
    once, twice = EmbeddedWriter(), EmbeddedWriter()
    for writer, times in ((once, 1), (twice, 2)):
        for _ in range(times):
            writer.add_text("total = price * count\n")
    state, line = state_of("total = |")
    assert once.write(state, FILL, line) == twice.write(state, FILL, line)


@pytest.mark.parametrize("decision", list(Decision))
def test_every_decision_on_every_line_of_a_broken_file_is_answered(decision):
    text = 'def f(:\n\tx = [1,\n  \'abc\nclass\n\n)))\n\\\n"""\nreturn\n'
    for line in range(text.count("\n") + 1):
        for char in (0, 1, 99):
            lines = tuple(text.split("\n"))
            state = State(lines, 1, unedited(len(lines)), unedited(len(lines)), Cursor(True, line, char, 1))
            EmbeddedWriter().write(state, decision, line)


def test_the_library_is_counted_once_and_a_broken_file_is_made_anew(tmp_path, monkeypatch):
    source = tmp_path / "library"
    source.mkdir()
    for name in ("a.py", "b.py"):
        (source / name).write_text("for index in range(len(values)):\n    print(values[index])\n" * 3)
    monkeypatch.setattr(library_model, "source_files", lambda: sorted(source.glob("*.py")))
    for content in (None, b"PK broken"):
        if content is not None:
            (file,) = tmp_path.glob("*.npz")
            file.write_bytes(content)
        writer = EmbeddedWriter(tmp_path)
        writer.start()
        assert writer.wait(60) and writer.ready
        assert written(writer, "values = []\nfor index in |", FILL) == "for index in range(len(values)):"
        writer.close()
    monkeypatch.setattr(library_model, "source_files", lambda: 1 / 0)
    again = EmbeddedWriter(tmp_path)
    again.start()
    assert again.wait(60)
    again.close()


def test_without_time_nothing_is_searched():
    state, line = state_of(REPEATED + "|")
    assert embedded.EmbeddedWriter(seconds=-1).write(state, FILL, line).text == ""


def test_a_block_goes_on_below_a_complete_line_but_repeats_nothing():
    text = "def main():\n    pass\n\nif __name__ == '__main__':|"
    assert written(EmbeddedWriter(), text, MULTI) == "if __name__ == '__main__':\n    main()"
    state, line = state_of(text + "\n    main()")
    assert EmbeddedWriter().write(state, MULTI, line).text == ""
    repeating = "def f(a):\n    b = g(a)\n    c = g(a)\n\ndef h(a):\n    |"
    lines = written(EmbeddedWriter(), repeating, MULTI).split("\n")
    assert len(lines) == len({line.strip() for line in lines})


def test_a_complete_line_is_left_as_it_is():
    text = "for a in b:\n    print(a)\nfor a in b:\n    print(a)\nfor a in b:|"
    state, line = state_of(text)
    assert EmbeddedWriter().write(state, FILL, line).text == ""


def test_only_methods_have_self():
    text = "def f(values):\n    |"
    writer = EmbeddedWriter()
    writer.add_text("class A:\n    def f(self, values):\n        self.values = values\n" * 3)
    assert "self" not in written(writer, text, SINGLE)


@pytest.mark.parametrize(
    ("line", "is_explained"),
    [("letter = packe|", False), ("letter = packed|", True), ("letter = packe|  ", True), ("|letter = packe", True),
     ("letter = None|", True), ("letter = int|", True), ("letter = packed.lower|", True)],
)  # fmt: skip
def test_a_name_that_is_being_typed_is_not_explained(line, is_explained):
    text = f"def first(packed):\n    {line}\n    return letter\n"
    for decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
        state, number = state_of(text)
        assert bool(EmbeddedWriter().write(state, decision, number).text) is is_explained
