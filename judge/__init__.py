"""Judging: whether a text compiles and how many of its problem's cases pass, run in processes of their own."""

from judge.judge import SMALL_PROBLEM_LIMITS, Judge, Limits
from judge.problem import Case, Problem
from judge.verdict import Verdict

__all__ = ["SMALL_PROBLEM_LIMITS", "Case", "Judge", "Limits", "Problem", "Verdict"]
