"""Problems to solve: a catalogue of our own, and reading and writing those of other people."""

from judge.problems.catalogue import catalogue
from judge.problems.problem_reader import ProblemsRead, SkippedProblem, read_problems
from judge.problems.problem_store import AddedProblems, add_problems
from judge.problems.records import parse_problem, public_record, whole_record

__all__ = [
    "AddedProblems", "ProblemsRead", "SkippedProblem", "add_problems", "catalogue", "parse_problem",
    "public_record", "read_problems", "whole_record",
]  # fmt: skip
