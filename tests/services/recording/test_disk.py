"""A disk that is full or refuses promises: a clear answer, nothing half-written, and recording goes on once it can."""

import resource
import subprocess

import pytest

from errors import InputError, NoSpaceError
from state_adapter import read_session


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_and_recording_goes_on_when_there_is_room(small_disk, make_recording, run, state_request):
    recording = make_recording(folder=small_disk)
    ballast = small_disk / "ballast"

    async def play():
        recorder = recording.recorder
        episode_id = await recorder.start("p")
        await recorder.add_state(episode_id, state_request("first", 0))
        assert await recorder.add_changes(episode_id, 0, [(0.0, 0, 0, "a", "input")]) == 1
        fill(ballast)
        for attempt in (
            recorder.add_state(episode_id, state_request("second " * 9000, 1)),
            recorder.add_changes(episode_id, 1, [(0.0, 0, 0, "b" * 60_000, "input")]),
            recorder.start("p"),
        ):
            with pytest.raises(NoSpaceError, match="the disk is full"):
                await attempt
            assert "full" in recorder.problem_of_disk
        assert recorder.open_sessions() == [episode_id]
        ballast.unlink()
        await recorder.add_state(episode_id, state_request("third", 1))
        assert recorder.problem_of_disk is None
        assert await recorder.add_changes(episode_id, 1, [(0.0, 0, 0, "b", "input")]) == 2
        await recorder.end(episode_id)
        return episode_id

    episode_id = run(play())
    episode = read_session(recording.stream(episode_id))
    assert [state.text for state in episode.states] == ["first", "third"] and not episode.cut_off
    assert [line["first"] for line in recording.lines(episode_id, "changes.jsonl")] == [0, 1]
    assert len(list(recording.paths.episodes.iterdir())) == 1  # nothing is left of the session that did not begin


def fill(ballast):
    """Leaves no room on the ballast's file system."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return


def test_an_end_that_finds_no_room_can_be_tried_again(small_disk, make_recording, run, state_request):
    recording = make_recording(folder=small_disk)

    async def play():
        episode_id = await recording.recorder.start("p")
        stream, sizes = recording.stream(episode_id), []
        for t in range(2):
            sizes.append(stream.stat().st_size)
            await recording.recorder.add_state(episode_id, state_request("", t))
        overhead = sizes[1] - sizes[0]
        room = -(stream.stat().st_size + overhead) % 4096
        await recording.recorder.add_state(episode_id, state_request("x" * room, 2))
        assert stream.stat().st_size % 4096 == 0
        fill(small_disk / "ballast")
        with pytest.raises(NoSpaceError):
            await recording.recorder.end(episode_id)
        (small_disk / "ballast").unlink()
        await recording.recorder.end(episode_id)
        return episode_id

    episode_id = run(play())
    assert recording.lines(episode_id)[-1].keys() == {"endTime"}


def test_a_file_where_the_folder_belongs_is_said(recording, run):
    recording.paths.episodes.parent.mkdir(parents=True)
    recording.paths.episodes.write_text("")
    with pytest.raises(InputError, match="a file"):
        run(recording.recorder.start("p"))
    assert "a file" in recording.recorder.problem_of_disk


def test_a_limit_on_the_size_of_files_is_said(recording, run, state_request):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def play():
        episode_id = await recording.recorder.start("p")
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            with pytest.raises(InputError, match="larger than this process may write"):
                await recording.recorder.add_state(episode_id, state_request("x" * 30_000, 0))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        await recording.recorder.add_state(episode_id, state_request("y", 0))
        return episode_id

    assert [state["text"] for state in recording.states(run(play()))] == ["y"]


def test_a_read_only_folder_is_answered_clearly_by_a_real_server(server_process):
    server_process.paths.episodes.parent.mkdir(parents=True)
    server_process.paths.episodes.write_text("a file in place of the folder")
    server_process.start()
    client = server_process.client()
    with pytest.raises(InputError, match=r"answered by 503: .*a file where a folder is needed"):
        client.post("/episodes/start", {"problem_id": "p"})
    assert server_process.get("/api/backend/health")["status"] == "unhealthy"
    parts = {part["name"]: part for part in server_process.get("/api/health")["parts"]}
    assert not parts["recorder"]["ok"] and "nothing is recorded" in parts["recorder"]["text"]
    server_process.paths.episodes.unlink()
    assert client.post("/episodes/start", {"problem_id": "p"})["episode_id"]
    assert server_process.get("/api/backend/health")["status"] == "healthy"
