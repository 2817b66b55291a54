"""The embedded writer: helps from the open file alone, better with the library, and stops when it is told to."""

from functools import partial

import pytest

from actions import Decision, apply_text
from delegates import NO_CONTEXT, Cancellation, WritingCancelledError, WritingContext, embedded
from delegates.cleaning import clean
from delegates.embedded import library_model
from delegates.embedded import writer as writer_module
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


def test_forgotten_text_leaves_no_trace():
    learned = EmbeddedWriter()
    learned.add_text("def area(width, height):\n    return width * height\n")
    learned.forget_texts()
    text = "def area(width, height):\n    |"
    state, line = state_of(text)
    assert learned.write(state, SINGLE, line) == EmbeddedWriter().write(state, SINGLE, line)


def test_rejected_text_is_not_written_again():
    first = written(EmbeddedWriter(), REPEATED + "|", FILL)
    again = written(EmbeddedWriter(), REPEATED + "|", FILL, WritingContext(rejected=(first,)))
    assert first != again


EXPLAINED = "def first(packed):\n    letter = packed|\n    return letter\n"


@pytest.mark.parametrize(("decision", "text"), [(FILL, REPEATED + "|"), (Decision.EXPLAIN_MULTI_LINES, EXPLAINED)])
def test_no_text_is_cleaned_twice_whether_it_was_rejected_or_not(monkeypatch, decision, text):
    cleaned = []

    def noted(text, *place):
        cleaned.append(text)
        return clean(text, *place)

    monkeypatch.setattr(writer_module, "clean", noted)
    state, line = state_of(text)
    first = EmbeddedWriter().write(state, decision, line, WritingContext(LETTERS))
    assert first.text and len(cleaned) == len(set(cleaned)) > 0
    cleaned.clear()
    again = EmbeddedWriter().write(state, decision, line, WritingContext(LETTERS, rejected=(first.text,)))
    assert again.text != first.text and len(cleaned) == len(set(cleaned)) > 0


def test_a_place_for_which_it_only_has_a_rejected_text_is_told_from_one_for_which_it_has_none():
    learned = EmbeddedWriter()
    learned.add_text("def area(width, height):\n    return width * height\n")
    state, line = state_of("def area(width, height):\n    |")
    answer = learned.write(state, SINGLE, line)
    rejected: list[str] = []
    while answer.text:
        rejected.append(answer.text)
        answer = learned.write(state, SINGLE, line, WritingContext(rejected=tuple(rejected)))
    assert rejected and answer.is_rejected
    silent, line = state_of("# a note about |")
    assert not learned.write(silent, FILL, line, WritingContext(rejected=tuple(rejected))).is_rejected


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


LETTERS = Problem("p", "f", (), statement="The letter packed first travels on the oldest ship. Others wait on land.")


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("letter = packed[0]", "The letter packed first travels on the oldest ship"),
        ("elif number % 2 == 0:", "number is even"),
        ("total += price", None),
        ("for i in range(n):", None),
        ("x = = 3", None),
    ],
)
def test_an_explanation_says_what_the_line_is_for_or_nothing(line, comment):
    expected = line if comment is None else f"{line}  # {comment}"
    context = WritingContext(problem=LETTERS)
    assert written(EmbeddedWriter(), "|" + line, Decision.EXPLAIN_SINGLE_LINES, context) == expected


def test_a_block_assigns_what_a_new_object_is_made_of():
    text = "class Point:\n    def __init__(self, x, y):\n        |"
    assert written(EmbeddedWriter(), text, MULTI) == "        self.x = x\n        self.y = y"
    assert written(EmbeddedWriter(), text.replace("|", "self.x|"), FILL) == "        self.x = x"


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
        (source / name).write_text("def f(values):\n    print(sorted(values)[0])\n" * 9)
    monkeypatch.setattr(library_model, "source_files", lambda: sorted(source.glob("*.py")))
    for content in (None, b"PK broken"):
        if content is not None:
            (file,) = tmp_path.glob("*.npz")
            file.write_bytes(content)
        writer = EmbeddedWriter(tmp_path)
        writer.start()
        assert writer.wait(60) and writer.ready
        assert written(writer, "def g(table):\n    print(|", FILL) == "    print(sorted(table)[0])"
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
    [("letter = packe|", False), ("letter = packed|", True), ("letter, b = packed, packe|", False),
     ("letter, b = packed, packe|  ", True), ("|letter, b = packed, packe", True), ("letter, b = packed, None|", True),
     ("letter, b = packed, int|", True), ("letter = packed.lower|", True)],
)  # fmt: skip
def test_a_name_that_is_being_typed_is_not_explained(line, is_explained):
    text = f"def first(packed):\n    {line}\n    return letter\n"
    for decision in (Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES):
        state, number = state_of(text)
        assert (
            bool(EmbeddedWriter().write(state, decision, number, WritingContext(problem=LETTERS)).text) is is_explained
        )


@pytest.mark.parametrize(
    "line", ["total += value", "return total", "total = max(total, value)", "values.sort()", "break"]
)
def test_a_line_that_can_be_meant_as_it_stands_is_left_alone(line):
    text = f"def f(values: list[int]):\n    total = 0\n    for value in values:\n        {line}|\n"
    for decision in (FILL, SINGLE):
        state, number = state_of(text)
        assert EmbeddedWriter().write(state, decision, number).text == ""


def test_what_is_still_being_typed_is_not_repaired():
    text = "def f(values):\n    total = sum(values|"
    state, number = state_of(text)
    assert EmbeddedWriter().write(state, Decision.EDIT_EXISTING_LINES, number).text == ""
    assert written(EmbeddedWriter(), "|" + text.replace("|", ""), Decision.EDIT_EXISTING_LINES) == "def f(values):"
    elsewhere = State(state.lines, 1, unedited(2), unedited(2), Cursor(True, 0, 0, 1))
    assert EmbeddedWriter().write(elsewhere, Decision.EDIT_EXISTING_LINES, 1).text == "    total = sum(values)"


@pytest.mark.parametrize(("plural", "singular"), [("words", "word"), ("entries", "entry"), ("boxes", "box")])
def test_a_loops_variable_is_one_of_what_it_goes_through(plural, singular):
    text = f"def f({plural}, size):\n    total = 0\n    for {singular[:2]}|"
    assert written(EmbeddedWriter(), text, FILL) == f"    for {singular} in {plural}:"


def test_what_others_wrote_is_said_with_the_persons_own_names():
    writer = EmbeddedWriter()
    writer.add_text(
        "def f(rows):\n    spam = -1\n    for row in rows:\n        spam = spam ^ len(row)\n    return spam\n" * 2
    )
    text = "def g(shelves):\n    checksum = -1\n    for shelf in shelves:\n        checksum = |"
    assert written(writer, text, FILL) == "        checksum = checksum ^ len(shelf)"


def test_a_text_that_is_hardly_ever_right_is_not_written():
    state, number = state_of("def f(a, b, c, d, e):\n    |\n")
    for decision in (FILL, SINGLE, MULTI):
        assert EmbeddedWriter().write(state, decision, number).text in ("", "    return a")


def test_a_word_is_finished_where_the_rest_of_its_line_is_not_sure():
    text = "def f(measurements, other):\n    x = other[0]\n    y = meas|"
    assert written(EmbeddedWriter(), text, FILL).startswith("    y = measurements")


def test_names_of_other_functions_and_foreign_texts_are_never_written():
    text = "def f(a):\n    hidden = a\n    return hidden\n\n\ndef g(b):\n    x = h|"
    assert "hidden" not in written(EmbeddedWriter(), text, FILL)


@pytest.mark.parametrize(
    "text",
    ["x = " + "-" * 3000 + "1", "x" + ".a" * 2000, "x = " + "(" * 300 + "1" + ")" * 300, "a = [" * 500, "\x00", '"""'],
)
def test_code_that_no_parser_takes_is_no_failure(text):
    lines = (text,)
    state = State(lines, 1, unedited(1), unedited(1), Cursor(True, 0, len(text), 1))
    for decision in Decision:
        assert "\n" not in EmbeddedWriter().write(state, decision, 0).text
