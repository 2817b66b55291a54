"""Before anything else is imported: standard streams exist, Ctrl+C ends the process quietly."""

import io
import subprocess
import sys

import pytest

from app.startup import announce_loading, transient_line


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(closed, root, tmp_path):
    program = """
from app.startup import prepare_process
prepare_process()
import os, sys
number = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
print("printed"), print("printed", file=sys.stderr)
child = "import sys; sys.exit(sys.stdin is None or sys.stdout is None or sys.stderr is None)"
os.write(number, str(number > 2 and os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", child]) == 0).encode())
"""
    target = tmp_path / "file"
    line = ["sh", "-c", f'"$0" -c "$1" "$2" {closed}', sys.executable, program, str(target)]
    assert subprocess.run(line, cwd=root, capture_output=True, check=False).returncode == 0
    assert target.read_text() == "True"


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_during_the_imports_ends_without_a_traceback(root, number):
    program = f"""
from app.startup import prepare_process
prepare_process()
import os, signal
os.kill(os.getpid(), signal.{number})
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_loading_is_announced_before_it_begins(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    announce_loading()
    assert capsys.readouterr().err == "loading PyTorch ...\n"


def test_what_is_loaded_already_is_not_announced(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", sys)
    announce_loading()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stream, shown", [(Terminal(), "wait\r    \r"), (io.StringIO(), "")])
def test_a_transient_line_is_for_terminals_and_goes_away(monkeypatch, stream, shown):
    monkeypatch.setattr(sys, "stderr", stream)
    with transient_line("wait"):
        assert stream.getvalue() == shown[:4]
    assert stream.getvalue() == shown


@pytest.mark.parametrize("words", [["verify.run_all"], ["cli.run_tasks", "train_from_episodes", "--episodes_dir", "e"]])
def test_long_commands_show_a_sign_of_life_before_pytorch_is_loaded(words, root, tmp_path):
    program = """
import runpy, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            sys.exit(7)
sys.meta_path.insert(0, Blocked())
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__")
"""
    line = [sys.executable, "-c", program, *words]
    done = subprocess.run(line, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "loading PyTorch ...\n")


def test_little_is_imported_before_a_signal_is_quiet(root):
    code = "import sys; before = set(sys.modules); import app.startup; print(*sorted(set(sys.modules) - before))"
    line = [sys.executable, "-S", "-c", code]
    imported = subprocess.run(line, cwd=root, capture_output=True, text=True, check=True).stdout.split()
    assert "app.startup" in imported and not {"pathlib", "re", "typing", "urllib"} & set(imported)
