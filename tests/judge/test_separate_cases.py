"""Cases of one text do not see each other, as for the tester; its limits are for all of them together."""

import os
import sys
import time
from dataclasses import dataclass

import pytest

from judge import Case, CaseRunner, Judge, Limits, Problem, SandboxLevel, StandardCase
from judge.sandbox import probe

CASES = 5
COUNTED = Problem("count", "f", (Case((0,), 1),) * CASES)
"""Right if each call is the first one."""


@pytest.fixture(scope="module")
def judge():
    with Judge(Limits(cpu_seconds=0.4, wall_seconds=20.0)) as judge:
        yield judge


@pytest.fixture(scope="module")
def strict_judge():
    """A judge that ends texts early."""
    with Judge(Limits(cpu_seconds=0.2, wall_seconds=2.0)) as judge:
        yield judge


STATE = {
    "global": "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n",
    "list": "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)",
    "default": "def f(x, seen=[]):\n    seen.append(x)\n    return len(seen)",
    "cache": "from functools import lru_cache\n@lru_cache\ndef g(x): return [x]\ndef f(x):\n    g(x).append(x)\n"
    "    return len(g(x)) - 1",
    "attribute": "def f(x):\n    f.n = getattr(f, 'n', 0) + 1\n    return f.n",
    "class": "class A:\n    n = 0\ndef f(x):\n    A.n += 1\n    return A.n",
    "recursion limit": "import sys\nold = sys.getrecursionlimit()\ndef f(x):\n"
    "    new = sys.getrecursionlimit() - old + 1\n    sys.setrecursionlimit(old + 9)\n    return new",
    "random numbers": "import random\nfirst = random.Random(0).random()\n"
    "def f(x): return 1 if random.random() == first else 2",
    "module": "import math\ndef f(x):\n    math.n = getattr(math, 'n', 0) + 1\n    return math.n",
    "file": "import os\ndef f(x):\n    open(f'left{len(os.listdir())}', 'w').close()\n    return len(os.listdir())",
    "environment": "import os\ndef f(x):\n    os.environ['N'] = str(int(os.environ.get('N', 0)) + 1)\n"
    "    return int(os.environ['N'])",
}


@pytest.mark.parametrize("text", STATE.values(), ids=STATE)
def test_no_case_sees_what_another_one_left(judge, text):
    verdict = judge.verdict(text, COUNTED)
    assert (verdict.passed, verdict.reason) == (CASES, "")


def test_a_method_of_one_object_starts_with_it_as_it_was_made(judge):
    problem = Problem("method", "A().f", COUNTED.cases)
    text = "class A:\n    n = 0\n    def f(self, x):\n        self.n += 1\n        return self.n"
    assert judge.verdict(text, problem).passed == CASES


@pytest.mark.parametrize("level", SandboxLevel)
def test_cases_are_apart_at_every_level(level):
    with Judge(level=level) as judge:
        assert judge.verdict(STATE["global"], COUNTED).passed == CASES


def test_the_tester_finds_as_many_right_cases(judge):
    cases = [StandardCase(number, "x = 0", "1") for number in range(CASES)]
    with CaseRunner(unprotected=True) as runner:
        for text in (STATE["global"], STATE["default"], "seen = []\ndef f(x): return len(seen)"):
            passed = runner.run(text, cases, timeout_ms=20_000, entry_point="f").passed
            assert judge.verdict(text, COUNTED).passed == passed


@dataclass(frozen=True)
class Ends:
    """A text that ends in one of its cases, the third, and how many cases have passed then."""

    text: str
    reason: str
    passed: int = 2


NUMBERED = Problem("numbered", "f", tuple(Case((number,), number) for number in range(CASES)))
ENDS = {
    "exit": Ends("import os\ndef f(x):\n    if x == 2: os._exit(0)\n    return x", "its process died"),
    "crash": Ends("import ctypes\ndef f(x):\n    if x == 2: ctypes.string_at(0)\n    return x", "its process died"),
    "loop": Ends("seen = []\ndef f(x):\n    while x == 2: pass\n    return x", "it ran out of time"),
    "sleep": Ends("import time\ndef f(x):\n    if x == 2: time.sleep(99)\n    return x", "it ran out of time"),
    "forged line": Ends(
        "import os\ndef f(x):\n    if x == 2: os.write(3, b'[1]\\n')\n    return x", "its process died"
    ),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_a_case_that_ends_the_process_ends_the_text(strict_judge, ends):
    verdict = strict_judge.verdict(ends.text, NUMBERED)
    assert (verdict.passed, verdict.reason, len(verdict.outcomes)) == (ends.passed, ends.reason, ends.passed)
    assert strict_judge.verdict(f"def f(x): return x  # after {ends.text!r}", NUMBERED).passed == CASES


def test_an_endless_call_ends_the_text_once():
    with Judge(Limits(steps=1000, cpu_seconds=600.0, wall_seconds=600.0)) as judge:
        verdict = judge.verdict(ENDS["loop"].text, NUMBERED)
    assert (verdict.passed, verdict.reason, len(verdict.outcomes)) == (2, "it ran out of time", 2)


def test_an_error_in_a_case_leaves_the_others(judge):
    verdict = judge.verdict("seen = []\ndef f(x):\n    return 1 // (x - 2) * 0 + x", NUMBERED)
    assert verdict.passed == CASES - 1 and verdict.reason.startswith("case 3: ZeroDivisionError")


BUSY = "import time\nend = time.process_time() + {load}\nwhile time.process_time() < end: pass\n" + (
    "def f(x):\n    end = time.process_time() + {call}\n    while time.process_time() < end: pass\n    return x"
)


def test_the_limit_of_cpu_time_is_for_all_cases_together():
    with Judge(Limits(cpu_seconds=0.3, wall_seconds=60.0)) as judge:
        verdict = judge.verdict(BUSY.format(load=0, call=0.12), NUMBERED)
    assert (verdict.passed, verdict.reason) == (2, "it ran out of time")
    assert verdict.seconds < 1.5


def test_loading_counts_once():
    with Judge(Limits(cpu_seconds=0.25, wall_seconds=60.0)) as judge:
        verdict = judge.verdict(BUSY.format(load=0.1, call=0), NUMBERED)
        assert (verdict.passed, verdict.reason) == (CASES, "")
        assert judge.verdict(BUSY.format(load=0.15, call=0.07), NUMBERED).passed < CASES


def test_the_limit_of_the_clock_is_for_all_cases_together():
    start = time.monotonic()
    with Judge(Limits(wall_seconds=2.0)) as judge:
        verdict = judge.verdict("import time\ndef f(x):\n    time.sleep(0.8)\n    return x", NUMBERED)
    assert verdict.passed in (1, 2) and verdict.reason == "it ran out of time"
    assert time.monotonic() - start < 30


FORGING = """
import gc, os
def forge(*lines):
    nonce = next(each._nonce for each in gc.get_objects() if type(each).__name__ == "EventChannel")
    for line in lines:
        os.write(3, f'["{nonce}", {line}]'.encode() + bytes([10]))
"""


def test_a_case_that_finds_the_number_of_its_run_speaks_for_itself_alone(judge):
    results = [f'\'"result", "{number}"\'' for number in range(CASES)]
    verdict = judge.verdict(f"{FORGING}\ndef f(x):\n    forge({', '.join(results)})\n    return x", NUMBERED)
    assert (verdict.passed, verdict.reason) == (1, "case 2: 1 was expected, 0 came")


def test_a_case_that_forges_its_result_and_ends_the_process_ends_the_text(judge):
    text = f'{FORGING}\ndef f(x):\n    forge(f\'"result", "{{x}}"\')\n    os._exit(0)'
    verdict = judge.verdict(text, NUMBERED)
    assert (verdict.passed, verdict.reason) == (1, "its process died")


SILENT = """
import gc
def f(x):
    channel = next(type(each) for each in gc.get_objects() if type(each).__name__ == "EventChannel")
    send = channel.send
    if x == 2:
        channel.send = lambda self, event, text="": event == "result" or send(self, event, text)
    return x
"""


def test_a_case_that_reports_nothing_ends_the_text_and_no_other_takes_its_place(judge):
    verdict = judge.verdict(SILENT, NUMBERED)
    assert (verdict.passed, len(verdict.outcomes), verdict.reason) == (2, 2, "it stopped before the last case")


@pytest.mark.parametrize("line", ['"loaded", "1e9"', '"loaded", "nan"', '"loaded", "x"', '"compiled", "x"'])
def test_a_text_that_forges_the_time_of_loading_gains_no_more_than_it_has_run(strict_judge, line):
    loop = "def f(x):\n    while True: pass"
    assert strict_judge.verdict(f"{FORGING}\nforge({line!r})\ndef f(x): return x", NUMBERED).passed == CASES
    verdict = strict_judge.verdict(f"{FORGING}\nforge({line!r})\n{loop}", NUMBERED)
    assert (verdict.passed, verdict.reason) == (0, "it ran out of time") and verdict.seconds < 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_threads_of_a_case_do_not_outlive_it(judge):
    text = (
        "import threading, time\ndef f(x):\n    threading.Thread(target=time.sleep, args=(99,)).start()\n    return x"
    )
    assert judge.verdict(text, NUMBERED).passed == CASES


@pytest.mark.skipif(probe().level < SandboxLevel.SYSTEM_CALLS, reason="processes are not refused here")
def test_no_case_may_fork(judge):
    text = f"import ctypes\ndef f(x):\n    return x if ctypes.CDLL(None).fork() < 0 else {os.getpid()}"
    assert judge.verdict(text, NUMBERED).passed == CASES
