"""Problems to solve: a catalogue of our own, and reading and writing those of other people."""

from judge.problems.catalogue import catalogue
from judge.problems.problem_reader import ProblemsRead, SkippedProblem, read_problems
from judge.problems.records import parse_problem, public_record, whole_record

__all__ = [
    "ProblemsRead", "SkippedProblem", "catalogue", "parse_problem", "public_record", "read_problems", "whole_record",
]  # fmt: skip
