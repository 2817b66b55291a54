"""Files and messages become validated, immutable states and episodes: the entry point of data, checked only here.

Not here: the parsers themselves (`episodes/`, one module per format), features, rewards.
"""

from __future__ import annotations

from pathlib import Path

from actions import Action, Agent
from episodes.activity import ACTIVITY, Activity, ActivityKind, check_activity, read_activity
from episodes.canonical import parse_canonical, parse_history
from episodes.continuations import SharedBeginning, copied_turns, first_recording, shared_beginnings
from episodes.decision_inference import infer_decision
from episodes.directory_reader import (
    BESIDE_SNAPSHOT,
    NO_DECISION,
    find_files,
    has_recordings,
    read_episodes,
    read_recording,
)
from episodes.episode import Episode, Transition
from episodes.exclusion import STREAMS, exclusion_mark, is_excluded, session_folder, stream_path, streams_folder
from episodes.json_parser import parse, read_text
from episodes.jsonl_reader import CHANGES, TEST_RUNS, TESTS, RecordedTests, read_session, read_test_executions
from episodes.line_tuples import parse_line_tuples
from episodes.live_episode import LiveEpisode
from episodes.recorded_state import RecordedState
from episodes.snapshot import check_recorded_state, parse_recorded_action
from episodes.stream_snapshot import StreamIndex, index_stream, write_stream_snapshot
from episodes.summary import Summary
from episodes.validation import unexpected
from episodes.writer import recorded_action, recorded_state, snapshot_path, write_snapshot
from errors import InputError
from state import Cursor, Env, PastDecision, State

__all__ = [
    "ACTIVITY",
    "BESIDE_SNAPSHOT",
    "CHANGES",
    "NO_DECISION",
    "STREAMS",
    "TESTS",
    "TEST_RUNS",
    "Action",
    "Activity",
    "ActivityKind",
    "Agent",
    "Cursor",
    "Env",
    "Episode",
    "InputError",
    "LiveEpisode",
    "PastDecision",
    "RecordedState",
    "RecordedTests",
    "SharedBeginning",
    "State",
    "StreamIndex",
    "Summary",
    "Transition",
    "check_activity",
    "check_recorded_state",
    "copied_turns",
    "exclusion_mark",
    "find_files",
    "first_recording",
    "has_recordings",
    "index_stream",
    "infer_decision",
    "is_excluded",
    "parse_canonical",
    "parse_line_tuples",
    "parse_recorded_action",
    "read_activity",
    "read_episodes",
    "read_recording",
    "read_session",
    "read_state",
    "read_test_executions",
    "recorded_action",
    "recorded_state",
    "session_folder",
    "shared_beginnings",
    "snapshot_path",
    "stream_path",
    "streams_folder",
    "write_snapshot",
    "write_stream_snapshot",
]


def read_state(path: str | Path) -> State:
    """The state in a file: `{"t", "line_tuples", "history"?}` or a canonical dict.

    Raises InputError: the file cannot be read, is not JSON, or holds no valid state.
    """
    where = str(path)
    value = parse(read_text(Path(path)), where)
    if isinstance(value, dict) and "line_tuples" in value:
        history = parse_history(value.get("history"), (where, "history"))
        return parse_line_tuples(value["line_tuples"], value.get("t"), where, history)
    if isinstance(value, dict) and "lines_text" in value:
        return parse_canonical(value, where)
    raise unexpected(where, value, 'a state: {"t": ..., "line_tuples": [...]}')
