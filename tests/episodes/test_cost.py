"""Reading parses little of what is said over and over again, and grows with the states and no faster."""

import json

import pytest

from episodes import json_parser
from state_adapter import read_episodes


@pytest.fixture
def recorded(recordings):
    def make(states, padding):
        """A session in which the human and the assistant write a line each, as clients pad it."""
        entries = [recordings.entry() for _ in range(padding)]
        lines = ["def f():", *[f"    x{i} = {i}" for i in range(20)]]
        found = []
        for t in range(states):
            lines[1 + t % 20] += f" + {t}"
            entries[1 + t % 20] = recordings.entry((t, 4, 9), cursor=(t, 5))
            action = recordings.by("A", 4, 2 + t % 20) if t % 2 else None
            found.append(recordings.state(t, "\n".join(lines), action, entries))
        session = recordings.session(*found)
        return recordings.write(f"{states}-{padding}.json", json.dumps(session, indent=2))

    return make


def test_padding_is_recognised_and_not_parsed(recorded, monkeypatch):
    path, plain, parsed = recorded(20, 500), json_parser.any_value, []

    def counting(text, at):
        value, end = plain(text, at)
        parsed.append(end - at)
        return value, end

    monkeypatch.setattr(json_parser, "any_value", counting)
    read_episodes(path)
    assert 0 < sum(parsed) < 0.05 * path.stat().st_size


def test_padding_costs_few_steps(recorded, steps):
    assert steps(read_episodes, recorded(20, 500)) < 1.5 * steps(read_episodes, recorded(20, 50))


def test_ten_times_the_states_cost_ten_times_the_steps(recorded, steps):
    assert steps(read_episodes, recorded(300, 30)) < 12 * steps(read_episodes, recorded(30, 30))
