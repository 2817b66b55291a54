"""One call after the other, with what it returns or raises; nothing waits for it at the end."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from services.http.reading_thread import ReadingThread


def test_calls_are_done_in_turn_and_return_or_raise_what_they_do():
    reader, order = ReadingThread("reading"), []

    def call(number):
        time.sleep(0.01)
        order.append((number, threading.current_thread().name))
        return number * 2

    async def ask():
        with pytest.raises(ZeroDivisionError):
            await reader.run(lambda: 1 / 0)
        return await asyncio.gather(*(reader.run(lambda i=i: call(i)) for i in range(5)))

    assert asyncio.run(ask()) == [0, 2, 4, 6, 8]
    assert order == [(i, "reading") for i in range(5)]


def test_what_nobody_waits_for_any_more_is_left_out():
    reader, done, go_on = ReadingThread("reading"), [], threading.Event()

    async def ask():
        first = asyncio.create_task(reader.run(lambda: go_on.wait(30)))
        second = asyncio.create_task(reader.run(lambda: done.append("second")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await first
        await reader.run(lambda: done.append("third"))

    asyncio.run(ask())
    assert done == ["third"]


def test_a_long_call_does_not_hold_up_the_end_of_the_process(root):
    code = """
import asyncio, time
from services.http.reading_thread import ReadingThread

async def ask():
    asyncio.create_task(ReadingThread("reading").run(lambda: time.sleep(60)))
    await asyncio.sleep(0.1)

asyncio.run(ask())
"""
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, timeout=30)
