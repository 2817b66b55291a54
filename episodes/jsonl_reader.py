"""A session as it was written while it lasted: one JSON object a line, and beside it the tests that ran.

A crash tears the last line or leaves the end out; what is whole is used, and it is said. Not here: snapshots, folders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errors import InputError
from state import Env

from .canonical import tested
from .episode import Episode
from .episode_builder import assemble
from .json_parser import Reader, any_value, decode, parse, read_bytes
from .json_reader import check_times, file_of, folder_of, origin_of, problem_id_of, states_reader
from .recorded_state import RecordedState
from .snapshot import SnapshotCache, parse_snapshot_state
from .validation import Place, as_object, boolean, integer, optional_list, place_text, text

TESTS = "test_executions.jsonl"
"""File of a session's tests, beside its stream."""
CHANGES = "changes.jsonl"
"""File of a session's keystrokes, beside its stream; nothing learns from it."""
TEST_RUNS = "test_runs.jsonl"
"""File of the tests that the person ran, beside the session's stream; nothing learns from it."""
TORN = "torn last lines"
NO_END = "streams without an end"
MAX_MILLISECONDS = 1e9
"""Of one execution; more is none."""


def read_stream(path: Path, repaired: Counter[str], envs: dict[int, Env] | None = None) -> Episode:
    """The episode in a raw stream. envs: what testing gave, by timestep.

    One that was opened and left, a header and an end, has no states. Raises InputError: it cannot be read, a line other
    than the last is not JSON, or a line is neither the header, nor a state, nor the end.
    """
    header: dict[str, Any] = {}
    states: list[RecordedState] = []
    ended, cache = False, SnapshotCache()
    for place, fields in row_objects(path, repaired, states_reader()):
        if "text" in fields or "timestep" in fields:
            states.append(parse_snapshot_state(fields, place, cache))
        elif "endTime" in fields and (header or states):
            check_times(fields, place)
            ended = True
        elif not header and not states and "episode_id" in fields:
            check_times(fields, place)
            header = fields
        else:
            raise InputError(place_text(place), "found no header, state or end of a recorded session")
    if not header and not states:
        raise InputError(str(path), "holds no whole line, expected a recorded session")
    if not ended:
        repaired[NO_END] += 1
    if envs:
        states = [_tested(record, envs) for record in states]
    where = f"{path}, line 1"
    return assemble(
        states,
        repaired,
        episode_id=text(header.get("episode_id", path.stem), (where, "episode_id")),
        source=str(path),
        problem_id=problem_id_of(header, where),
        file=file_of(header, where),
        folder=folder_of(header),
        origin=origin_of(header),
        cut_off=not ended,
        silent="H",
        realign=True,
    )


def read_session(path: Path, envs: dict[int, Env] | None = None) -> Episode:
    """The episode in a session's stream, whatever it holds. Raises InputError as `read_stream` does."""
    return read_stream(path, Counter(), envs)


@dataclass(frozen=True, slots=True)
class RecordedTests:
    """What testing a state gave, and how long it took; milliseconds 0: unknown."""

    env: Env
    milliseconds: int = 0


def read_tests(path: Path, repaired: Counter[str]) -> dict[int, Env]:
    """What the executions recorded beside a stream gave, by timestep; of several at one, the last.

    Raises InputError: it cannot be read, or a line other than the last is no test execution.
    """
    return {t: execution.env for t, execution in read_test_executions(path, repaired).items()}


def read_test_executions(path: Path, repaired: Counter[str]) -> dict[int, RecordedTests]:
    """The executions recorded beside a stream, by timestep; of several at one, the last. Raises as `read_tests`."""
    return dict(_execution(fields, place) for place, fields in row_objects(path, repaired))


def row_objects(path: Path, repaired: Counter[str], reader: Reader = any_value) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's object with its place. A line is torn if it is no JSON and the file ends within it."""
    rows = [(i, row) for i, row in enumerate(read_bytes(path).split(b"\n"), 1) if row.strip()]
    for i, row in rows:
        place = f"{path}, line {i}"
        try:
            value = parse(decode(row, place), str(path), reader, line=i)
        except InputError:
            if i < rows[-1][0]:
                raise
            repaired[TORN] += 1
            return
        yield place, as_object(value, place)


def _tested(record: RecordedState, envs: dict[int, Env]) -> RecordedState:
    if record.state.t not in envs:
        return record
    return replace(record, state=replace(record.state, env=envs[record.state.t]))


def _execution(fields: dict[str, Any], place: Place) -> tuple[int, RecordedTests]:
    """A file compiles if its run succeeded, or a test passed or printed something."""
    t = integer(fields.get("timestep"), (place, "timestep"), least=0)
    success = boolean(fields.get("success"), (place, "success"))
    where = (place, "test_results")
    results = [
        as_object(result, (where, i)) for i, result in enumerate(optional_list(fields.get("test_results"), where))
    ]
    passed = [boolean(result.get("passed"), ((where, i), "passed")) for i, result in enumerate(results)]
    compiled = success or any(passed) or any(result.get("actual") for result in results)
    env = tested(compiled, {"passed": sum(passed), "total": len(passed)}, where)
    return t, RecordedTests(env, _milliseconds(fields.get("execution_time_ms")))


def _milliseconds(value: object) -> int:
    """A duration, which is only repeated in snapshots, so nothing is refused for it."""
    return round(value) if isinstance(value, int | float) and 0 <= value < MAX_MILLISECONDS else 0
