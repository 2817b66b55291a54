"""The report: strict JSON, the verdict of all checks, and a check that raises or dies has failed."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from contextlib import suppress

import pytest

from tests.python_processes import CONTEXT
from verify import report as report_module
from verify.check import THRESHOLDS, Check, CheckSettings
from verify.report import report, run


def good(settings):
    return {"passed": True, "number": 1.0}


def bad(settings):
    return {"passed": False, "number": 2.0}


@pytest.fixture
def warm_workers(_warm, monkeypatch):
    """Checks run in forks of an interpreter that has loaded all, instead of new ones."""
    monkeypatch.setattr(report_module, "get_context", lambda method: CONTEXT)


def checks(*functions):
    return [Check(function.__name__, function, ("number",)) for function in functions]


def not_a_number(settings):
    return {"passed": False, "number": math.nan, "by_backbone": {"lstm": [math.inf, 1.0]}}


def raising(settings):
    raise ValueError("found something")


def dying(settings):
    os._exit(9)


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize(
    ("functions", "verdict", "processes"),
    [((good,), True, 1), ((good, bad), False, 1), ((good, raising), False, 1), ((good, bad), False, 2)],
)
def test_the_verdict_is_that_of_all(functions, verdict, processes):
    found = report(checks(*functions), CheckSettings(), processes)
    assert found["overall_pass"] is verdict
    assert found["thresholds"] == THRESHOLDS
    assert set(found["results"]) == {function.__name__ for function in functions}


def test_what_raises_fails_and_keeps_its_keys(capsys):
    found = report(checks(good, raising), CheckSettings())["results"]["raising"]
    assert found["passed"] is False
    assert found["number"] is None
    assert found["error"] == "ValueError: found something"
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("warm_workers")
def test_a_process_that_dies_fails_its_check():
    found = report(checks(dying), CheckSettings(), processes=2)
    assert found["overall_pass"] is False
    assert found["results"]["dying"]["number"] is None


SLEEPS = """
import sys, time
from pathlib import Path
from verify.check import Check, CheckSettings
from verify.report import report

def sleeping(settings):
    Path(settings.device).touch()
    time.sleep(100)

if __name__ == "__main__":
    report([Check("sleeping", sleeping, ())], CheckSettings(device=sys.argv[1]), processes=2)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_process_that_asked(tmp_path, root, warm_python, number):
    (tmp_path / "sleeps.py").write_text(SLEEPS)
    environment = {**os.environ, "PYTHONPATH": str(root)}
    began = tmp_path / "began"
    process = warm_python([tmp_path / "sleeps.py", began], env=environment, start_new_session=True)
    while not began.exists():
        assert process.poll() is None, process.stderr.read_text()
        time.sleep(0.05)
    process.send_signal(number)
    process.wait(60)
    deadline = time.monotonic() + 60
    with suppress(ProcessLookupError):
        while os.killpg(process.pid, 0) is None:  # the process's session has members
            assert time.monotonic() < deadline, "a worker goes on"
            time.sleep(0.05)


def sleeping(settings):
    time.sleep(20)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def interrupting(request):
    """A signal that raises KeyboardInterrupt."""
    before = signal.signal(request.param, signal.default_int_handler)
    yield request.param
    signal.signal(request.param, before)


@pytest.mark.usefixtures("warm_workers")
def test_an_interrupt_while_the_workers_are_started_ends_them_once_they_are(monkeypatch, interrupting):
    submit, submitted = report_module.ProcessPoolExecutor.submit, []

    def interrupted(pool, *task):
        os.kill(os.getpid(), interrupting)
        submitted.append(submit(pool, *task))
        return submitted[-1]

    monkeypatch.setattr(report_module.ProcessPoolExecutor, "submit", interrupted)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        report(checks(sleeping), CheckSettings(), processes=2)
    assert len(submitted) == 1 and time.monotonic() - began < 15
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_report_is_strict_json():
    (check,) = checks(not_a_number)
    found = run(check, CheckSettings())
    assert json.loads(json.dumps(found, allow_nan=False))["by_backbone"] == {"lstm": [None, 1.0]}
    assert found["number"] is None
