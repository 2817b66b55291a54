"""What is removed while sessions are recorded and tested does not come back, and recording goes on afterwards."""

import asyncio
import shutil
import threading
from contextlib import suppress

import pytest

from errors import ConflictError, InputError, NotFoundError
from judge import Case, Problem
from services.recording.append_log import LogFile
from sessions.removal import erase

PROBLEM = Problem("p", "f", (Case((), 1),))


async def record_until(stopped, recorder, state_request):
    """Records session after session; returns the errors other than that a session has ended or none may begin."""
    errors = []
    while not stopped.is_set():
        with suppress(NotFoundError, ConflictError):
            try:
                episode_id = await recorder.start("p")
                for t in range(5):
                    await recorder.add_state(episode_id, state_request(f"def f(): return {t}", t))
                    await recorder.add_changes(episode_id, t, [(0.0, 0, 0, "x", "input")])
                    await recorder.add_activity(episode_id, t, [(0.0, "focus", {})])
                await recorder.end(episode_id)
            except InputError as error:
                if not isinstance(error, NotFoundError | ConflictError):
                    errors.append(error)
        await asyncio.sleep(0)
    return errors


def test_erasing_while_sessions_are_recorded_and_tested_leaves_nothing(make_recording, run, state_request):
    recording = make_recording(problem=PROBLEM)
    recorder, paths = recording.recorder, recording.paths

    async def erase_again_and_again():
        stopped = asyncio.Event()
        tasks = [asyncio.create_task(record_until(stopped, recorder, state_request)) for _ in range(3)]
        for _ in range(5):
            await asyncio.sleep(0.2)
            async with recorder.without_sessions():
                await asyncio.to_thread(recorder.snapshots.discard)
                await asyncio.to_thread(erase, paths)
                assert [path for path in paths.root.rglob("*") if path.is_file()] == []
                with pytest.raises(ConflictError, match="being erased"):
                    await recorder.start("p")
        stopped.set()
        assert await asyncio.gather(*tasks) == [[], [], []]
        episode_id = await recorder.start("p")
        await recorder.add_state(episode_id, state_request("def f(): return 1", 0))
        await recorder.end(episode_id)
        return episode_id

    episode_id = run(erase_again_and_again())
    assert recording.snapshot(episode_id)["states"][0]["env"]["compiled"]
    assert recorder.problem_of_disk is None


def test_what_begins_while_everything_is_removed_has_its_files_made_before(make_recording, run, monkeypatch):
    """A session begins in a thread: its file must not appear once everything is gone."""
    recording = make_recording(problem=PROBLEM)
    recorder, paths = recording.recorder, recording.paths
    begun, may_go_on = threading.Event(), threading.Event()

    def slow_file(path):
        begun.set()
        may_go_on.wait(20)
        return LogFile(path)

    async def erase_while_one_begins():
        monkeypatch.setattr("services.recording.recorder.LogFile", slow_file)
        starting = asyncio.create_task(recorder.start("p"))
        await asyncio.to_thread(begun.wait, 20)
        asyncio.get_running_loop().call_later(0.1, may_go_on.set)
        async with recorder.without_sessions():
            erase(paths)
        with pytest.raises(ConflictError, match="being erased"):
            await starting

    run(erase_while_one_begins())
    assert [path for path in paths.root.rglob("*") if path.is_file()] == []


def test_a_test_run_of_a_session_whose_folder_is_gone_makes_none(make_recording, run):
    recording = make_recording(problem=PROBLEM)

    async def note():
        episode_id = await recording.recorder.start("p")
        shutil.rmtree(recording.paths.episodes / episode_id)
        recording.recorder.note_test_run(episode_id, {"test_results": []})
        assert not (recording.paths.episodes / episode_id).exists()
        assert recording.recorder.problem_of_disk is None

    run(note())


def test_a_session_that_waits_or_is_tested_is_left_as_it_is_once_discarded(make_recording, run, state_request):
    recording = make_recording(problem=PROBLEM)

    async def record():
        ids = []
        for _ in range(3):
            ids.append(await recording.recorder.start("p"))
            for t in range(20):
                await recording.recorder.add_state(ids[-1], state_request(f"def f(): return {t}", t))
            await recording.recorder.end(ids[-1])
        return ids

    first, second, third = run(record())
    for episode_id in (second, first):
        recording.snapshots.discard(recording.stream(episode_id))
        assert recording.snapshots._current != recording.stream(episode_id)
    assert recording.snapshots.wait(60)
    assert not any((recording.paths.episodes / name / f"{name}.json").exists() for name in (first, second))
    assert recording.snapshot(third)
    recording.snapshots.discard(recording.stream(third))  # nothing waits any more


def test_what_waits_for_a_sessions_log_while_it_is_given_up_makes_no_file(recording, run):
    recorder = recording.recorder

    async def wait_while_it_is_given_up():
        episode_id = await recorder.start("p")
        log = recorder._session(episode_id).activity
        await log.lock.acquire()
        waiting = asyncio.create_task(recorder.add_activity(episode_id, 0, [(0.0, "focus", {})]))
        await asyncio.sleep(0.05)

        async def give_up():
            async with recorder.without_sessions():
                pass

        giving_up = asyncio.create_task(give_up())
        await asyncio.sleep(0.05)
        log.close()
        log.lock.release()
        await giving_up
        with pytest.raises(NotFoundError, match="has ended"):
            await waiting
        assert not log.path.exists()

    run(wait_while_it_is_given_up())
