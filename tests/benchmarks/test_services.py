"""The benchmark of services asks what it says, and counts what it says."""

import ast

import pytest

from benchmarks import services


@pytest.mark.parametrize("lines", [10, 100])
def test_the_file_has_so_many_lines_and_one_that_is_unfinished(lines):
    rows = services.program(lines).split("\n")
    assert len(rows) == lines + 1 and rows[lines // 2] == "    "


def test_what_is_tested_passes_its_cases():
    for case in services.CASES:
        assert f"{2 * int(case['input'])}\n" == case["output"]
    assert services.run_plainly(0)


def test_requests_that_do_not_count_are_left_out():
    row = services.rate(0.05, lambda i: i % 2 == 0)
    assert row["count"] >= 1 and row["per_second"] > 0
    assert services.rate(0.01, lambda i: False)["count"] == 0


def test_a_run_of_tests_is_never_a_remembered_one():
    bodies = []

    class Client:
        def post(self, path, body):
            bodies.append(body)
            return {"success": True}

    for i in range(3):
        services.run_tests(Client(), i)
    assert len({body["code"] for body in bodies}) == 3 and ast.parse(bodies[0]["code"])
