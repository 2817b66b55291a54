"""The benchmark of scaling times every part, and its table adds up."""

from argparse import Namespace

from benchmarks.scaling import PARTS, Costs, costs, show


def test_every_part_is_timed_on_as_many_sessions_as_asked_for(sample_sessions):
    found = costs(sample_sessions, 2, "cpu")
    assert found.sessions == 4
    assert found.counts.keys() == set(PARTS) and all(found.counts.values())
    assert all(found.clock[part] > 0 and found.core[part] >= 0 for part in PARTS)
    assert found.counts["ppo: steps"] == 2 * found.counts["ppo: answers"]


def test_hours_are_of_a_core_and_gains_of_the_clock(capsys):
    counts = dict.fromkeys(PARTS, 100)
    held = {"read": 1.0, "prepare": 0.5, "peak": 7.0}
    one = Costs(10, dict.fromkeys(PARTS, 8.0), dict.fromkeys(PARTS, 4.0), counts, held, (0.001, 4.0))
    two = Costs(10, dict.fromkeys(PARTS, 5.0), dict.fromkeys(PARTS, 3.0), counts, held, (0.002, 4.0))
    show([one], [two], Namespace(sessions=9000, processes=2, device="cpu"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["read", "100", "states", "25", "1.60x", "1.0"]
    assert lines[8].split() == ["self-play:", "games", "100", "games", "25", "1.60x", "0.1"]
    assert "100 kB a session read, 50 kB more prepared" in lines[-2] and lines[-1].endswith("4.0 MB: 2.0 ms")
