"""Unexpected errors leave a line that says where, and nothing that a person wrote."""

import logging

import pytest

from services import failure_log
from services.failure_log import FailureLog, describe_failure


def raised(secret="x = 'my secret'"):
    try:
        try:
            {}[secret]
        except KeyError as error:
            raise RuntimeError(secret) from error
    except RuntimeError as error:
        return error


def test_a_failure_is_described_by_types_and_places_alone():
    text = describe_failure(raised())
    assert text.startswith("RuntimeError at tests/services/test_failure_log.py:")
    assert "; from KeyError at tests/services/test_failure_log.py:" in text and "secret" not in text


def test_the_log_is_made_at_the_first_line_and_counts(tmp_path):
    log = FailureLog(tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
    log.add(raised(), "id-1", "POST /a\nb")
    log.close()
    (line,) = log.path.read_text().splitlines()
    assert "id-1 POST /a\\nb: RuntimeError" in line and log.count == 1


def test_the_log_does_not_grow_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(failure_log, "MAX_BYTES", 2000)
    log = FailureLog(tmp_path)
    for i in range(200):
        log.add(raised(), str(i), "GET /")
    log.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + failure_log.OLDER_FILES and all(path.stat().st_size < 3000 for path in files)
    assert " 199 GET" in log.path.read_text()


@pytest.mark.parametrize("blocked", [True, False])
def test_a_log_that_cannot_be_written_stops_nothing(tmp_path, blocked, capsys):
    (tmp_path / "logs").touch() if blocked else (tmp_path / "logs" / "services.log").mkdir(parents=True)
    log = FailureLog(tmp_path / "logs")
    log.add(raised(), "i", "GET /")
    assert log.count == 1 and capsys.readouterr().err == ""


def test_lines_of_another_logger_go_to_the_file_without_what_an_error_says(tmp_path, capsys):
    log, other = FailureLog(tmp_path), logging.getLogger("some-server")
    log.take_over("some-server")
    other.warning("no proper request")
    other.error("an error", exc_info=raised())
    log.close()
    text = log.path.read_text()
    assert "no proper request" in text and "RuntimeError at tests" in text and "secret" not in text
    assert capsys.readouterr().err == ""
