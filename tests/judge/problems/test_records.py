"""Problems as records: nothing is lost in a file, nothing that is hidden gets out, and bad values are named."""

import json

import pytest

from errors import InputError
from judge import Case
from judge.problems import catalogue, parse_problem, public_record, whole_record

SERVED = {
    "task_id": "two-halves", "question_id": "12", "difficulty": "Easy", "tags": ["lists"],
    "problem_description": "Halve.",
    "starter_code": "class Solution:\n    def halve(self, n: int) -> int:\n        ", "entry_point": "Solution().halve",
    "prompt": "from typing import *", "completion": "class Solution:\n    def halve(self, n):\n        return n // 2\n",
    "input_output": [{"input": "n = 4", "output": "2"}, {"input": "n = 9", "output": "4", "hidden": True}],
}  # fmt: skip


def fields(problem):
    return {name: value for name, value in vars(problem).items() if name != "key"}


@pytest.mark.parametrize("problem", [*catalogue().values(), parse_problem(SERVED, "")], ids=lambda problem: problem.id)
def test_a_whole_record_gives_the_same_problem_again(problem):
    again = parse_problem(json.loads(json.dumps(whole_record(problem))), "")
    assert fields(again) == fields(problem) and again.key == problem.key


def test_a_served_problem_is_read_with_all_it_has():
    problem = parse_problem(SERVED, "")
    assert (problem.id, problem.number, problem.difficulty, problem.topics) == ("two-halves", 12, "easy", ("lists",))
    assert (problem.title, problem.statement, problem.preamble) == ("Two halves", "Halve.", "from typing import *")
    assert problem.cases == (Case((4,), 2), Case((9,), 4, hidden=True))
    assert problem.visible_cases == (Case((4,), 2),)
    assert problem.solution[-1] == "        return n // 2"


def test_the_public_record_has_the_visible_cases_and_their_names_only():
    record = public_record(parse_problem(SERVED, ""))
    assert record["input_output"] == [{"input": "n = 4", "output": "2"}]
    assert "9" not in json.dumps(record["input_output"]) and "return" not in json.dumps(record)
    assert record["prompt"] == "from typing import *" and record["tags"] == ["lists"]


def test_the_lines_that_are_given_are_those_of_the_starter_code():
    starter = "import math\n\n\ndef f(x):\n    "
    record = {"id": "a", "name": "f", "cases": [], "starter_code": starter, "solution": f"{starter}return x"}
    assert parse_problem(record, "").skeleton == 4
    assert parse_problem({**record, "skeleton": 2}, "").skeleton == 2
    assert parse_problem({**record, "starter_code": ""}, "").skeleton == 1


def test_a_short_record_is_enough():
    problem = parse_problem({"id": "a-b", "name": "f", "cases": [[[1], 2]], "tags": None, "title": None}, "")
    assert (problem.title, problem.topics, problem.solution, problem.number) == ("A b", (), (), None)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"question_id": "x"}, "question_id is 'x', expected a whole number"),
        ({"question_id": True}, "question_id is True"),
        ({"question_id": -1}, "question_id is -1"),
        ({"difficulty": 3}, "difficulty is 3, expected text"),
        ({"tags": "lists"}, "tags are no list of texts"),
        ({"starter_code": []}, "starter_code is a list, expected text"),
        ({"completion": 3}, "solution is 3, expected text or a list of lines"),
        ({"entry_point": ""}, "entry_point (or name) is '', expected text"),
        (
            {"input_output": [{"input": "n = 1", "output": "1", "hidden": "no"}]},
            "hidden is 'no', expected true or false",
        ),
        ({"input_output": {}}, "neither input_output nor cases"),
    ],
)
def test_a_value_that_is_not_understood_is_refused_with_its_place(change, what):
    with pytest.raises(InputError) as refused:
        parse_problem({**SERVED, **change}, "problem 7")
    assert str(refused.value).startswith("problem 7") and what in str(refused.value)
