"""What any writer's text becomes before `actions.apply`: the part that the decision asks for, fitted to its place.

A text is taken out of the answer that it stands in, loses what stands in the file already, is put at the file's
indentation, and cut to what the decision allows. What then is wrong Python in its place (`delegates.syntax`), changes
nothing, or repeats what the person just deleted becomes "". Not here: who writes, what the edit itself does.
"""

from __future__ import annotations

import builtins
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from actions import EXPLAIN, Decision, apply_text
from alignment import strip_line_end
from comments import comment_words
from delegates.model_answers import answer_code, answer_comment
from delegates.python_lexer import CLOSING, KEYWORDS, lines_within_statements
from delegates.syntax import fits, opens_block
from indentation import DEFAULT_WIDTH, indent_style, indentation
from state import State
from text_edits import text_block

MOST_WRITTEN_LINES = 40
"""Lines of code that one decision writes at most."""

MOST_COMMENT_LINES = 4
"""Lines of comment that Explain Multi Lines writes at most."""

COMMENT_WIDTH = 88
"""Columns that a comment line ends before, its indentation included, if it has `_LEAST_COMMENT` columns then."""

REPEATS = 0.9
"""Similarity from which a text is what the person just deleted."""

_LEAST_COMMENT = 40


def clean(text: str, state: State, decision: Decision, line: int, rejected: Sequence[str] = ()) -> str:
    """The text as `actions.apply` may take it for `decision` at `line`; "": nothing of it is of use.

    rejected: texts that the person deleted or took back.
    """
    if decision == Decision.NO_OP or not 0 <= line < len(state):
        return ""
    place = _Place.of(state, decision, line)
    for candidate in _candidates(text, place):
        if place.accepts(candidate):
            return "" if _repeats(candidate, place, rejected) else candidate
    return ""


def is_repetition(text: str, state: State, decision: Decision, line: int, rejected: Sequence[str]) -> bool:
    """Whether a clean text is one that the person deleted or took back, so that cleaning with these leaves nothing."""
    return bool(text) and _repeats(text, _Place.of(state, decision, line), rejected)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a text is to stand.

    lines: of the file, without line ends. column: at which a completion is inserted; None: the line's end.
    """

    lines: tuple[str, ...]
    decision: Decision
    line: int
    column: int | None

    @classmethod
    def of(cls, state: State, decision: Decision, line: int) -> _Place:
        cursor = state.cursor
        column = cursor.char if cursor.on and cursor.line == line else None
        return cls(tuple([strip_line_end(text) for text in state.lines]), decision, line, column)

    @property
    def text(self) -> str:
        """The line that is written on."""
        return self.lines[self.line]

    @property
    def before(self) -> str:
        """What stands left of a completion."""
        return self.text[: self._at]

    @property
    def after(self) -> str:
        """What stands right of a completion."""
        return self.text[self._at :]

    @property
    def _at(self) -> int:
        return len(self.text) if self.column is None else min(max(self.column, 0), len(self.text))

    def edited(self, text: str) -> list[str]:
        """The file's lines with the text."""
        return apply_text(self.lines, self.decision, self.line, text, self.column)

    def accepts(self, text: str) -> bool:
        """Whether the text changes something, and is right where it stands."""
        if not text.strip():
            return False
        lines = self.edited(text)
        if tuple(lines) == self.lines:
            return False
        if self.decision in EXPLAIN:
            return True
        return fits(lines, self.line, self.line + 1 + len(lines) - len(self.lines), [self.text])


def _candidates(text: str, place: _Place) -> Iterator[str]:
    """What the text may have meant, the likeliest first; they differ in what they take for repeated."""
    if place.decision in EXPLAIN:
        yield _comment(text, place)
    elif place.decision == Decision.FILL_PARTIAL_LINE:
        yield from _completions(answer_code(text), place)
    else:
        yield from _blocks(answer_code(text), place)


# Completions


def _completions(text: str, place: _Place) -> Iterator[str]:
    """What may be inserted at the cursor: the text's first line without what stands around the cursor."""
    first = text.split("\n", maxsplit=1)[0]
    if not first.strip():
        return
    if not place.before.strip():
        first = _at_line_start(first, place)
    seen = set()
    for begin in _without_prefix(first, place.before):
        spaced = begin.lstrip(" \t") if place.before.endswith((" ", "\t")) else begin
        for completion in _without_suffix(spaced, place.after):
            if completion not in seen:
                seen.add(completion)
                yield completion


def _at_line_start(first: str, place: _Place) -> str:
    """A line that brings no more than the blanks that are there, or at column 0 those that a line there has."""
    if place.before:
        return first.lstrip()
    return first if indentation(first) else _expected_indent(place, first) + first


def _without_prefix(text: str, before: str) -> Iterator[str]:
    """The text without what stands left of it, and as it is; first whichever is likelier to be meant."""
    if _is_new_word(before, text):
        yield " " + text
    overlap = _overlap(before, text)
    bare = before.strip()
    if bare and (repeated := text.lstrip()).startswith(bare) and not _is_call_of_itself(bare, repeated):
        yield repeated[len(bare) :]
    repeats_word = _repeats_last_word(before, text)
    if overlap and repeats_word:
        yield text[overlap:]
    yield text
    if overlap and not repeats_word:
        yield text[overlap:]


def _overlap(before: str, text: str) -> int:
    """Length of the longest end of `before` that `text` begins with."""
    longest = min(len(before), len(text))
    return next((size for size in range(longest, 0, -1) if before.endswith(text[:size])), 0)


def _is_call_of_itself(bare: str, text: str) -> bool:
    """Whether `f(` before `f(x))` may be a call in a call: the text closes one bracket more than it opens."""
    return bare[-1] in "([{" and text.count(")") > text.count("(")


def _repeats_last_word(before: str, text: str) -> bool:
    """Whether the text begins with all of the word that the cursor stands at the end of."""
    last = re.search(r"\w*\Z", before)
    return last is not None and last[0] != "" and text.startswith(last[0])


def _is_new_word(before: str, text: str) -> bool:
    """Whether a keyword ends `before` that a blank is missing after."""
    last, first = re.search(r"\w*\Z", before), re.match(r"\w+", text)
    if last is None or first is None or last[0] not in KEYWORDS:
        return False
    joined = last[0] + first[0]
    return joined not in KEYWORDS and not hasattr(builtins, joined)


def _without_suffix(text: str, after: str) -> Iterator[str]:
    """The text without what stands right of it, as it is, and without closing brackets and quotes that are there."""
    bare = after.strip()
    if not bare:
        yield text
        return
    stripped = text.rstrip()
    if len(bare) > 1 and stripped.endswith(bare) and stripped != bare:
        yield stripped[: -len(bare)]
    yield text
    for size in range(min(len(stripped), len(bare)), 0, -1):
        if stripped.endswith(bare[:size]):
            yield stripped[:-size]
    ends = stripped
    while ends and ends[-1] in CLOSING + "\"':,":
        ends = ends[:-1].rstrip()
        yield ends


# Lines and blocks


def _blocks(text: str, place: _Place) -> Iterator[str]:
    """What may stand in place of the line: the text's block, then its beginnings, as its end may be cut off."""
    block = _without_lines_above(text_block(text), place)
    if not block:
        return
    block = _indented(block, place)
    limit = 1 if place.decision == Decision.WRITE_SINGLE_LINE else MOST_WRITTEN_LINES
    block = _without_lines_below(_one_block(block)[:limit], place)
    while block:
        yield "\n".join(block)
        block = text_block("\n".join(block[:-1]))
        while block and opens_block(block[-1]):
            block = text_block("\n".join(block[:-1]))


def _without_lines_above(block: list[str], place: _Place) -> list[str]:
    """The block without a beginning that repeats the lines directly above; a block of nothing else is empty."""
    above = [line.strip() for line in place.lines[: place.line] if line.strip()]
    rows = [row for row, line in enumerate(block) if line.strip()]
    stripped = [block[row].strip() for row in rows]
    for size in range(min(len(rows), len(above), MOST_WRITTEN_LINES), 0, -1):
        if stripped[:size] == above[-size:] and any(_says_something(line) for line in stripped[:size]):
            return text_block("\n".join(block[rows[size - 1] + 1 :]))
    return block


def _without_lines_below(block: list[str], place: _Place) -> list[str]:
    """The block without an end that repeats the lines directly below."""
    below = [line.strip() for line in place.lines[place.line + 1 :] if line.strip()]
    rows = [row for row, line in enumerate(block) if line.strip()]
    stripped = [block[row].strip() for row in rows]
    for size in range(min(len(rows), len(below)), 0, -1):
        if stripped[-size:] == below[:size]:
            return text_block("\n".join(block[: rows[-size]]))
    return block


def _says_something(line: str) -> bool:
    return bool(re.search(r"\w", line)) or line in ('"""', "'''")


def _indented(block: list[str], place: _Place) -> list[str]:
    """The block with the indentation of its first line in place, the others as the text means them."""
    target = indentation(place.text) if place.text else indentation(block[0]) or _expected_indent(place, block[0])
    if indentation(block[0]):
        if place.decision == Decision.EDIT_EXISTING_LINES and place.text:
            block = _dedented_to(block, target)
        return block
    within = lines_within_statements(block)
    columns_below = [
        len(indentation(line).expandtabs(DEFAULT_WIDTH))
        for line, goes_on in zip(block[1:], within[1:], strict=True)
        if line.strip() and not goes_on
    ]
    at = len(target.expandtabs(DEFAULT_WIDTH))
    if columns_below and at and _is_absolute(block[0], columns_below, at, place):
        return [target + block[0], *block[1:]]
    return [line and target + line for line in block]


def _is_absolute(first: str, columns_below: Sequence[int], at: int, place: _Place) -> bool:
    """Whether lines below a first one that lost its indentation kept theirs.

    at: columns at which the first line is to stand. columns_below: columns at which the others do.
    """
    if not opens_block(first):
        return columns_below[0] > 0
    style = indent_style(place.lines)
    width = DEFAULT_WIDTH if style is None or style.unit == "\t" else len(style.unit)
    return columns_below[0] > at and columns_below[0] != width and min(columns_below) >= at


def _dedented_to(block: list[str], target: str) -> list[str]:
    """The block moved as a whole so that its first line stands at `target`."""
    first = indentation(block[0])
    return [line and target + line.removeprefix(first) for line in block]


_TOP_LEVEL = re.compile(r"(?:def|class|async def|import|from|if __name__)\b|@")
_LEAVES = re.compile(r"\s*(?:return|raise|break|continue|pass)\b")
_CLAUSE = re.compile(r"(?:elif|else|except|finally)\b")


def _expected_indent(place: _Place, first: str) -> str:
    """The indentation that a line without any is meant to have in place of an empty line."""
    above = next((line for line in reversed(place.lines[: place.line]) if line.strip()), "")
    indent = indentation(above)
    style = indent_style(place.lines)
    unit = style.unit if style else " " * DEFAULT_WIDTH
    if opens_block(above):
        return indent + unit
    if _TOP_LEVEL.match(first) or first[0] in CLOSING or _follows_a_gap(place, first, unit):
        return ""
    return indent.removesuffix(unit) if _LEAVES.match(above) or _CLAUSE.match(first) else indent


def _follows_a_gap(place: _Place, first: str, unit: str) -> bool:
    """Whether a blank line is above, and below nothing indented but a body of the line."""
    below = next((line for line in place.lines[place.line + 1 :] if line.strip()), "")
    is_gap = place.line > 0 and not place.lines[place.line - 1].strip()
    return is_gap and indentation(below) in ({"", unit} if opens_block(first) else {""})


_DEFINITION = re.compile(r"(?:@|(?:async\s+)?def\b|class\b)")


def _one_block(block: list[str]) -> list[str]:
    """The block up to a line that is shallower than its first, or begins another definition."""
    at = len(indentation(block[0]).expandtabs(DEFAULT_WIDTH))
    within = lines_within_statements(block)
    decorated = block[0].lstrip().startswith("@")
    for i, line in enumerate(block[1:], 1):
        columns = len(indentation(line).expandtabs(DEFAULT_WIDTH))
        if within[i] or not line.strip() or columns > at:
            continue
        is_definition = bool(_DEFINITION.match(line.lstrip()))
        if columns < at or (is_definition and not decorated):
            return text_block("\n".join(block[:i]))
        decorated = decorated and line.lstrip().startswith("@")
    return block


# Comments


def _comment(text: str, place: _Place) -> str:
    """The text as a comment: one line for Explain Single Lines, few for Explain Multi Lines."""
    words = [comment_words(line) for line in answer_comment(text).split("\n")]
    words = [line for line in words if _says_something(line)]
    if not words or _normalized(words[0]) == _normalized(place.text):
        return ""
    width = max(COMMENT_WIDTH - len(indentation(place.text)) - 2, _LEAST_COMMENT)
    if place.decision == Decision.EXPLAIN_SINGLE_LINES:
        return _shortened(words[0], width)
    lines = [part for line in words for part in textwrap.wrap(line, width)]
    return "\n".join(lines[:MOST_COMMENT_LINES])


def _shortened(sentence: str, width: int) -> str:
    """The sentence, of a long text the first one, cut between words."""
    if len(sentence) <= width:
        return sentence
    first = re.split(r"(?<=[.!?;])\s", sentence, maxsplit=1)[0]
    return textwrap.shorten(first, width, placeholder=" ...")


# What the person deleted


def _repeats(text: str, place: _Place, rejected: Sequence[str]) -> bool:
    """Whether the text, or the line that it completes, is nearly what the person deleted."""
    texts = [_normalized(text)]
    if place.decision == Decision.FILL_PARTIAL_LINE:
        texts.append(_normalized(place.before + text + place.after))
    deleted = {_normalized(rejected_text) for rejected_text in rejected} - {""}
    return any(_similar(text, other) for text in texts for other in deleted)


def _normalized(text: str) -> str:
    """Without comment signs and blanks, as these make no other text."""
    return re.sub(r"\s+", "", re.sub(r"^\s*#+", "", text, flags=re.MULTILINE))


def _similar(text: str, other: str) -> bool:
    if text == other:
        return True
    shorter, longer = sorted((len(text), len(other)))
    if shorter < 8 or 2 * shorter < REPEATS * (shorter + longer):
        return False
    matcher = SequenceMatcher(None, text[:2000], other[:2000], autojunk=False)
    return matcher.real_quick_ratio() >= REPEATS and matcher.quick_ratio() >= REPEATS and matcher.ratio() >= REPEATS
