#!/usr/bin/env python3
"""Write the two sample sessions that `run.py` uses when there is no recording of yours yet.

    python examples/make_samples.py [OUT_DIR]        (default: examples/sessions)

Each session is a script: what the person typed or took back, what the assistant did. The person in the first one likes
code and takes comments back; the one in the second likes comments and writes the longer parts alone. Standard library
only; the same bytes every time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

NO_OP, FILL, WRITE_ONE, WRITE_MANY, EDIT, EXPLAIN_ONE, EXPLAIN_ABOVE = range(7)

Edit = Callable[["Session"], None]
Mark = tuple[int, list[int], list[bool], list[str]]
"""An edit of a line: turn, span, [added, deleted, replaced], special flags."""


@dataclass
class Line:
    """A line, each agent's last edit of it, and the cursor's last stay (turn, character from 1)."""

    text: str
    human: Mark = (0, [0, 0], [False] * 3, [])
    assistant: Mark = (0, [0, 0], [False] * 3, [])
    cursor: tuple[int, int] = (0, 0)


@dataclass
class Session:
    """A recording in the making; lines are numbered from 1, as an editor shows them."""

    problem: str
    entry: str
    cases: list[tuple[list[object], object]]
    lines: list[Line]
    turn: int = 0
    clock: int = 1_750_000_000_000
    states: list[dict[str, object]] = field(default_factory=list)

    def human(self, *edits: Edit, at: int) -> None:
        """The person's turn: some edits (none: they look on), then the cursor stands at the end of line `at`."""
        self.turn += 1
        for edit in edits:
            edit(self)
        line = self.lines[at - 1]
        line.cursor = (self.turn, len(line.text) + 1)
        self.record(None)

    def assistant(self, decision: int, at: int = 0, *texts: str) -> None:
        """The assistant's turn: `texts` replace line `at`, or stand above it (explain above)."""
        self.turn += 1
        if decision == EXPLAIN_ABOVE:
            self.lines.insert(at - 1, Line(texts[0], assistant=new_line_mark(self.turn, texts[0])))
        elif decision != NO_OP:
            self.overwrite(at, texts[0], "assistant")
            for more, text in enumerate(texts[1:]):
                self.lines.insert(at + more, Line(text, assistant=new_line_mark(self.turn, text)))
        self.record({"H": None, "A": {"type": decision, "line": at}})

    def overwrite(self, at: int, text: str, agent: str, flags: tuple[str, ...] = ()) -> None:
        line = self.lines[at - 1]
        unchanged = next((i for i, (a, b) in enumerate(zip(line.text, text, strict=False)) if a != b), -1)
        unchanged = min(len(line.text), len(text)) if unchanged < 0 else unchanged
        added, removed = len(text) > unchanged, len(line.text) > unchanged
        if added or removed:
            setattr(line, agent, (self.turn, [unchanged, len(text)], [added, removed, added and removed], list(flags)))
            line.text = text

    def record(self, action: dict[str, object] | None) -> None:
        self.clock += 2000 + 1700 * (self.turn % 4)

        def mark_fields(mark: Mark) -> dict[str, object]:
            turn, span, acts, flags = mark
            return {"turn": turn, "span": span, "actions": acts, "seconds": turn, "specialFlags": flags}

        attribution = [
            {
                "human": mark_fields(line.human),
                "assistant": mark_fields(line.assistant),
                "cursor": {"turn": line.cursor[0], "char": line.cursor[1]},
            }
            for line in self.lines
        ]
        self.states.append(
            {
                "episode_id": f"sample-{self.problem}",
                "timestep": self.turn,
                "timestamp_ms": self.clock,
                "text": "\n".join(line.text for line in self.lines),
                "attribution": attribution,
                "action": action,
                "env": self.run_tests(),
            }
        )

    def run_tests(self) -> dict[str, object]:
        """Compile and test the text (it is this file's own code)."""
        scope: dict[str, Callable[..., object]] = {}
        passed, compiled = 0, True
        try:
            exec(compile("\n".join(line.text for line in self.lines), f"<{self.problem}>", "exec"), scope)
        except SyntaxError:
            compiled = False
        for arguments, expected in self.cases if compiled else []:
            try:
                passed += scope[self.entry](*arguments) == expected
            except Exception:  # unfinished code fails in any way it likes
                continue
        return {"compiled": compiled, "tests": {"passed": passed, "total": len(self.cases)}, "execution_time_ms": 2}


def new_line_mark(turn: int, text: str) -> Mark:
    """The mark on a line that was not there before."""
    return (turn, [0, len(text)], [True, False, False], [])


def write_line(at: int, text: str) -> Edit:
    """Line `at` reads `text` now."""
    return lambda session: session.overwrite(at, text, "human")


def insert_line(at: int, text: str) -> Edit:
    """A new line `at`; what was there moves down."""

    def edit(session: Session) -> None:
        session.lines.insert(at - 1, Line(text, human=new_line_mark(session.turn, text)))

    return edit


def undo(at: int, text: str | None = None) -> Edit:
    """Undo what the assistant did at line `at`: back to `text`, or None: the line goes."""

    def edit(session: Session) -> None:
        if text is None:
            session.lines.pop(at - 1)
        else:
            session.overwrite(at, text, "human", ("undo",))

    return edit


def start_session(problem: str, entry: str, head: list[str], cases: list[tuple[list[object], object]]) -> Session:
    """The task's skeleton (protected: edited at turn 0) and an empty line to begin at."""
    skeleton = [Line(text, human=new_line_mark(0, text)) for text in head]
    return Session(problem, entry, cases, [*skeleton, Line("")])


def longest_streak() -> Session:
    """Takes code, takes comments back."""
    s = start_session(
        "longest-streak",
        "longest_streak",
        ["def longest_streak(days):", '    """How many days in a row the longest streak has."""'],
        [([[3, 1, 2, 9]], 3), ([[]], 0), ([[5, 5, 5]], 1), ([[10, 1, 11, 2, 12, 13]], 4)],
    )
    s.human(at=3)
    s.assistant(WRITE_ONE, 3, "    days = set(days)")
    s.human(insert_line(4, "    best = 0"), insert_line(5, ""), at=5)
    s.assistant(EXPLAIN_ABOVE, 4, "    # the longest streak so far")
    s.human(undo(4), at=5)
    s.assistant(NO_OP)
    s.human(write_line(5, "    for day in d"), at=5)
    s.assistant(FILL, 5, "    for day in days:")
    s.human(insert_line(6, "        if day - 1 in days:"), at=6)
    s.assistant(WRITE_MANY, 6, "        if day - 1 in days:", "            continue")
    s.human(insert_line(8, "        length = 1"), insert_line(9, ""), at=9)
    s.assistant(WRITE_MANY, 9, "        while day + length in days:", "            length += 1")
    s.human(insert_line(11, "        best = max(best, l"), at=11)
    s.assistant(FILL, 11, "        best = max(best, length)")
    s.human(insert_line(12, "    return best"), at=12)
    s.assistant(EXPLAIN_ONE, 12, "    return best  # zero without days")
    s.human(undo(12, "    return best"), at=12)
    s.assistant(EDIT, 3, "    days = sorted(set(days))")
    s.human(undo(3, "    days = set(days)"), at=3)
    s.assistant(NO_OP)
    s.human(at=12)
    s.assistant(EXPLAIN_ABOVE, 9, "        # count how far this streak goes")
    s.human(undo(9), at=12)
    s.assistant(NO_OP)
    s.human(at=10)
    s.assistant(EDIT, 10, "            length = length + 1")
    s.human(undo(10, "            length += 1"), at=10)
    s.assistant(NO_OP)
    s.human(at=12)
    return s


def title_case() -> Session:
    """Takes comments and endings of lines, writes the longer parts alone."""
    s = start_session(
        "title-case",
        "title",
        ["def title(text, small):", '    """Capitalise all words but the small ones, and the first one always."""'],
        [
            (["the lord of the rings", ["the", "of"]], "The Lord of the Rings"),
            (["", ["a"]], ""),
            (["a tale", ["a"]], "A Tale"),
        ],
    )
    s.human(at=3)
    s.assistant(EXPLAIN_ABOVE, 3, "    # word by word")
    s.human(write_line(4, "    words = text.split()"), insert_line(5, ""), at=5)
    s.assistant(WRITE_MANY, 5, "    for word in words:", "        word = word.capitalize()", "    return words")
    s.human(undo(7), undo(6), undo(5, ""), at=5)
    s.assistant(WRITE_ONE, 5, "    result = []")
    s.human(insert_line(6, "    for position, word in enu"), at=6)
    s.assistant(FILL, 6, "    for position, word in enumerate(words):")
    s.human(insert_line(7, "        if position > 0 and word.lower() in small:"), at=7)
    s.assistant(EXPLAIN_ONE, 7, "        if position > 0 and word.lower() in small:  # small words stay small")
    s.human(insert_line(8, "            result.append(word.lower())"), at=8)
    s.assistant(NO_OP)
    s.human(insert_line(9, "        else:"), at=9)
    s.assistant(WRITE_MANY, 9, "        else:", "            result.append(word)")
    s.human(write_line(10, "            result.append(word.capitalize())"), at=10)
    s.assistant(EXPLAIN_ONE, 10, "            result.append(word.capitalize())  # all others do not")
    s.human(insert_line(11, "    return"), at=11)
    s.assistant(FILL, 11, '    return " ".join(result)')
    s.human(at=11)
    s.assistant(EDIT, 4, "    words = text.strip().split()")
    s.human(undo(4, "    words = text.split()"), at=4)
    s.assistant(EXPLAIN_ABOVE, 6, "    # the position tells the first word")
    s.human(at=12)
    s.assistant(NO_OP)
    s.human(write_line(3, "    # word by word, in order"), at=3)
    s.assistant(WRITE_ONE, 3, "    # split the text")
    s.human(undo(3, "    # word by word, in order"), at=3)
    s.assistant(NO_OP)
    s.human(at=12)
    return s


def main(folder: Path) -> None:
    """Writes both sessions below `folder`."""
    for session in (longest_streak(), title_case()):
        name = f"sample-{session.problem}"
        snapshot = {
            "episode_id": name,
            "problem_id": session.problem,
            "model": "sample",
            "startTime": 1_750_000_000_000,
            "endTime": session.clock,
            "states": session.states,
        }
        path = folder / name / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(snapshot, separators=(",", ":")) + "\n", encoding="utf-8")
        print(f"{path}: {len(session.states)} states")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the two sample sessions.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent / "sessions", metavar="OUT_DIR")
    out_dir = parser.parse_args().folder
    try:
        main(out_dir)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        parser.error(f"{out_dir}: {error}, expected a folder that can be written to")
