"""Python processes of a test's own, with its own environment, working folder and streams.

`warm_python` forks one that has loaded PyTorch and this project already: for what a process does (its exit code, its
end by a signal, what it leaves behind); it starts no jedi. `cold_python` starts an interpreter: for what is promised of
the start itself.
"""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import traceback
from multiprocessing import forkserver
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

sys.modules["jedi"] = None
"""As if it were not installed, here and in warm processes: a server's child would read types for two seconds of a core,
of which only its own tests ask."""

PRELOADED = (
    "tests.python_processes", "tests.small_library", "tests.read_problems", "run", "cli.report", "cli.run_tasks",
    "cli.train", "services.serving", "training.training_loop", "training.runs.progress_events",
    # which these import when they serve or train
    "encodings.idna", "numpy.random", "seccompy", "uvicorn.lifespan.off", "uvicorn.protocols.websockets.auto",
)  # fmt: skip

FLAGS = (os.O_RDONLY | os.O_NOCTTY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND)
"""How stdin, stdout and stderr are opened."""

CONTEXT = multiprocessing.get_context("forkserver")


class PythonProcess:
    """As `subprocess.Popen`, of the words that follow `python` (`-c`, `-m` or a script).

    stdin, stdout: a file or terminal by its path. stdout, stderr: the files that the streams go to.
    """

    def __init__(self, words, folder, *, cwd=ROOT, env=None, stdin=os.devnull, stdout=None, start_new_session=False):
        self.stdout, self.stderr = stdout or folder / "stdout", folder / "stderr"
        environment = dict(os.environ if env is None else env)
        for path in (folder / "stdout", self.stderr):
            path.touch()
        streams = tuple(map(str, (stdin, self.stdout, self.stderr)))
        self._start([*map(str, words)], str(cwd), environment, streams, start_new_session)

    @property
    def returncode(self):
        return self.poll()

    def communicate(self, timeout=None):
        self.wait(timeout)
        return self.stdout.read_text(), self.stderr.read_text()

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class ColdProcess(PythonProcess):
    """A new interpreter."""

    def _start(self, words, cwd, environment, streams, start_new_session):
        descriptors = [os.open(path, flags) for path, flags in zip(streams, FLAGS, strict=True)]
        names = ("stdin", "stdout", "stderr")
        self._process = subprocess.Popen(
            [sys.executable, *words], cwd=cwd, env=environment, start_new_session=start_new_session,
            **dict(zip(names, descriptors, strict=True)),
        )  # fmt: skip
        for descriptor in descriptors:
            os.close(descriptor)
        self.pid, self.poll, self.wait = self._process.pid, self._process.poll, self._process.wait


class WarmProcess(PythonProcess):
    """A fork of the interpreter that has loaded all."""

    def _start(self, *what):
        self._process = CONTEXT.Process(target=_become, args=what)
        self._process.start()
        self.pid = self._process.pid

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("python", timeout)
        return self._process.exitcode


def _become(words, folder, environment, streams, start_new_session):
    """Runs `python WORDS` in this process, and ends it as the interpreter would."""
    gc.freeze()  # what was loaded before need not be looked through at the end
    _leave_out_jedi()
    _leave_out_static_destructors()
    if start_new_session:
        os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for descriptor, (path, flags) in enumerate(zip(streams, FLAGS, strict=True)):
        os.dup2(os.open(path, flags), descriptor)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", buffering=1, closefd=False)
    ctypes.pythonapi.Py_Exit(_exit_code(words))


def _leave_out_jedi():
    from delegates.embedded.attributes import JediProcess
    from tests.small_library import start_no_jedi

    JediProcess.start = start_no_jedi


def _leave_out_static_destructors():
    """Of PyTorch's libraries: they take several times as long as the interpreter's end, which stays as it is."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # in glibc; what is registered last is called first, with the exit code
        libc.on_exit(libc._exit, None)


def _exit_code(words):
    try:
        _run(words)
    except SystemExit as exit_:
        if isinstance(exit_.code, str):
            print(exit_.code, file=sys.stderr)
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _run(words):
    option, *arguments = words
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    sys.path[:0] = ["", *path] if option in ("-c", "-m") else [str(Path(option).parent), *path]
    if option == "-m":
        sys.argv = arguments
        sys.modules.pop(arguments[0], None)  # as it is run, not imported
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    elif option == "-c":
        code, *more = arguments
        sys.argv = ["-c", *more]
        main = sys.modules["__main__"] = type(sys)("__main__")
        exec(compile(code, "<string>", "exec"), main.__dict__)
    else:
        sys.argv = words
        runpy.run_path(option, run_name="__main__")


@pytest.fixture(scope="session")
def _warm():
    CONTEXT.set_forkserver_preload(list(PRELOADED))
    with contextlib.chdir(ROOT):
        forkserver.ensure_running()


@pytest.fixture
def warm_python(_warm, tmp_path_factory):
    """Starts a `WarmProcess` of the given words and options; those that are left are killed."""
    with _started(WarmProcess, tmp_path_factory) as start:
        yield start


@pytest.fixture
def cold_python(tmp_path_factory):
    """Starts a `ColdProcess` of the given words and options; those that are left are killed."""
    with _started(ColdProcess, tmp_path_factory) as start:
        yield start


@contextlib.contextmanager
def _started(kind, folders):
    processes = []

    def start(words, **options):
        processes.append(kind(words, folders.mktemp("process"), **options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait(60)
