"""The tester's answer has exactly the protocol's shape; what is malformed is refused in one line."""

import pytest

from errors import InputError
from judge import CaseRunner, execute

REQUEST = {
    "episode_id": "episode",
    "code": "print('debug')\nprint('---HARNESS_OUTPUT---')\nprint(int(input()) * 2)",
    "test_cases": [{"test_id": "a", "input": "2", "output": "4\n"}, {"test_id": 7, "input": "3", "output": "7\n"}],
    "timestep": 3,
    "timeout_ms": 20_000,
    "store_activity": True,
}


@pytest.fixture(scope="module")
def runner():
    with CaseRunner(unprotected=True) as runner:
        yield runner


def test_an_answer_has_all_keys_and_no_other(runner):
    answer = execute(runner, REQUEST)
    assert answer.pop("execution_time_ms") > 0
    assert answer == {
        "episode_id": "episode",
        "timestep": 3,
        "success": False,
        "error_message": None,
        "test_results": [
            {
                "test_id": "a",
                "passed": True,
                "input": "2",
                "actual_output": "4\n",
                "expected_output": "4\n",
                "error_message": None,
                "user_stdout": "debug\n",
            },
            {
                "test_id": 7,
                "passed": False,
                "input": "3",
                "actual_output": "6\n",
                "expected_output": "7\n",
                "error_message": None,
                "user_stdout": "debug\n",
            },
        ],
    }


def test_success_means_that_all_cases_passed(runner):
    assert execute(runner, {**REQUEST, "test_cases": REQUEST["test_cases"][:1]})["success"]
    assert execute(runner, {**REQUEST, "test_cases": []})["success"]
    endless = execute(runner, {**REQUEST, "code": "while True: pass", "timeout_ms": 200})
    assert not endless["success"] and endless["error_message"].startswith("timed out")


def test_optional_keys_are_heeded(runner):
    hungry = {**REQUEST, "code": "a = bytearray(10**8)", "test_cases": [{"test_id": 1, "input": "", "output": ""}]}
    assert execute(runner, {**hungry, "memory_limit": None})["success"]
    assert not execute(runner, {**hungry, "memory_limit": 32})["success"]
    wrong = {**REQUEST, "code": "", "stop_on_first_failure": True}
    assert len(execute(runner, wrong)["test_results"]) == 1
    called = {**REQUEST, "code": "def f(a): return a", "entry_point": "f"}
    assert execute(runner, {**called, "test_cases": [{"test_id": 1, "input": "a = 2", "output": "2"}]})["success"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("code", None, "execute: code is 'None', expected text"),
        ("episode_id", 3, "expected text"),
        ("timestep", "3", "expected a whole number"),
        ("timestep", True, "expected a whole number"),
        ("test_cases", {}, "expected a list"),
        ("test_cases", ["a"], "test case 1: expected an object"),
        ("test_cases", [{"test_id": 1, "input": 3, "output": ""}], "test case 1: input is '3', expected text"),
        ("test_cases", [{"test_id": None, "input": "", "output": ""}], "test case 1: test_id is None"),
        ("timeout_ms", 0, "expected a positive number"),
        ("timeout_ms", float("nan"), "expected a positive number"),
        ("timeout_ms", True, "expected a positive number"),
        ("memory_limit", "1", "expected a whole number"),
        ("stop_on_first_failure", 1, "expected true or false"),
    ],
)
def test_a_malformed_request_is_refused_in_one_line(runner, key, value, message):
    with pytest.raises(InputError) as refused:
        execute(runner, {**REQUEST, key: value})
    assert message in str(refused.value) and "\n" not in str(refused.value)
