"""Records of help promise: what was shown, held back, kept, and when; read again only where a file has changed."""

import json

import pytest

from actions import Decision
from training.evaluation import help_reader
from training.evaluation.help_reader import HelpReader
from training.evaluation.help_records import IN_LINE, LINE_END, NEW_LINE

START = 1_750_000_000_000


class Recording:
    """A session's stream, written state by state."""

    def __init__(self, folder, name):
        self.folder, self.name = folder / name, name
        (self.folder / "raw").mkdir(parents=True)
        self.lines = [{"episode_id": name, "problem_id": "p", "startTime": START}]

    def add(self, text, action=None, *, cursor=None, undone=()):
        """cursor: line and column from 0."""
        t = len(self.lines) - 1
        entries = [{} for _ in text.split("\n")]
        for line in undone:
            entries[line]["human"] = {"turn": t, "span": [0, 0], "actions": [0, 0, 1], "specialFlags": ["undo"]}
        if cursor is not None:
            entries[cursor[0]]["cursor"] = {"turn": t, "char": cursor[1] + 1}
        state = {"text": text, "timestep": t, "timestamp_ms": START + 60_000 * t, "attribution": entries}
        self.lines.append({**state, "action": None if action is None else {"H": None, "A": action}})
        return self

    def end(self):
        stream = self.folder / "raw" / f"{self.name}.jsonl"
        stream.write_text("".join(json.dumps(line) + "\n" for line in [*self.lines, {"endTime": START}]))
        return stream

    def changes(self, *batches):
        lines = [json.dumps({"first": 0, "changes": batch}) for batch in batches]
        (self.folder / "raw" / "changes.jsonl").write_text("\n".join([*lines, '{"torn']))


REVIEWED = {"kept": 0.7, "threshold": 0.5, "shown_probability": 1.0, "shown": True, "explored": False}
WRITTEN = {"type": 2, "line": 2, "kept": 0.75, "writer": {"name": "tutor"}, "review": REVIEWED}


def two_writings(folder, name="a"):
    """A line that is kept to the end, one that is taken back, one that is held back, silence."""
    recording = Recording(folder, name)
    recording.add("a = 1\n", cursor=(1, 0)).add("a = 1\nb = 22", WRITTEN)
    recording.add("a = 1\nb = 22\n", cursor=(1, 6)).add("a = 1\nb = 22\nc = 333", {"type": 3, "line": 3})
    recording.add("a = 1\nb = 22\n", cursor=(0, 2), undone=[2])
    held_back = {"type": 0, "line": 0, "withheld": {"type": 5, "line": 1, "text": "one"}, "review": REVIEWED}
    recording.add("a = 1\nb = 22\n", held_back)
    recording.add("a = 1\nb = 22\n").add("a = 1\nb = 22\n", {"type": 0, "line": 0}).add("a = 1\nb = 22\n")
    recording.end()
    return recording


def read(folder, open_sessions=()):
    return HelpReader(folder).read(open_sessions)


def test_what_was_written_is_counted_and_followed_to_the_end(tmp_path):
    two_writings(tmp_path)
    (session,) = read(tmp_path).sessions
    kept, undone, held_back, silent = session.records
    assert session.id == "a" and session.started_ms == START
    assert (kept.decision, kept.shown, kept.withheld) == (Decision.WRITE_SINGLE_LINE, True, False)
    assert (kept.characters, kept.retained, kept.survived) == (4, 1.0, 1.0)
    assert (kept.policy_kept, kept.reviewer_kept, kept.explored, kept.writer) == (0.75, 0.7, False, "tutor")
    assert (undone.characters, undone.retained, undone.survived) == (5, 0.0, 0.0)
    assert (undone.policy_kept, undone.reviewer_kept, undone.explored, undone.writer) == (None, None, None, None)
    assert (held_back.decision, held_back.shown, held_back.withheld) == (Decision.EXPLAIN_SINGLE_LINES, False, True)
    assert (held_back.characters, held_back.retained) == (0, None)
    assert (silent.decision, silent.shown, silent.withheld) == (Decision.NO_OP, False, False)


def test_what_was_not_carried_out_is_in_no_rate(tmp_path):
    late = {"type": 0, "line": 0, "dropped": "stale"}
    Recording(tmp_path, "a").add("x = 1").add("x = 1", late).add("x = 2").add("x = 2", {"type": 0, "line": 0}).end()
    (session,) = HelpReader(tmp_path).read().sessions
    assert [record.turn for record in session.records] == [3]


def test_where_and_when_the_person_was_is_known(tmp_path):
    recording = two_writings(tmp_path)
    recording.changes(
        [[START - 1500, 0, 0, "a", "input"], [START - 10, 0, 0, "b = 22", "assistant"]],
        [[START + 120_000 - 250, 0, 1, "", "undo"], ["x", 0, 1, "", "undo"]],
    )
    records = read(tmp_path).sessions[0].records
    assert [record.place for record in records[:3]] == [NEW_LINE, LINE_END, IN_LINE]
    assert [record.pause for record in records[:2]] == [1.5, 0.25]
    assert [record.minute for record in records] == [0, 2, 4, 6]
    assert records[3].timestamp_ms == START + 360_000


def test_without_changes_the_pause_is_unknown(tmp_path):
    two_writings(tmp_path)
    assert {record.pause for record in read(tmp_path).sessions[0].records} == {None}


def test_a_snapshot_is_read_with_the_changes_beside_it(tmp_path, sample_sessions):
    (sample,) = sample_sessions.glob("sample-title-case/*.json")
    (tmp_path / "s" / "raw").mkdir(parents=True)
    (tmp_path / "s" / "s.json").write_bytes(sample.read_bytes())
    first = json.loads(sample.read_text())["states"][0]["timestamp_ms"]
    changes = {"first": 0, "changes": [[first - 500, 0, 0, "x", "input"]]}
    (tmp_path / "s" / "raw" / "changes.jsonl").write_text(json.dumps(changes))
    (session,) = read(tmp_path).sessions
    assert session.id == "sample-title-case" and session.records[0].pause == 0.5


def test_what_is_recorded_at_the_moment_and_what_the_person_excluded_do_not_count(tmp_path):
    for name in ("a", "b", "c"):
        two_writings(tmp_path, name)
    (tmp_path / "b" / "b.excluded").touch()
    (tmp_path / "lists.json").write_bytes(b"[]")
    (tmp_path / "lists.excluded").touch()
    recorded = read(tmp_path, {"c"})
    assert [session.id for session in recorded.sessions] == ["a"] and recorded.unreadable == 0


def test_what_cannot_be_read_is_counted(tmp_path):
    two_writings(tmp_path)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "b.json").write_text("{")
    (tmp_path / "list.json").write_text("[3]")
    (tmp_path / "notes.txt").write_text("mine")
    recorded = read(tmp_path)
    assert (len(recorded.sessions), recorded.unreadable) == (1, 2)


@pytest.mark.parametrize("absent", [True, False])
def test_an_empty_folder_has_no_sessions(tmp_path, absent):
    recorded = read(tmp_path / "absent" if absent else tmp_path)
    assert (recorded.sessions, recorded.unreadable) == ((), 0)


def test_a_session_is_read_again_only_if_a_file_of_it_has_changed(tmp_path, monkeypatch):
    recording = two_writings(tmp_path)
    two_writings(tmp_path, "b")
    read_paths = []
    read_episodes = help_reader.read_episodes

    def noted(path):
        read_paths.append(path.name)
        return read_episodes(path)

    monkeypatch.setattr(help_reader, "read_episodes", noted)
    reader = HelpReader(tmp_path)
    assert len(reader.read().sessions) == len(reader.read().sessions) == 2
    assert read_paths == ["a", "b"]
    recording.add("a = 1\nb = 22\nc").end()
    reader.read()
    assert read_paths == ["a", "b", "a"]
    (tmp_path / "b" / "b.excluded").touch()
    assert [session.id for session in reader.read().sessions] == ["a"]
