"""A process that ends with its parent promises: saved if it can, ended in any case, whoever else holds its input."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import os, signal, sys, time
from app import parent_watch
parent_watch.SAVE_SECONDS = 1.0
{handler}
parent_watch.end_with_parent()
print(os.getpid(), flush=True)
time.sleep(600)
"""
SAVES = "signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[1], 'w').close(), os._exit(130)))"
STUCK = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin={stdin})
time.sleep(600)
"""


def wait_for_end(pid):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    raise AssertionError("it goes on without its parent")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("handler", [SAVES, STUCK], ids=["saves", "is stuck"])
@pytest.mark.parametrize("stdin", ["subprocess.PIPE", "open('/dev/zero')"], ids=["pipe", "held by others"])
def test_it_ends_when_its_parent_is_killed(root, tmp_path, handler, stdin):
    child = ["-c", CHILD.format(handler=handler), str(tmp_path / "saved")]
    line = [sys.executable, "-c", PARENT.format(stdin=stdin), *child]
    with subprocess.Popen(line, cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(1.2)
        os.kill(pid, 0)  # as long as its parent lives, it does
        parent.kill()
        parent.wait()
        wait_for_end(pid)
    assert (tmp_path / "saved").exists() == (handler == SAVES)


def test_it_ends_when_its_input_does(root, tmp_path):
    line = [sys.executable, "-c", CHILD.format(handler=SAVES), str(tmp_path / "saved")]
    with subprocess.Popen(line, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline()
        child.stdin.close()
        assert child.wait(30) == 130 and (tmp_path / "saved").exists()
