"""A code's cases: what they read, print, raise and may take; and who may stop them."""

import threading
import time

import pytest

from errors import InputError
from judge import CaseRunner, SandboxLevel, StandardCase, case_runner
from judge.case_runner import equals_result_text, split_output
from judge.sandbox import ProbedSandbox


@pytest.fixture(scope="module")
def runner():
    with CaseRunner(unprotected=True) as runner:
        yield runner


def run(runner, code, *cases, timeout_ms=20_000, **options):
    """Cases are (input, expected)."""
    numbered = [StandardCase(number, *case) for number, case in enumerate(cases, 1)]
    return runner.run(code, numbered, timeout_ms=timeout_ms, **options)


def only(execution):
    (result,) = execution.results
    return result


def test_each_case_reads_its_own_input_and_output_is_compared_exactly(runner):
    execution = run(runner, "print(int(input()) * 2)", ("2", "4\n"), ("3", "6"), ("4\nmore", "8\n"))
    assert [result.passed for result in execution.results] == [True, False, True]
    assert [result.actual for result in execution.results] == ["4\n", "6\n", "8\n"]
    assert (execution.passed, execution.error) == (2, None)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("print('4')\nraise ValueError('no')", "ValueError: no"),
        ("print('4')\n1 / 0", "ZeroDivisionError: division by zero"),
        ("print('4')\nx = (", "SyntaxError: '(' was never closed"),
        ("print('4')\nraise SystemExit(3)", "exit code 3"),
        ("print('4')\nraise SystemExit('bye')", "bye"),
        ("print('4', flush=True)\nimport os; os._exit(7)", "exit code 7"),
        ("print('4', flush=True)\nimport ctypes; ctypes.string_at(0)", "ended by signal 11"),
        ("print('4')\na = 'x' * 10**10", "MemoryError"),
        ("while True: print('4' * 1000)", "printed more than 1048576 bytes"),
    ],
)
def test_a_code_that_fails_passes_no_case_and_says_why(runner, code, error):
    result = only(run(runner, code, ("", "4\n")))
    assert not result.passed and result.error.endswith(error)


@pytest.mark.parametrize(
    "code",
    [
        "print(4)",
        "print(4)\nraise SystemExit",
        "print(4)\nraise SystemExit(0)",
        "if __name__ == '__main__': print(4)",
        "import atexit; atexit.register(print, 4)",
        "import threading; threading.Timer(0.1, print, [4]).start()",
        "import threading; threading.Thread(target=print, args=(4,)).start()",
        "import sys; sys.stdout.buffer.write(b'4\\n')",
        "import os; os.write(1, b'4\\n'); os._exit(0)",
        "import sys; sys.stderr.write('x' * 10**6); print(4)",
        "import pickle\nclass A: pass\npickle.loads(pickle.dumps(A())); print(4)",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\nprint(A(4).a)",
        "open('own', 'w').write('4'); print(open('own').read())",
        "import sys; sys.stdin.close(); print(4)",
    ],
)
def test_a_code_ends_like_a_program(runner, code):
    result = only(run(runner, code, ("", "4\n")))
    assert result.passed, result


def test_a_traceback_shows_the_code_and_nothing_of_the_harness(runner):
    error = only(run(runner, "def f():\n    return 1 / 0\n\nf()", ("", ""))).error
    assert "line 2, in f\n    return 1 / 0" in error and error.count("File ") == 2


@pytest.mark.parametrize("text", ["é𝄞\n", "a\r\nb", "", "x" * 300_000, "\ud800"])
def test_text_goes_through_unchanged(runner, text):
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert only(run(runner, code, (text, text))).passed is ("\ud800" not in text)


def test_what_is_printed_before_the_marker_line_is_the_codes_own(runner):
    code = "print('debug')\nprint('---HARNESS_OUTPUT---')\nprint(4)"
    result = only(run(runner, code, ("", "4\n")))
    assert (result.passed, result.user_stdout, result.actual) == (True, "debug\n", "4\n")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("4\n", ("", "4\n")),
        ("---HARNESS_OUTPUT---\n4", ("", "4")),
        ("a\n---HARNESS_OUTPUT---", ("a\n", "")),
        ("---HARNESS_OUTPUT---\nmine\n---HARNESS_OUTPUT---\n4", ("---HARNESS_OUTPUT---\nmine\n", "4")),
        ("a ---HARNESS_OUTPUT---\n4", ("", "a ---HARNESS_OUTPUT---\n4")),
    ],
)
def test_the_last_marker_line_counts(text, parts):
    assert split_output(text) == parts


def test_an_entry_point_is_called_with_the_cases_values(runner):
    code = "class Solution:\n    def add(self, a, b=1):\n        print('called', end='')\n        return a + b"
    cases = [("a = 1, b = 2", "3"), ("a = [1], b = [2]", "[1, 2]"), ("a = 'x', b = 'y'", "xy"), ("a = 1", "3")]
    execution = run(runner, code, *cases, entry_point="Solution().add")
    assert [result.passed for result in execution.results] == [True, True, True, False]
    assert {result.user_stdout for result in execution.results} == {"called"}
    assert execution.results[3].actual == "2"


def test_an_entry_point_that_is_missing_or_raises_is_an_error_of_the_case(runner):
    assert "NameError" in only(run(runner, "x = 1", ("", "1"), entry_point="f")).error
    assert "ZeroDivisionError" in only(run(runner, "def f(): 1 / 0", ("none", "1"), entry_point="f")).error
    with pytest.raises(InputError, match="case 1: input is 'a = open'"):
        run(runner, "def f(a): pass", ("a = open", "1"), entry_point="f")


@pytest.mark.parametrize(
    ("shown", "expected", "equal"),
    [
        ("3", " 3\n", True),
        ("'a'", "a", True),
        ("'a'", '"a"', True),
        ("1.0", "1", True),
        ("(", "(", True),
        ("3", "4", False),
    ],
)
def test_shown_values_are_compared_by_value(shown, expected, equal):
    assert equals_result_text(shown, expected) is equal


@pytest.mark.parametrize("piece", ["-", "[", "(", "1+", "{1:", "not ", "lambda:", "f'{", "a.", "x if y else ", "()"])
def test_hostile_values_do_not_take_the_asker_down(piece):
    for length in (500, 5_000, 20_000, 1_000_000):
        assert not equals_result_text((piece * (length // len(piece)) + "1")[-length:], "1")


def test_the_time_limit_covers_all_cases_together(runner):
    code = "import time; time.sleep(float(input())); print('ok')"
    execution = run(runner, code, ("0", "ok\n"), ("60", "ok\n"), ("0", "ok\n"), timeout_ms=3000)
    assert [result.passed for result in execution.results] == [True, False, False]
    assert [result.error for result in execution.results] == [None, "timed out", "not run"]
    assert execution.error.startswith("timed out") and execution.milliseconds < 20_000


def test_the_first_failure_stops_the_run_if_wanted(runner):
    cases = [("1", "1\n"), ("2", "1\n"), ("1", "1\n")]
    assert len(run(runner, "print(input())", *cases).results) == 3
    assert len(run(runner, "print(input())", *cases, stop_on_first_failure=True).results) == 2


@pytest.mark.parametrize(("memory_mb", "passed"), [(None, True), (32, False), (0, True), (-1, True)])
def test_memory_is_limited_if_wanted(runner, memory_mb, passed):
    assert only(run(runner, "a = bytearray(10**8); print(4)", ("", "4\n"), memory_mb=memory_mb)).passed is passed


def test_no_memory_limit_means_none(runner):
    code = "import mmap; mmap.mmap(-1, 2**30); print(4)"
    assert only(run(runner, code, ("", "4\n"), memory_mb=0)).passed
    assert not only(run(runner, code, ("", "4\n"))).passed


def test_cases_do_not_see_each_other(runner):
    code = (
        "import json, os, random, sys\n"
        "print(os.listdir(), hasattr(json, 'left'), set(os.environ) - {'OPENBLAS_NUM_THREADS'}, random.random())\n"
        "json.left = 1; open('left', 'w').close()"
    )
    execution = run(runner, code, ("", ""), ("", ""))
    first, second = (result.actual for result in execution.results)
    assert first == second and first.startswith("[] False set()")


def test_the_same_question_is_answered_from_memory_unless_it_timed_out(runner):
    code = "import time; print(time.time_ns())"
    assert run(runner, code, ("", "")) is run(runner, code, ("", ""))
    assert run(runner, code, ("", "")) is not run(runner, code, ("", "x"))
    slow = [run(runner, "while True: pass", ("", ""), timeout_ms=200) for _ in range(2)]
    assert slow[0] is not slow[1]


def test_a_case_that_takes_too_long_ends_the_run_before_the_time_of_all_is_up(runner):
    code = "text = input()\nwhile text == 'slow': pass\nprint('fast')"
    cases = [("fast", "fast\n"), ("slow", ""), ("fast", "fast\n")]
    start = time.monotonic()
    execution = run(runner, code, *cases, timeout_ms=60_000, case_ms=500)
    assert time.monotonic() - start < 30 and execution.error == "timed out"
    assert [result.error for result in execution.results] == [None, "timed out", "not run"]
    assert run(runner, "print(3)", ("", "3\n"), case_ms=10_000).error is None


class Flag:
    cancelled = False


def test_a_cancelled_run_ends_at_once_and_the_next_is_right(runner):
    flag = Flag()
    threading.Timer(0.5, lambda: setattr(flag, "cancelled", True)).start()
    start = time.monotonic()
    execution = run(runner, "while True: pass", ("", ""), ("", ""), timeout_ms=60_000, cancellation=flag)
    assert time.monotonic() - start < 30
    assert (execution.error, execution.results[1].error) == ("cancelled", "not run")
    assert only(run(runner, "print(5)", ("", "5\n"))).passed


def test_a_cancellation_that_comes_too_late_does_not_meet_the_next_run(runner):
    (worker,) = runner._pool.workers
    only(run(runner, "print(6)", ("", "6\n")))
    worker.cancel()
    assert only(run(runner, "print(7)", ("", "7\n"))).passed


def test_a_run_that_is_cancelled_while_it_waits_for_a_worker_ends_at_once():
    flag, owner = Flag(), object()
    threading.Timer(0.2, lambda: setattr(flag, "cancelled", True)).start()
    with CaseRunner(unprotected=True) as runner:
        assert runner._pool.acquire(owner, wait=False) is not None
        start = time.monotonic()
        execution = run(runner, "print(1)", ("", "1\n"), ("", "1\n"), cancellation=flag)
        assert time.monotonic() - start < 10
        assert execution.error == "cancelled" and [result.error for result in execution.results] == ["not run"] * 2
        runner._pool.release(owner=owner)
        assert only(run(runner, "print(1)", ("", "1\n"))).passed


def test_several_threads_get_their_own_results():
    with CaseRunner(unprotected=True, workers=2) as runner:
        executions = {}

        def ask(number):
            executions[number] = run(runner, f"print({number})", *[("", f"{number}\n")] * 3)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [executions[number].passed for number in range(6)] == [3] * 6


def test_a_worker_that_dies_fails_its_case_and_is_replaced(runner, monkeypatch):
    monkeypatch.setattr("judge.worker_pool.WorkerProcess.answer", lambda worker, *, wait: worker.stop())
    assert only(run(runner, "print(8)", ("", "8\n"))).error == "the process that runs code died"
    monkeypatch.undo()
    assert only(run(runner, "print(9)", ("", "9\n"))).passed


def test_a_worker_that_protects_less_than_the_one_that_was_tried_runs_nothing():
    with CaseRunner(level=SandboxLevel.LIMITS, unprotected=True) as runner:
        runner._probed = ProbedSandbox(SandboxLevel.FULL, (), ("namespaces", "calls", "files"))
        execution = run(runner, "print(4)", ("", "4\n"), ("", "4\n"))
        assert [result.passed for result in execution.results] == [False, False]
        assert execution.error.startswith("not run: the sandbox is weaker")
        runner._probed = ProbedSandbox(SandboxLevel.LIMITS, ())
        assert run(runner, "print(4)", ("", "4\n"), ("", "4\n")).passed == 2


def test_too_weak_a_sandbox_runs_nothing_unless_it_is_wanted(monkeypatch):
    weak = ProbedSandbox(SandboxLevel.LIMITS, ("read_file",))
    monkeypatch.setattr("judge.case_runner.probe", lambda level: weak)
    with CaseRunner() as runner, pytest.raises(InputError, match=r"level 1 .*expected level 3.*--unprotected-tester"):
        run(runner, "print(4)", ("", "4\n"))
    with CaseRunner(unprotected=True) as runner:
        assert only(run(runner, "print(4)", ("", "4\n"))).passed


def test_a_sandbox_that_could_not_be_set_up_is_tried_again_after_a_while_and_then_serves(monkeypatch):
    none, full, now, tried = ProbedSandbox(SandboxLevel.NONE, ()), ProbedSandbox(SandboxLevel.FULL, ()), [50.0], []
    results = [none, none, full]
    monkeypatch.setattr(case_runner, "probe", lambda level: tried.append(now[0]) or results[len(tried) - 1])
    monkeypatch.setattr(case_runner.time, "monotonic", lambda: now[0])
    with CaseRunner() as runner:
        assert all(runner.refusal for _ in range(5)) and tried == [50.0]
        now[0] += case_runner.PROBE_AGAIN_SECONDS
        assert all(runner.refusal for _ in range(5)) and len(tried) == 2
        now[0] += case_runner.PROBE_AGAIN_SECONDS - 0.1
        assert runner.refusal and len(tried) == 2
        now[0] += 0.1
        assert runner.refusal is None and runner.sandbox is full
        now[0] += 1000
        assert runner.sandbox is full and len(tried) == 3


def test_large_executions_are_not_all_remembered(monkeypatch):
    monkeypatch.setattr(case_runner, "MAX_REMEMBERED", 1000)
    with CaseRunner(unprotected=True) as runner:
        first, again, small, repeated = (
            run(runner, code, ("", ""))
            for code in ("print('x' * 800)", "print('y' * 800)", "print('z' * 9)", "print('x' * 800)")
        )
        assert runner._cache._characters <= 1000
        assert run(runner, "print('x' * 800)", ("", "")) is repeated and repeated is not first
        assert again.results[0].actual == "y" * 800 + "\n" and small.results[0].actual == "z" * 9 + "\n"
        failed = run(runner, "import sys; sys.exit('e' * 1001)", ("", ""))
        assert run(runner, "import sys; sys.exit('e' * 1001)", ("", "")) is not failed


def test_values_that_take_long_to_read_are_not_read_in_the_asking_process(runner, monkeypatch):
    monkeypatch.setattr(case_runner, "MAX_VALUE", 100)
    long = "[" + "0," * 100 + "]"
    with pytest.raises(InputError, match="expected 100 at most"):
        run(runner, "def f(x): return 1", (f"x = {long}", "1"), entry_point="f")
    read = []
    monkeypatch.setattr(case_runner, "parse_output", read.append)
    assert not only(run(runner, "def f(): return 1", ("", long), entry_point="f")).passed and not read
