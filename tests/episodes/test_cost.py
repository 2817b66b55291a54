"""Reading costs less than parsing all there is, and grows with the states and no faster."""

import json
import time

import pytest

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


def seconds(function, *arguments):
    def once():
        start = time.process_time()
        function(*arguments)
        return time.process_time() - start

    return min(once() for _ in range(3))


def test_padding_is_recognised_and_not_parsed(recorded):
    path = recorded(20, 500)
    assert seconds(read_episodes, path) < 1.0 * seconds(lambda: json.loads(path.read_text()))


def test_ten_times_the_states_take_about_ten_times_as_long(recorded):
    assert seconds(read_episodes, recorded(300, 30)) < 40 * seconds(read_episodes, recorded(30, 30))
