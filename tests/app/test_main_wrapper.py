"""How commands end: exit codes, one line per error, no noise when the reader has gone, SIGTERM as Ctrl+C."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.main_wrapper import run_command
from cli.run_tasks import parser
from config import MODULES
from errors import InputError


def raising(error):
    def command():
        raise error

    return command


@pytest.mark.parametrize(
    "command, code, words",
    [
        (lambda: 0, 0, ""),
        (lambda: 2, 2, ""),
        (raising(InputError("a.json, line 3", "found\nthis")), 2, "error: a.json, line 3: found\\nthis\n"),
        (raising(KeyboardInterrupt()), 130, ""),
    ],
)
def test_exit_codes(command, code, words, capsys):
    assert run_command(command) == code
    assert capsys.readouterr().err == words


def test_modules_that_a_person_adds_are_imported_first(monkeypatch, tmp_path, capsys):
    (tmp_path / "added_by_me.py").write_text("import os\nos.environ['ADDED'] = 'yes'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ADDED", "no")
    monkeypatch.setenv(MODULES, "json, added_by_me")
    assert run_command(lambda: 0 if os.environ["ADDED"] == "yes" else 1) == 0
    monkeypatch.setenv(MODULES, "not_there_at_all")
    assert run_command(lambda: 0) == 2
    assert capsys.readouterr().err.startswith(f"error: {MODULES}: not_there_at_all cannot be imported: ")
    (tmp_path / "broken_by_me.py").write_text("def f(:\n")
    monkeypatch.setenv(MODULES, "broken_by_me")
    assert run_command(lambda: 0) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "broken_by_me cannot be imported: SyntaxError: " in error


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


def test_a_reader_that_has_gone_is_no_error(root):
    code = (
        "import sys; from app.main_wrapper import run_command\nsys.exit(run_command(lambda: print('x' * 100_000) or 0))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 0


@pytest.mark.parametrize(
    "redirection, code, words",
    [
        (">&-", 0, ""),
        pytest.param(
            ">/dev/full",
            2,
            "error: output: No space left on device\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only"),
        ),
    ],
)
def test_output_that_cannot_be_written_gets_no_traceback(redirection, code, words, root):
    program = "import sys; from app.main_wrapper import run_command\nsys.exit(run_command(lambda: print('x') or 0))"
    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (code, words)


def test_a_dependency_that_is_not_installed_is_one_line_and_another_module_a_bug(root):
    code = (
        "import sys; sys.modules['{0}'] = None; from app.main_wrapper import run_command\n"
        "sys.exit(run_command(lambda: __import__('{0}')))"
    )
    dependency, module = (
        subprocess.run([sys.executable, "-c", code.format(name)], cwd=root, capture_output=True, text=True, check=False)
        for name in ("torch", "colorsys")
    )
    assert (dependency.returncode, dependency.stderr) == (2, "error: torch: is not installed: pip install -e .\n")
    assert module.returncode == 1 and "Traceback" in module.stderr


def test_what_the_terminal_cannot_show_is_shown_otherwise(root):
    code = "from app.main_wrapper import run_command\nrun_command(lambda: print('1 \u00b1 \\udcff') or 0)"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1 \\xb1 \\udcff\n", b"")


def test_sigterm_ends_as_ctrl_c_does(root):
    code = """
import sys, time
from app.main_wrapper import run_command
def command():
    try:
        print("ready", flush=True)
        time.sleep(30)
    finally:
        print("saved", flush=True)
sys.exit(run_command(command))
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == "saved\n" and process.wait(60) == 130


def test_an_interrupt_while_the_process_ends_changes_nothing(root):
    code = """
import atexit, signal, sys, time
from app.main_wrapper import exit_with, run_command
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
def last():
    print("ending", flush=True)
    time.sleep(1)
atexit.register(last)
def command():
    raise KeyboardInterrupt("saved")
exit_with(run_command(command))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ending\n"
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130 and process.stderr.read() == "interrupted: saved\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_during_an_import_is_not_lost_in_it(root, tmp_path, number):
    (tmp_path / "slow.py").write_text(
        f"import signal\ntry:\n    for _ in range(3): signal.raise_signal({number:d})\nexcept BaseException: pass\n"
        "print('whole')\n"
    )
    code = """
import signal, sys, time
from app.main_wrapper import run_command
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a job in the background ignores
def command():
    import slow
    time.sleep(30)
    return 0
sys.exit(run_command(command))
"""
    environment = {**os.environ, "PYTHONPATH": f"{root}:{tmp_path}"}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"whole\n", b"")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] . DefaultCPUAllocator: can't allocate memory: you tried ..."),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_too_little_memory_is_one_line(error, capsys):
    assert run_command(raising(error)) == 2
    assert capsys.readouterr().err.startswith("error: memory: there is not enough of it")


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO])
def test_a_file_that_the_system_refuses_is_one_line_wherever_it_was_met(number, capsys):
    assert run_command(raising(OSError(number, os.strerror(number), "a\nb"))) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: a\\nb: ") and error.count("\n") == 1
    with pytest.raises(OSError):
        run_command(raising(OSError(number, os.strerror(number))))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_output_into_a_file_that_takes_no_more_is_one_line(number, capsys, monkeypatch, tmp_path):
    with (tmp_path / "out").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run_command(raising(OSError(number, os.strerror(number)))) == 2
    assert capsys.readouterr().err == f"error: output: {os.strerror(number)}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_that_cannot_be_written_is_an_error_as_all_output(flag, capsys, monkeypatch):
    with Path("/dev/full").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run_command(lambda: parser().parse_args([flag])) == 2
    assert capsys.readouterr().err == "error: output: No space left on device\n"


def test_other_runtime_errors_are_bugs():
    with pytest.raises(RuntimeError):
        run_command(raising(RuntimeError("shape '[3]' is invalid for input of size 4")))


STDERR = [
    "2>&-",
    pytest.param("2>/dev/full", marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")),
]


@pytest.mark.parametrize("redirection", STDERR)
@pytest.mark.parametrize(
    "command, code",
    [
        ("print('result') or 0", 0),
        ("print('result') or 2", 2),
        ("print('result') or interrupt()", 130),
        ("print('result') or refuse()", 2),
        ("print('result') or print('progress', file=sys.stderr) or 0", 0),
    ],
)
def test_stderr_that_takes_nothing_changes_neither_exit_code_nor_stdout(redirection, command, code, root):
    program = f"""
from app.startup import prepare_process
prepare_process()
import sys
from app.main_wrapper import exit_with, run_command
from errors import InputError
def refuse(): raise InputError("here", "this")
def interrupt(): raise KeyboardInterrupt("saved")
exit_with(run_command(lambda: {command}))
"""
    line = ["sh", "-c", f'"$0" -c "$1" {redirection}', sys.executable, program]
    done = subprocess.run(line, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "result\n")


@pytest.mark.parametrize("ignored", [False, True])
def test_sighup_ends_as_sigterm_does_unless_it_is_ignored(root, ignored):
    code = """
import sys, time
from app.main_wrapper import run_command
def command():
    print("ready", flush=True)
    sys.stdin.readline()
    return 0
sys.exit(run_command(command))
"""
    start = ["nohup"] if ignored else []
    process = subprocess.Popen(
        [*start, sys.executable, "-c", code],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGHUP)
    if ignored:
        process.communicate("go on\n", timeout=60)
    assert process.wait(60) == (0 if ignored else 130)
