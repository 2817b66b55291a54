"""Recording of an editor's every keystroke by a real server, by several clients at once and beside decisions.

    python -m benchmarks.recording [--trace FILE] [--clients 2] [--edits N] [--json]

Each client plays the trace into a session of its own: through `/changes` in batches, 1,000 edits a second, at the same
time through `/state` after every fifth edit, 100 a second, and asks for a decision once a second. Then the sessions are
ended, and what is on the disk must lead to the trace's last text exactly. A table of milliseconds from the request to
the answer, of the server's memory, and of how long ending took.

A trace is `{"start": text, "end": text, "transactions": [[seconds, [position, deleted, inserted], ...], ...]}`; without
one, a program is typed character by character.

Not here: what a decision costs by itself (`decision.py`).
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.recording(__doc__))

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.arguments import run_study
from data_paths import REPOSITORY, VARIABLE, DataPaths
from errors import InputError
from services.simulated_client import BackendClient
from state_adapter import CHANGES, index_stream, stream_path

EDITS_PER_SECOND = 1000
EDITS_PER_BATCH = 50
EDITS_PER_STATE = 5
STATES_PER_SECOND = 100
SECONDS_PER_DECISION = 1.0
FIRST_REQUEST = {"text": "", "timestep": 0, "context": {"cursorOffset": 0}}
SNAPSHOT_SECONDS = 600.0

Edit = tuple[int, int, str]
"""`(position, characters deleted, text inserted)`."""


@dataclass(frozen=True)
class Trace:
    """What somebody typed: edits that lead from `start` to `end`."""

    start: str
    end: str
    edits: tuple[Edit, ...]

    def shortened(self, count: int) -> Trace:
        """Its first edits alone."""
        edits = self.edits[:count]
        return Trace(self.start, played(self.start, edits), edits)


def read_trace(path: Path) -> Trace:
    """The trace in a file. Raises InputError: it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        edits = tuple([tuple(edit) for _, *together in content["transactions"] for edit in together])
        trace = Trace(content["start"], content["end"], edits)
        if played(trace.start, trace.edits) == trace.end:
            return trace
    except (ValueError, KeyError, TypeError):
        pass
    raise InputError(str(path), "is no trace of edits from its start to its end")


def typed_trace(lines: int = 300) -> Trace:
    """A program as it is typed, character by character, with a word taken back now and then."""
    text, edits = "", list[Edit]()
    for i in range(lines):
        for part in (f"value_{i} = compute({i})  # the {i}th\n", f"print(value_{i}"):
            edits += [(len(text) + at, 0, character) for at, character in enumerate(part)]
            text += part
        edits += [(len(text) - 5, 5, ""), (len(text) - 5, 0, "result)\n")]
        text = text[:-5] + "result)\n"
    return Trace("", text, tuple(edits))


def played(text: str, edits: tuple[Edit, ...] | list[Edit]) -> str:
    """The text after the edits."""
    for position, deleted, inserted in edits:
        text = text[:position] + inserted + text[position + deleted :]
    return text


@dataclass
class Player:
    """One client: plays a trace into a session of its own, and measures. times: ms of each kind of request."""

    trace: Trace
    port: int
    times: dict[str, list[float]] = field(default_factory=lambda: {"changes": [], "state": [], "decision": []})
    episode_id: str = ""
    texts: dict[int, str] = field(default_factory=dict)
    """By timestep, as far as they are acknowledged."""
    finished: threading.Event = field(default_factory=threading.Event)
    failures: list[BaseException] = field(default_factory=list)

    def play(self) -> None:
        """Records the whole trace. Raises InputError: a request was refused."""
        started = BackendClient("127.0.0.1", self.port).post("/episodes/start", {"problem_id": "own"})
        self.episode_id = started["episode_id"]
        threads = [threading.Thread(target=self._run, args=(part,)) for part in (self._type, self._post, self._ask)]
        for thread in threads:
            thread.start()
        for thread in threads[:2]:
            thread.join()
        self.finished.set()
        threads[2].join()
        if self.failures:
            raise self.failures[0]
        start = time.perf_counter()
        BackendClient("127.0.0.1", self.port).post(f"/episodes/{self.episode_id}/end", {})
        self.times["end"] = [1e3 * (time.perf_counter() - start)]

    def _run(self, part: Any) -> None:
        try:
            part(BackendClient("127.0.0.1", self.port))
        except BaseException as error:
            self.failures.append(error)
            self.finished.set()

    def _type(self, client: BackendClient) -> None:
        changes = [[0, 0, 0, self.trace.start, "start"], *([0, *edit, "input"] for edit in self.trace.edits)]
        begun = time.perf_counter()
        for first in range(0, len(changes), EDITS_PER_BATCH):
            _wait_until(begun + first / EDITS_PER_SECOND)
            batch = changes[first : first + EDITS_PER_BATCH]
            self._timed("changes", client, "changes", {"first": first, "changes": batch})

    def _post(self, client: BackendClient) -> None:
        text, begun, edits = self.trace.start, time.perf_counter(), self.trace.edits
        for t, first in enumerate(range(0, len(edits), EDITS_PER_STATE)):
            text = played(text, edits[first : first + EDITS_PER_STATE])
            _wait_until(begun + t / STATES_PER_SECOND)
            body = {"text": text, "attribution": [], "timestep": t, "timestamp_ms": 10 * t, "action": None}
            self._timed("state", client, "state", body)
            self.texts[t] = text

    def _ask(self, client: BackendClient) -> None:
        while not self.finished.wait(SECONDS_PER_DECISION):
            t = max(self.texts, default=0)
            text = self.texts.get(t, "")
            context = {"cursorOffset": len(text) // 2}
            body = {"text": text, "attribution": [], "timestep": t, "episode_id": self.episode_id, "context": context}
            start = time.perf_counter()
            client.post("/inference", body)
            self.times["decision"].append(1e3 * (time.perf_counter() - start))

    def _timed(self, kind: str, client: BackendClient, address: str, body: object) -> None:
        start = time.perf_counter()
        client.post(f"/episodes/{self.episode_id}/{address}", body)
        self.times[kind].append(1e3 * (time.perf_counter() - start))


def check_recorded(player: Player, paths: DataPaths) -> None:
    """Raises InputError: what is on the disk is not what was played, or something acknowledged is missing."""
    stream = stream_path(paths.episodes / player.episode_id, player.episode_id)
    states = {t: fields["text"] for t, fields in index_stream(stream).states()}
    if states != player.texts or states[max(states)] != player.trace.end:
        raise InputError(str(stream), "holds other states than were acknowledged")
    changes = stream.with_name(CHANGES)
    lines = [json.loads(line) for line in changes.read_bytes().splitlines()]
    edits = [(change[1], change[2], change[3]) for line in lines for change in line["changes"]]
    if played("", edits) != player.trace.end:
        raise InputError(str(changes), "holds other keystrokes than were acknowledged")


def measure(trace: Trace, clients: int) -> dict[str, Any]:
    """What the table shows."""
    with tempfile.TemporaryDirectory() as folder, running_server(DataPaths(Path(folder))) as (process, port):
        BackendClient("127.0.0.1", port).post("/inference", FIRST_REQUEST)
        before = _memory_mb(process.pid)
        players = [Player(trace, port) for _ in range(clients)]
        play_all(players)
        recorded, start = _memory_mb(process.pid), time.perf_counter()
        paths = DataPaths(Path(folder))
        snapshots = [paths.episodes / player.episode_id / f"{player.episode_id}.json" for player in players]
        while not all(path.exists() for path in snapshots) and time.perf_counter() - start < SNAPSHOT_SECONDS:
            time.sleep(0.1)
        seconds, after = time.perf_counter() - start, _memory_mb(process.pid)
        for player in players:
            check_recorded(player, paths)
    times = {kind: quantiles([ms for player in players for ms in player.times[kind]]) for kind in players[0].times}
    memory = {"before": before, "recorded": recorded, "snapshots written": after}
    return {"milliseconds": times, "memory_mb": memory, "snapshot_seconds": round(seconds, 1)}


def play_all(players: list[Player]) -> None:
    """Lets all play at once. Raises whatever one of them does."""
    failures: list[BaseException] = []

    def play(player: Player) -> None:
        try:
            player.play()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=play, args=(player,)) for player in players]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@contextmanager
def running_server(paths: DataPaths) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server whose parts are all ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, str(REPOSITORY / "run.py"), "--serve", "--port", str(port)]
    environment = os.environ | {VARIABLE: str(paths.root)}
    with subprocess.Popen(
        words, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        lines: list[str] = []
        for line in iter(process.stderr.readline, "") if process.stderr else ():
            lines.append(line)
            if line.startswith("ready"):
                break
        else:
            raise InputError("run.py", f"does not serve: {''.join(lines)}")
        threading.Thread(target=process.stderr.read if process.stderr else None, daemon=True).start()
        try:
            yield process, port
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


def _wait_until(moment: float) -> None:
    if (seconds := moment - time.perf_counter()) > 0:
        time.sleep(seconds)


def quantiles(values: list[float]) -> dict[str, float]:
    """How many there are, their median, 99 % quantile and maximum."""
    ordered = sorted(values) or [0.0]
    at = {"p50": 0.5, "p99": 0.99, "most": 1.0}
    quantiles = {
        name: round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1) for name, share in at.items()
    }
    return {"count": len(values), **quantiles}


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return round(int(line.split()[1]) / 1024, 1)


def show(results: dict[str, Any]) -> str:
    """The table."""
    lines = [f"{'':10}{'count':>8}{'p50':>10}{'p99':>10}{'most':>10}   ms"]
    for kind, row in results["milliseconds"].items():
        lines.append(f"{kind:10}{row['count']:8}{row['p50']:10}{row['p99']:10}{row['most']:10}")
    memory = ", ".join(f"{name} {mb} MB" for name, mb in results["memory_mb"].items())
    return "\n".join([*lines, f"memory: {memory}", f"snapshots: {results['snapshot_seconds']} s after the end"])


def main(options: argparse.Namespace) -> None:
    trace = read_trace(options.trace) if options.trace is not None else typed_trace()
    results = measure(trace.shortened(options.edits) if options.edits is not None else trace, options.clients)
    print(json.dumps(results) if options.json else show(results))


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
