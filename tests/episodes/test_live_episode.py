"""While a session is recorded, its latest state is the one that the finished recording has there."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from episodes.live_episode import MAX_PENDING, LiveEpisode
from errors import InputError
from state import HISTORY_LENGTH
from state_adapter import read_session

lines = st.lists(st.sampled_from(["a = 1", "b = 2", "    c()", "", "# d"]), max_size=6)
actions = st.sampled_from([
    None,
    {"H": {"type": 2, "line": 1}, "A": None},
    {"H": None, "A": {"type": 3, "line": 1}},
    {"H": None, "A": {"type": 0, "line": 0}},
])  # fmt: skip


def entry(t):
    return {"human": {}, "assistant": {}, "cursor": {"turn": t, "char": 1}}


@given(st.lists(st.tuples(lines, actions, st.integers(0, 1)), min_size=1, max_size=12), st.data())
def test_it_is_what_training_reads(tmp_path_factory, states, data):
    live, written, t = LiveEpisode(), [], 0
    path = tmp_path_factory.mktemp("live") / "e.jsonl"
    for text, action, step in states:
        t += step if written else 0
        cursor_line = data.draw(st.integers(0, max(len(text) - 1, 0)))
        attribution = [entry(t) if i == cursor_line else None for i in range(max(len(text), 1))]
        state = {"timestep": t, "text": "\n".join(text), "attribution": attribution, "action": action, "env": None}
        written.append(state)
        live.add(state)
        if data.draw(st.booleans()):
            path.write_text("".join(json.dumps(value) + "\n" for value in [{"episode_id": "e"}, *written]))
            expected, latest = read_session(path).states[-1], live.latest()
            assert latest.lines == expected.lines and latest.t == expected.t
            assert latest.human.tolist() == expected.human.tolist()
            assert latest.assistant.tolist() == expected.assistant.tolist()
            assert (latest.cursor, latest.history) == (expected.cursor, expected.history)
            assert latest.last_known_line == expected.last_known_line


def test_what_comes_late_is_not_the_latest():
    live = LiveEpisode()
    assert live.latest() is None
    for t, text in ((4, "new"), (2, "old")):
        live.add({"timestep": t, "text": text})
    assert live.latest().lines == ("new",)


def test_it_remembers_a_few_states_only():
    live = LiveEpisode()
    for t in range(3 * MAX_PENDING):
        live.add({"timestep": t, "text": str(t)})
    assert len(live._pending) <= MAX_PENDING and live.latest().lines == (str(3 * MAX_PENDING - 1),)


def test_a_malformed_state_is_refused():
    with pytest.raises(InputError, match="text"):
        LiveEpisode().add({"timestep": 0})


def test_threads_may_ask_while_states_come():
    live, count = LiveEpisode(), 600
    asked = []

    def ask():
        while not asked or asked[-1] < count - 1:
            state = live.latest()
            asked.append(-1 if state is None else state.t)
            live.rejected_texts()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for t in range(count):
        live.add_record(live.parse({"timestep": t, "text": f"a\nb{t}\nc", "action": {"A": {"type": t % 7, "line": 1}}}))
    for thread in threads:
        thread.join()
    assert len(live.latest().history) == HISTORY_LENGTH and [past.t for past in live.latest().history] == list(
        range(count - 1 - HISTORY_LENGTH, count - 1)
    )
