"""The tutor's piece fits what the person wrote, leads to a text that passes, and never touches another way."""

import ast
import threading
import tomllib
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions import Decision, apply_text
from benchmarks.typed_solutions import cut_in_a_line, every_edit, finished, first_lines, typed, variant, with_holes
from delegates import Cancellation, Completion, WritingCancelledError, WritingContext
from delegates.syntax import opens_block, parses
from delegates.tutor import Tutor
from judge import Case, Judge, Limits, Problem
from judge.problems import catalogue
from state import Cursor, Env, State, unedited

FILL, SINGLE, MULTI, EDIT = list(Decision)[1:5]
EXPLAIN, EXPLAIN_ABOVE = Decision.EXPLAIN_SINGLE_LINES, Decision.EXPLAIN_MULTI_LINES
PROBLEMS = tuple(catalogue().values())
OTHERS = tomllib.loads((Path(__file__).parent / "other_solutions.toml").read_text())
TUTOR = Tutor()

LONGEST = Problem(
    "longest",
    "longest",
    (Case(([1, 2],), 2),),
    tuple(
        """def longest(heights):
    if not heights:
        return 0
    best = 1
    length = 1
    for before, now in zip(heights, heights[1:]):
        # only a rise makes it longer
        if now > before:
            length += 1
            best = max(best, length)
        else:
            length = 1  # a new one begins
    return best""".splitlines()
    ),
)
HEAD = "def longest(heights):\n    if not heights:\n        return 0\n    top = 1\n    count = 1\n"
LOOP = HEAD + "    for a, b in zip(heights, heights[1:]):\n"


@pytest.fixture(scope="module")
def judge():
    with Judge(Limits(steps=100_000)) as judge:
        yield judge


def state(lines, cursor=None, env=None):
    lines = lines.split("\n") if isinstance(lines, str) else lines
    cursor = Cursor() if cursor is None else Cursor(True, *cursor, 1)
    return State(tuple(lines), 1, unedited(len(lines)), unedited(len(lines)), cursor, env)


def write(lines, decision, line=None, problem=LONGEST, **parts):
    of = state(lines, **parts)
    line = len(of) - 1 if line is None else line
    completion = TUTOR.write(of, decision, line, WritingContext(problem=problem))
    assert completion.writer == "tutor" and completion.token_log_probs is None
    return completion.text


def test_from_the_starter_code_it_comes_to_a_text_that_passes(judge):
    texts = [finished(problem.starter_code.split("\n"), problem) for problem in PROBLEMS]
    verdicts = judge.verdicts([(p, "\n".join(lines)) for p, lines in zip(PROBLEMS, texts, strict=True)])
    assert [p.id for p, v in zip(PROBLEMS, verdicts, strict=True) if v.passed != v.total] == []


@pytest.mark.parametrize(
    ("stop", "renamed", "least"),
    [(first_lines, 0.0, 1.0), (first_lines, 0.7, 0.85), (cut_in_a_line, 0.7, 0.8), (with_holes, 0.7, 0.9)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_from_what_a_person_wrote_it_comes_to_a_text_that_passes_in_most_cases(judge, stop, renamed, least):
    generator, tasks = Random(7), []
    for problem in PROBLEMS:
        lines = stop(typed(problem, generator, renamed), problem, generator)
        tasks.append((problem, "\n".join(finished(lines, problem))))
    passed = sum(verdict.passed == verdict.total for verdict in judge.verdicts(tasks))
    assert passed >= least * len(PROBLEMS)


def test_it_never_breaks_a_text_that_passes(judge):
    generator = Random(3)
    texts = [(problem, variant(problem, generator)) for problem in PROBLEMS for _ in range(2)]
    texts += [(catalogue()[name], text.strip("\n").split("\n")) for name, text in OTHERS.items()]
    verdicts = judge.verdicts([(problem, "\n".join(lines)) for problem, lines in texts])
    passing = [text for text, verdict in zip(texts, verdicts, strict=True) if verdict.passed == verdict.total]
    assert len(passing) > 1.5 * len(PROBLEMS) + len(OTHERS)
    edited = [(problem, "\n".join(lines)) for problem, text in passing for lines in every_edit(text, problem)]
    assert [text for (_, text), v in zip(edited, judge.verdicts(edited), strict=True) if v.passed != v.total] == []


def test_it_has_nothing_to_add_to_its_own_solution():
    for problem in PROBLEMS:
        assert list(every_edit(list(problem.solution), problem)) == []


def test_the_other_solutions_pass_and_it_leaves_them_alone(judge):
    texts = [(catalogue()[name], text.strip("\n")) for name, text in OTHERS.items()]
    assert [v.reason for v in judge.verdicts(texts) if v.passed != v.total] == []
    for problem, text in texts:
        assert list(every_edit(text.split("\n"), problem)) == []


def test_it_is_silent_once_the_person_has_gone_another_way():
    silent = Counter()
    for name, text in OTHERS.items():
        lines = text.strip("\n").split("\n")
        for end in range(2, len(lines)):
            solution = {line.strip() for line in catalogue()[name].solution}
            own = [line for line in lines[1:end] if line.strip() not in solution]
            silent[len(own) >= 2, not write(lines[:end], MULTI, None, catalogue()[name])] += 1
    assert silent[True, True] >= 80 and silent[True, False] <= 3


@pytest.mark.parametrize(
    ("text", "decision", "piece"),
    [
        (LOOP + "        if b >", FILL, " a:"),
        (LOOP + "        if b > ", FILL, "a:"),
        (LOOP + "        i", FILL, "f b > a:"),
        (LOOP + "        ", FILL, "if b > a:"),
        (LOOP + "        ", SINGLE, "        if b > a:"),
        (LOOP, SINGLE, "        if b > a:"),
        (LOOP + "        if", SINGLE, "        if b > a:"),
        (LOOP, MULTI, "        if b > a:\n            count += 1\n            top = max(top, count)"),
        (LOOP + "        pass", MULTI, "        if b > a:\n            count += 1\n            top = max(top, count)"),
        (LOOP + "    ", EDIT, "        if b > a:\n            count += 1"),
        (LOOP.rstrip("\n"), MULTI, LOOP.rstrip("\n").split("\n")[-1] + "\n        if b > a:\n            count += 1\n"
         "            top = max(top, count)"),
        (LOOP + "        if b >= a:", EDIT, "        if b > a:"),
        (LOOP + "    ", SINGLE, ""),
        (LOOP + "        while", SINGLE, ""),
        (LOOP + "        # if", SINGLE, ""),
        (LOOP + "        if b > a:", SINGLE, ""),
        (LOOP + "        if b > a:", FILL, ""),
        (LOOP + "        print(a)", MULTI, ""),
        (LOOP + "        if b > a:\n            count += 1\n            note(a)\n", SINGLE, ""),
        (LOOP + "        if b > a:\n            count += 1\n            print(a)\n", SINGLE,
         "            top = max(top, count)"),
        (HEAD + "    for x", FILL, ", now in zip(heights, heights[1:]):"),
        (HEAD + "    for x, y in", SINGLE, "    for x, y in zip(heights, heights[1:]):"),
    ],
)  # fmt: skip
def test_the_piece_is_what_the_decision_asks_for(text, decision, piece):
    assert write(text, decision) == piece


@pytest.mark.parametrize(
    ("stands", "piece"),
    [
        ("", "    a = 0"),
        ("    a = 0\n", "    if n < a:\n        return a"),
        ("    a = 0\n    if n < a:\n        return a\n", "    for i in range(n):\n        for j in range(i):\n"
         "            a += j\n            a -= 1"),
        ("    a = 0\n    if n < a:\n        return a\n    for i in range(n):\n        for j in range(i):\n"
         "            a += j\n            a -= 1\n            a *= 1\n        a += i\n",
         "    try:\n        a += 1\n        a += 2\n        a += 3\n    except ValueError:\n        a = 9"),
    ],
)  # fmt: skip
def test_several_lines_are_one_statement_with_its_block_never_all_that_is_missing(stands, piece):
    body = "    a = 0\n    if n < a:\n        return a\n    for i in range(n):\n        for j in range(i):\n"
    body += "            a += j\n            a -= 1\n            a *= 1\n        a += i\n"
    body += "    try:\n        a += 1\n        a += 2\n        a += 3\n    except ValueError:\n        a = 9\n"
    body += "    return a"
    problem = Problem("sum", "total", (), tuple(f"def total(n):\n{body}".split("\n")))
    assert write(f"def total(n):\n{stands}", MULTI, problem=problem) == piece


def test_no_piece_of_the_catalogue_is_more_than_a_block():
    rows = [
        len(write([*problem.solution[:end], ""], MULTI, end, problem).split("\n"))
        for problem in PROBLEMS
        for end in range(problem.skeleton, len(problem.solution))
    ]
    assert max(rows) <= 5 and sum(count > 4 for count in rows) <= 0.02 * len(rows)


def test_a_line_that_differs_is_edited_alone():
    lines = [
        *LOOP.rstrip("\n").split("\n"),
        "        if b > a:",
        "            count += 2",
        "            top = max(top, count)",
    ]
    assert write(lines, EDIT, 7) == "            count += 1"
    assert [write(lines, decision, 7) for decision in (FILL, SINGLE, MULTI)] == ["", "", ""]
    assert write([*lines[:7], "            count, top = 2, 3", *lines[8:]], EDIT, 7) == ""


def test_above_a_statement_of_the_persons_own_nothing_is_written():
    lines = [*LOOP.rstrip("\n").split("\n"), "        if b > a:", "            count += 1", "", "            note(a)"]
    assert [write(lines, decision, 8) for decision in (FILL, SINGLE, MULTI, EDIT)] == [""] * 4
    lines = [*lines[:7], "", "            top = max(top, count + 1)"]
    assert [write(lines, decision, 7) for decision in (FILL, SINGLE, MULTI, EDIT)] == [""] * 4
    assert write([*lines[:8], "            top = max(top, count)"], SINGLE, 7) == "            count += 1"


def test_text_behind_the_cursor_is_not_written_over():
    line = "        if b > a:"
    assert write(LOOP + line, FILL, cursor=(6, 14)) == ""
    assert write(LOOP + "        if b  ", FILL, cursor=(6, 12)) == " > a:"


def test_new_names_do_not_clash_with_those_that_are_there():
    text = "def longest(heights):\n    if not heights:\n        return 0\n    best = 1\n    now = 1\n"
    text += "    for length, high in zip(heights, heights[1:]):\n        if high > length:\n"
    assert write(text, SINGLE) == "            now += 1"
    text = "def longest(heights):\n    if not heights:\n        return 0\n    before = 1\n    length = 1\n"
    assert write(text, SINGLE) == "    for before_2, now in zip(heights, heights[1:]):"


@pytest.mark.parametrize("unit", ["\t", "  "])
def test_the_indentation_is_the_files_own(unit):
    text = LOOP.replace("    ", unit)
    lines = text.split("\n")
    edited = apply_text(lines, MULTI, 6, write(text, MULTI))
    assert edited[6:8] == [f"{unit * 2}if b > a:", f"{unit * 3}count += 1"]


def test_a_docstring_stays_at_the_top():
    lines = ["def longest(heights):", '    """The longest rise.', "", '    Of any list."""']
    assert write(lines, MULTI, 0) == ""
    edited = apply_text(lines, MULTI, 3, write(lines, MULTI, 3))
    assert edited[3:6] == ['    Of any list."""', "    if not heights:", "        return 0"]
    assert write([lines[0], '    """One."""', ""], SINGLE, 2) == "    if not heights:"


def test_the_header_of_a_block_that_stands_is_put_above_it():
    lines = [*LOOP.rstrip("\n").split("\n"), "            count += 1", "            top = max(top, count)"]
    assert apply_text(lines, MULTI, 5, write(lines, MULTI, 5))[5:8] == [lines[5], "        if b > a:", lines[6]]


def test_blocks_of_several_widths_are_followed():
    body = ["    x = 1", "    while x < n:", "      x += 1", "    return x"]
    problem = Problem("grow", "grow", (), ("def grow(n):", *body))
    assert write(["def grow(n):", *body[:2], ""], SINGLE, 3, problem) == "        x += 1"
    assert write(["def grow(n):", *body[:3], ""], SINGLE, 4, problem) == "    return x"


def test_comments_say_why_and_only_once():
    text = LOOP + "        if b > a:\n            count += 1\n            top = max(top, count)\n"
    text += "        else:\n            count = 1"
    assert write(text, EXPLAIN, 6) == "only a rise makes it longer"
    assert write(text, EXPLAIN_ABOVE, 5) == "only a rise makes it longer"
    assert write(text, EXPLAIN, 9) == "a new one begins"
    assert write(text, EXPLAIN, 10) == "a new one begins"
    assert write(text, EXPLAIN, 3) == ""
    assert write(text + "  # a new one begins", EXPLAIN, 10) == ""


def test_what_was_taken_back_is_not_written_again():
    context = WritingContext(problem=LONGEST, rejected=("x", "if  b > a:\n"))
    assert TUTOR.write(state(LOOP + "        "), SINGLE, 6, context) == Completion("", "tutor", is_rejected=True)
    multiple = TUTOR.write(state(LOOP + "        "), MULTI, 6, context)
    assert multiple.text != "" and not multiple.is_rejected


def test_a_place_for_which_it_has_no_text_is_no_rejected_one():
    context = WritingContext(problem=LONGEST, rejected=("x", "if  b > a:\n"))
    assert TUTOR.write(state(list(LONGEST.solution)), SINGLE, 6, context) == Completion("", "tutor")


def test_a_text_that_is_known_to_pass_needs_nothing():
    assert write(LOOP, MULTI, env=Env(True, 3, 3)) == ""
    assert write(LOOP, MULTI, env=Env(True, 2, 3)) and write(LOOP, MULTI, env=Env(True, None, None))


def test_without_a_solution_it_says_nothing():
    bare = Problem("a", "f", ())
    for problem in (None, bare):
        assert TUTOR.write(state("def f():\n"), MULTI, 1, WritingContext(problem=problem)).text == ""
    assert write(LOOP, Decision.NO_OP) == "" and write(LOOP, MULTI, 99) == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "\n\n", "def longest(heights):\n    x = (1,\n    ", "def longest(\n", "def other(heights):\n    ", ")" * 50,
        "'''\n" + LOOP, LOOP + "\0\ud800", "x = 1\n" * 2000, "def longest(a, b):\n    ",
        "class A:\n  def longest(heights):\n",
    ],
)  # fmt: skip
def test_strange_texts_are_answered(text):
    lines = text.split("\n")
    for line in {0, len(lines) // 2, len(lines) - 1}:
        for decision in list(Decision)[1:]:
            piece = write(lines, decision, line)
            assert piece == "" or apply_text(lines, decision, line, piece) != lines


@given(st.integers(0, 2**32), st.sampled_from(list(Decision)[1:]))
@settings(max_examples=80, deadline=None)
def test_whatever_was_typed_over_a_solution_what_parsed_still_does(seed, decision):
    generator = Random(seed)
    problem = generator.choice(PROBLEMS)
    text = "\n".join(typed(problem, generator, 0.3))
    for _ in range(generator.randrange(4)):
        at = generator.randrange(len(text) + 1)
        text = text[:at] + generator.choice(("", "a", "(", ":", "\n", '"')) + text[at + generator.randrange(12) :]
    lines = text.split("\n")
    line = generator.randrange(len(lines))
    column = generator.randrange(len(lines[line]) + 1)
    piece = write(lines, decision, line, problem, cursor=(line, column))
    if piece and parses(text) and not opens_block(piece.split("\n")[-1]):
        assert parses("\n".join(apply_text(lines, decision, line, piece, column)))


def test_a_cancelled_request_is_not_answered():
    cancellation = Cancellation()
    threading.Thread(target=cancellation.cancel).run()
    with pytest.raises(WritingCancelledError):
        TUTOR.write(state(LOOP), MULTI, 6, WritingContext(problem=LONGEST, cancellation=cancellation))


def test_every_piece_of_the_catalogue_parses_where_it_stands():
    for problem in PROBLEMS[::3]:
        for end in range(problem.skeleton, len(problem.solution)):
            lines = [*problem.solution[:end], ""]
            if piece := write(lines, MULTI, end, problem):
                ast.parse("\n".join(apply_text(lines, MULTI, end, piece)))
