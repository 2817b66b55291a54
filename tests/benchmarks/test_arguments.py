"""Results of studies: a line each, written as soon as it is measured, none measured twice."""

import json
from dataclasses import dataclass

from benchmarks import arguments
from benchmarks.arguments import append_missing_results, append_results, rows_in


@dataclass(frozen=True)
class Study:
    person: str
    seed: int


def test_results_are_appended_to_those_of_earlier_runs(tmp_path):
    out = tmp_path / "results.jsonl"
    out.write_text('{"person": "a"}\n')
    append_results(json.loads, ['{"person": "b"}', '{"person": "c"}'], out, 1)
    assert sorted(row["person"] for row in rows_in(out)) == ["a", "b", "c"]


def test_only_what_no_line_tells_is_measured_with_its_recordings(sample_sessions, tmp_path, monkeypatch):
    out, measured = tmp_path / "results.jsonl", []
    out.write_text('{"person": "a", "seed": 1, "nll": [1, 2]}\n{"person": "b", "seed": 2}\n')
    monkeypatch.setattr(arguments, "append_results", lambda work, tasks, *more: measured.extend(map(work, tasks)))
    tasks = [(Study(person, seed), sample_sessions) for person in "ab" for seed in (1, 2)]
    append_missing_results(lambda study, episodes, loop: (study, len(episodes)), tasks, out, 1)
    assert measured == [(Study("a", 2), 2), (Study("b", 1), 2)]
