"""Judging: whether a text compiles and how many of its problem's cases pass, run in processes of their own."""

from judge.case_runner import CaseResult, CaseRunner, Execution, StandardCase
from judge.execution import execute
from judge.judge import SMALL_PROBLEM_LIMITS, Judge, Limits
from judge.problem import Case, Problem
from judge.sandbox import ProbedSandbox, probe
from judge.sandbox_level import SandboxLevel
from judge.verdict import Verdict

__all__ = [
    "SMALL_PROBLEM_LIMITS",
    "Case",
    "CaseResult",
    "CaseRunner",
    "Execution",
    "Judge",
    "Limits",
    "ProbedSandbox",
    "Problem",
    "SandboxLevel",
    "StandardCase",
    "Verdict",
    "execute",
    "probe",
]
