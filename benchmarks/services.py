"""How soon a server is ready and how fast it answers: states, decisions that write, runs of tests.

    python -m benchmarks.services [--seconds 10] [--lines 100] [--json]

A real server in a process of its own, asked over loopback by one client after another answer. Decisions are the
policy's, on a file of `--lines` lines, drawn so that most ask the embedded writer for a text; those that did count.
They are measured alone and beside recording: 1,000 keystrokes and 20 states a second by another client. Runs of tests
are of programs that differ, with three cases each; beside them one interpreter for each case, without protection.

Not here: recording by itself under load (`recording.py`), the sandbox's levels (`judge.py`).
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.services(__doc__))

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.arguments import run_study
from benchmarks.recording import EDITS_PER_BATCH, EDITS_PER_SECOND, quantiles, running_server
from data_paths import DataPaths
from services.simulated_client import BackendClient

CASES = [{"test_id": i, "input": str(i), "output": f"{2 * i}\n"} for i in range(3)]
BATCHES_PER_STATE = EDITS_PER_SECOND // EDITS_PER_BATCH // 20
MOSTLY_WRITES = {"assistantStrategyOverride": "sample", "assistantTemperature": 100.0}


def measure(seconds: float, lines: int) -> dict[str, Any]:
    """What the table shows."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, running_server(DataPaths(Path(folder))) as (_, port):
        ready = time.perf_counter() - begun
        client = BackendClient("127.0.0.1", port)
        episode_id = client.post("/episodes/start", {"problem_id": "own"})["episode_id"]
        text = program(lines)
        rows = {
            "state": rate(seconds, lambda i: post_state(client, episode_id, text, i)),
            "decision": rate(seconds, lambda i: decide(client, episode_id, text, i)),
        }
        with recording_beside(port, text):
            rows["decision beside recording"] = rate(seconds, lambda i: decide(client, episode_id, text, i))
        tester = BackendClient("127.0.0.1", port, prefix="/api/tester")
        rows["run of three cases"] = rate(seconds, lambda i: run_tests(tester, i))
        rows["three interpreters"] = rate(seconds, run_plainly)
    return {"ready_seconds": round(ready, 1), "rows": rows}


def program(lines: int) -> str:
    """A file that one could be writing, with an unfinished line in the middle."""
    rows = [
        f"def function_{i // 4}(values):" if i % 4 == 0 else f"    total_{i} = sum(values) + {i}" for i in range(lines)
    ]
    rows[lines // 2] = "    "
    return "\n".join(rows) + "\n"


def rate(seconds: float, request: Callable[[int], bool]) -> dict[str, float]:
    """How often a request is answered in a second, and in how many ms; those alone count for which it is true."""
    for i in range(3):
        request(-1 - i)
    times, end, i = list[float](), time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        start = time.perf_counter()
        counts = request(i)
        if counts:
            times.append(1e3 * (time.perf_counter() - start))
        i += 1
    return {**quantiles(times), "per_second": round(1e3 * len(times) / sum(times), 1) if times else 0.0}


def post_state(client: BackendClient, episode_id: str, text: str, i: int) -> bool:
    body = {"text": f"{text}{i}", "attribution": [], "timestep": max(i, 0), "timestamp_ms": max(i, 0), "action": None}
    client.post(f"/episodes/{episode_id}/state", body)
    return True


def decide(client: BackendClient, episode_id: str, text: str, i: int) -> bool:
    """Asks for help in the middle of the file; whether the writer was asked for a text."""
    offset = text.index("\n    \n") + 5
    body = {
        "episode_id": episode_id, "text": f"{text}# {i}", "attribution": [], "timestep": 0,
        "context": {"cursorOffset": offset, **MOSTLY_WRITES},
    }  # fmt: skip
    return "writer" in client.post("/inference", body)["metadata"]["milliseconds"]


def run_tests(client: BackendClient, i: int) -> bool:
    """Runs a program that was not run before."""
    code = f"# {i} {time.time()}\nprint(2 * int(input()))\n"
    body = {"episode_id": "e", "code": code, "test_cases": CASES, "timestep": 0, "timeout_ms": 10_000}
    return bool(client.post("/execute", body)["success"])


def run_plainly(i: int) -> bool:
    """The same in an interpreter of its own for each case."""
    for case in CASES:
        words = [sys.executable, "-I", "-c", "print(2 * int(input()))"]
        subprocess.run(words, input=str(case["input"]), capture_output=True, text=True, check=True)
    return True


@contextmanager
def recording_beside(port: int, text: str) -> Iterator[None]:
    """Another client records for the block."""
    ended = threading.Event()
    thread = threading.Thread(target=_record, args=(BackendClient("127.0.0.1", port), text, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _record(client: BackendClient, text: str, ended: threading.Event) -> None:
    episode_id, batch = client.post("/episodes/start", {"problem_id": "own"})["episode_id"], 0
    while not ended.wait(EDITS_PER_BATCH / EDITS_PER_SECOND):
        changes = [[0, 0, 0, "x", "input"]] * EDITS_PER_BATCH
        client.post(f"/episodes/{episode_id}/changes", {"first": batch * EDITS_PER_BATCH, "changes": changes})
        if batch % BATCHES_PER_STATE == 0:
            post_state(client, episode_id, text, batch)
        batch += 1


def show(results: dict[str, Any]) -> str:
    """The table."""
    lines = [
        f"ready after {results['ready_seconds']} s",
        f"{'':28}{'count':>7}{'a second':>10}{'p50':>8}{'p99':>8}   ms",
    ]
    for name, row in results["rows"].items():
        lines.append(f"{name:28}{row['count']:7}{row['per_second']:10}{row['p50']:8}{row['p99']:8}")
    return "\n".join(lines)


def main(options: argparse.Namespace) -> None:
    results = measure(options.seconds, options.lines)
    print(json.dumps(results) if options.json else show(results))


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
