"""Available memory: the least of all limits."""

import memory_limits
from memory_limits import available_memory


def test_the_least_limit_counts(monkeypatch):
    for limits, least in (((5, 3, None), 3), ((None, 7, 2), 2), ((None, None, None), None)):
        for name, limit in zip(("_machine_memory", "_cgroup_memory", "_process_limit"), limits, strict=True):
            monkeypatch.setattr(memory_limits, name, lambda limit=limit: limit)
        assert available_memory() == least


def test_the_memory_of_this_machine_is_a_sensible_number():
    available = available_memory()
    assert available is None or 2**20 < available < 2**50
