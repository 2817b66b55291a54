"""A limit on lines ends what is endless at once, and everywhere alike."""

import pytest

from judge import SMALL_PROBLEM_LIMITS, Case, Judge, Limits, Problem

DOUBLE = Problem("double", "double", (Case((2,), 4), Case((3,), 6)))


@pytest.mark.parametrize(
    "text",
    [
        "def double(x):\n    while True: x += 1",
        "def double(x):\n    while True:\n        try: x += 1\n        except: pass",
        "x = 0\nwhile True:\n    x += 1",
    ],
)
def test_endless_calls_end_though_the_clock_would_let_them_run(text):
    with Judge(Limits(steps=1000, cpu_seconds=600.0, wall_seconds=600.0)) as judge:
        verdict = judge.verdict(text, DOUBLE)
    assert (verdict.compiled, verdict.passed, verdict.reason) == (True, 0, "it ran out of time")


def test_each_call_has_its_own_count():
    text = "def double(x):\n    for _ in range(400): pass\n    return 2 * x"
    with Judge(Limits(steps=1000)) as judge:
        assert judge.verdict(text, DOUBLE).passed == 2
    with Judge(Limits(steps=100)) as judge:
        assert judge.verdict(text, DOUBLE).passed == 0
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        assert judge.verdict(text, DOUBLE).passed == 2
