"""One clear verdict for every text, whatever it does, and nothing of it left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from judge import Case, Judge, Limits, Problem, SandboxLevel
from state import Env

DOUBLE = Problem("double", "double", (Case((2,), 4), Case((3,), 6)))
RIGHT = "def double(x):\n    return 2 * x"


@pytest.fixture(scope="module")
def judge():
    with Judge(Limits(cpu_seconds=0.2, wall_seconds=4.0, memory=256 * 2**20)) as judge:
        yield judge


def body(*lines, first=()):
    return "\n".join([*first, "def double(x):", *(f"    {line}" for line in lines)])


@pytest.mark.parametrize(
    ("text", "compiled", "passed", "reason"),
    [
        (RIGHT, True, 2, ""),
        ("def double(x):\n    return x + 2", True, 1, "case 2: 6 was expected, 5 came"),
        ("def double(x):\n    return 4", True, 1, "case 2: 6 was expected, 4 came"),
        ("def double(x):\n    return", True, 0, "case 1: 4 was expected, None came"),
        ("def double(x):\n    return 2 *", False, 0, "SyntaxError: invalid syntax, line 2"),
        ("", True, 0, "NameError: name 'double' is not defined"),
        ("1 / 0", True, 0, "ZeroDivisionError: division by zero"),
        ("double = None", True, 0, "case 1: TypeError: 'NoneType' object is not callable"),
        (body("raise ValueError('no')"), True, 0, "case 1: ValueError: no"),
        (body("return 2 * x", first=["import math, collections, random"]), True, 2, ""),
    ],
)
def test_says_what_compiles_and_what_passes(judge, text, compiled, passed, reason):
    verdict = judge.verdict(text, DOUBLE)
    assert (verdict.compiled, verdict.passed, verdict.total, verdict.reason) == (compiled, passed, 2, reason)
    assert verdict.env == Env(compiled, passed, 2)


HOSTILE = {
    "endless loop": (body("while True: pass"), "it ran out of time"),
    "endless loop at the top": ("while True: pass", "it ran out of time"),
    "loop that catches everything": (
        body("while True:", "    try:", "        while True: pass", "    except BaseException: pass"),
        "it ran out of time",
    ),
    "loop that ignores the timer": (
        body("while True: pass", first=["import signal", "signal.signal(signal.SIGPROF, signal.SIG_IGN)"]),
        "it ran out of time",
    ),
    "sleep": (body("import time", "time.sleep(99)"), "it ran out of time"),
    "memory at once": (body("return [0] * 10**10"), "case 1: MemoryError"),
    "memory bit by bit": (body("a = []", "while True: a.append(bytes(10**7))"), "case 1: MemoryError"),
    "fork": (body("import os", "os.fork()", "return 2 * x"), "case 1: PermissionError: os.fork is not allowed here"),
    "kill the parent": (
        body("import os", "os.kill(os.getppid(), 9)"),
        "case 1: PermissionError: os.kill is not allowed here",
    ),
    "another program": (
        body("import os", "os.system('true')"),
        "case 1: PermissionError: os.system is not allowed here",
    ),
    "socket": (body("import socket", "socket.socket()"), "case 1: PermissionError: socket.__new__ is not allowed here"),
    "sys.exit": (body("import sys", "sys.exit(0)"), "case 1: SystemExit: 0"),
    "sys.exit at the top": ("import sys\nsys.exit(0)", "SystemExit: 0"),
    "os._exit": (body("import os", "os._exit(0)"), "its process died"),
    "crash": (body("import ctypes", "ctypes.string_at(0)"), "its process died"),
    "endless output": (body("while True: print('x' * 10**4)"), "it ran out of time"),
    "huge result": (body("return 'x' * 10**7"), "case 1: the result is too long"),
    "huge file": (body("open('a', 'wb').write(bytes(10**7))"), "case 1: OSError: [Errno 27] File too large"),
    "file elsewhere": (body("open('/tmp/a', 'w')"), "case 1: PermissionError: open is not allowed here"),
    "file above": (body("open('../a', 'w')"), "case 1: PermissionError: open is not allowed here"),
    "input": (body("return input()"), "case 1: EOFError: EOF when reading a line"),
    "recursion": (body("return double(x)"), "case 1: RecursionError: maximum recursion depth exceeded"),
    "equal to everything": (
        body("return A()", first=["class A:", "    def __eq__(self, other): return True"]),
        "case 1: 4 was expected, <solution.A object",
    ),
    "raises when shown": (
        body("return A()", first=["class A:", "    def __repr__(self): raise SystemExit"]),
        "case 1: SystemExit",
    ),
    "exception that raises when shown": (
        body("raise A", first=["class A(Exception):", "    def __str__(self): raise SystemExit"]),
        "case 1: A",
    ),
    "forged answers": (
        body(
            *["import os, json", "for fd in range(3, 40):", "    try: os.write(fd, b'[1]' + bytes([10]))"],
            *["    except OSError: pass", "return 2 * x"],
        ),
        "its process died",
    ),
    "forged nesting": (
        body(
            *["import os", "for fd in range(3, 40):", "    try: os.write(fd, b'[' * 10**5 + bytes([10]))"],
            *["    except OSError: pass", "return 2 * x"],
        ),
        "its process died",
    ),
    "forged end": (
        body(
            *["import os, json", "for fd in range(3, 40):"],
            *["    try: os.write(fd, json.dumps(['end', '']).encode() + bytes([10]))", "    except OSError: pass"],
        ),
        "its process died",
    ),
}


@pytest.mark.parametrize("text, reason", HOSTILE.values(), ids=HOSTILE)
def test_ends_what_misbehaves_with_one_reason_and_judges_the_next_text_as_ever(judge, text, reason):
    verdict = judge.verdict(text, DOUBLE)
    assert verdict.compiled and verdict.passed == 0 and verdict.total == 2
    assert verdict.reason.startswith(reason)
    assert judge.verdict(f"{RIGHT}  # after {hash(text)}", DOUBLE).passed == 2


@pytest.mark.parametrize(
    "text", ["(" * 100_000, "x = " + "-" * 100_000 + "1", "x='\ud800'", "x='\0'", "x = 1_", "def f(:"]
)
def test_a_text_that_cannot_be_compiled_is_said_to_be_so(judge, text):
    verdict = judge.verdict(text)
    assert not verdict.compiled and verdict.passed is None and verdict.total is None and verdict.reason
    assert verdict.env == Env(False, None, None)


def test_prints_and_threads_do_not_matter(judge):
    text = body("print('x' * 1000)", "import threading", "threading.Thread(target=input).start()", "return 2 * x")
    assert judge.verdict(text, DOUBLE).passed == 2


def test_without_cases_a_text_is_compiled_but_not_run(judge):
    verdict = judge.verdict("while True: pass")
    assert verdict.compiled and verdict.env == Env(True, None, None) and verdict.reason == ""


def test_a_problem_without_cases_says_nothing_of_tests(judge):
    problem = Problem("bare", "double", ())
    for text, compiled in ((RIGHT, True), ("1 +", False)):
        assert judge.verdict(text, problem).env == Env(compiled, None, None)


DENSE = "x{0} = {{'a': [g(1, 2, 3), h(a=1, b=2)], 'b': (i + j * k - {0}) ** 2 if a else b}}"


@pytest.fixture(scope="module")
def long():
    """A right text of 20,000 lines; 50,000 take a second more."""
    return "\n".join(DENSE.format(i) for i in range(20_000))


def test_a_long_text_has_time_and_memory_to_compile_and_both_to_run():
    text = "\n".join([RIGHT, "def never():", *(f"    {DENSE.format(i)}" for i in range(3_000))])
    with Judge(Limits(cpu_seconds=0.1, wall_seconds=4.0, memory=64 * 2**20)) as judge:
        assert judge.verdict(text, DOUBLE).env == Env(True, 2, 2)
        endless = judge.verdict(text + "\nwhile True: pass", DOUBLE)
        asleep = judge.verdict(text + "\nimport time\ntime.sleep(60)", DOUBLE)
    assert (endless.env, endless.reason) == (asleep.env, asleep.reason) == (Env(True, 0, 2), "it ran out of time")


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(compile_seconds=0.05), "it ran out of time"),
        (Limits(compile_memory=2**25, memory=2**26), "MemoryError"),
    ],
)
def test_what_cannot_be_compiled_within_its_limits_is_unknown_and_asked_again(long, limits, reason):
    with Judge(limits) as judge:
        for problem in (None, DOUBLE):
            verdict = judge.verdict(long, problem)
            assert (verdict.compiled, verdict.passed, verdict.total, verdict.env) == (None, None, None, None)
            assert verdict.reason == reason and verdict.seconds < 20
            assert judge.verdict(long, problem) is not verdict
        assert judge.verdict("a = 1").compiled


def test_a_worker_that_dies_says_nothing_about_its_text(judge, monkeypatch):
    monkeypatch.setattr("judge.worker_pool.WorkerProcess.answer", lambda worker, *, wait: worker.stop())
    unknown = judge.verdict("a = 3")
    assert (unknown.env, unknown.reason) == (None, "its process died")
    monkeypatch.undo()
    assert judge.verdict("a = 3").env == Env(True)


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
def test_a_text_is_a_module_where_its_classes_are_looked_up(judge, future):
    text = body(
        "return Pair(x, x).sum()",
        first=[
            future, "from dataclasses import dataclass", "import pickle, sys, typing", "@dataclass", "class Pair:",
            "    a: int", "    b: int", "    def sum(self): return self.a + self.b",
            "assert typing.get_type_hints(Pair) == {'a': int, 'b': int}",
            "assert pickle.loads(pickle.dumps(Pair(1, 2))) == Pair(1, 2)",
            "assert sys.modules[__name__].Pair is Pair and not hasattr(sys.modules[__name__], 'left')",
            "left = True",
        ],
    )  # fmt: skip
    for number in range(2):
        assert judge.verdict(f"{text}\n# {number}", DOUBLE).reason == ""


def test_every_text_finds_the_same_fresh_world(judge):
    problem = Problem("trace", "trace", (Case((), [[], False, "0.8444218515250481"]),))
    leave = "import math, random\nopen('left', 'w').write('x')\nmath.left = True\nrandom.random()\n"
    look = "import math, os, random\ndef trace(): return [os.listdir(), hasattr(math, 'left'), str(random.random())]"
    assert judge.verdict(leave, problem).reason.startswith("NameError")
    assert judge.verdict(look, problem).reason == ""


def test_each_case_gets_its_own_arguments(judge):
    problem = Problem("grow", "grow", (Case(([1],), [1, 0]), Case(([1],), [1, 0])))
    assert judge.verdict("def grow(a):\n    a.append(0)\n    return a", problem).passed == 2


def test_an_entry_point_may_be_an_expression(judge):
    problem = Problem("class", "Solution().double", DOUBLE.cases)
    assert judge.verdict("class Solution:\n    def double(self, x): return 2 * x", problem).passed == 2


def test_a_text_is_judged_once_for_each_problem_and_all_at_once_in_order():
    other = Problem("other", "double", (Case((2,), 5),))
    texts = [(DOUBLE, RIGHT), (other, RIGHT), (None, RIGHT), (DOUBLE, "x"), (DOUBLE, RIGHT)]
    with Judge(workers=2) as judge:
        first = judge.verdicts(texts)
        assert [verdict.passed for verdict in first] == [2, 0, None, 0, 2]
        assert first[0] is first[4]
        assert all(a is b for a, b in zip(first, judge.verdicts(texts), strict=True))
        assert judge.verdicts([]) == []


def test_only_the_latest_verdicts_are_remembered():
    with Judge(capacity=2) as judge:
        first = judge.verdict("1")
        judge.verdict("2")
        assert judge.verdict("1") is first
        judge.verdict("3")
        assert judge.verdict("1") is first
        second = judge.verdict("2")
        assert judge.verdict("2") is second


def test_a_worker_that_dies_is_replaced(judge):
    judge.verdict("a = 1")
    process = judge._pool.workers[0]._process
    os.killpg(process.pid, 9)
    process.wait()
    assert judge.verdict("a = 2").compiled


def test_nothing_is_left_when_the_judge_is_closed_or_forgotten(tmp_path):
    script = (
        "from judge import Judge\n"
        "def process_of(judge):\n"
        "    judge.verdict('1')\n"
        "    return judge._pool.workers[0]._process\n"
        "closed, forgotten, left = Judge(), Judge(), Judge()\n"
        "processes = [process_of(judge) for judge in (closed, forgotten, left)]\n"
        "closed.close()\n"
        "del forgotten\n"
        "assert [process.returncode is None for process in processes] == [False, False, True]\n"
        "print(*[process.pid for process in processes])\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    for process in map(int, done.stdout.split()):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert list(tmp_path.iterdir()) == []


def test_no_text_is_run_with_less_protection_than_is_asked_for():
    protections = ["files"]
    with Judge(level=SandboxLevel.LIMITS, protections=lambda: protections) as judge:
        verdict = judge.verdict(RIGHT, DOUBLE)
        assert (verdict.compiled, verdict.env) == (None, None) and "sandbox is weaker now" in verdict.reason
        protections.clear()
        assert judge.verdict(RIGHT, DOUBLE).passed == 2


def test_limits_hold_without_a_namespace_of_its_own():
    script = (
        "import json, sys; from judge import text_run; from judge.confinement import Confinement\n"
        "limits = dict(steps=None, cpu_seconds=0.2, wall_seconds=4.0, memory=2**28, file_size=2**20,\n"
        "    compile_seconds=1, compile_memory=2**28)\n"
        "for text in json.load(sys.stdin):\n"
        "    request = dict(text=text, entry_point='double', arguments=['(2,)'], limits=limits, protections=[])\n"
        "    answer = text_run.answer_text(request, Confinement(own_processes=False))\n"
        "    print(json.dumps([answer['events'][-1], answer['ending']]))\n"
    )
    texts = [
        RIGHT,
        body("while True: pass"),
        body("import os", "os.fork()"),
        body("import time", "time.sleep(60)"),
        "1 +",
    ]
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    ends = [json.loads(line) for line in done.stdout.splitlines()]
    assert [end for _, end in ends] == ["end", "time", "end", "time", "end"]
    assert ends[0][0] == ["end", ""] and ends[4][0][0] == "not compiled"
