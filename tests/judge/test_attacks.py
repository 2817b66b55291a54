"""What hostile code tries: nothing succeeds at a level that claims to stop it, and the next code runs right.

Each attack prints SUCCEEDED where it got what it wanted. The hook that refuses acts in words is off, so that only the
kernel is in the way. All attacks at all levels are slow; a tenth runs always, at the best level.
"""

import contextlib
import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from judge import Case, CaseRunner, Judge, Problem, SandboxLevel, StandardCase
from judge.sandbox import CLAIMS, probe

LIMITS, FILES, CALLS, NAMESPACES, FULL = list(SandboxLevel)[1:]
EVERYWHERE = {LIMITS, FILES, CALLS, NAMESPACES, FULL}
FILTERED = {FILES, CALLS, NAMESPACES, FULL}
ISOLATED = {CALLS, NAMESPACES, FULL}
WITH_CALLS = {CALLS, FULL}

BEGIN = """
import json, os, sys
target = json.load(sys.stdin)
def succeed(): print("SUCCEEDED", flush=True)
"""
RAW = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    words = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    status = libc.syscall(number, *words)
    if status < 0: raise OSError(ctypes.get_errno(), "refused")
    return status
X86 = os.uname().machine == "x86_64"
"""


@dataclass(frozen=True)
class Attack:
    """A program, the levels that claim to stop it, and its limits."""

    code: str
    stopped_at: frozenset
    timeout_ms: float = 3000
    memory_mb: int = 256


ATTACKS: dict[str, Attack] = {}


def attack(name, levels, code, **limits):
    ATTACKS[name] = Attack(BEGIN + code, frozenset(levels), **limits)


# --- files
attack("read a file of the person's", FILTERED, "open(target['file']).read(); succeed()")
attack("read /etc/shadow or /etc/passwd", FILTERED, "open('/etc/passwd').read(); succeed()")
attack("read the home folder", FILTERED - {NAMESPACES}, "os.listdir(target['home']); succeed()")
attack(
    "read by a raw system call",
    FILTERED,
    RAW + "call(257 if X86 else 56, -100, target['file'].encode(), 0, 0); succeed()",
)
attack("read above the own folder", FILTERED, "open('../' * 20 + target['file'].lstrip('/')).read(); succeed()")
attack("read the root by a descriptor", FILTERED - {NAMESPACES}, "os.listdir(os.open('/', os.O_RDONLY)); succeed()")
attack("write outside", FILTERED, "open(target['folder'] + '/written', 'w').write('x'); succeed()")
attack("write to a file of the person's", FILTERED, "open(target['file'], 'a').write('x'); succeed()")
attack("truncate what is only read", FILTERED, "os.open(target['file'], os.O_RDONLY | os.O_TRUNC); succeed()")
attack("symbolic link", FILTERED, "os.symlink(target['file'], 'link'); open('link').read(); succeed()")
attack("hard link", FILTERED, "os.link(target['file'], 'link'); open('link').read(); succeed()")
attack("rename into the own folder", FILTERED, "os.rename(target['file'], 'mine'); succeed()")
attack("delete a file of the person's", FILTERED, "os.unlink(target['file']); succeed()")
attack("patch a library", FILTERED, "open(os.__file__, 'r+').close(); succeed()")
attack(
    "shared memory",
    FILTERED,
    "open('/dev/shm/judge-attack', 'w').write('x'); os.unlink('/dev/shm/judge-attack'); succeed()",
)
attack("/proc of the asker", FILTERED, "open(f\"/proc/{target['process']}/environ\", 'rb').read(); succeed()")
attack("/proc of the parent", FILTERED, "open(f'/proc/{os.getppid()}/maps', 'rb').read(); succeed()")
attack("change a mode", ISOLATED, "os.chmod(target['file'], 0o600); succeed()")
attack(
    "set-user-id program",
    WITH_CALLS,
    "open('program', 'w').write('#!/bin/sh'); os.chmod('program', 0o4755); succeed()",
)
attack("see that a file exists", {NAMESPACES, FULL}, "os.stat(target['file']); succeed()")
attack("device", FILTERED, "os.mknod('device', 0o600 | 0o020000, os.makedev(1, 1)); succeed()")
attack("named pipe and folders", WITH_CALLS, "os.mkfifo('pipe'); os.mkdir('folder'); succeed()")

# --- network
attack("TCP", FILTERED, "import socket; socket.create_connection(('127.0.0.1', target['tcp_port']), 1); succeed()")
attack(
    "UDP",
    ISOLATED,
    "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
    "s.sendto(b'x', ('127.0.0.1', target['udp_port'])); succeed()",
)
attack("unix socket", ISOLATED, "import socket; socket.socket(socket.AF_UNIX).connect(target['unix_path']); succeed()")
attack(
    "abstract socket",
    ISOLATED,
    "import socket; socket.socket(socket.AF_UNIX).connect('\\0' + target['abstract_name']); succeed()",
)
attack("socket of any kind", WITH_CALLS, "import socket; socket.socketpair(); succeed()")
attack("raw socket call", WITH_CALLS, RAW + "call(41 if X86 else 198, 16, 3, 0); succeed()")

# --- processes
attack("fork", WITH_CALLS, "os.fork() or os._exit(0); succeed()")
attack("raw fork", WITH_CALLS, RAW + "call(56 if X86 else 220, 17, 0, 0, 0, 0) or os._exit(0); succeed()")
attack(
    "raw clone3", WITH_CALLS, RAW + "call(435, (ctypes.c_uint64 * 11)(0, 0, 0, 0, 17), 88) or os._exit(0); succeed()"
)
attack("another program", ISOLATED, "import subprocess; subprocess.run(['/bin/true'], check=True); succeed()")
attack(
    "program from memory",
    WITH_CALLS,
    "descriptor = os.memfd_create('program'); succeed()",
)
attack("replace itself", ISOLATED, "os.execv('/bin/echo', ['echo', 'SUCCEEDED'])")
attack("signal the asker", ISOLATED, "os.kill(target['process'], 0); succeed()")
attack("signal the parent", WITH_CALLS, "os.kill(os.getppid(), 0); succeed()")
attack("signal everybody", WITH_CALLS, "os.kill(-1, 0); succeed()")
attack(
    "have the parent signalled by a pipe",
    WITH_CALLS,
    "import fcntl; r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, os.getppid()); fcntl.fcntl(r, 10, 9); succeed()",
)
attack("trace the parent", WITH_CALLS, RAW + "assert libc.ptrace(0x4206, os.getppid(), None, None) == 0; succeed()")
attack("memory of the parent", WITH_CALLS, RAW + """
buffer = ctypes.create_string_buffer(8)
vector = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 8)
call(310 if X86 else 270, os.getppid(), vector, 1, vector, 1, 0)
succeed()
""")  # fmt: skip
attack("limits of the parent", WITH_CALLS, "import resource; resource.prlimit(os.getppid(), 7, (9, 9)); succeed()")
attack("outlive a signal of its parent's end", WITH_CALLS, RAW + "assert libc.prctl(1, 0) == 0; succeed()")
attack("user namespace", WITH_CALLS, RAW + "assert libc.unshare(0x10000000) == 0; succeed()")
attack("mount", WITH_CALLS, RAW + "assert libc.unshare(0x10020000) == 0; succeed()")
attack("io_uring", WITH_CALLS, RAW + "call(425, 8, ctypes.create_string_buffer(512)); succeed()")
attack("keyring", WITH_CALLS, RAW + "call(250 if X86 else 219, 0, -3, 1, 0, 0); succeed()")
attack(
    "kernel program", WITH_CALLS, RAW + "call(321 if X86 else 280, 5, ctypes.create_string_buffer(128), 128); succeed()"
)
attack("foreign system calls", WITH_CALLS, RAW + """
if not X86: raise SystemExit(1)
import mmap  # int 0x80 with the number of getpid: a filter that looks at numbers alone would take it for another call
memory = mmap.mmap(-1, 4096, prot=7)
memory.write(b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3")
function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
if function() > 0: succeed()
""")  # fmt: skip
attack("x32 system calls", WITH_CALLS, RAW + "call(0x40000000 + 41, 1, 1, 0); succeed()")

# --- limits
attack("memory at once", EVERYWHERE, "a = bytearray(2**30); a[::4096] = b'x' * (2**18); succeed()")
attack("memory bit by bit", EVERYWHERE, "a = []\nwhile len(a) < 1000: a.append(bytearray(2**20))\nsucceed()")
attack("mapped memory", EVERYWHERE, "import mmap; a = [mmap.mmap(-1, 2**27) for _ in range(8)]; succeed()")
attack("large file", EVERYWHERE, "f = open('a', 'wb')\nfor _ in range(64): f.write(bytes(2**20)); f.flush()\nsucceed()")
attack(
    "many files",
    EVERYWHERE,
    "for i in range(50): open(f'{i}', 'wb').write(bytes(2**20))\nimport time; time.sleep(.2); succeed()",
)
attack(
    "many empty files",
    EVERYWHERE,
    "for i in range(5000): open(f'{i}', 'w').close()\nimport time; time.sleep(.2); succeed()",
)
attack("many descriptors", EVERYWHERE, "a = [os.open('/dev/null', 0) for _ in range(500)]; succeed()")
attack(
    "raise the limits", EVERYWHERE, "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40)); succeed()"
)
attack("endless loop", EVERYWHERE, "while True: pass", timeout_ms=500)
attack(
    "loop that catches everything",
    EVERYWHERE,
    "import signal\nfor s in range(1, 32):\n  try: signal.signal(s, signal.SIG_IGN)\n  except OSError: pass\n"
    "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
    timeout_ms=500,
)
attack("sleep", EVERYWHERE, "import time; time.sleep(60); succeed()", timeout_ms=500)
attack("endless output", EVERYWHERE, "while True: print('x' * 10**5)")
attack("endless errors", EVERYWHERE, "while True: print('x' * 10**5, file=sys.stderr)", timeout_ms=500)
attack("closed output", EVERYWHERE, "os.close(1); os.close(2)\nwhile True: pass", timeout_ms=500)
attack("many threads", FILTERED, """
import threading, time
threading.stack_size(2**16)
threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(100)]
for each in threads: each.start()
time.sleep(.3)
succeed()
""")  # fmt: skip
attack("fork bomb", WITH_CALLS, "while True: os.fork()")
attack("stack overflow", EVERYWHERE, "import ctypes; ctypes.string_at(0); succeed()")
attack(
    "deep recursion",
    EVERYWHERE,
    "sys.setrecursionlimit(10**9)\nclass A:\n  def __getattr__(self, n): return getattr(self, n + 'x')\n"
    "A().x; succeed()",
)
attack("deep nesting", EVERYWHERE, "eval('(' * 10**5); succeed()")
attack("background process", WITH_CALLS, "import time\nif os.fork() == 0:\n  os.setsid(); time.sleep(60)\nsucceed()")

# --- the harness
attack("inherited descriptors", EVERYWHERE, """
for descriptor in range(3, 1024):
    try: os.fstat(descriptor)
    except OSError: continue
    succeed()
""")  # fmt: skip
attack("forge answers on all descriptors", EVERYWHERE, """
for descriptor in range(3, 1024):
    for data in (b'{"ending": "end", "code": 0}', b"\\x80\\x04N."):
        try: os.write(descriptor, len(data).to_bytes(4, "big") + data)
        except OSError: continue
        succeed()
""")  # fmt: skip
attack("find the expected output", EVERYWHERE, """
import gc
secret = "".join(reversed(target["terces"]))
def search(value, depth=0):
    if depth > 6: return False
    if isinstance(value, str): return secret in value and value is not secret
    if isinstance(value, dict): return any(search(v, depth + 1) for v in list(value.values()))
    if isinstance(value, (list, tuple)): return any(search(v, depth + 1) for v in value)
    return False
frame = sys._getframe()
while frame is not None:
    if frame.f_back is not None and search(dict(frame.f_back.f_locals)): succeed()
    frame = frame.f_back
mine = globals()
for value in gc.get_objects():
    if value is not mine and isinstance(value, (dict, list, tuple)) and search(value, 5): succeed()
""")  # fmt: skip
attack(
    "see what another case left",
    EVERYWHERE,
    "os.listdir('.') and succeed(); hasattr(json, 'left') and succeed(); open('left', 'w'); json.left = 1",
)
attack("environment", EVERYWHERE, "set(os.environ) - {'OPENBLAS_NUM_THREADS'} and succeed()")
attack("end well in spite of an error", EVERYWHERE, "import atexit; sys.exit = os._exit; succeed(); 1 / 0")
attack("pickle to the harness", EVERYWHERE, """
import pickle
class Evil:
    def __reduce__(self): return os.system, ("echo SUCCEEDED",)
data = pickle.dumps(Evil())
for descriptor in range(3, 100):
    try: os.write(descriptor, data)
    except OSError: pass
os.write(1, data.replace(b"SUCCEEDED", b"succeeded"))
""")  # fmt: skip
attack("patch the harness", EVERYWHERE, """
import builtins, gc, types
os._exit = sys.exit = os.write = lambda *_: None
frame = sys._getframe()
while frame.f_back is not None:
    frame = frame.f_back
    for name in ("json", "os", "sys", "answer_program", "write_message", "_exit_code"):
        if name in frame.f_globals: frame.f_globals[name] = None
builtins.print = builtins.open = None
raise ValueError("SUCCEEDED"[::-1])
""")  # fmt: skip

MAY_PRINT = {"end well in spite of an error"}
"""Attacks whose printing means nothing: they succeed only if the case passes."""
FIRST = (
    "read a file of the person's", "TCP", "fork", "memory at once", "endless loop", "find the expected output",
    "background process",
)  # fmt: skip
"""The tenth that runs always."""


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    """A secret file, sockets that listen, and this process."""
    folder = tmp_path_factory.mktemp("person")
    for parent in (folder, *folder.parents[:2]):
        with contextlib.suppress(OSError):
            parent.chmod(0o755)
    file = folder / "secret"
    with contextlib.ExitStack() as sockets:
        tcp, udp, unix, abstract = (
            sockets.enter_context(socket.socket(*kind))
            for kind in [(socket.AF_INET,), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_UNIX,), (socket.AF_UNIX,)]
        )
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        with contextlib.chdir(folder):
            unix.bind("socket")
        abstract.bind(f"\0judge-attacks-{os.getpid()}")
        for each in (tcp, unix, abstract):
            each.listen()
        yield {
            "file": str(file),
            "folder": str(folder),
            "home": str(Path.home()),
            "tcp_port": tcp.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "unix_path": str(folder / "socket"),
            "abstract_name": f"judge-attacks-{os.getpid()}",
            "process": os.getpid(),
            "terces": SECRET[::-1],
        }


SECRET = f"expected-{os.getpid()}"


@pytest.fixture(scope="module")
def runners():
    """One runner for each level, made at the first need."""
    with contextlib.ExitStack() as stack:
        made = {}

        def runner(level):
            if level not in made:
                made[level] = stack.enter_context(CaseRunner(level=level, unprotected=True, audit=False))
            return made[level]

        yield runner


def check(attack, name, runner, targets):
    """Runs one attack; then an honest program."""
    secret = Path(targets["file"])
    secret.write_text("secret", encoding="ascii")
    secret.chmod(0o644)
    case = StandardCase("attack", json.dumps(targets), SECRET)
    execution = runner.run(attack.code, [case], timeout_ms=attack.timeout_ms, memory_mb=attack.memory_mb)
    (result,) = execution.results
    assert not result.passed
    if name not in MAY_PRINT:
        assert "SUCCEEDED" not in result.actual, f"{name}: {result}"
    assert secret.read_text(encoding="ascii") == "secret" and secret.stat().st_mode & 0o777 == 0o644
    assert execution.milliseconds < attack.timeout_ms + 10_000
    honest = f"print(int(input()) * 2)  # {time.monotonic_ns()}"
    after = runner.run(honest, [StandardCase(1, "2", "4\n"), StandardCase(2, "3", "6\n")], timeout_ms=20_000)
    assert after.passed == 2, after


@pytest.mark.parametrize("name", FIRST)
def test_an_attack_fails_at_the_best_level(name, runners, targets):
    runner = runners(FULL)
    if runner.sandbox.level not in ATTACKS[name].stopped_at:
        pytest.skip(f"not claimed here: {runner.sandbox.description}")
    check(ATTACKS[name], name, runner, targets)


@pytest.mark.slow
@pytest.mark.parametrize("level", EVERYWHERE, ids=lambda level: level.name)
@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_succeeds_at_a_level_that_claims_to_stop_it(name, level, runners, targets):
    if level not in ATTACKS[name].stopped_at:
        pytest.skip("not claimed")
    runner = runners(level)
    if runner.sandbox.level != level:
        pytest.skip(f"this machine reaches {runner.sandbox.level.name}")
    check(ATTACKS[name], name, runner, targets)


@pytest.mark.slow
def test_nothing_is_left_after_all_attacks(runners, targets):
    runner = runners(FULL)
    if runner.sandbox.level != FULL:
        pytest.skip("not claimed")
    with contextlib.suppress(AssertionError):
        check(ATTACKS["background process"], "background process", runner, targets)
    (worker,) = runner._pool.workers
    children = subprocess.run(["ps", "-e", "-o", "sid="], capture_output=True, text=True, check=False).stdout.split()
    assert children.count(str(worker._process.pid)) <= 3  # the two that hold the namespaces, and the worker


RAW_CALLS = {
    "open": "call(257 if X86 else 56, -100, {file!r}, 0, 0)",
    "socket": "call(41 if X86 else 198, 1, 1, 0)",
    "fork": "call(56 if X86 else 220, 17, 0, 0, 0, 0) or os._exit(0)",
}


@pytest.mark.parametrize("name", RAW_CALLS)
def test_texts_that_are_judged_are_held_back_like_programs(name, targets):
    if probe().level != FULL:
        pytest.skip("not claimed")
    Path(targets["file"]).write_text("secret", encoding="ascii")
    attempt = RAW_CALLS[name].format(file=targets["file"].encode())
    text = f"import os\n{RAW}\ndef f():\n    {attempt}\n    return 1"
    with Judge() as judge:
        verdict = judge.verdict(text, Problem("attack", "f", (Case((), 1),)))
        assert verdict.passed == 0 and "Error" in verdict.reason
        assert judge.verdict("def f(): return 1", Problem("honest", "f", (Case((), 1),))).passed == 1


def test_what_a_level_claims_is_what_was_tried_and_failed():
    probed = probe()
    assert not CLAIMS[probed.level] & set(probed.succeeded)
    higher = [level for level in SandboxLevel if level > probed.level]
    assert all(CLAIMS[level] & set(probed.succeeded) for level in higher)
