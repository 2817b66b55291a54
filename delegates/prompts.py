"""What a language model is asked for a decision: the text before and after the place, and how far its answer may go.

Not here: the tokens of model families (`fill_in_middle`), servers and files (`server_writer`, `gguf`), the cleaning of
the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from actions import EXPLAIN, Decision
from alignment import strip_line_end
from comments import strip_comment
from delegates.text_writer import Completion, LateAnswerError, WritingContext
from indentation import indentation
from judge import Problem
from state import State

MOST_BLOCK_LINES = 8
"""Of an answer to Write Multi."""

SINGLE_LINE_TOKENS, BLOCK_TOKENS = 64, 192
"""A model is stopped after so many tokens of a line, or of a block."""

ANCHOR_LINES = 16
"""The text before the place begins at a multiple of so many lines, so that it begins with the same text while somebody
types, and what a model has read of it is not read again."""

SECOND_TEMPERATURE = 0.8
"""Of a second answer, where the first one is a text that the person rejected."""

STATEMENT_CHARACTERS = 1_200
"""Of the problem's statement, at most."""

_COMMENT_WIDTH = 100
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n){1,3}")
_BLANK_OR_COMMENT_LINES = re.compile(r"(?:[ \t]*(?:#[^\n]*|\r?)\n){1,3}")


@dataclass(frozen=True, slots=True)
class Window:
    """How many characters of the file a model sees before and after the place."""

    before: int = 6_000
    after: int = 2_000


SERVER_WINDOW = Window()
"""A server usually has a large model and reads fast."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question to a model of text.

    before, after: what stands around the place. head: the end of `before` that is part of the answer, because the
    decision writes the line anew. is_block: several lines are allowed. indent: blanks at the start of the answer's
    first line; None: the answer brings its own. skips_blank_lines: line ends at the start of the answer do not end it,
    nor do comment lines where one line of code is wanted. ends_at_comment: a comment behind code is no part of it.
    """

    before: str
    after: str
    head: str = ""
    is_block: bool = False
    indent: str | None = ""
    skips_blank_lines: bool = False
    ends_at_comment: bool = False

    @property
    def text(self) -> str:
        """`before` as models are asked: without a blank behind a word, which they write together with the next one.

        Indentation stays: it says how deep the line is.
        """
        line = self.before[self.before.rfind("\n") + 1 :]
        return self.before.removesuffix(" ") if line.strip() else self.before

    @property
    def most_tokens(self) -> int:
        """After which the model is stopped."""
        return BLOCK_TOKENS if self.is_block else SINGLE_LINE_TOKENS


def build_prompt(
    state: State, decision: Decision, line: int, context: WritingContext, window: Window, *, fills: bool
) -> Prompt:
    """The prompt for `decision` at `line`. fills: whether the model sees the text after the place.

    A model that does not is asked for a comment behind the line that it explains, never above it.
    """
    lines = [strip_line_end(text) for text in state.lines]
    at_cursor = state.cursor.on and state.cursor.line == line
    column = min(max(state.cursor.char, 0), len(lines[line])) if at_cursor else len(lines[line])
    if decision == Decision.EXPLAIN_MULTI_LINES and fills:
        line_start, following, head = indentation(lines[line]) + "#", ["", *lines[line:]], "#"
    elif decision in EXPLAIN:
        line_start, following, head = lines[line] + "  #", ["", *lines[line + 1 :]], "#"
    elif decision == Decision.FILL_PARTIAL_LINE:
        line_start, following, head = lines[line][:column], [lines[line][column:], *lines[line + 1 :]], ""
    elif decision == Decision.EDIT_EXISTING_LINES:
        line_start, following, head = indentation(lines[line]), ["", *lines[line + 1 :]], ""
    else:
        line_start = lines[line][:column] if lines[line].strip() else lines[line]
        following, head = ["", *lines[line + 1 :]], line_start.lstrip()
    return Prompt(
        before=_encodable(_introduction(context, lines) + _before(lines[:line], line_start, window.before)),
        after=_encodable(_after(following, window.after)) if fills else "",
        head=head,
        is_block=decision == Decision.WRITE_MULTI_LINE,
        indent=indentation(lines[line]) if lines[line] else None,
        skips_blank_lines=decision != Decision.FILL_PARTIAL_LINE and not line_start.strip(),
        ends_at_comment=decision not in (*EXPLAIN, Decision.WRITE_MULTI_LINE),
    )


def _before(lines: list[str], line_start: str, most: int) -> str:
    """The end of the file up to the place, from a line on that stays the same while somebody types."""
    start, size = len(lines), len(line_start)
    while start > 0 and size + len(lines[start - 1]) + 1 <= most:
        start -= 1
        size += len(lines[start]) + 1
    anchored = -(-start // ANCHOR_LINES) * ANCHOR_LINES
    if anchored < len(lines):
        start = anchored
    return "".join(f"{text}\n" for text in lines[start:]) + line_start[-most:]


def _after(lines: list[str], most: int) -> str:
    """The text from the place on, whole lines of it."""
    text = "\n".join(lines)
    return text if len(text) <= most else text[: max(text.rfind("\n", 0, most), 0)] or text[:most]


def _introduction(context: WritingContext, lines: list[str]) -> str:
    """What stands above the file: its path, what it is to do; "": nothing is known of it."""
    path = "" if context.file is None else f"# {context.file}\n"
    return path + _statement(context.problem, lines)


def _statement(problem: Problem | None, lines: list[str]) -> str:
    """The problem's statement as comment lines, unless the file says it already; "": there is none."""
    statement = problem.statement.strip() if problem else ""
    if not statement or statement.split("\n", 1)[0].strip() in "\n".join(lines[:60]):
        return ""
    short = statement[:STATEMENT_CHARACTERS]
    return "".join(f"# {text[:_COMMENT_WIDTH].rstrip()}\n" for text in short.split("\n")) + "\n"


def _encodable(text: str) -> str:
    """`text` with `?` for halves of characters, which no server or tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def end_of_answer(text: str, prompt: Prompt) -> int | None:
    """Where the part of `text` ends that the decision allows; None: more of it may come.

    A single line ends at its line end. A block ends at a line that stands further left than its first one, beside the
    first one once that one's own block was written, after two line ends without text, or at `MOST_BLOCK_LINES`.
    """
    skipped = _blank_lines(text, prompt)
    if not prompt.is_block:
        end = text.find("\n", skipped)
        comment = _comment_start(text[skipped : end if end >= 0 else None], prompt, is_first=not skipped)
        return skipped + comment if comment is not None else None if end < 0 else end
    first, *later_lines = text[skipped:].split("\n")
    start = skipped + len(first)
    base = _width(indentation(first) if skipped or prompt.indent is None else prompt.indent)
    opens_block = (prompt.head + first).rstrip().endswith(":")
    blank, deeper, count = 0, False, 1
    end = start
    for number, line in enumerate(later_lines):
        complete = number < len(later_lines) - 1
        if not line.strip():
            blank += complete
            if blank >= 2:
                return end
        else:
            width = _width(indentation(line))
            if width < base or (opens_block and deeper and width <= base) or count >= MOST_BLOCK_LINES:
                return end
            deeper, blank, count = deeper or width > base, 0, count + 1
            end = start + 1 + len(line)
        start += 1 + len(line)
    return None


def _blank_lines(text: str, prompt: Prompt) -> int:
    """Length of the blank lines at the start of an answer that do not count."""
    if not prompt.skips_blank_lines:
        return 0
    blank = (_BLANK_OR_COMMENT_LINES if prompt.ends_at_comment else _BLANK_LINES).match(text)
    return blank.end() if blank else 0


def _comment_start(line: str, prompt: Prompt, *, is_first: bool) -> int | None:
    """Where a comment begins behind the code of a line of the answer, with the blanks before it; None: nowhere.

    is_first: the line goes on what stands before the place. A person who is writing a comment is written on.
    """
    if not prompt.ends_at_comment or "#" not in line:
        return None
    begun = prompt.before[prompt.before.rfind("\n") + 1 :] if is_first else ""
    code = strip_comment(begun + line)
    if len(code) <= len(begun) or len(code) == len((begun + line).rstrip()):
        return None
    return len(code) - len(begun)


def _width(blanks: str) -> int:
    return len(blanks.expandtabs(4))


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """A piece of an answer, and the natural log-probability with which the model wrote it. None: unknown."""

    text: str
    log_prob: float | None = None


class AnswerCollector:
    """Puts the pieces of an answer together until all that the decision allows was written.

    ends: texts at which an answer ends wherever they stand, such as special tokens that a server passes on.
    """

    def __init__(self, prompt: Prompt, ends: Iterable[str] = ()) -> None:
        self._prompt = prompt
        self._ends = tuple(end for end in ends if end)
        self._text = ""
        self._starts: list[tuple[int, float | None]] = []
        self._finished_at: int | None = None

    def add(self, token: AnswerToken) -> bool:
        """Adds a piece; returns whether the answer is complete."""
        if self._finished_at is not None:
            return True
        text = token.text
        if not self._starts and self._prompt.text != self._prompt.before:
            text = text.removeprefix(" ")
        self._starts.append((len(self._text), token.log_prob))
        self._text += text
        ends = [at for end in self._ends if (at := self._text.find(end)) >= 0]
        allowed = end_of_answer(self._text, self._prompt)
        if allowed is not None:
            ends.append(allowed)
        self._finished_at = min(ends, default=None)
        return self._finished_at is not None

    def completion(self, writer: str) -> Completion:
        """What was written so far, as the text of the decision; "" if the model added nothing."""
        skipped = _blank_lines(self._text, self._prompt)
        answer = self._text[: self._finished_at].rstrip()
        text = answer[skipped:]
        if not text.strip():
            return Completion("", writer)
        if self._prompt.is_block and not skipped:
            text = (self._prompt.indent or "") + self._prompt.head + text
        else:
            text = self._prompt.head + text
        log_probs = [log_prob for start, log_prob in self._starts if start < len(answer)]
        numbers = tuple(log_prob for log_prob in log_probs if log_prob is not None)
        return Completion(text, writer, numbers if len(numbers) == len(log_probs) else None)


def best_answer(
    ask: Callable[[float, bool], Completion], state: State, line: int, rejected: Sequence[str]
) -> Completion:
    """What a model answers, asked once more where its answer is of no use; "" if the second one is not either, or late.

    ask: takes a temperature, and whether the model sees what stands after the place. A small model likes to copy the
    next line: then it is asked without. A text that the person rejected: at `SECOND_TEMPERATURE`.
    """
    answer = ask(0.0, True)
    had_rejected = is_rejected(answer.text, rejected)
    if repeats_next_line(answer.text, state, line):
        answer = _unless_late(ask, 0.0, False, answer.writer)
    elif had_rejected:
        answer = _unless_late(ask, SECOND_TEMPERATURE, True, answer.writer)
    had_rejected = had_rejected or is_rejected(answer.text, rejected)
    if is_rejected(answer.text, rejected) or repeats_next_line(answer.text, state, line):
        answer = Completion("", answer.writer)
    return answer if answer.text.strip() else replace(answer, is_rejected=had_rejected)


def _unless_late(
    ask: Callable[[float, bool], Completion], temperature: float, sees_after: bool, writer: str
) -> Completion:
    """What a model answers; "" if it has no time left: the writer did answer, only not twice."""
    try:
        return ask(temperature, sees_after)
    except LateAnswerError:
        return Completion("", writer)


def repeats_next_line(text: str, state: State, line: int) -> bool:
    """Whether the text is the next line that is not blank, whatever blanks there are."""
    following = next((words for other in state.lines[line + 1 :] if (words := _words(other))), None)
    return following is not None and _words(text) == following


def is_rejected(text: str, rejected: Iterable[str]) -> bool:
    """Whether the person deleted or took back this very text before, whatever blanks there are."""
    words = _words(text)
    return bool(words) and any(words == _words(other) for other in rejected)


def _words(text: str) -> list[str]:
    return re.findall(r"\S+", text)
