"""A model in the process: writes, reads ahead, is cancelled, and ends; files that cannot be loaded."""

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from itertools import pairwise

import pytest

from actions import Decision
from delegates import Cancellation, WriterUnavailableError, WritingCancelledError, WritingContext, gguf
from delegates.gguf import GgufWriter
from errors import InputError

GGUF_SECONDS = 300.0
"""That a model may take on a busy machine."""


@pytest.fixture(scope="module")
def writer(smollm2):
    writer = GgufWriter(smollm2, threads=1, seconds=GGUF_SECONDS)
    assert writer.wait_until_loaded(GGUF_SECONDS)
    yield writer
    writer.close()


SHORT = "import numpy as n"
"""The model goes on with few tokens."""


def wait_for(condition):
    end = time.monotonic() + GGUF_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def long_lines(name, count):
    """Lines of some 35 characters each, and of few tokens."""
    return [f"{name} = function(another, argument) # {i}" for i in range(count)]


@pytest.fixture
def steps_of(writer, monkeypatch):
    """The prompts that the model is given, in their order."""
    prompts, complete = [], writer._complete

    def record(text, *arguments):
        prompts.append(text)
        complete(text, *arguments)

    monkeypatch.setattr(writer, "_complete", record)
    return prompts


@pytest.fixture
def step(monkeypatch):
    """Characters of a small step, so that a short file takes several."""
    monkeypatch.setattr(gguf, "STEP_CHARACTERS", 60)
    return 60


def test_a_line_is_written_with_the_log_probability_of_each_token(writer, state_of):
    state = state_of("def add(a, b):\n    return", 1)
    completion = writer.write(state, Decision.FILL_PARTIAL_LINE, 1)
    assert completion.text.strip() == "a + b" and completion.writer == writer.name
    assert completion.token_count >= 3 and completion.mean_log_prob < 0


def test_a_block_ends_with_the_function(writer, state_of):
    state = state_of("def is_even(n):\n    if n % 2 == 0:\n", 1)
    text = writer.write(state, Decision.WRITE_MULTI_LINE, 1).text
    assert text.startswith("    if n % 2 == 0:\n        return") and "\ndef " not in text


def test_a_rejected_text_is_not_written_again(writer, state_of):
    state = state_of("def add(a, b):\n    return", 1)
    rejected = writer.write(state, Decision.FILL_PARTIAL_LINE, 1).text
    again = writer.write(state, Decision.FILL_PARTIAL_LINE, 1, WritingContext(rejected=(rejected,)))
    assert again.text != rejected


def test_a_second_try_has_only_the_time_that_the_first_one_left(writer, state_of, monkeypatch):
    state, deadlines, wait = state_of("def add(a, b):\n    return", 1), [], writer._wait_for

    def note(request, cancellation):
        deadlines.append(request.deadline)
        wait(request, cancellation)

    monkeypatch.setattr(writer, "_wait_for", note)
    first = writer.write(state, Decision.FILL_PARTIAL_LINE, 1)
    deadlines.clear()
    writer.write(state, Decision.FILL_PARTIAL_LINE, 1, WritingContext(rejected=(first.text,)))
    assert len(deadlines) == 2 and deadlines[0] == deadlines[1]


def test_a_long_file_is_read_in_small_steps_and_only_what_changed_is_read_again(writer, state_of, steps_of, step):
    text = "\n".join(long_lines("number", 4))
    writer.write(state_of(f"{text}\n{SHORT}", 4), Decision.FILL_PARTIAL_LINE, 4)
    sizes = [0, *map(len, steps_of)]
    assert max(b - a for a, b in pairwise(sizes)) <= step and len(steps_of) >= 3
    steps_of.clear()
    writer.write(state_of(f"{text}\n{SHORT}p", 4), Decision.FILL_PARTIAL_LINE, 4)
    assert len(steps_of) == 1


def test_reading_ahead_leaves_nothing_to_read_before_a_line_is_written(writer, state_of, steps_of, step):
    state = state_of("\n".join([*long_lines("name", 3), SHORT]), 3)
    writer.read_ahead(state)
    wait_for(lambda: writer._ahead is None)
    assert len(steps_of) >= 2
    steps_of.clear()
    writer.write(state, Decision.FILL_PARTIAL_LINE, 3)
    assert len(steps_of) == 1


def test_the_newest_state_is_read_and_older_ones_are_given_up(writer, state_of, steps_of):
    states = [state_of("\n".join(long_lines(f"v{k}", 9)) + "\nz =", 9) for k in range(5)]
    for state in states:
        writer.read_ahead(state)
    wait_for(lambda: writer._ahead is None)
    assert steps_of[-1].startswith("v4") and sum(text.startswith(("v1", "v2", "v3")) for text in steps_of) <= 3


def test_reading_ahead_never_waits_for_the_model(writer, state_of, monkeypatch):
    going_on, begun = threading.Event(), threading.Event()

    def complete(*arguments):
        begun.set()
        going_on.wait(GGUF_SECONDS)

    monkeypatch.setattr(writer, "_complete", complete)
    writer.read_ahead(state_of("a = 1", 0))
    assert begun.wait(GGUF_SECONDS)
    for i in range(100):  # returns though the model is busy for as long as this test wants
        writer.read_ahead(state_of(f"a = {i}", 0))
    assert writer._ahead == "a = 99"
    going_on.set()
    wait_for(lambda: writer._ahead is None)


def test_a_text_is_given_up_at_a_token(writer, state_of, monkeypatch):
    cancellation, tokens, parse = Cancellation(), [], gguf.parse_openai_row

    def parse_and_cancel(row):
        tokens.append(row)
        cancellation.cancel()
        return parse(row)

    monkeypatch.setattr(gguf, "parse_openai_row", parse_and_cancel)
    with pytest.raises(WritingCancelledError):
        writer.write(
            state_of("def f(x):\n    a =", 1), Decision.WRITE_MULTI_LINE, 1, WritingContext(cancellation=cancellation)
        )
    wait_for(lambda: not writer._requests)
    writer.write(state_of(SHORT, 0), Decision.FILL_PARTIAL_LINE, 0)  # the thread is free again
    assert sum(row["id"] == tokens[0]["id"] for row in tokens) <= 2


def test_a_prompt_is_given_up_between_its_steps(writer, state_of, monkeypatch, step):
    cancellation, prompts, complete = Cancellation(), [], writer._complete

    def cancel(text, *arguments):
        prompts.append(text)
        complete(text, *arguments)
        cancellation.cancel()

    monkeypatch.setattr(writer, "_complete", cancel)
    state = state_of("\n".join(long_lines("word", 5)), 4)
    with pytest.raises(WritingCancelledError):
        writer.write(state, Decision.FILL_PARTIAL_LINE, 4, WritingContext(cancellation=cancellation))
    monkeypatch.setattr(writer, "_complete", complete)
    writer.write(state_of(SHORT, 0), Decision.FILL_PARTIAL_LINE, 0)
    assert len(prompts) == 1


def test_half_a_character_and_more_tokens_than_fit_are_no_error(writer, state_of):
    state = state_of("s = '\ud83d" + "ж☃" * 4000 + "'\nt =", 1)
    assert writer.write(state, Decision.FILL_PARTIAL_LINE, 1).writer == writer.name


@pytest.mark.parametrize(("path", "body"), [("/completion", b'{"prompt": "a"}'), ("/v1/models", None)])
def test_its_port_answers_nobody(writer, path, body):
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = urllib.request.Request(writer.address + path, body, headers)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=GGUF_SECONDS)
    assert error.value.code == 401


def test_a_closed_writer_has_no_port_and_says_that_it_has_ended(smollm2, state_of):
    writer = GgufWriter(smollm2)
    assert writer.wait_until_loaded(GGUF_SECONDS)
    address = writer.address
    writer.close()
    assert not writer._thread.is_alive()
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address + "/health", timeout=GGUF_SECONDS)
    with pytest.raises(WriterUnavailableError, match="was ended"):
        writer.write(state_of("x"), Decision.FILL_PARTIAL_LINE, 0)


def test_a_process_that_forgets_to_close_it_ends_all_the_same(smollm2, root):
    program = (
        "import sys; from pathlib import Path; from delegates.gguf import GgufWriter\n"
        f"writer = GgufWriter(Path({str(smollm2)!r})); print(writer.wait_until_loaded({GGUF_SECONDS}))"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout) == (0, "True\n")


def test_a_file_that_was_cut_is_refused_in_one_line(smollm2, tmp_path):
    damaged = tmp_path / "cut.gguf"
    with smollm2.open("rb") as file:
        damaged.write_bytes(file.read(20_000_000))
    with pytest.raises(InputError, match="is a damaged GGUF file"):
        GgufWriter(damaged)


def test_a_file_that_llama_cpp_refuses_is_named_once_it_is_loaded(smollm2, tmp_path, state_of):
    damaged = tmp_path / "other.gguf"
    damaged.write_bytes(smollm2.read_bytes().replace(b"llama", b"lxama", 1))
    writer = GgufWriter(damaged)
    with pytest.raises(InputError, match=r"other\.gguf: cannot be loaded"):
        writer.wait_until_loaded(GGUF_SECONDS)
    with pytest.raises(WriterUnavailableError, match="cannot be loaded"):
        writer.write(state_of("x"), Decision.FILL_PARTIAL_LINE, 0)


def test_too_little_memory_is_refused_before_the_model_is_loaded(smollm2, monkeypatch):
    monkeypatch.setattr(gguf, "available_memory", lambda: 100 << 20)
    with pytest.raises(InputError, match=r"needs about \d+ MiB of memory, but 100 MiB are available"):
        GgufWriter(smollm2)


def test_without_the_extra_it_says_what_to_install(smollm2, monkeypatch):
    monkeypatch.setattr(gguf.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install .*\[writer\]"):
        GgufWriter(smollm2)


@pytest.mark.parametrize(("cores", "threads"), [(1, 1), (2, 1), (8, 7)])
def test_one_core_is_left_to_others(smollm2, monkeypatch, cores, threads):
    monkeypatch.setattr(gguf, "available_cores", lambda: cores)
    monkeypatch.setattr(GgufWriter, "_load", lambda self: None)
    writer = GgufWriter(smollm2)
    assert writer._threads == threads
    writer.close()
