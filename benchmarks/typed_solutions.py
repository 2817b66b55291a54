"""Texts as people may have typed them who know a problem's solution, and what the tutor makes of them.

Not here: what is measured of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from actions import Decision, apply_text
from comments import split
from delegates import WritingContext
from delegates.solution_alignment import rename
from delegates.statements import read_solution
from delegates.tutor import Tutor
from judge import Problem
from state import State, unedited

CODE_DECISIONS = (
    Decision.FILL_PARTIAL_LINE, Decision.WRITE_SINGLE_LINE, Decision.WRITE_MULTI_LINE, Decision.EDIT_EXISTING_LINES,
)  # fmt: skip

MOST_PIECES = 100
"""Pieces after which a tutor that has more to say never ends."""

TUTOR = Tutor()


def typed(problem: Problem, generator: Random, renamed: float = 0.0) -> list[str]:
    """The solution without comments; each name that it binds is another one with probability `renamed`."""
    solution = read_solution(problem.solution, problem.skeleton, problem.entry_point)
    fixed = {token.text for statement in solution.statements[: solution.skeleton] for token in statement.tokens}
    names = {name: f"my_{name}" for name in sorted(solution.bound - fixed) if generator.random() < renamed}
    lines = rename("\n".join(line.code for line in split(problem.solution)), names).split("\n")
    return [line for i, line in enumerate(lines) if line.strip() or i < problem.skeleton]


def first_lines(lines: list[str], problem: Problem, generator: Random) -> list[str]:
    """The first lines of a text, the skeleton at least."""
    return lines[: generator.randrange(problem.skeleton, len(lines))]


def cut_in_a_line(lines: list[str], problem: Problem, generator: Random) -> list[str]:
    """A text up to some character."""
    text, skeleton = "\n".join(lines), "\n".join(lines[: problem.skeleton])
    return text[: generator.randrange(len(skeleton) + 1, len(text))].split("\n")


def with_holes(lines: list[str], problem: Problem, generator: Random) -> list[str]:
    """A text without a third of its lines."""
    count = max((len(lines) - problem.skeleton) // 3, 1)
    holes = generator.sample(range(problem.skeleton, len(lines)), count)
    return [line for i, line in enumerate(lines) if i not in holes]


def variant(problem: Problem, generator: Random) -> list[str]:
    """The solution with other names, and two lines swapped or joined, or a line made longer, split or commented."""
    lines = typed(problem, generator, 0.5)
    i = generator.randrange(problem.skeleton, len(lines) - 1)
    line, following = lines[i], lines[i + 1]
    indent = line[: len(line) - len(line.lstrip())]
    change = generator.choice(("swap", "lengthen", "split", "join", "comment"))
    if change == "swap" and following.startswith(indent) and not following.removeprefix(indent).startswith(" "):
        lines[i : i + 2] = [following, line]
    elif change == "lengthen" and line.count(" += ") == 1:
        name, added = line.split(" += ")
        lines[i] = f"{name} = {name.strip()} + {added}"
    elif change == "split" and line.lstrip().startswith("return "):
        lines[i : i + 1] = [f"{indent}result = {line.lstrip().removeprefix('return ')}", f"{indent}return result"]
    elif change == "join" and line.count(" = ") == 1 == following.count(" = "):
        (name, value), (other_name, other_value) = line.split(" = "), following.strip().split(" = ")
        lines[i : i + 2] = [f"{name}, {other_name} = {value}, {other_value}"]
    elif change == "comment":
        lines[i : i + 1] = [f"{indent}# as it should be", "", f"{line}  # so it is"]
    return lines


def tutor_text(lines: Sequence[str], decision: Decision, line: int, problem: Problem) -> str:
    """What the tutor writes for a decision at a line of a text."""
    state = State(tuple(lines), 1, unedited(len(lines)), unedited(len(lines)))
    return TUTOR.write(state, decision, line, WritingContext(problem=problem)).text


def finished(lines: list[str], problem: Problem) -> list[str]:
    """The text once the tutor has written, piece by piece, all that it can. Raises RuntimeError: it never ends."""
    for _ in range(MOST_PIECES):
        pieces = ((i, tutor_text(lines, Decision.WRITE_MULTI_LINE, i, problem)) for i in range(len(lines)))
        line, text = next(((i, text) for i, text in pieces if text), (0, ""))
        if not text:
            return lines
        lines = apply_text(lines, Decision.WRITE_MULTI_LINE, line, text)
    raise RuntimeError(f"the tutor has ever more to say to {problem.id}")


def every_edit(lines: list[str], problem: Problem) -> Iterator[list[str]]:
    """The text after each decision at each line for which the tutor writes code."""
    for line in range(problem.skeleton - 1, len(lines)):
        for decision in CODE_DECISIONS:
            if text := tutor_text(lines, decision, line, problem):
                yield apply_text(lines, decision, line, text)
