"""Servers of each kind, what they refuse, and servers that are slow, break off, or are no longer wanted."""

import socket
import threading
import time

import pytest

from actions import Decision
from delegates import Cancellation, WriterUnavailableError, WritingCancelledError, WritingContext
from delegates.dialects import LlamaCpp, Ollama, OpenAi
from delegates.http_stream import ModelServer, TimeLimits, parse_address
from delegates.server_writer import ServerWriter
from delegates.text_writer import LateAnswerError
from errors import InputError
from services.assistance.assistance import WRITER_SECONDS

LIMITS = TimeLimits(connect=2.0, first_token=5.0, whole=5.0)
CODER, OTHER = "qwen2.5-coder:0.5b", "some-model"


def writer_for(server, dialect, model=CODER, limits=LIMITS):
    return ServerWriter(ModelServer(parse_address(server.url, "url"), limits), dialect, model)


def write(writer, state_of, context=None, decision=Decision.WRITE_SINGLE_LINE):
    state = state_of("def f(x):\n    y = \n    return y", 1)
    return writer.write(state, decision, 1, context or WritingContext())


def ollama_answer(path, body, reply):
    reply.begin()
    for text, log_prob in ((" x", -0.25), (" + 1", -0.5), ("\n", -1.0)):
        reply.line({"response": text, "done": False, "logprobs": [{"token": text, "logprob": log_prob}]})
    reply.line({"response": "", "done": True})


def llama_answer(path, body, reply):
    reply.begin()
    for text, log_prob in ((" x", -0.25), (" + 1", -0.5)):
        reply.event(
            {"content": text, "stop": False, "completion_probabilities": [{"token": text, "logprob": log_prob}]}
        )
    reply.event({"content": "", "stop": True})


def openai_answer(path, body, reply):
    reply.begin()
    for text, log_prob in ((" x", -0.25), (" + 1", -0.5)):
        log_probs = {"tokens": [text], "token_logprobs": [log_prob]} if body.get("logprobs") else None
        reply.event({"choices": [{"text": text, "logprobs": log_probs, "finish_reason": None}]})
    reply.event(b"[DONE]")


ANSWERS = [(Ollama(), ollama_answer), (LlamaCpp(), llama_answer), (OpenAi(), openai_answer)]


@pytest.mark.parametrize(("dialect", "answer"), ANSWERS)
def test_each_kind_of_server_writes_with_log_probabilities(fake_server, state_of, dialect, answer):
    completion = write(writer_for(fake_server(answer), dialect), state_of)
    assert completion.text == "y = x + 1" and completion.token_log_probs == (-0.25, -0.5)
    assert completion.writer == f"{dialect.name}: {CODER}"


def test_ollama_is_asked_raw_with_the_familys_own_tokens(fake_server, state_of):
    server = fake_server(ollama_answer)
    write(writer_for(server, Ollama()), state_of)
    ((path, body),) = server.requests
    assert path == "/api/generate" and body["raw"] is True and "suffix" not in body and body["logprobs"] is True
    assert body["prompt"] == "<|fim_prefix|>def f(x):\n    y =<|fim_suffix|>\n    return y<|fim_middle|>"


def test_ollama_models_without_insert_are_asked_for_what_follows_from_then_on(fake_server, state_of):
    def answer(path, body, reply):
        if "suffix" in body:
            return reply.refuse(400, f"{OTHER} does not support insert")
        return ollama_answer(path, body, reply)

    server = fake_server(answer)
    writer = writer_for(server, Ollama(), OTHER)
    assert [write(writer, state_of).text for _ in range(2)] == ["y = x + 1"] * 2
    assert ["suffix" in body for _, body in server.requests] == [True, False, False]


def test_ollama_is_never_sent_an_empty_suffix(fake_server, state_of):
    server = fake_server(ollama_answer)
    writer_for(server, Ollama(), OTHER).write(state_of("x = ", 0), Decision.FILL_PARTIAL_LINE, 0)
    assert ["suffix" in body for _, body in server.requests] == [False]


def test_llama_cpp_without_infill_tokens_is_asked_once(fake_server, state_of):
    def answer(path, body, reply):
        if path == "/infill":
            return reply.refuse(501, "Infill is not supported by this model: prefix token is missing.")
        return llama_answer(path, body, reply)

    server = fake_server(answer)
    writer = writer_for(server, LlamaCpp(), OTHER)
    assert [write(writer, state_of).text for _ in range(2)] == ["y = x + 1"] * 2
    assert [path for path, _ in server.requests] == ["/infill", "/completion", "/completion"]


def test_a_server_that_refuses_suffix_is_asked_without_and_remembered(fake_server, state_of):
    def answer(path, body, reply):
        if "suffix" in body:
            return reply.refuse(400, "suffix is not currently supported")
        return openai_answer(path, body, reply)

    server = fake_server(answer)
    writer = writer_for(server, OpenAi(), OTHER)
    for _ in range(2):
        assert write(writer, state_of).token_log_probs == (-0.25, -0.5)
    assert ["suffix" in body for _, body in server.requests] == [True, False, False]


@pytest.mark.parametrize("words", ["logprobs are not supported", "bad request"])
def test_a_server_that_refuses_log_probabilities_writes_without_and_is_remembered(fake_server, state_of, words):
    def answer(path, body, reply):
        if "logprobs" in body:
            return reply.refuse(422, words)
        return openai_answer(path, body, reply)

    server = fake_server(answer)
    writer = writer_for(server, OpenAi())
    completions = [write(writer, state_of) for _ in range(2)]
    assert [(c.text, c.token_log_probs) for c in completions] == [("y = x + 1", None)] * 2
    assert "logprobs" not in server.requests[-1][1] and "logprobs" not in server.requests[-2][1]
    assert "<|fim_middle|>" in server.requests[-1][1]["prompt"]


def test_a_server_that_refuses_everything_is_asked_again_later(fake_server, state_of):
    refusing = [True]

    def answer(path, body, reply):
        return reply.refuse(404, "no such model") if refusing[0] else openai_answer(path, body, reply)

    writer = writer_for(fake_server(answer), OpenAi())
    with pytest.raises(WriterUnavailableError, match="no such model"):
        write(writer, state_of)
    refusing[0] = False
    assert write(writer, state_of).token_log_probs is not None


def test_a_busy_server_is_not_taken_for_one_that_cannot(fake_server, state_of):
    server = fake_server(lambda path, body, reply: reply.refuse(503, "loading model"))
    writer = writer_for(server, OpenAi())
    ways = writer.ways()
    with pytest.raises(WriterUnavailableError, match="503"):
        write(writer, state_of)
    assert len(server.requests) == 1 and writer.ways() == ways


def test_the_stream_is_closed_where_the_decision_ends(fake_server, state_of):
    def answer(path, body, reply):
        reply.begin()
        reply.line({"response": " 1\n", "done": False})
        while True:
            reply.line({"response": "more\n", "done": False})
            time.sleep(0.005)

    server = fake_server(answer)
    assert write(writer_for(server, Ollama()), state_of).text == "y = 1"
    assert server.closed_by_client.wait(60)


def test_a_cancelled_request_closes_the_connection_at_once(fake_server, state_of):
    asked, release = threading.Event(), threading.Event()

    def answer(path, body, reply):
        reply.begin()
        asked.set()
        release.wait(60)
        while True:
            reply.line({"response": "x", "done": False})
            time.sleep(0.005)

    server, cancellation = fake_server(answer), Cancellation()
    writer = writer_for(server, Ollama(), limits=TimeLimits(60.0, 60.0, 60.0))
    errors = []

    def ask():
        try:
            write(writer, state_of, WritingContext(cancellation=cancellation))
        except WritingCancelledError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(60)
    cancellation.cancel()
    thread.join(60)
    assert not thread.is_alive() and len(errors) == 1
    release.set()
    assert server.closed_by_client.wait(60)


def test_what_is_cancelled_before_it_begins_is_not_sent(fake_server, state_of):
    server, cancellation = fake_server(ollama_answer), Cancellation()
    cancellation.cancel()
    with pytest.raises(WritingCancelledError):
        write(writer_for(server, Ollama()), state_of, WritingContext(cancellation=cancellation))
    assert server.requests == []


def test_a_server_that_does_not_begin_in_time_is_unavailable(fake_server, state_of):
    server = fake_server(lambda path, body, reply: time.sleep(3))
    writer = writer_for(server, Ollama(), limits=TimeLimits(60.0, 0.2, 60.0))
    with pytest.raises(WriterUnavailableError, match=r"did not answer within 0\.2 s"):
        write(writer, state_of)


def test_a_server_that_does_not_end_in_time_is_unavailable_however_it_drips(fake_server, state_of):
    def answer(path, body, reply):
        reply.begin()
        reply.line({"response": "x", "done": False})
        while True:
            reply.raw(b" ")
            time.sleep(0.01)

    writer = writer_for(fake_server(answer), Ollama(), limits=TimeLimits(60.0, 60.0, 0.3))
    with pytest.raises(WriterUnavailableError, match=r"did not answer within 0\.3 s"):
        write(writer, state_of)


def test_time_until_the_first_token_counts_too(fake_server, state_of):
    def answer(path, body, reply):
        time.sleep(0.6)
        ollama_answer(path, body, reply)

    writer = writer_for(fake_server(answer), Ollama(), limits=TimeLimits(60.0, 60.0, 0.3))
    with pytest.raises(WriterUnavailableError, match=r"did not answer within 0\.3 s"):
        write(writer, state_of)


def test_a_second_try_has_only_the_time_that_the_first_one_left_and_is_no_failure_of_the_server(fake_server, state_of):
    def answer(path, body, reply):
        time.sleep(1.5 if not body["options"]["temperature"] else 30)
        ollama_answer(path, body, reply)

    server = fake_server(answer)
    writer = writer_for(server, Ollama(), limits=TimeLimits(60.0, 60.0, 3.0))
    started = time.monotonic()
    completion = write(writer, state_of, WritingContext(rejected=("y = x + 1",)))
    assert time.monotonic() - started < 4.4 and len(server.requests) == 2
    assert (completion.text, completion.is_rejected) == ("", True)


def test_where_no_time_is_left_a_server_is_not_asked_at_all(fake_server):
    server = fake_server(ollama_answer)
    limits = LIMITS.until(time.monotonic() - 1)
    model_server = ModelServer(parse_address(server.url, "url"), LIMITS)
    with pytest.raises(LateAnswerError, match="no time left"):
        next(model_server.stream("/api/generate", {}, Cancellation(), limits))
    assert server.requests == [] and LIMITS.until(time.monotonic() + 3600) == LIMITS


def test_a_slow_server_is_given_up_before_a_request_for_help_is():
    assert TimeLimits().connect < TimeLimits().first_token < TimeLimits().whole < WRITER_SECONDS - 1


@pytest.mark.parametrize("rest", [b"", b'{"response": "y', b"<html>\n", b"[1]\n", b'{"error": "out of memory"}\n'])
def test_an_answer_that_breaks_off_or_is_none_is_not_shown(fake_server, state_of, rest):
    def answer(path, body, reply):
        reply.begin()
        reply.line({"response": "x", "done": False})
        reply.raw(rest)

    with pytest.raises(WriterUnavailableError):
        write(writer_for(fake_server(answer), Ollama()), state_of)


def test_a_server_that_is_gone_is_unavailable(state_of):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = parse_address(f"127.0.0.1:{port}", "url")
    with pytest.raises(WriterUnavailableError, match="refused"):
        write(ServerWriter(ModelServer(address, LIMITS), OpenAi(), CODER), state_of)


def test_a_line_without_end_is_not_read_to_its_end(fake_server, state_of):
    def answer(path, body, reply):
        reply.begin()
        while True:
            reply.raw(b"x" * (1 << 18))

    with pytest.raises(WriterUnavailableError, match="without end"):
        write(writer_for(fake_server(answer), Ollama()), state_of)


def test_a_rejected_text_is_asked_for_once_more_and_never_shown(fake_server, state_of):
    server = fake_server(ollama_answer)
    assert write(writer_for(server, Ollama()), state_of, WritingContext(rejected=("y = x + 1",))).text == ""
    assert [body["options"]["temperature"] for _, body in server.requests] == [0.0, 0.8]


def test_proxies_of_the_environment_get_nothing(fake_server, state_of, monkeypatch):
    proxy = fake_server()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    server = fake_server(ollama_answer)
    assert write(writer_for(server, Ollama()), state_of).text and proxy.requests == [] and len(server.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:8080", "https://models.example", "10.0.0.1:11434", "[2001:db8::1]:80"]
)
def test_another_machine_needs_an_explicit_setting(url):
    address = parse_address(url, "url")
    with pytest.raises(InputError, match="is not this machine"):
        ModelServer(address, LIMITS)
    assert ModelServer(address, LIMITS, allow_remote=True).address == address


@pytest.mark.parametrize(
    "url", ["localhost:8080", "127.0.0.1:1", "http://127.1.2.3", "http://[::1]:8080", "0.0.0.0:11434"]
)
def test_this_machine_has_several_names(url):
    assert parse_address(url, "url").is_local


def test_a_name_that_leads_to_another_machine_is_not_this_one(fake_server, state_of, monkeypatch):
    server = fake_server(ollama_answer)
    monkeypatch.setattr(socket.socket, "getpeername", lambda self: ("192.0.2.1", 80))
    with pytest.raises(WriterUnavailableError, match="is not this machine"):
        write(writer_for(server, Ollama()), state_of)
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["http://", "ftp://127.0.0.1", "http://a:b@127.0.0.1", "127.0.0.1:99999", "http://x/?q=1"]
)
def test_what_is_no_address_is_refused_in_one_line(url):
    with pytest.raises(InputError, match=r"\Aurl: .*is no address"):
        parse_address(url, "url")


def test_a_path_may_stand_before_the_requests():
    assert str(parse_address("http://127.0.0.1:8080/models/v1/", "url")) == "http://127.0.0.1:8080/models"


def test_ollama_loads_its_model_before_the_first_text_and_others_have_loaded_theirs(fake_server):
    server = fake_server(lambda path, body, reply: (reply.begin(), reply.line({"done": True})))
    for dialect in (Ollama(), LlamaCpp(), OpenAi()):
        writer_for(server, dialect).load()
    assert server.requests == [("/api/generate", {"model": CODER, "stream": False})]


def test_a_server_that_cannot_load_its_model_is_no_error_until_a_text_is_asked_for(fake_server, state_of):
    server = fake_server()
    writer = writer_for(server, Ollama())
    writer.load()
    assert server.requests == [("/api/generate", {"model": CODER, "stream": False})]
    with pytest.raises(WriterUnavailableError, match=r"refuses to write: 404 .*nothing"):
        write(writer, state_of)


def test_several_threads_may_ask_at_once(fake_server, state_of):
    def answer(path, body, reply):
        reply.begin()
        text = body["prompt"].partition("name_")[2][:2]
        for _ in range(3):
            reply.line({"response": text, "done": False})
        reply.line({"response": "", "done": True})

    writer, texts = writer_for(fake_server(answer), Ollama()), {}

    def ask(i):
        state = state_of(f"name_{i}\nx", 1)
        texts[i] = writer.write(state, Decision.FILL_PARTIAL_LINE, 1).text

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(10, 22)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {i: str(i) * 3 for i in range(10, 22)}


def test_a_model_that_copies_the_next_line_is_asked_without_it_and_every_way_stays_open(fake_server, state_of):
    def answer(path, body, reply):
        reply.begin()
        copies = "suffix" in body or "<|fim_suffix|>\n" in body["prompt"]
        reply.line({"response": "return y\n" if copies else "y = x + 1\n", "done": False})

    for model in (CODER, OTHER):
        server = fake_server(answer)
        writer = writer_for(server, Ollama(), model)
        ways = writer.ways()
        state = state_of("def f(x):\n    \n    return y", 1)
        assert writer.write(state, Decision.WRITE_SINGLE_LINE, 1).text == "y = x + 1"
        assert len(server.requests) == 2 and writer.ways() == ways
