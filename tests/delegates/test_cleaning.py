"""What any writer's text becomes: only what the decision asks for, at its place, right Python, and nothing twice."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import Decision, apply_text
from delegates.cleaning import MOST_COMMENT_LINES, MOST_WRITTEN_LINES, clean, is_repetition
from delegates.syntax import parses
from state import Cursor, State, unedited

FILL, SINGLE, MULTI = Decision.FILL_PARTIAL_LINE, Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE
EDIT, EXPLAIN, EXPLAIN_MULTI = (
    Decision.EDIT_EXISTING_LINES,
    Decision.EXPLAIN_SINGLE_LINES,
    Decision.EXPLAIN_MULTI_LINES,
)


def state_of(text):
    """The state of a file whose cursor stands where `|` does, and the cursor's line."""
    before, _, after = text.partition("|")
    line, char = before.count("\n"), len(before) - before.rfind("\n") - 1
    lines = tuple((before + after).split("\n"))
    cursor = Cursor(True, line, char, 1) if "|" in text else Cursor()
    return State(lines, 1, unedited(len(lines)), unedited(len(lines)), cursor), line


def after(file, decision, text, rejected=()):
    """The file's lines with what is left of the text."""
    state, line = state_of(file)
    cleaned = clean(text, state, decision, line, rejected)
    return "\n".join(apply_text(state.lines, decision, line, cleaned, state.cursor.char))


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("x = sum(|)", "values)", "x = sum(values)"),
        ("x = sum(|)", "x = sum(values)", "x = sum(values)"),
        ("x = su|", "sum(values)", "x = sum(values)"),
        ("x = [|]", "1, 2]", "x = [1, 2]"),
        ("x = foo(a, |b)", "1, b)", "x = foo(a, 1, b)"),
        ("x = 'a|'", "bc'", "x = 'abc'"),
        ("    return |", "    return 1", "    return 1"),
        ("f(|", "f(x))", "f(f(x))"),
        ("if x:\n    |", "    y = 1\n    z = 2", "if x:\n    y = 1"),
        ("if x:\n|", "y = 1", "if x:\n    y = 1"),
        ("return|", "x", "return x"),
        ("x = is|", "instance(y, int)", "x = isinstance(y, int)"),
        ("data.ap|", "pend(1)", "data.append(1)"),
        (
            "def f(x):\n    y = g(a,\n          |\n          b)",
            "c,",
            "def f(x):\n    y = g(a,\n          c,\n          b)",
        ),
        ("x = |", "\n1", "x = "),
        ("x = |", "```python\n1 + 2\n```", "x = 1 + 2"),
        ("x = |", "1 +", "x = "),
        ("x = |", "1<|endoftext|>garbage", "x = 1"),
    ],
)
def test_a_completion_adds_what_is_missing_around_the_cursor(file, text, expected):
    assert after(file, FILL, text) == expected


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "def f(x):\n    |",
            "Sure! Here is the code:\n```python\nreturn x\n```\nHope it helps!",
            "def f(x):\n    return x",
        ),
        ("def f(x):\n    |", "`return x`", "def f(x):\n    return x"),
        ("def f(x):\n    |", "def f(x):\n    return x", "def f(x):\n    return x"),
        ("a = 1\n|\nb = 2", "b = 2", "a = 1\n\nb = 2"),
        ("a = 1\n|", "c = 3\nd = 4", "a = 1\nc = 3"),
        ("def f(x):\n\t|", "    return x", "def f(x):\n\treturn x"),
        ("def f(x):\n|", "return x", "def f(x):\n    return x"),
        ("def f(x):\n    return x\n|", "class A:", "def f(x):\n    return x\nclass A:"),
        ("def f(x):\n    |", "This returns x.", "def f(x):\n    "),
        ("try:\n    a = 1\n|\n    b = 2", "except KeyError:", "try:\n    a = 1\nexcept KeyError:\n    b = 2"),
        ("class A:\n    a = 1\n\n|", "b = A()", "class A:\n    a = 1\n\nb = A()"),
        ("class A:\n    a = 1\n\n|\n    b = 2", "if A:", "class A:\n    a = 1\n\nif A:\n    b = 2"),
        ("class A:\n    a = 1\n|", "b = 2", "class A:\n    a = 1\n    b = 2"),
        ("x = [\n    1,\n|", "]", "x = [\n    1,\n]"),
    ],
)
def test_a_line_is_one_line_of_code(file, text, expected):
    assert after(file, SINGLE, text) == expected


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("for y in x:\n        total += y\n    return total", ["for y in x:", "    total += y", "return total"]),
        ("for y in x:\n    total += y\nreturn total", ["for y in x:", "    total += y", "return total"]),
        ("    for y in x:\n        total += y", ["for y in x:", "    total += y"]),
        ("total = 0\n    return total", ["total = 0", "return total"]),
        ("total = 0\nreturn total\n\ndef g(x):\n    return x", ["total = 0", "return total"]),
        ("total = 0\nfor y in x:\n    total += (", ["total = 0"]),
        ("total = 0\nprint(1)", ["total = 0"]),
        ("total = g(\n    x,\n)\nreturn total", ["total = g(", "    x,", ")", "return total"]),
        ("```\ntotal = 0\n```", ["total = 0"]),
    ],
)
def test_a_block_stands_at_the_files_indentation_and_ends_where_it_must(text, body):
    file = "def f(x):\n    |\n    print(1)"
    expected = ["def f(x):", *("    " + line for line in body), "    print(1)"]
    assert after(file, MULTI, text).split("\n") == expected


def test_decorated_definitions_stay_whole_and_the_next_one_is_left_out():
    text = "@cache\n@other\ndef f():\n    return 1\n\ndef g():\n    return 2"
    assert after("|", MULTI, text) == "@cache\n@other\ndef f():\n    return 1"


@pytest.mark.parametrize(
    ("decision", "text", "expected"),
    [
        (EXPLAIN, "Explanation: adds one", "x += 1  # adds one"),
        (EXPLAIN, "```python\nx += 1  # adds one\n```\n# adds one\n# more", "x += 1  # adds one"),
        (EXPLAIN, '"""Adds one."""', "x += 1  # Adds one."),
        (EXPLAIN, "x += 1", "x += 1"),
        (EXPLAIN, "---", "x += 1"),
        (EXPLAIN_MULTI, "# a\n# b\n# c\n# d\n# e", "# a\n# b\n# c\n# d\nx += 1"),
    ],
)
def test_an_explanation_is_only_words(decision, text, expected):
    assert after("|x += 1", decision, text) == expected


def test_comment_signs_are_no_text_on_any_line():
    file = "def f(x):\n    |\n    return x"
    empty = after(file, MULTI, "#\n#")
    assert empty == "def f(x):\n    #\n    #\n    return x" == after(file, MULTI, "#\n#", ["    #\n    #"])


@pytest.mark.parametrize("rejected", ["return x + 1", "  return x+1\n", "return x + 1  "])
def test_what_the_person_deleted_does_not_come_back(rejected):
    assert after("def f(x):\n    |", SINGLE, "return x + 1", [rejected]) == "def f(x):\n    "
    assert after("def f(x):\n    return |", FILL, "x + 1", [rejected]) == "def f(x):\n    return "
    assert after("def f(x):\n    |", SINGLE, "print('something else')", [rejected]).endswith("else')")


def test_a_half_written_file_elsewhere_forbids_no_help():
    file = "def g(\n\ndef f(x):\n    |\n\nclass A\n    y ="
    assert "    return x" in after(file, SINGLE, "return x")
    assert "return x x" not in after(file, SINGLE, "return x x")


def _real_files():
    folder = Path(ast.__file__).parent
    names = ("bisect.py", "heapq.py", "textwrap.py", "queue.py", "csv.py", "shlex.py", "sched.py")
    return [(folder / name).read_text().split("\n") for name in names]


FILES = _real_files()
NASTY = st.one_of(
    st.text(max_size=80),
    st.lists(
        st.sampled_from(
            [
                "```python",
                "```",
                "return x",
                "    return x",
                "\treturn x",
                "def f():",
                "else:",
                "Sure! Here:",
                ")",
                "]",
                "'",
                '"""',
                "#",
                "# note",
                "\\",
                "",
                "   ",
                "<|endoftext|>",
                "x = (",
                "\ud800",
                "\x00",
                "pass",
                "\r",
                "é" * 9,
            ]
        ),
        max_size=8,
    ).map("\n".join),
)


@given(st.sampled_from(FILES), st.randoms(use_true_random=False), st.sampled_from(list(Decision)), NASTY, st.booleans())
def test_whatever_the_text_the_edit_is_right_or_nothing(file, generator, decision, text, from_file):
    start = generator.randrange(len(file))
    lines = tuple(file)
    if from_file:
        text = "\n".join(file[start : start + generator.randrange(1, 6)])
    line = generator.randrange(len(lines))
    cursor = Cursor(True, line, generator.randrange(len(lines[line]) + 1), 1)
    state = State(lines, 1, unedited(len(lines)), unedited(len(lines)), cursor)
    cleaned = clean(text, state, decision, line)
    new = apply_text(lines, decision, line, cleaned, cursor.char)
    assert (tuple(new) != lines) == bool(cleaned)
    assert clean(text, state, decision, line, [cleaned]) == ("" if cleaned.strip("# \n\t") else cleaned)
    for rejected in ([], [cleaned], [text, file[start]]):
        is_gone = bool(cleaned) and not clean(text, state, decision, line, rejected)
        assert is_repetition(cleaned, state, decision, line, rejected) == is_gone
    if cleaned and decision not in (EXPLAIN, EXPLAIN_MULTI):
        last = line + len(new) - len(lines)
        body = [*new[: last + 1], new[last][: len(new[last]) - len(new[last].lstrip())] + "    pass", *new[last + 1 :]]
        assert parses("\n".join(new)) or parses("\n".join(body))
    most = {
        FILL: 1,
        SINGLE: 1,
        MULTI: MOST_WRITTEN_LINES,
        EDIT: MOST_WRITTEN_LINES,
        EXPLAIN: 1,
        EXPLAIN_MULTI: MOST_COMMENT_LINES,
    }
    assert cleaned.count("\n") < most.get(decision, 1)


def _expected_and_spoilt(file, generator):
    """A statement of a file that is blank in the state, and an answer that a model could give for it."""
    row = generator.choice(
        [i for i, line in enumerate(file) if line.lstrip().startswith(("return", "if", "self", "for"))]
    )
    line = file[row]
    indent = line[: len(line) - len(line.lstrip())]
    spoilt = generator.choice([
        line, line.lstrip(), f"```python\n{line}\n```", f"Sure!\n```\n{line}\n```\nDone.", line + "<|endoftext|>x = 1",
        "\n".join([*file[max(row - 2, 0) : row], line]), "\n".join(file[row : row + 3]), line + "\r\n",
    ])  # fmt: skip
    return row, indent, spoilt


@given(st.sampled_from(FILES), st.randoms(use_true_random=False))
def test_the_line_that_a_model_meant_is_found_in_its_answer(file, generator):
    row, indent, spoilt = _expected_and_spoilt(file, generator)
    lines = (*file[:row], indent, *file[row + 1 :])
    state = State(lines, 1, unedited(len(lines)), unedited(len(lines)), Cursor(True, row, len(indent), 1))
    repeats = file[row].strip() in [next((line.strip() for line in part if line.strip()), "") for part in (
        reversed(file[:row]), file[row + 1 :])]  # fmt: skip
    if parses("\n".join(file)) and not repeats:
        assert "\n".join(apply_text(lines, SINGLE, row, clean(spoilt, state, SINGLE, row))) == "\n".join(file)
