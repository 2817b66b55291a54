"""Before anything else is imported: standard streams exist, Ctrl+C ends the process quietly."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(closed, root, tmp_path):
    program = """
from app.startup import prepare_process
prepare_process()
import os, sys
number = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
print("printed"), print("printed", file=sys.stderr)
os.write(number, str(number > 2).encode())
"""
    target = tmp_path / "file"
    line = ["sh", "-c", f'"$0" -c "$1" "$2" {closed}', sys.executable, program, str(target)]
    assert subprocess.run(line, cwd=root, capture_output=True, check=False).returncode == 0
    assert target.read_text() == "True"


def test_an_interrupt_during_the_imports_ends_without_a_traceback(root):
    program = """
from app.startup import prepare_process
prepare_process()
import os, signal
os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
