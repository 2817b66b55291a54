"""The embedder that asks a local server: what it asks, what it keeps, what it says when there is no server."""

import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from config import FeaturizerConfig
from errors import InputError
from featurizers import Featurizer
from featurizers.ollama import EmbeddingCache, host
from state import State, unedited
from tests.tensors import assert_close

CONFIG = FeaturizerConfig(text_embedder="ollama", ollama_model="toy:latest", ollama_dim=4)


def state(*lines):
    return State(lines, 0, unedited(len(lines)), unedited(len(lines)))


class Server(ThreadingHTTPServer):
    """Answers with vectors that depend on the text alone; keeps what it was asked."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked, self.answer = [], None


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, question))
        code, answer = self.server.answer or (
            200,
            {"embeddings": [[len(t), t.count("a"), t.count("b"), 1.0] for t in question["input"]]},
        )
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    running = Server()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{running.server_port}")
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    yield running
    running.shutdown()
    running.server_close()


def test_asks_once_for_each_distinct_line_and_keeps_the_vectors_on_disk(server, tmp_path):
    featurizer = Featurizer(CONFIG)
    encoded = featurizer.encode([state("a", "bb", ""), state("a", "aab")])
    path, question = server.asked[0]
    assert (path, question["model"], len(server.asked)) == ("/api/embed", "toy:latest", 1)
    assert question["input"] == ["a", "bb", " ", "aab"]
    assert encoded.texts.take(np.array([3])).values.tolist() == [3.0, 2.0, 1.0, 1.0]
    assert featurizer(encoded.batch()).x.shape == (2, 3, 192)

    again = Featurizer(CONFIG)  # another process, as far as the vectors are concerned
    again.load_state_dict(featurizer.state_dict())
    kept = again(again.encode([state("a", "bb", ""), state("a", "aab")]).batch()).x
    assert len(server.asked) == 1
    assert_close(kept, featurizer(encoded.batch()).x)


def test_asks_in_portions(server):
    Featurizer(CONFIG).encode([state(*(f"line {i}" for i in range(150)))])
    assert [len(question["input"]) for _, question in server.asked] == [64, 64, 22]


def test_asks_once_for_lines_that_begin_alike_for_longer_than_is_read(server):
    encoded = Featurizer(CONFIG).encode([state("a" * 160 + "b", "a" * 160, "a" * 159 + "b")])
    assert [len(text) for text in server.asked[0][1]["input"]] == [160, 160]
    assert encoded.texts.take(encoded.text_ids).values.reshape(3, 4)[:, 1].tolist() == [160.0, 160.0, 159.0]


def test_reads_on_after_a_record_that_was_cut_short(tmp_path):
    kept = EmbeddingCache(tmp_path, "toy", 4)
    kept.add([b"one"], np.ones((1, 4), dtype=np.float32))
    with kept.path.open("ab") as file:
        file.write(b"torn")
    assert len(kept.read()) == 1
    kept.add([b"two"], np.full((1, 4), 2, dtype=np.float32))
    assert sorted(float(vector[0]) for vector in kept.read().values()) == [1.0, 2.0]


def test_a_cache_that_is_no_regular_file_is_refused_and_not_waited_for(tmp_path):
    cache = EmbeddingCache(tmp_path, "toy", 4)
    assert cache.read() == {}
    os.mkfifo(cache.path)
    for use in (cache.read, lambda: cache.add([b"one"], np.ones((1, 4), dtype=np.float32))):
        with pytest.raises(InputError, match=f"^{cache.path}: is no regular file"):
            use()


def test_lines_cut_in_the_middle_of_a_character_and_lone_surrogates_are_sent_as_text(server):
    Featurizer(CONFIG).encode([state("ü" * 200, "\ud800", "x" * 159 + "ü")])
    for text in server.asked[0][1]["input"]:
        text.encode()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((404, {"error": "model not found"}), "ollama pull toy:latest"),
        ((200, {"embeddings": [[1.0, 2.0]]}), "other than 1 vectors of 4 numbers"),
        ((200, {"embeddings": [["x", 1, 1, 1]]}), "other than 1 vectors"),
        ((200, {"embeddings": [[1e39, 1, 1, 1]]}), "other than 1 vectors"),
        ((200, [1]), "other than 1 vectors"),
    ],
)
def test_an_answer_that_is_none_is_one_clear_error(server, answer, words):
    server.answer = answer
    with pytest.raises(InputError, match="Ollama") as raised:
        Featurizer(CONFIG).encode([state("a")])
    assert words in str(raised.value)


def test_no_server_is_one_clear_error_and_nothing_is_written(monkeypatch, tmp_path):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(InputError, match="no Ollama server answers"):
        Featurizer(CONFIG).encode([state("a")])
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("box:1234", "http://box:1234"),
        ("https://box/", "https://box:11434"),
        (":5000", "http://127.0.0.1:5000"),
        ("[::1]", "http://[::1]:11434"),
    ],
)
def test_address_of_the_server(monkeypatch, given, address):
    monkeypatch.setenv("OLLAMA_HOST", given)
    monkeypatch.setenv("CODEASSIST_REMOTE_EMBEDDER", "1")
    assert host() == address


@pytest.mark.parametrize("given", ["box:1234", "https://box/", "192.0.2.1", "[2001:db8::1]:80", "http://127.0.0.1.box"])
@pytest.mark.parametrize("allowed", ["", "0", "yes"])
def test_no_line_is_sent_to_another_machine_unasked(monkeypatch, tmp_path, given, allowed):
    monkeypatch.setenv("OLLAMA_HOST", given)
    monkeypatch.setenv("CODEASSIST_REMOTE_EMBEDDER", allowed)
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError, match="another machine, which would read your code"):
        Featurizer(CONFIG).encode([state("a")])


@pytest.mark.parametrize("given", ["box:abc", "box:99999", "http://[::1", "file:///etc/passwd", "my box", "box\t"])
def test_what_is_no_address_is_one_clear_error(monkeypatch, tmp_path, given):
    monkeypatch.setenv("OLLAMA_HOST", given)
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    with pytest.raises(InputError):
        Featurizer(CONFIG).encode([state("a")])


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", b""])
def test_a_server_of_another_kind_is_one_clear_error(monkeypatch, tmp_path, said):
    def answer():
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answer, daemon=True).start()
        monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{listening.getsockname()[1]}")
        monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
        with pytest.raises(InputError, match="no Ollama server answers"):
            Featurizer(CONFIG).encode([state("a")])


def test_no_proxy_gets_to_see_the_code(server, monkeypatch):
    monkeypatch.setattr("urllib.request._opener", None)  # where the library keeps what it once read of the environment
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    Featurizer(CONFIG).encode([state("a")])
    assert len(server.asked) == 1
