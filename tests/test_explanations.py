"""A comment never changes the code: tokens of real files stay the same, and in doubt nothing is written."""

from __future__ import annotations

import functools
import io
import sysconfig
import tokenize
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import explanations
from actions import EXPLAIN, Decision, apply, apply_text
from state import Cursor, State, unedited

AT_END, ABOVE = EXPLAIN
Q = '"""'


def tokens(lines):
    """Kind and text of every token but comments and empty lines."""
    read = tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline)
    return [(each.type, each.string) for each in read if each.type not in (tokenize.COMMENT, tokenize.NL)]


@functools.cache
def library(count=30, most=1500):
    """Files of the standard library, spread over it, by the digits of their size."""
    root = Path(sysconfig.get_path("stdlib"))
    paths = sorted(root.rglob("*.py"), key=lambda path: (str(path.stat().st_size)[::-1], str(path)))
    readable = []
    for path in paths:
        if "site-packages" in path.parts:
            continue
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
            tokens(lines)
        except (UnicodeDecodeError, tokenize.TokenError, SyntaxError):
            continue
        if len(lines) <= most:
            readable.append(lines)
        if len(readable) == count:
            break
    return readable


ODD = [
    [f"x = {Q}a", "  b # no comment", f"{Q} + 'c'", "y = 1"],
    ["x = 1 + \\", "    2", "", "y = \\", "", "z"],
    ["if x: \\", "  y = 'a \\", "  b'", "\treturn"],
    ["def f(a,", "      b=[1,", "", "         2]):", "", "    pass", ""],
    ["#!/usr/bin/env python", "# -*- coding: utf-8 -*-", "x = 1"],
    ["# -*- coding: utf-8 -*-", "x = 1"],
    ["", "# vim: set fileencoding=latin-1", "x = 1"],
    ["class A:", f"    {Q}Says", "", f"    more.{Q}", "", "    @property", "    def b(self): pass", "  "],
    [f"f({Q}a", f"{Q}, {Q}b", f"{Q}) # c", "x"],
    ["x = 1", "\x0c", "def f():", "\x0c    pass", "   \t"],
    ["x = 1 \\", "   "],
    [""],
]

texts = st.text(max_size=12) | st.sampled_from(
    [
        "why",
        "# why",
        "one\ntwo",
        "#!/bin/sh",
        "coding: latin-1",
        "# -*- coding: cp1252 -*-",
        "a\rimport os",
        "a\x0cb",
        "\\",
    ]
)


@pytest.mark.parametrize("lines", ODD, ids=str)
@pytest.mark.parametrize("decision", EXPLAIN)
@settings(max_examples=30)
@given(text=texts)
def test_explanations_leave_the_tokens_of_odd_files_as_they_were(lines, decision, text):
    before = tokens(lines)
    for line in range(len(lines)):
        assert tokens(apply_text(lines, decision, line, text)) == before


@settings(max_examples=60, deadline=None)
@given(st.deferred(lambda: st.sampled_from(library())), st.sampled_from(EXPLAIN), texts, st.data())
def test_explanations_leave_the_tokens_of_real_files_as_they_were(lines, decision, text, data):
    line = data.draw(st.integers(0, len(lines) - 1))
    after = apply_text(lines, decision, line, text)
    assert tokens(after) == tokens(lines)
    assert compile_or_none(after) == compile_or_none(lines)


def compile_or_none(lines):
    """What declares the encoding or the interpreter, as a file's reader sees it."""
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return content.startswith(b"#!"), tokenize.detect_encoding(io.BytesIO(content).readline)[0]


def test_nearly_every_line_of_a_real_file_can_be_explained():
    lines = max(library(), key=len)
    done = [apply_text(lines, AT_END, line, "why so") != lines for line in range(len(lines))]
    assert sum(done) > 0.95 * len(done)


@settings(max_examples=100)
@given(
    st.deferred(lambda: st.sampled_from(ODD + library()[:20])),
    st.integers(1, 2000),
    st.sampled_from(EXPLAIN),
    st.data(),
)
def test_in_a_file_that_stops_anywhere_no_comment_lands_inside_a_string(lines, cut, decision, data):
    """Half of a file: whichever way it is completed, the comment stays one."""
    text = "\n".join(lines)
    cut = min(cut, len(text))
    begun = text[:cut].split("\n")
    line = data.draw(st.integers(0, len(begun) - 1))
    after = apply_text(begun, decision, line, "why so")
    if line < len(begun) - 1 or len(after) > len(begun):
        try:
            expected = tokens(lines)
            found = tokens(("\n".join(after) + text[cut:]).split("\n"))
        except (tokenize.TokenError, SyntaxError):
            return
        assert found == expected


STRAY_CLOSERS = [
    ["print(total))", "foo(bar"],
    ["print(total))", "", "# note", "foo(bar", "", "  "],
    ["def f():", "    return [1]]", "", "    # more", "x = (", "    2)", "y = (3", "", "z = 4"],
    ["a = f(1,", "      2))", "b = g(", "c = 3  # d"],
    ["x = 1)", f"y = ({Q}a", "", f"b{Q}", "z"],
    ["x = 1 + \\", "    2}", "", "y = {", "if z: pass", "    # w"],
    ["}", "{", "a", "]", "", "[", "b"],
]


def code_tokens(lines):
    """The tokens without comments and empty lines; None: the tokenizer refuses the file."""
    try:
        read = tokens(lines)
    except (tokenize.TokenError, SyntaxError):
        return None
    return None if any(kind == tokenize.ERRORTOKEN and string.strip() for kind, string in read) else read


@st.composite
def half_written_files(draw):
    """A file, or a part of one, with closing brackets that were never opened, or blanks that are tokens."""
    lines = draw(st.sampled_from(STRAY_CLOSERS) | st.sampled_from(ODD + library()[:10]))
    first = draw(st.integers(0, max(len(lines) - 10, 0)))
    lines = lines[first : first + 40]
    row = draw(st.integers(0, len(lines) - 1))
    lines = [
        *lines[:row],
        lines[row] + draw(st.sampled_from(["", ")", "]", "}", "))", *TOKEN_BLANKS])),
        *lines[row + 1 :],
    ]
    text = "\n".join(lines)
    return text[: draw(st.integers(0, len(text)))].split("\n")


@pytest.mark.parametrize("lines", STRAY_CLOSERS, ids=str)
@pytest.mark.parametrize("decision", EXPLAIN)
def test_explanations_leave_the_tokens_as_they_were_where_a_closer_was_never_opened(lines, decision):
    text = "\n".join(lines)
    for cut in range(len(text) + 1):
        begun = text[:cut].split("\n")
        before = code_tokens(begun)
        for line in range(len(begun)):
            assert before is None or code_tokens(apply_text(begun, decision, line, "why")) == before


@settings(max_examples=120, deadline=None)
@given(half_written_files(), st.sampled_from(EXPLAIN), texts, st.data())
def test_explanations_leave_the_tokens_of_half_written_files_as_they_were(lines, decision, text, data):
    line = data.draw(st.integers(0, len(lines) - 1))
    before = code_tokens(lines)
    assert before is None or code_tokens(apply_text(lines, decision, line, text)) == before


TOKEN_BLANKS = ("\xa0", "\u3000", "\u2028", "\x0b", "\x1f")
"""What `str.strip` takes for blank and Python's tokenizer does not."""

# lines, decision, line, text, the lines afterwards
PLACES = {
    "behind a backslash": (["x = 1 + \\", "    2"], AT_END, 0, "why", ["# why", "x = 1 + \\", "    2"]),
    "last line of a continued statement": (["x = \\", "    2"], AT_END, 1, "why", ["x = \\", "    2  # why"]),
    "inside a string": (
        ["def f():", f"    x = {Q}a", "  b", f"c{Q}"],
        AT_END,
        2,
        "why",
        ["def f():", "    # why", f"    x = {Q}a", "  b", f"c{Q}"],
    ),
    "at a string's last line": ([f"x = {Q}a", f"c{Q}"], AT_END, 1, "why", [f"x = {Q}a", f"c{Q}  # why"]),
    "above a line inside a string": ([f"x = {Q}a", f"c{Q}"], ABOVE, 1, "why", ["# why", f"x = {Q}a", f"c{Q}"]),
    "above a continued line": (["x = \\", "  1"], ABOVE, 1, "one\ntwo", ["# one", "# two", "x = \\", "  1"]),
    "within brackets": (["f(a,", "  b)"], ABOVE, 1, "why", ["f(a,", "  # why", "  b)"]),
    "not above a shebang": (["#!/bin/sh", "x"], ABOVE, 0, "why", ["#!/bin/sh", "x"]),
    "not behind a shebang": (["#!/bin/sh", "x"], AT_END, 0, "why", ["#!/bin/sh", "x"]),
    "not above a coding line": (["# a", "# coding: utf-8"], ABOVE, 1, "why", ["# a", "# coding: utf-8"]),
    "not between the first line and the coding line": (
        ["", "# coding: utf-8"],
        ABOVE,
        0,
        "why",
        ["", "# coding: utf-8"],
    ),
    "not above a coding line at the top": (["# coding: utf-8", "x"], ABOVE, 0, "why", ["# coding: utf-8", "x"]),
    "not above a coding line from below": (
        ["#!/bin/sh", "# coding: utf-8", "x"],
        ABOVE,
        1,
        "why",
        ["#!/bin/sh", "# coding: utf-8", "x"],
    ),
    "below the coding line": (["# coding: utf-8", "x"], ABOVE, 1, "why", ["# coding: utf-8", "# why", "x"]),
    "no shebang is made": (["x"], ABOVE, 0, "#!/bin/sh", ["x"]),
    "no coding line is made": (["x"], ABOVE, 0, "coding: latin-1", ["x"]),
    "not twice at the end": (["x  # why"], AT_END, 0, "why", ["x  # why"]),
    "not twice above": (["    # why", "    x"], ABOVE, 1, "#why", ["    # why", "    x"]),
    "only what is new above": (["# one", "x"], ABOVE, 1, "one\ntwo", ["# one", "# two", "x"]),
    "not above and at the end": (["# why", "x"], AT_END, 0, "why", ["# why", "x"]),
    **{
        f"behind {blank!r}, which is a token": ([f"x{blank}", "y"], AT_END, 0, "why", [f"x{blank}  # why", "y"])
        for blank in TOKEN_BLANKS
    },
    "a line of nothing but such a token": (["y", "\xa0"], AT_END, 1, "why", ["y", "\xa0"]),
    "behind blanks that are no tokens": (["x \t\x0c", "y"], AT_END, 0, "why", ["x  # why", "y"]),
    "a second one at the end": (["x  # a"], AT_END, 0, "b", ["x  # a  # b"]),
    "line ends of all kinds in the text": (["x"], AT_END, 0, "a\rb\x0cc\u2028d\0e\ud800f", ["x  # a b c d e f"]),
    "a quote that is open": (["x = 'a", "y"], AT_END, 0, "why", ["# why", "x = 'a", "y"]),
    "behind a line with an open quote": (["x = 'a", "y"], AT_END, 1, "why", ["x = 'a", "y  # why"]),
    "a string that never ends": ([f"x = {Q}a", "y", "z"], AT_END, 1, "why", [f"x = {Q}a", "y", "z"]),
    "above a string that never ends": (["w", f"x = {Q}a", "y"], AT_END, 1, "why", ["w", "# why", f"x = {Q}a", "y"]),
    "in front of a string that never ends": (["w", f"x = {Q}a", "y"], AT_END, 0, "why", ["w  # why", f"x = {Q}a", "y"]),
    "between strings of which one never ends": (
        [f"{Q}a{Q}", "b", f"{Q}c"],
        AT_END,
        1,
        "why",
        [f"{Q}a{Q}", "b", f"{Q}c"],
    ),
    "behind a bracket that is never closed": (["f(a", "x = 1"], AT_END, 1, "why", ["f(a", "x = 1  # why"]),
    "a backslash in a half-written file": (["f(a", "x = \\", " 1"], AT_END, 1, "why", ["f(a", "x = \\", " 1"]),
    "below a stray closer": (["print(a))", "foo(b"], ABOVE, 1, "why", ["print(a))", "foo(b"]),
    "above a stray closer": (["print(a))", "foo(b"], ABOVE, 0, "why", ["# why", "print(a))", "foo(b"]),
    "behind a stray closer": (["print(a))", "foo(b"], AT_END, 0, "why", ["print(a))  # why", "foo(b"]),
    "below a stray closer where a character begins no token": (
        ["a)", "b = `c`", "d("],
        ABOVE,
        1,
        "why",
        ["a)", "b = `c`", "d("],
    ),
    "a return inside a line": (["a\rb", "c"], AT_END, 1, "why", ["a\rb", "c"]),
    "line ends that the lines carry": (
        ["x = \\\r\n", " 1\r\n"],
        AT_END,
        0,
        "why",
        ["# why\r\n", "x = \\\r\n", " 1\r\n"],
    ),
}


@pytest.mark.parametrize("case", PLACES)
def test_where_a_comment_goes(case):
    lines, decision, line, text, expected = PLACES[case]
    assert apply_text(lines, decision, line, text) == expected


def test_a_comment_above_the_statement_leaves_the_cursor_on_the_line_that_was_decided():
    lines = (f"x = {Q}a", "b", f"c{Q}", "y")
    before = State(lines, 3, unedited(4), unedited(4), Cursor(True, 1, 1, 3), last_known_line=1)
    by_human = apply(before, AT_END, 1, "why", by="H", t=4)
    assert by_human.lines == ("# why", *lines) and by_human.cursor == Cursor(True, 2, 1, 4)
    by_assistant = apply(before, AT_END, 1, "why", by="A", t=4)
    assert by_assistant.lines == by_human.lines and by_assistant.last_known_line == 2


def test_a_text_is_tokenized_once(monkeypatch):
    read = []
    monkeypatch.setattr(
        explanations,
        "_tokenized",
        lambda text, count, call=explanations._tokenized: read.append(1) or call(text, count),
    )
    lines = ("half = (written", *(f"only_here_{i} = {i}" for i in range(30)))
    for line in range(30):
        apply_text(lines, Decision.EXPLAIN_SINGLE_LINES, line, "why")
    assert len(read) == 1
