"""The file of an outcome promises: what was saved last is read, whatever else lies there is nothing."""

import pytest

from errors import InputError
from training.runs.outcome_file import read_outcome, save_outcome
from training.runs.run_files import OUTCOME


def test_what_was_saved_last_is_read(tmp_path):
    assert read_outcome(tmp_path / "absent") is None
    for generation in ("000001-a", "000002-b"):
        save_outcome(tmp_path / "run", {"generation": generation})
    assert read_outcome(tmp_path / "run") == {"generation": "000002-b"}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_damaged_one_is_none(tmp_path, content):
    (tmp_path / OUTCOME).write_bytes(content)
    assert read_outcome(tmp_path) is None


def test_that_it_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError):
        save_outcome(tmp_path / "file", {})
