"""The recorder promises: what is acknowledged is on the disk, once and in order, with how decisions were taken."""

import asyncio
import json
import time
from dataclasses import replace

import pytest

from actions import Action, Decision, Review, Withheld
from errors import InputError, NotFoundError
from services.messages.messages import MalformedError
from services.recording.recorder import Recorder, Store
from services.recording.session import MissingEntriesError
from state_adapter import read_activity, read_episodes, read_session


def played(recording, run, play):
    """What a coroutine function gives that takes the recorder and a new session's id."""

    async def whole():
        episode_id = await recording.recorder.start("p")
        return episode_id, await play(recording.recorder, episode_id)

    return run(whole())


def test_states_are_on_the_disk_when_they_are_acknowledged(recording, run, state_request):
    async def play(recorder, episode_id):
        for t, text in enumerate(["", "a\r\n", "half \ud83d of an emoji", "é\u2028"]):
            await recorder.add_state(episode_id, state_request(text, t))
            assert recording.states(episode_id)[-1]["text"] == text

    episode_id, _ = played(recording, run, play)
    header, *_ = recording.lines(episode_id)
    assert header["episode_id"] == episode_id and header["problem_id"] == "p" and header["startTime"] > 1e12
    assert len(read_session(recording.stream(episode_id)).states) == 4


def test_a_state_that_comes_again_is_recorded_once_and_another_of_its_turn_replaces_it(recording, run, state_request):
    async def play(recorder, episode_id):
        for text, t in [("a", 0), ("b", 2), ("b", 2), ("c", 2), ("late", 1), ("c", 2)]:
            await recorder.add_state(episode_id, state_request(text, t, timestamp_ms=None))

    episode_id, _ = played(recording, run, play)
    assert [state["text"] for state in recording.states(episode_id)] == ["a", "b", "c", "late"]
    assert [state.text for state in read_session(recording.stream(episode_id)).states] == ["a", "late", "c"]


@pytest.mark.parametrize("part", [
    {"attribution": "none"}, {"attribution": [1]}, {"attribution": [{"human": {"span": [1]}}]}, {"attribution": {}},
    {"action": {"A": {"type": 99}}}, {"action": {"A": 1}},
])  # fmt: skip
def test_a_malformed_state_is_refused_and_not_recorded(recording, run, state_request, part):
    async def play(recorder, episode_id):
        with pytest.raises(MalformedError):
            await recorder.add_state(episode_id, state_request("a", 0, **part))

    episode_id, _ = played(recording, run, play)
    assert recording.states(episode_id) == []


def test_attribution_is_kept_as_it_came_in_one_line(recording, run, state_request):
    entry = {"human": {"turn": 0, "span": [0, 1], "note": "a\nb \ud83d"}, "assistant": None, "cursor": {"turn": 0}}
    attribution = [entry, None, entry]

    async def play(recorder, episode_id):
        request = state_request("a\nb", 0, attribution=attribution)
        request.attribution = type(request.attribution)(json.dumps(attribution, indent=2).encode())
        await recorder.add_state(episode_id, request)

    episode_id, _ = played(recording, run, play)
    assert recording.states(episode_id)[0]["attribution"] == attribution


def changes(*numbers):
    return [(float(n), n, 0, str(n), "input") for n in numbers]


def events(*numbers):
    return [(float(n), "snooze", {"minutes": n}) for n in numbers]


LOGS = {"changes": ("add_changes", changes), "events": ("add_activity", events)}
FILES = {"changes": "changes.jsonl", "events": "activity.jsonl"}


@pytest.fixture(params=LOGS)
def log(request):
    """The name of what is numbered beside a stream; how it is added; so many of it."""
    return (request.param, *LOGS[request.param])


def recorded_numbers(recording, episode_id, name):
    lines = recording.lines(episode_id, FILES[name])
    assert all(set(line) == {"first", name} for line in lines)
    numbers = [int(entry[0]) for line in lines for entry in line[name]]
    assert [line["first"] for line in lines] == [line[name][0][0] for line in lines]
    return numbers


def test_numbered_entries_are_recorded_once_whatever_is_repeated_or_overlaps(recording, run, log):
    name, add, made = log

    async def play(recorder, episode_id):
        batches = [(0, 3), (0, 3), (1, 5), (4, 5), (5, 5), (5, 9), (0, 2), (3, 10)]
        return [await getattr(recorder, add)(episode_id, a, made(*range(a, b))) for a, b in batches]

    episode_id, following = played(recording, run, play)
    assert following == [3, 3, 5, 5, 5, 9, 9, 10]
    assert recorded_numbers(recording, episode_id, name) == list(range(10))
    assert [line["first"] for line in recording.lines(episode_id, FILES[name])] == [0, 3, 5, 9]


def test_what_comes_without_its_predecessors_is_refused_with_the_number_that_is_expected(recording, run, log):
    name, add, made = log

    async def play(recorder, episode_id):
        await getattr(recorder, add)(episode_id, 0, made(0))
        with pytest.raises(MissingEntriesError, match=name) as refused:
            await getattr(recorder, add)(episode_id, 2, made(2))
        return refused.value.next, await getattr(recorder, add)(episode_id, 1, made(1, 2))

    _, answers = played(recording, run, play)
    assert answers == (1, 3)


def test_batches_at_the_same_time_are_recorded_once(recording, run, log):
    name, add, made = log

    async def play(recorder, episode_id):
        await asyncio.gather(*[getattr(recorder, add)(episode_id, 0, made(*range(n))) for n in (5, 9, 3, 9)])

    episode_id, _ = played(recording, run, play)
    assert recorded_numbers(recording, episode_id, name) == list(range(9))


def test_keystrokes_and_activity_are_numbered_apart_and_both_end_with_the_session(recording, run):
    async def play(recorder, episode_id):
        await recorder.add_changes(episode_id, 0, changes(0, 1))
        await recorder.add_activity(episode_id, 0, events(0))
        await recorder.end(episode_id)
        for add, made in LOGS.values():
            with pytest.raises(NotFoundError):
                await getattr(recorder, add)(episode_id, 2, made(2))

    episode_id, _ = played(recording, run, play)
    assert recorded_numbers(recording, episode_id, "changes") == [0, 1]
    assert [event.detail for event in read_activity(recording.stream(episode_id))] == [{"minutes": 0}]


def test_keystrokes_are_kept_as_they_came(recording, run):
    episode_id, _ = played(recording, run, lambda recorder, id: recorder.add_changes(id, 0, changes(0)))
    assert recording.lines(episode_id, "changes.jsonl")[0]["changes"] == [[0.0, 0, 0, "0", "input"]]


def test_activity_of_a_known_kind_without_its_details_is_refused_and_not_recorded(recording, run):
    async def play(recorder, episode_id):
        with pytest.raises(MalformedError, match="ranges"):
            await recorder.add_activity(episode_id, 0, [*events(0), (1.0, "selection", {})])
        return await recorder.add_activity(episode_id, 0, events(0))

    episode_id, following = played(recording, run, play)
    assert following == 1 and recorded_numbers(recording, episode_id, "events") == [0]


def test_a_session_of_the_persons_file_says_so_in_its_stream_its_snapshot_and_its_episode(
    recording, run, state_request
):
    async def play():
        recorder = recording.recorder
        episode_id = await recorder.start("own", file="src/ünï.py", folder="/home/ünï")
        await recorder.add_state(episode_id, state_request("a", 0))
        await recorder.add_state(episode_id, state_request("b", 1))
        assert recorder.file(episode_id) == "src/ünï.py" and recorder.file("another") is None
        assert recorder.folder(episode_id) == "/home/ünï" and recorder.folder("another") is None
        await recorder.end(episode_id)
        return episode_id

    episode_id = run(play())
    for header in (recording.lines(episode_id)[0], recording.snapshot(episode_id)):
        assert (header["file"], header["folder"]) == ("src/ünï.py", "/home/ünï")
    (episode,), _ = read_episodes(recording.paths.episodes)
    assert episode.file == read_session(recording.stream(episode_id)).file == "src/ünï.py"
    assert episode.folder == read_session(recording.stream(episode_id)).folder == "/home/ünï"


def test_a_session_of_a_problem_names_no_file(recording, run, state_request):
    async def play(recorder, episode_id):
        await recorder.add_state(episode_id, state_request("a", 0))
        await recorder.end(episode_id)
        return recorder.file(episode_id)

    episode_id, file = played(recording, run, play)
    for header in (recording.lines(episode_id)[0], recording.snapshot(episode_id)):
        assert file is None and not {"file", "folder"} & header.keys()


DECIDED = Action("A", Decision.WRITE_SINGLE_LINE, 1, probability=0.25, decision_probability=0.5, model="m", kept=0.75)
WITHHELD = Withheld(Decision.WRITE_SINGLE_LINE, 1, "x")
REVIEW = Review(kept=0.1, threshold=0.5, shown=False)
HELD_BACK = replace(DECIDED, decision=Decision.NO_OP, line=-1, review=REVIEW, withheld=WITHHELD)


def recorded_part(recording, run, state_request, decision, posted, **times):
    """The assistant's part of a state that is posted after an answer, a pair of what was decided and answered."""

    async def play(recorder, episode_id):
        await recorder.add_state(episode_id, state_request("a\nb", 4))
        recorder.note_decision(episode_id, "r", "a\nb", *decision, **times)
        for text in ("first", "second"):  # comes again with another text: still the same decision
            await recorder.add_state(episode_id, state_request(text, 5, {"H": None, "A": posted}))

    episode_id, _ = played(recording, run, play)
    return recording.states(episode_id)[-1]["action"]["A"]


@pytest.mark.parametrize("decision, posted", [
    ((DECIDED, (2, 2)), {"type": 2, "line": 2}),
    ((DECIDED, (2, 2)), {"type": 4, "line": 9, "request_id": "r"}),
    ((DECIDED, (2, 2)), {"type": 2, "line": 2, "request_id": "of another server"}),
    ((DECIDED, (0, 2)), {"type": 0, "line": 2}),  # nothing was written, so the client got a NO-OP
    ((HELD_BACK, (0, 0)), {"type": "NO-OP", "line": 0}),
    ((HELD_BACK, (0, 2)), {"type": 0, "line": 2}),
])  # fmt: skip
def test_a_state_carries_how_its_decision_was_taken(recording, run, state_request, decision, posted):
    part = recorded_part(recording, run, state_request, decision, posted)
    assert (part["probability"], part["decision_probability"]) == (0.25, 0.5)
    assert (part["type"], part["line"]) == (int(decision[0].decision), decision[0].line + 1)
    if decision[0] is HELD_BACK:
        assert part["withheld"] == {"type": 2, "line": 2, "text": "x"} and part["review"]["shown"] is False


def test_the_stream_keeps_how_long_each_stage_of_a_decision_took(recording, run, state_request):
    times = {"policy": 1.23456, "writer": 20.0, "reviewer": 0.5}
    posted = {"type": 2, "line": 2}
    part = recorded_part(recording, run, state_request, (DECIDED, (2, 2)), posted, milliseconds=times)
    assert part["milliseconds"] == {"policy": 1.235, "writer": 20.0, "reviewer": 0.5} and part["model"] == "m"


def test_a_decision_whose_stages_are_unknown_has_no_times(recording, run, state_request):
    assert "milliseconds" not in recorded_part(
        recording, run, state_request, (DECIDED, (2, 2)), {"type": 2, "line": 2, "milliseconds": {"policy": 9.0}}
    )


def test_what_a_client_says_of_a_decision_of_this_server_does_not_count(recording, run, state_request):
    posted = {"type": 0, "line": 0, "request_id": "r", "withheld": {"type": 1, "line": 1, "text": "y"}, "value": 5.0}
    part = recorded_part(recording, run, state_request, (DECIDED, (2, 2)), posted)
    assert (part["type"], part["probability"], part["request_id"]) == (2, 0.25, "r")
    assert "withheld" not in part and "value" not in part


@pytest.mark.parametrize("posted", [{"type": 2, "line": 1}, {"type": 3, "line": 2}, {"type": 0, "line": 2}])
def test_an_action_that_was_not_the_answer_carries_nothing_of_it(recording, run, state_request, posted):
    assert recorded_part(recording, run, state_request, (DECIDED, (2, 2)), posted) == posted


def test_a_decision_on_another_text_is_not_the_one_that_is_carried_out(recording, run, state_request):
    async def play(recorder, episode_id):
        await recorder.add_state(episode_id, state_request("a\nb", 0))
        recorder.note_decision(episode_id, "r", "a\nother", DECIDED, (2, 2))
        recorder.note_decision("unknown", "r2", "a\nb", DECIDED, (2, 2))
        await recorder.add_state(episode_id, state_request("a\nc", 1, {"H": None, "A": {"type": 2, "line": 2}}))

    episode_id, _ = played(recording, run, play)
    assert recording.states(episode_id)[-1]["action"]["A"] == {"type": 2, "line": 2}


def test_a_decision_is_carried_out_by_one_state_alone(recording, run, state_request):
    silent = replace(DECIDED, decision=Decision.NO_OP, line=-1)

    async def play(recorder, episode_id):
        posted = {"H": None, "A": {"type": 0, "line": 0}}
        await recorder.add_state(episode_id, state_request("a\nb", 0))
        recorder.note_decision(episode_id, "r", "a\nb", silent, (0, 0))
        await recorder.add_state(episode_id, state_request("a\nb", 1, posted))
        await recorder.add_state(episode_id, state_request("a\nb", 2))
        await recorder.add_state(episode_id, state_request("a\nb", 3, posted))  # what was answered then was dropped

    episode_id, _ = played(recording, run, play)
    parts = [state["action"]["A"] for state in recording.states(episode_id) if state["action"]]
    assert [part.get("probability") for part in parts] == [0.25, None]


def test_what_was_not_carried_out_carries_nothing_of_another_answer(recording, run, state_request):
    silent = replace(DECIDED, decision=Decision.NO_OP, line=-1)
    posted = {"type": 0, "line": 0, "dropped": "stale"}
    assert recorded_part(recording, run, state_request, (silent, (0, 0)), posted) == posted


def test_the_person_who_moves_carries_no_decision_of_the_assistant(recording, run, state_request):
    async def play(recorder, episode_id):
        await recorder.add_state(episode_id, state_request("a\nb", 0))
        recorder.note_decision(episode_id, "r", "a\nb", DECIDED, (2, 2))
        await recorder.add_state(episode_id, state_request("a\nc", 1, {"H": {"type": 2, "line": 2}, "A": None}))

    episode_id, _ = played(recording, run, play)
    assert recording.states(episode_id)[-1]["action"]["H"] == {"type": 2, "line": 2}


def test_the_live_state_and_the_rejected_texts_follow_the_session(recording, run, state_request):
    wrote = {"H": None, "A": {"type": 3, "line": 1}}

    async def play(recorder, episode_id):
        assert recorder.live_state(episode_id) is recorder.live_state("unknown") is None
        await recorder.add_state(episode_id, state_request("a = 1", 0))
        await recorder.add_state(episode_id, state_request("a = 1\nb = 2\nc = 3", 1, wrote))
        live = recorder.live_state(episode_id)
        assert live.assistant[1].tolist()[0] == 1 and [past.decision for past in live.history] == [3]
        assert recorder.rejected_texts(episode_id) == ()
        await recorder.add_state(episode_id, state_request("a = 1", 2))
        return recorder.rejected_texts(episode_id)

    assert played(recording, run, play)[1] == ("b = 2\nc = 3",)


def test_a_session_begins_with_the_states_of_another(recording, run, state_request):
    async def play(recorder, episode_id):
        for t in range(4):
            await recorder.add_state(episode_id, state_request(f"text {t}", t))
        await recorder.add_state(episode_id, state_request("text 1 again", 1))
        copies = [
            await recorder.start("p", store=Store.SELF_PLAY, source_episode=episode_id, source_timestep=2),
            await recorder.start("p", source_episode=episode_id),
        ]
        await recorder.end(episode_id)
        assert recording.snapshots.wait(60)
        recording.stream(episode_id).unlink()  # now there is the snapshot alone
        copies.append(await recorder.start("p", source_episode=episode_id, source_timestep=0))
        assert recorder.live_state(copies[1]).text == "text 3"
        for unknown in ("unknown", "../" + episode_id, "", "a" * 300):
            with pytest.raises(NotFoundError):
                await recorder.start("p", source_episode=unknown)
        return copies

    _, copies = played(recording, run, play)
    texts = [[state["text"] for state in recording.states(copy)] for copy in copies[1:]]
    assert texts == [["text 0", "text 1 again", "text 2", "text 3"], ["text 0"]]
    header = json.loads(recording.stream(copies[1]).read_bytes().splitlines()[0])
    assert header["source_timestep"] == 3
    path = Store.SELF_PLAY.folder(recording.paths) / copies[0] / "raw" / f"{copies[0]}.jsonl"
    header, *states = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert (header["source_timestep"], [state["timestep"] for state in states]) == (2, [0, 1, 2])
    assert {state["episode_id"] for state in states} == {copies[0]}


def test_a_session_whose_answer_is_lost_is_begun_once(recording, run):
    async def play(recorder, first):
        again = [recorder.start("p", source_episode=first, idempotency_key="k") for _ in range(2)]
        gone = asyncio.create_task(recorder.start("p", source_episode=first, idempotency_key="k"))
        while not recorder._openings:
            await asyncio.sleep(0)
        gone.cancel()  # its client closed the connection
        return await asyncio.gather(*again)

    first, (one, other) = played(recording, run, play)
    assert one == other != first
    assert set(recording.recorder.open_sessions()) == {first, one}


@pytest.mark.parametrize("touch", ["state", "changes", "end", "none, by another key"])
def test_a_session_in_which_something_was_recorded_is_not_begun_again(recording, run, state_request, touch):
    async def play(recorder, _):
        first = await recorder.start("p", idempotency_key="k")
        if touch == "state":
            await recorder.add_state(first, state_request("a", 0))
        if touch == "changes":
            await recorder.add_changes(first, 0, [(1, 0, 0, "a", "input")])
        if touch == "end":
            await recorder.end(first)
        return first, await recorder.start("p", idempotency_key="other" if "other" in touch else "k")

    _, (first, second) = played(recording, run, play)
    assert first != second


def test_a_malformed_source_begins_nothing(recording, run):
    session = recording.paths.episodes / "broken"
    session.mkdir(parents=True)
    for content in (
        '{"states": [{"timestep": 0, "text": 5}]}',
        '{"states": [{"text": "a"}]}',
        "[]",
        "{",
        '{"states": 1}',
    ):
        (session / "broken.json").write_text(content)
        with pytest.raises(InputError):
            run(recording.recorder.start("p", source_episode="broken"))
    assert list(recording.paths.episodes.iterdir()) == [session] and recording.recorder.open_sessions() == []


def test_a_state_has_a_time_in_whole_milliseconds(make_recording, run, state_request):
    recording = make_recording(clock=lambda: 12.5)

    async def play(recorder, episode_id):
        await recorder.add_state(episode_id, state_request("a", 0, timestamp_ms=None))
        await recorder.add_state(episode_id, state_request("a", 1, timestamp_ms=7.9))

    episode_id, _ = played(recording, run, play)
    assert [state["timestamp_ms"] for state in recording.states(episode_id)] == [12_500, 7]


@pytest.mark.parametrize("problem", ["", "  "])
def test_a_session_has_a_problem(recording, run, problem):
    with pytest.raises(InputError, match="problem_id"):
        run(recording.recorder.start(problem))


def test_whatever_comes_after_the_end_is_refused(recording, run, state_request):
    async def play(recorder, episode_id):
        posts = [recorder.add_state(episode_id, state_request(str(t), t)) for t in range(5)]
        ends = [recorder.end(episode_id) for _ in range(3)]
        outcomes = await asyncio.gather(
            *posts, *ends, recorder.add_changes(episode_id, 0, changes(0)), return_exceptions=True
        )
        for late in (recorder.add_state(episode_id, state_request("late", 9)), recorder.end(episode_id)):
            with pytest.raises(NotFoundError):
                await late
        return outcomes

    episode_id, outcomes = played(recording, run, play)
    assert outcomes[:6] == [None] * 6 and all(isinstance(outcome, NotFoundError) for outcome in outcomes[6:])
    assert recording.lines(episode_id)[-1].keys() == {"endTime"} and len(recording.states(episode_id)) == 5


@pytest.mark.parametrize("seed", range(5))
def test_ending_while_posting_loses_nothing_acknowledged(recording, run, state_request, seed):
    async def play(recorder, episode_id):
        async def post(t):
            await asyncio.sleep(((t * 7919 + seed) % 13) / 1000)
            try:
                await recorder.add_state(episode_id, state_request(f"{t}" * (200_000 if t % 5 == seed else 1), t))
                await recorder.add_changes(episode_id, 0, changes(*range(t)))
            except NotFoundError:
                return None
            return t

        async def end():
            await asyncio.sleep(0.006)
            await recorder.end(episode_id)

        *acknowledged, _ = await asyncio.gather(*[post(t) for t in range(30)], end())
        return [t for t in acknowledged if t is not None]

    episode_id, acknowledged = played(recording, run, play)
    lines = recording.lines(episode_id)
    assert lines[-1].keys() == {"endTime"} and set(acknowledged) <= {line.get("timestep") for line in lines}


def test_sessions_without_a_message_for_long_are_ended(make_recording, run, state_request, monkeypatch):
    recording = make_recording(idle_seconds=60.0)
    now = time.monotonic()
    monkeypatch.setattr("services.recording.recorder.time.monotonic", lambda: now)

    async def play(recorder, episode_id):
        nonlocal now
        busy = await recorder.start("p")
        for t in range(3):
            now += 59.0
            await recorder.add_state(busy, state_request("a", t))
            await recorder.end_idle()
        return busy, recorder.open_sessions()

    episode_id, (busy, still_open) = played(recording, run, play)
    assert still_open == [busy] and recording.lines(episode_id)[-1].keys() == {"endTime"}


def test_it_looks_for_idle_sessions_by_itself(make_recording, run):
    recording = make_recording(idle_seconds=0.01)

    async def play(recorder, episode_id):
        async with asyncio.timeout(30):
            while recorder.open_sessions():
                await asyncio.sleep(0.01)

    episode_id, _ = played(recording, run, play)
    assert recording.lines(episode_id)[-1].keys() == {"endTime"}


def test_closing_ends_all_sessions(recording, run, state_request):
    async def play(recorder, episode_id):
        other = await recorder.start("p")
        await recorder.add_state(other, state_request("a", 0))
        await recorder.close()
        return other

    episode_id, other = played(recording, run, play)
    assert recording.snapshot(other)["states"][0]["text"] == "a" and recording.snapshot(episode_id)["states"] == []


def test_it_needs_no_clock_of_its_own(make_recording, run):
    recording = make_recording(clock=lambda: 12.5)
    episode_id, _ = played(recording, run, Recorder.end)
    snapshot = recording.snapshot(episode_id)
    assert (snapshot["startTime"], snapshot["endTime"]) == (12_500, 12_500)
