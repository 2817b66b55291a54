"""The number of threads: set once by the process, one where the machine has no core to spare."""

import pytest
import torch

import cpu_load


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("content", "expected"),
    [("0.20 0.18 0.12 1/80 11206\n", False), ("9.20 0.18 0.12 9999/12000 7\n", True), ("", False)],
)
def test_reads_whether_more_wants_to_run_than_there_are_cores(monkeypatch, tmp_path, content, expected):
    (tmp_path / "loadavg").write_text(content)
    monkeypatch.setattr(cpu_load, "LOADAVG", tmp_path / "loadavg")
    assert cpu_load.cpu_is_oversubscribed() == expected


def test_where_nothing_tells_the_load_the_machine_is_not_oversubscribed(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu_load, "LOADAVG", tmp_path / "none")
    assert not cpu_load.cpu_is_oversubscribed()


@pytest.mark.parametrize(
    ("oversubscribed", "cores", "expected"), [(True, 4, 1), (False, 2, 2), (False, 1, 1), (False, 9, 3)]
)
def test_an_oversubscribed_cpu_gets_one_thread_else_each_core_one(monkeypatch, oversubscribed, cores, expected):
    torch.set_num_threads(3)
    monkeypatch.setattr(cpu_load, "cpu_is_oversubscribed", lambda: oversubscribed)
    monkeypatch.setattr(cpu_load, "available_cores", lambda: cores)
    assert cpu_load.set_compute_threads() == torch.get_num_threads() == expected


def test_a_process_may_say_how_many(monkeypatch):
    monkeypatch.setattr(cpu_load, "cpu_is_oversubscribed", lambda: True)
    assert cpu_load.set_compute_threads(2) == torch.get_num_threads() == 2
