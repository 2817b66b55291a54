"""run.py as a process that serves: what a signal, the page's button, a kill and a taken port lead to."""

import json
import os
import pty
import signal
import socket
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from app.stop_signals import SAME_SECONDS
from data_paths import DataPaths
from models import store
from state import Env
from state_adapter import read_episodes
from tests.small_library import put_small_library

TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "bc": {"epochs": 1},
    "ppo": {"epochs": 1},
    "zero_style": {"epochs": 1, "roots": 2, "horizon": 2, "simulations": 2, "passes": 1},
}
SECONDS = 60


class Command:
    """run.py as a process of its own; `lines`: what it has written to stderr so far."""

    def __init__(self, process):
        self.process = process

    @property
    def lines(self):
        return self.process.stderr.read_text().splitlines(keepends=True)

    def wait_for(self, text):
        """The first line with this text."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            ended = self.process.poll() is not None
            for line in self.lines:
                if text in line and line.endswith("\n"):
                    return line
            assert not ended, self.lines
            time.sleep(0.02)
        raise AssertionError((text, self.lines))

    def port(self):
        """Where the page is, once it is."""
        return int(self.wait_for("page").split(":")[-1].strip(" /\n"))

    def end(self):
        """Its exit code and stdout."""
        self.process.wait(SECONDS)
        return self.process.returncode, self.process.stdout.read_text()


def execute(port, code):
    """What the tester says of a code that is to print 1."""
    case = {"test_id": 1, "input": "", "output": "1\n"}
    with suppress(OSError, HTTPException):
        body = {"episode_id": "e", "code": code, "test_cases": [case], "timestep": 0, "timeout_ms": 60_000}
        return post(port, "/api/tester/execute", body)


@pytest.fixture
def paths(tmp_path):
    return DataPaths(tmp_path / "data")


@pytest.fixture
def start(tmp_path, root, paths, warm_python, cold_python):
    """Starts run.py, in a terminal or not, in a folder with a small training_config.json, on a free port.

    cold: a new interpreter. is_refused: nothing is there before.
    """
    (tmp_path / "training_config.json").write_text(json.dumps(TINY))
    terminals = []

    def run(*words, terminal=False, cold=False, is_refused=False):
        if not is_refused:
            put_small_library(paths.writers)
        stdin = os.devnull
        if terminal:
            terminals.extend(pty.openpty())
            stdin = os.ttyname(terminals[-1])
        environment = {**os.environ, "PERSISTENT_DATA_DIR": str(tmp_path / "data")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
        python = cold_python if cold else warm_python
        port = () if "--port" in words else ("--port", "0")
        return Command(python([root / "run.py", *words, *port], cwd=tmp_path, env=environment, stdin=stdin))

    yield run
    for descriptor in terminals:
        os.close(descriptor)


def post(port, path, body):
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    connection.request("POST", path, json.dumps(body))
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    assert response.status == 200, (path, response.status, content)
    return content


def begin_session(port, texts=("", "def f():\n", "def f():\n    return 1\n"), problem="own"):
    """A session that is left open."""
    episode = post(port, "/api/backend/episodes/start", {"problem_id": problem})["episode_id"]
    for t, text in enumerate(texts):
        state = {"text": text, "attribution": [], "timestep": t, "timestamp_ms": 1000 * t}
        post(port, f"/api/backend/episodes/{episode}/state", state)
    return episode


def recorded_texts(paths):
    """The last text of each session whose snapshot is written, by id."""
    assert list(paths.episodes.glob("*/*.json")), "no snapshot"
    episodes, _ = read_episodes(paths.episodes)
    return {episode.id: episode.states[-1].text for episode in episodes}


def can_listen(port):
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def children(process):
    """Process ids of all that a process has started, and of what these have."""
    direct = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            direct.setdefault(int(fields(stat)[1]), []).append(int(stat.parent.name))
    below, waiting = [], [process]
    while waiting:
        below += (started := direct.get(waiting.pop(), []))
        waiting += started
    return below


def fields(stat):
    """State, parent and so on, as in proc(5)."""
    return stat.read_text().rpartition(")")[2].split()


def is_alive(process):
    with suppress(OSError):
        return fields(Path(f"/proc/{process}/stat"))[0] not in "ZX"
    return False


def wait_until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGHUP, signal.SIGINT))],
)
def test_served_until_a_signal_open_sessions_are_ended_and_nothing_is_learned(start, paths, number):
    command = start("--serve")
    port = command.port()
    episode = begin_session(port)
    command.process.send_signal(number)
    assert command.end() == (0, "")
    assert recorded_texts(paths) == {episode: "def f():\n    return 1\n"}
    assert can_listen(port) and not paths.models.exists()


@pytest.mark.parametrize("cold", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_started_anew_it_says_what_is_there_and_ctrl_c_in_a_terminal_trains_and_shows_what_changed(start, paths, cold):
    command = start(terminal=True, cold=cold)
    check_lines_of_a_start(command)
    episode = begin_session(command.port(), problem="row-sums")
    command.process.send_signal(signal.SIGINT)
    code, out = command.end()
    assert code == 0, command.lines
    assert list(recorded_texts(paths)) == [episode]
    assert out.startswith("Learned from 1 session, ") and store.load(paths.models).meta["trained_on"] == "person"


def check_lines_of_a_start(command):
    """Each part has a line with its time, and how to get a better writer is said."""
    last = command.wait_for("ready: ")
    parts = {line.split()[2]: line for line in command.lines if line.split()[1:2] == ["s"]}
    assert {"page", "recorder", "policy", "writer"} <= set(parts)
    assert all(float(line.split()[0]) >= 0 for line in parts.values())
    assert f"http://127.0.0.1:{command.port()}/" in last and "Ctrl+C" in last
    assert any("--writer-model" in line for line in command.lines)


def test_the_pages_button_does_as_ctrl_c(start, paths):
    command = start("--no-train", terminal=True)
    port = command.port()
    episode = begin_session(port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as page:
        assert b'<meta name="trains" content="false">' in page.read()  # no promise of a training
    assert post(port, "/api/finish", {}) == {"ok": True}
    assert command.end() == (0, "")
    assert list(recorded_texts(paths)) == [episode]


def test_without_any_session_ctrl_c_learns_nothing_and_says_what_shows_how_it_works(start, paths):
    command = start(terminal=True)
    command.port()
    command.process.send_signal(signal.SIGINT)
    assert command.end() == (0, "")
    assert "--simulate 4 shows what happens" in command.lines[-1] and not paths.models.exists()


def test_a_session_that_was_begun_and_left_is_no_error_after_ctrl_c(start, paths):
    command = start(terminal=True)
    begin_session(command.port(), [""])
    command.process.send_signal(signal.SIGINT)
    assert command.end() == (0, "")
    assert "has a decision yet: nothing is learned" in command.lines[-1] and not paths.models.exists()


def test_a_terminal_that_is_gone_saves_the_sessions_and_does_not_train(start, paths):
    command = start(terminal=True)
    episode = begin_session(command.port())
    command.process.send_signal(signal.SIGHUP)
    assert command.end() == (130, "")
    assert list(recorded_texts(paths)) == [episode] and not paths.models.exists()


def test_a_second_ctrl_c_while_sessions_end_is_not_lost(start, paths):
    command = start(terminal=True)
    endless = [f"while {t}: pass" for t in range(1, 13)]
    episode = begin_session(command.port(), endless, problem="row-sums")
    command.process.send_signal(signal.SIGINT)
    command.wait_for("ending open sessions")
    time.sleep(2 * SAME_SECONDS)
    command.process.send_signal(signal.SIGINT)
    assert command.end() == (130, "")
    assert "--train-only learns from them" in command.lines[-1] and not paths.models.exists()
    (recorded,), _ = read_episodes(paths.episodes)
    assert recorded.id == episode and len(recorded.states) == 12


def test_a_second_ctrl_c_stops_training_and_the_same_command_goes_on(start, paths, tmp_path):
    long = {**TINY, "bc": {"epochs": 100_000, "patience": 100_000}}
    (tmp_path / "training_config.json").write_text(json.dumps(long))
    command = start(terminal=True)
    begin_session(command.port())
    command.process.send_signal(signal.SIGINT)
    wait_until((paths.run / "training" / "train.jsonl").exists)
    command.process.send_signal(signal.SIGINT)
    assert command.end() == (130, "")
    assert command.lines[-1] == "interrupted; all is saved, --train-only goes on from here\n"
    command = start(terminal=True)
    command.port()
    command.process.send_signal(signal.SIGINT)
    command.wait_for("Going on with the run that was interrupted")


def test_ctrl_c_while_the_page_trains_saves_that_training_and_goes_on_with_it(start, paths, tmp_path):
    long = {**TINY, "bc": {"epochs": 100_000, "patience": 100_000}}
    (tmp_path / "training_config.json").write_text(json.dumps(long))
    command = start(terminal=True)
    port = command.port()
    post(port, f"/api/backend/episodes/{begin_session(port)}/end", {})
    wait_until(lambda: list(paths.episodes.glob("*/*.json")))
    post(port, "/api/training/start", {})
    wait_until((paths.run / "training" / "train.jsonl").exists)
    command.process.send_signal(signal.SIGINT)
    command.wait_for("Going on with the run that was interrupted")
    command.wait_for("behaviour cloning")
    command.process.send_signal(signal.SIGINT)
    assert command.end() == (130, "")
    assert command.lines[-1] == "interrupted; all is saved, --train-only goes on from here\n"


def test_a_killed_parent_leaves_no_process_and_its_port_is_free(start, paths):
    command = start("--serve")
    port = command.port()
    episode = begin_session(port, ["while True: pass"] * 3, problem="row-sums")
    post(port, f"/api/backend/episodes/{episode}/end", {})
    fork_and_loop = "import os\nos.setsid() if not os.fork() else None\nwhile True: pass"
    threading.Thread(target=execute, args=(port, fork_and_loop), daemon=True).start()
    wait_until(lambda: len(children(command.process.pid)) >= 4)
    before, below = set(), set(children(command.process.pid))
    while below != before:  # all have started
        time.sleep(0.5)
        before, below = below, set(children(command.process.pid))
    command.process.kill()
    command.process.wait()
    assert can_listen(port)
    wait_until(lambda: not any(map(is_alive, below)))


def test_a_killed_child_is_replaced_and_the_service_goes_on(start, paths):
    command = start("--serve")
    port = command.port()
    solution = "def row_sums(table):\n    return [sum(filter(None, row)) for row in table]\n"
    for text in (solution, solution + "\n"):
        episode = begin_session(port, ["", text], problem="row-sums")
        post(port, f"/api/backend/episodes/{episode}/end", {})
        wait_until((paths.episodes / episode / f"{episode}.json").exists)
        wait_until(lambda: children(command.process.pid))
        assert execute(port, "print(1)" + "\n" * len(text))["success"]
        for child in children(command.process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    begin_session(port)
    command.process.send_signal(signal.SIGTERM)
    assert command.end()[0] == 0
    episodes, _ = read_episodes(paths.episodes)
    assert len(episodes) == 3 and sum(e.states[-1].env == Env(True, 4, 4) for e in episodes) == 2


def test_a_run_under_way_when_it_ends_is_answered_in_words(start):
    command, answers = start("--serve"), []
    port = command.port()
    command.wait_for("ready: ")
    before = set(children(command.process.pid))

    def run():
        connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        case = {"test_id": 1, "input": "", "output": ""}
        body = {"episode_id": "e", "code": "import time\ntime.sleep(600)", "test_cases": [case], "timestep": 0}
        connection.request("POST", "/api/tester/execute", json.dumps({**body, "timeout_ms": 60_000}))
        response = connection.getresponse()
        answers.append((response.status, json.loads(response.read())["detail"]))
        connection.close()

    runner = threading.Thread(target=run)
    runner.start()
    wait_until(lambda: set(children(command.process.pid)) - before)  # it runs
    command.process.send_signal(signal.SIGTERM)
    assert command.end() == (0, "")
    runner.join(SECONDS)
    assert answers == [(503, "the server is ending; ask again once it is there")]


def test_two_hundred_clients_that_never_finish_a_request_keep_nobody_out(start):
    port = start("--serve").port()
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    try:
        head = f"POST /api/backend/episodes/start HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 100\r\n\r\n{{"
        for client in slow:
            client.sendall(head.encode())
        time.sleep(0.5)
        assert begin_session(port)
    finally:
        for client in slow:
            client.close()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--writer-model", "bad.gguf"], "bad.gguf: is no GGUF file"),
        (["--writer-model", "cut.gguf"], "cut.gguf: is a damaged GGUF file"),
        (["--writer-url", "http://127.0.0.1:9"], "http://127.0.0.1:9: no server of language models answers"),
        (["--writer-url", "http://192.0.2.1:80"], "http://192.0.2.1:80: is not this machine"),
        (["--writer-url", "gopher://x"], "is no address of a web server"),
    ],
)
def test_a_writer_that_cannot_be_used_is_refused_before_the_page_is_there(start, paths, tmp_path, words, reason):
    (tmp_path / "bad.gguf").write_text("no model")
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + bytes(20))
    command = start("--serve", *words, is_refused=True)
    assert command.end() == (2, "")
    (line,) = command.lines
    assert line.startswith("error: ") and reason in line
    assert not paths.root.exists()


def test_a_data_root_that_cannot_be_written_names_the_variable_that_sets_another(start, paths):
    paths.root.write_text("a file where the folder should be")
    command = start("--serve", is_refused=True)
    assert command.end() == (2, "")
    (line,) = command.lines
    assert line.startswith("error: ") and "PERSISTENT_DATA_DIR" in line


@contextmanager
def a_taken_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_a_given_port_that_is_taken_is_refused_by_the_name_of_the_program(start, paths):
    with a_taken_port() as port:
        command = start("--serve", "--port", str(port), is_refused=True)
        assert command.end() == (2, "")
        (line,) = command.lines
        assert line.startswith(f"error: port {port}: is taken by ") and f"(process {os.getpid()})" in line
        assert "without --port the next free one is taken" in line
    assert not paths.root.exists()


def test_of_two_processes_on_one_data_root_the_second_is_told_where_the_first_is(start, paths):
    first = start("--serve")
    port = first.port()
    second = start("--serve")
    assert second.end() == (2, "")
    assert f"another run.py records into it: http://127.0.0.1:{port}/" in second.lines[-1]
    episode = begin_session(port)
    first.process.send_signal(signal.SIGTERM)
    assert first.end()[0] == 0 and list(recorded_texts(paths)) == [episode]
