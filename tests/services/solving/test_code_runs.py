"""Runs of code: each in a thread of its own, ended by its session or when its client has gone."""

import asyncio
import time

import pytest

from services.solving.code_runs import CodeRuns


class Client:
    """A request whose client closes the connection when `leave` is set."""

    def __init__(self):
        self.leave = asyncio.Event()

    async def receive(self):
        await self.leave.wait()
        return {"type": "http.disconnect"}


def until_cancelled(cancellation):
    deadline = time.monotonic() + 30
    while not cancellation.cancelled and time.monotonic() < deadline:
        time.sleep(0.005)
    return cancellation.cancelled


async def begun(runs, episode_id, client=None):
    task = asyncio.create_task(runs.run(client or Client(), episode_id, until_cancelled))
    await asyncio.sleep(0.01)
    return task


def test_a_run_gives_what_it_comes_to():
    async def play():
        return await CodeRuns().run(Client(), "e", lambda cancellation: ("done", cancellation.cancelled))

    assert asyncio.run(play()) == ("done", False)


def test_a_run_that_fails_raises_its_error_and_is_no_longer_under_way():
    async def play():
        runs = CodeRuns()
        with pytest.raises(KeyError):
            await runs.run(Client(), "e", lambda cancellation: {}["missing"])
        return runs.stop("e")

    assert asyncio.run(play()) == 0


def test_stop_ends_all_runs_of_a_session_and_nobody_elses():
    async def play():
        runs = CodeRuns()
        mine = [await begun(runs, "mine") for _ in range(3)]
        other = await begun(runs, "other")
        assert runs.stop("mine") == 3
        assert await asyncio.gather(*mine) == [True] * 3 and not other.done()
        assert runs.stop("mine") == 0 and runs.stop("other") == 1
        return await other

    assert asyncio.run(play())


def test_a_run_ends_when_its_client_has_gone():
    async def play():
        client = Client()
        task = await begun(CodeRuns(), "e", client)
        client.leave.set()
        return await task

    assert asyncio.run(play())


def test_many_runs_go_on_at_the_same_time():
    async def play():
        runs = CodeRuns()
        tasks = [await begun(runs, "e") for _ in range(100)]
        assert runs.stop("e") == 100
        return await asyncio.wait_for(asyncio.gather(*tasks), 20)

    assert asyncio.run(play()) == [True] * 100
