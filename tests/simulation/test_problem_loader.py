"""Problems from a file: both shapes, and one clear line for what cannot be understood."""

import json

import pytest

from errors import InputError
from judge import SMALL_PROBLEM_LIMITS, Case, Judge
from judge.problems import catalogue
from simulation.builtin_problems import BY_ID
from simulation.problem_loader import load_problems, load_readable_problems

SERVED = {
    "task_id": "twice", "question_id": 7, "difficulty": "easy", "entry_point": "Solution().twice",
    "input_output": [{"input": "x = [1, 2], n = 3", "output": "[2, 4]"}, {"input": "", "output": "none of it"}],
}  # fmt: skip
SHORT = {"id": "thrice", "name": "thrice", "cases": [[[2], 6]], "notes": ["three times"], "skeleton": 1}


def test_without_a_file_there_are_our_own(tmp_path):
    assert load_problems(tmp_path / "problems.json") == {**catalogue(), **BY_ID} and not set(catalogue()) & set(BY_ID)


@pytest.mark.parametrize("as_text", [json.dumps, lambda values: "\n\n".join(map(json.dumps, values))])
def test_both_shapes_are_read_from_a_list_or_from_lines(tmp_path, as_text):
    (tmp_path / "problems.json").write_text(as_text([SERVED, SHORT]))
    problems = load_problems(tmp_path / "problems.json")
    assert set(problems) == {*catalogue(), *BY_ID, "twice", "thrice"}
    twice, thrice = problems["twice"], problems["thrice"]
    assert twice.entry_point == "Solution().twice"
    assert twice.cases == (Case(([1, 2], 3), [2, 4]), Case((), "none of it"))
    assert thrice.cases == (Case((2,), 6),) and thrice.notes == ("three times",)


def test_a_problem_from_a_file_judges(tmp_path):
    path = tmp_path / "any.json"
    path.write_text(json.dumps([{**SERVED, "input_output": [{"input": "x = [1, 2]", "output": "[2, 4]"}]}]))
    problem = load_problems(path)["twice"]
    right = "class Solution:\n    def twice(self, x):\n        return [2 * one for one in x]"
    with Judge(SMALL_PROBLEM_LIMITS) as judge:
        passed = [judge.verdict(text, problem).passed for text in (right, right.replace("2 *", "3 *"))]
    assert passed == [1, 0]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("[{", "problems.json", "neither a JSON list"),
        ("[3]", "problem 1", "is 3, expected an object"),
        (json.dumps([SHORT, {**SHORT, "name": 4}]), "problem 2", "entry_point (or name) is 4"),
        (json.dumps([{**SHORT, "id": ""}]), "problem 1", "task_id (or id) is ''"),
        (json.dumps([{"id": "a", "name": "b"}]), "problem 1", "neither input_output nor cases"),
        (json.dumps([{**SHORT, "cases": [[[1], 2], [1]]}]), "problem 1, case 2", "expected {"),
        (json.dumps([{**SHORT, "notes": "x"}]), "problem 1", "notes"),
        (json.dumps([{**SERVED, "input_output": [{"input": "x = open('a')", "output": ""}]}]), "case 1", "input is"),
        (json.dumps([{**SERVED, "input_output": [{"input": "x) + f(", "output": ""}]}]), "case 1", "input is"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_one_line(tmp_path, text, where, what):
    path = tmp_path / "problems.json"
    path.write_text(text)
    with pytest.raises(InputError) as refused:
        load_problems(path)
    said = str(refused.value)
    assert str(path) in said and where in said and what in said and "\n" not in said


@pytest.mark.parametrize("text", ["[{", json.dumps([SHORT, {**SHORT, "name": 4}]), "\0"])
def test_where_the_file_cannot_be_read_our_own_are_there_and_a_line_says_so(tmp_path, text):
    path, lines = tmp_path / "problems.json", []
    path.write_text(text)
    assert load_readable_problems(lines.append, path) == {**catalogue(), **BY_ID}
    (line,) = lines
    assert str(path) in line and "only the built-in problems" in line and "\n" not in line
    assert path.read_text() == text


def test_a_file_that_can_be_read_is_not_spoken_of(tmp_path):
    path = tmp_path / "problems.json"
    path.write_text(json.dumps([SHORT]))
    assert "thrice" in load_readable_problems(pytest.fail, path)
