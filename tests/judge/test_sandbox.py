"""The level that holds is found by trying: a level is claimed only if it stops all that it claims to stop."""

import errno
import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InputError
from judge import CaseRunner, StandardCase, hostile_acts
from judge.sandbox import CLAIMS, ProbedSandbox, level_of, probe
from judge.sandbox_level import SandboxLevel, worker_settings
from judge.syscall_filter import compile_filter
from judge.worker_pool import _START

ROOT = Path(__file__).parents[2]


def test_every_act_is_claimed_to_be_stopped_at_the_highest_level_and_exists():
    assert CLAIMS[SandboxLevel.FULL] == set(hostile_acts.ACTS)
    assert all(claims <= CLAIMS[SandboxLevel.FULL] for claims in CLAIMS.values())


@given(st.sets(st.sampled_from(sorted(hostile_acts.ACTS))))
def test_a_level_holds_only_if_no_act_that_it_claims_to_stop_succeeded(succeeded):
    level = level_of(sorted(succeeded))
    assert not CLAIMS[level] & succeeded
    assert all(CLAIMS[higher] & succeeded for higher in SandboxLevel if higher > level)


@pytest.fixture(scope="module")
def here():
    """What this system grants."""
    return probe()


@pytest.mark.parametrize("level", SandboxLevel)
def test_no_more_than_what_was_asked_for_is_found(level):
    probed = probe(level)
    assert probed.level <= max(level, SandboxLevel.LIMITS)
    assert probed.description == probed.level.description and "\n" not in probed.description


def test_what_the_system_does_not_grant_is_not_claimed(monkeypatch):
    monkeypatch.setattr("judge.worker_pool.worker_settings", lambda level: worker_settings(SandboxLevel.LIMITS))
    probed = probe()
    assert probed.level <= SandboxLevel.LIMITS and "read_file" in probed.succeeded


@pytest.mark.parametrize("act", ["fork", "connect_unix", "read_file"])
def test_one_act_that_succeeds_lowers_the_level(act):
    everything = ProbedSandbox(level_of([]), ())
    everything.require()
    weaker = ProbedSandbox(level_of([act]), (act,))
    assert weaker.level < SandboxLevel.FULL
    if weaker.level < SandboxLevel.SYSTEM_CALLS:
        with pytest.raises(InputError, match="--unprotected-tester"):
            weaker.require()


def test_where_no_target_can_be_made_nothing_is_claimed_and_it_is_tried_again(monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with CaseRunner() as runner:
        with monkeypatch.context() as full_disk:
            full_disk.setattr("tempfile.TemporaryDirectory", refuse)
            assert runner.sandbox.level == SandboxLevel.NONE and "level 0" in runner.refusal
        runner._probe_again_at = 0.0
        assert runner.sandbox.level >= SandboxLevel.LIMITS


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_a_worker_with_namespaces_needs_no_room_on_the_disk(here, monkeypatch):
    if here.level < SandboxLevel.NAMESPACES:
        pytest.skip("this kernel grants no namespaces")
    monkeypatch.setattr("judge.worker_pool._START", "import tempfile; tempfile.mkdtemp = None; " + _START)
    with CaseRunner() as runner:
        assert runner.run("print(4)", [StandardCase(1, "", "4\n")], timeout_ms=20_000).passed == 1


def test_without_the_packages_a_worker_still_runs(monkeypatch):
    monkeypatch.setitem(sys.modules, "seccompy", None)
    compile_filter.cache_clear()
    try:
        assert compile_filter() is None
        assert '"filter": ""' in worker_settings(SandboxLevel.FULL)
    finally:
        compile_filter.cache_clear()


ENDLESS = """
import sys
sys.path.insert(0, sys.argv[1])
from judge import CaseRunner, StandardCase
runner = CaseRunner(unprotected=True)
runner.run("", [StandardCase(1, "", "")], timeout_ms=60_000)
(worker,) = runner._pool.workers
print(worker._process.pid, flush=True)
runner.run("while True: pass", [StandardCase(1, "", "")], timeout_ms=600_000)
"""


def session_processes(session):
    """Processes of a session that are no zombies."""
    processes = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            processes.append(int(stat.parent.name))
    return processes


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_outlives_an_asker_that_is_killed_in_the_middle_of_a_run():
    asker = subprocess.Popen([sys.executable, "-c", ENDLESS, str(ROOT)], stdout=subprocess.PIPE, text=True)
    session = int(asker.stdout.readline())
    time.sleep(0.3)
    assert session_processes(session)
    os.kill(asker.pid, signal.SIGKILL)
    asker.wait()
    asker.stdout.close()
    deadline = time.monotonic() + 30
    while session_processes(session):
        assert time.monotonic() < deadline
        time.sleep(0.05)


REFUSED = """
import errno, sys
sys.path.insert(0, sys.argv[1])
from seccompy import Filter, Action
from judge import Judge, probe
import judge.worker_pool
judge.worker_pool.worker_settings(judge.SandboxLevel.FULL)  # the packages are loaded
refuse = Filter(default=Action.ALLOW)
for name in sys.argv[2:]:
    arguments = {0: 22} if name == "prctl" else None
    refuse.errno(name, errno.ENOSYS, args=arguments)
refuse.load()
with Judge() as one:
    assert one.verdict("x = 1").compiled
print(probe().level.name)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
@pytest.mark.parametrize(
    ("calls", "levels"),
    [
        (["unshare"], ["SYSTEM_CALLS"]),
        (["mount_setattr"], ["SYSTEM_CALLS"]),
        (["pivot_root"], ["SYSTEM_CALLS"]),
        (["landlock_create_ruleset"], ["FULL", "LIMITS"]),
        (["landlock_restrict_self", "unshare"], ["LIMITS"]),
        (["prctl"], ["NAMESPACES", "FILES"]),
        (["prctl", "unshare"], ["FILES"]),
        (["prctl", "unshare", "landlock_create_ruleset"], ["LIMITS"]),
    ],
    ids=" ".join,
)
def test_on_a_kernel_that_refuses_a_part_the_rest_is_used_and_no_more_is_claimed(here, calls, levels):
    pytest.importorskip("seccompy")
    if here.level not in (SandboxLevel.FULL, SandboxLevel.SYSTEM_CALLS):
        pytest.skip("this kernel refuses more than that")
    command = [sys.executable, "-c", REFUSED, str(ROOT), *calls]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() in levels, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("position", range(3))
def test_each_process_of_a_worker_can_be_killed_alone(position):
    case = StandardCase(1, "", "4\n")
    with CaseRunner(unprotected=True) as runner:
        assert runner.run("print(4)", [case], timeout_ms=20_000).passed == 1
        (worker,) = runner._pool.workers
        session = worker._process.pid
        processes = sorted(session_processes(session))
        if position >= len(processes):
            pytest.skip("this worker has fewer processes")
        os.kill(processes[position], signal.SIGKILL)
        deadline = time.monotonic() + 30
        while session_processes(session):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert runner.run("print(4)  # again", [case], timeout_ms=20_000).passed == 1


def test_code_finds_libraries_of_an_environment_wherever_it_lies(tmp_path, monkeypatch):
    venv.create(tmp_path / "venv", symlinks=True)
    (folder,) = (tmp_path / "venv").glob("lib/*/site-packages")
    (folder / "greeting.py").write_text("words = 'good day'", encoding="ascii")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    code = "import greeting; print(greeting.words)"
    with CaseRunner(unprotected=True) as runner:
        (result,) = runner.run(code, [StandardCase(1, "", "good day\n")], timeout_ms=20_000).results
    assert result.passed, result


def test_the_level_is_the_same_for_a_person_whose_files_nobody_else_may_read(here):
    before = os.umask(0o077)
    try:
        assert probe().level == here.level
    finally:
        os.umask(before)
