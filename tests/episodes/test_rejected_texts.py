"""Rejected texts promise: what the human deleted or took back of the assistant's writing, and nothing else."""

import pytest

from episodes.live_episode import LiveEpisode
from episodes.rejected_texts import MAX_TEXTS

ASSISTANT = {"H": None, "A": {"type": 3, "line": 1}}


def rejected(*texts):
    """Texts of the human's and the assistant's in turn, lines of their own words."""
    live = LiveEpisode()
    for t, text in enumerate(texts):
        live.add({"timestep": t, "text": text, "attribution": [], "action": ASSISTANT if t % 2 else None})
    return live.rejected_texts()


@pytest.mark.parametrize("states, texts", [
    (("a", "a\nb = 1\nc = 2", "a"), ("b = 1\nc = 2",)),
    (("a", "a\nb = 1\nc = 2", "a\nc = 2"), ("b = 1",)),
    (("a", "a\nb = 1\nc = 2", "a\nb = 1\nc = 2"), ()),
    (("a", "a\nb = 1\nc = 2", "c = 2\na\nb = 1"), ()),  # moved
    (("a", "a\nbbbb = 1", "a\nbbbb = 2"), ()),  # amended
    (("total = ", "total = sum(values)", "total = "), ("sum(values)",)),
    (("total = ", "total = sum(values)", "total = max(others)"), ("sum(values)",)),
    (("total = ", "total = sum(values)", ""), ("sum(values)",)),
    (("a\nb", "a\n\nb", "a\nb"), ()),  # blank
    (("a", "a\nb = 1", "a", "a\nc = 2", "a"), ("b = 1", "c = 2")),
    (("a\nb = 1", "a\nb = 1\nc = 2", "a\nc = 2"), ()),  # the human's own
    (("a", "a\nb = 1", "a\nb = 1", "a"), ()),  # the assistant's own
])  # fmt: skip
def test_what_is_gone_of_the_assistants_was_rejected(states, texts):
    assert rejected(*states) == texts


@pytest.mark.parametrize("flags, texts", [(["undo"], ("compute(items)",)), ([], ())])
def test_an_undo_rejects_however_similar_the_line_is_now(flags, texts):
    live = LiveEpisode()
    edits = [{"human": {"turn": 2, "span": [0, 3], "actions": [0, 1, 0], "specialFlags": flags}}]
    live.add({"timestep": 0, "text": "value = "})
    live.add({"timestep": 1, "text": "value = compute(items)", "action": ASSISTANT})
    live.add({"timestep": 2, "text": "value = compute(item)", "attribution": edits})
    assert live.rejected_texts() == texts


def test_the_latest_are_remembered():
    texts = []
    for i in range(3 * MAX_TEXTS):
        texts += ["", f"line = {i}"]
    assert rejected(*texts, "") == tuple(f"line = {i}" for i in range(2 * MAX_TEXTS, 3 * MAX_TEXTS))


def test_asking_changes_nothing():
    live = LiveEpisode()
    for t, (text, action) in enumerate([("", None), ("b", ASSISTANT), ("", None), ("c", ASSISTANT)]):
        live.add({"timestep": t, "text": text, "action": action})
        first = live.rejected_texts()
        assert first == live.rejected_texts() == (("b",) if t > 1 else ())
