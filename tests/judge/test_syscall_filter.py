"""The program answers each call as the lists say: run here by a small interpreter of the kernel's instructions."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

seccompy = pytest.importorskip("seccompy")

from judge import syscall_filter  # noqa: E402

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, UNKNOWN = 0x50001, 0x50026


def answer(number, *arguments, architecture=None):
    """What the program tells the kernel of a call."""
    architecture = seccompy.audit_arch() if architecture is None else architecture
    words = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<iIQ6Q", number, architecture, 0, *words)
    program = list(struct.iter_unpack("<HBBI", syscall_filter.compile_filter()))
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = program[position]
        position += 1
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            accumulator &= value
        elif code == 0x05:
            position += value
        elif code == 0x06:
            return value
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value}[code]
            position += if_true if holds else if_false


def call(name, *arguments):
    return answer(seccompy.syscall_nr(name), *arguments)


NUMBERS = {syscall_filter._number(name): name for name in syscall_filter._ALLOWED}
CHECKED = {syscall_filter._number(name) for name in (*syscall_filter._checks(), *syscall_filter._UNKNOWN)}


@given(st.integers(0, 2**31 - 1) | st.integers(0, 600))
def test_only_listed_calls_are_allowed(number):
    if number not in CHECKED:
        assert answer(number) == (ALLOW if number in NUMBERS else REFUSE)


def test_every_listed_call_is_allowed_and_of_another_architecture_none():
    for number in NUMBERS:
        if number is not None:
            assert answer(number) == ALLOW
            assert answer(number, architecture=0x40000003) == KILL


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (0x3D0F00,), ALLOW),
        ("clone", (17,), REFUSE),
        ("clone", (0x10000000 | 17,), REFUSE),
        ("clone3", (), UNKNOWN),
        ("openat2", (), UNKNOWN),
        ("prlimit64", (0, 7), ALLOW),
        ("prlimit64", (1, 7), REFUSE),
        ("fcntl", (3, 4, 0), ALLOW),
        ("fcntl", (3, 8, 1), REFUSE),
        ("fcntl", (3, 10, 9), REFUSE),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), REFUSE),
        ("prctl", (15,), ALLOW),
        ("prctl", (1, 0), REFUSE),
        ("openat", (-100 & (2**64 - 1), 1, 0o1000 | 1), ALLOW),
        ("openat", (-100 & (2**64 - 1), 1, 0o1000), REFUSE),
        ("openat", (-100 & (2**64 - 1), 1, 0o1003), REFUSE),
        ("openat", (-100 & (2**64 - 1), 1, 0), ALLOW),
        ("socket", (1, 1), REFUSE),
        ("execve", (), REFUSE),
        ("kill", (1, 9), REFUSE),
    ],
)
def test_arguments_decide_where_they_must(name, arguments, expected):
    assert call(name, *arguments) == expected
