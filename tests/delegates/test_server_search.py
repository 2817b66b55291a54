"""Which servers are looked at, and which of their models is taken."""

import socket
import threading

import pytest

from delegates import server_search
from delegates.dialects import LlamaCpp, Ollama, OpenAi
from delegates.http_stream import ModelServer, TimeLimits, parse_address
from delegates.server_search import COMPATIBILITY_PORTS, probe, search_servers, usual_addresses
from errors import InputError

LIMITS = TimeLimits()


def tags(*names, **more):
    return {"models": [{"name": name, "model": name, **more} for name in names]}


def models(*names, owned_by="vllm"):
    return {"data": [{"id": name, "owned_by": owned_by} for name in names]}


def server_at(fake):
    return ModelServer(parse_address(fake.url, "url"), LIMITS)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    monkeypatch.setattr(server_search, "PROBE_SECONDS", 10.0)


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ({"/api/tags": tags("qwen2.5-coder")}, Ollama),
        ({"/v1/models": models("qwen2.5-coder", owned_by="llamacpp")}, LlamaCpp),
        ({"/v1/models": models("qwen2.5-coder")}, OpenAi),
        # Each answers what the other does, too.
        ({"/v1/models": models("qwen2.5-coder", owned_by="llamacpp"), "/api/tags": tags("qwen2.5-coder")}, LlamaCpp),
        ({"/v1/models": models("qwen2.5-coder", owned_by="library"), "/api/tags": tags("qwen2.5-coder")}, Ollama),
    ],
)
def test_the_kind_of_server_is_told_by_what_it_offers(fake_server, page, kind):
    writer = probe(server_at(fake_server(pages=page)))
    assert isinstance(writer.dialect, kind) and writer.model == "qwen2.5-coder" and writer.fills


def test_what_is_no_server_of_models_is_left_alone(fake_server):
    too_deep = b"[" * 100_000
    offers = ({}, {"/v1/models": [1]}, {"/api/tags": {"models": 3}}, {"/v1/models": too_deep}, {"/api/tags": too_deep})
    fakes = [fake_server(pages=pages) for pages in offers]
    assert search_servers([parse_address(fake.url, "url") for fake in fakes], LIMITS) == []
    assert all(fake.requests == [] for fake in fakes)


def test_a_model_that_fills_in_the_middle_comes_first_then_the_newest(fake_server):
    rows = [
        {"name": "llama3.2", "modified_at": "2026-05-01"},
        {"name": "starcoder2:3b", "modified_at": "2026-01-01"},
        {"name": "qwen2.5-coder", "modified_at": "2026-02-01"},
    ]
    assert probe(server_at(fake_server(pages={"/api/tags": {"models": rows}}))).model == "qwen2.5-coder"


@pytest.mark.parametrize(
    "row",
    [
        {"name": "nomic-embed-text"},
        {"name": "all-minilm", "details": {"family": "bert"}},
        {"name": "qwen3-coder:480b-cloud"},
        {"name": "mine", "remote_host": "https://models.example"},
        {"name": 5},
        {},
    ],
)
def test_models_that_write_no_text_or_run_elsewhere_are_not_taken(fake_server, row):
    with pytest.raises(InputError, match="no model that writes text on this machine"):
        probe(server_at(fake_server(pages={"/api/tags": {"models": [row]}})))


def test_a_named_model_is_taken_or_missed_by_name(fake_server):
    fake = fake_server(pages={"/api/tags": tags("a", "b")})
    assert probe(server_at(fake), "b").model == "b"
    with pytest.raises(InputError, match="has no model 'c'; it has a, b"):
        probe(server_at(fake), "c")


def test_our_own_ports_are_never_looked_at(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:8008")
    ports = {address.port for address in usual_addresses([8080])}
    assert ports == {1234} and not ports & COMPATIBILITY_PORTS


@pytest.mark.parametrize(
    ("named", "expected"),
    [("", 11434), ("0.0.0.0:9999", 9999), ("localhost", 11434), ("::::", 11434)],
)
def test_ollama_is_looked_for_where_its_own_variable_says(monkeypatch, named, expected):
    monkeypatch.setenv("OLLAMA_HOST", named)
    assert usual_addresses()[0].port == expected


def test_ollama_on_another_machine_is_not_looked_at(monkeypatch):
    monkeypatch.setenv("OLLAMA_HOST", "http://192.0.2.1:11434")
    assert [address.port for address in usual_addresses()] == [8080, 1234]


def test_servers_are_asked_all_at_once_and_one_that_is_silent_is_none(monkeypatch):
    monkeypatch.setattr(server_search, "PROBE_SECONDS", 4.0)
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
    addresses = [parse_address(f"127.0.0.1:{s.getsockname()[1]}", "url") for s in sockets]
    connections = []

    def accept():  # asked one after the other, each would wait for the time limit before the next one is asked
        for s in sockets:
            s.settimeout(server_search.PROBE_SECONDS / 2)
            connections.append(s.accept()[0])
        for connection in connections[:-1]:
            connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        assert search_servers(addresses, TimeLimits(connect=10.0)) == []
    finally:
        thread.join()
        for s in (*sockets, *connections):
            s.close()
    assert len(connections) == 5
