"""Who writes is changed at run time: the one before is ended, a failure changes nothing, the choice is remembered."""

import gc
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from actions import Decision
from data_paths import DataPaths
from delegates import WriterUnavailableError, selection
from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter, OutOfMemoryError
from delegates.selection import ReliableWriter, SelectedWriter, WriterSettings, named_writer
from delegates.server_writer import ServerWriter
from errors import ConflictError, InputError, NotFoundError
from services.http import writer_options
from services.messages.writer_messages import WriterChoice
from services.person.person_folder import PersonFolder
from services.person.person_settings import PersonSettings
from services.services import Services
from services.writers import writer_switch
from state import Cursor, State, unedited

STATE = State(("def f(x):", "    x"), 1, unedited(2), unedited(2), Cursor(True, 1, 5, 1))


class FakeGguf(GgufWriter):
    """Runs no model. loaded: paths of the models that are in memory."""

    loaded: ClassVar[list] = []
    room = 9

    def __init__(self, path):
        if path.stem == "damaged":
            raise InputError(str(path), "is a damaged GGUF file")
        if len(self.loaded) >= self.room or path.stem == "huge":
            raise OutOfMemoryError(str(path), "needs more memory")
        self.path, self.name, self.fim_tokens = path, path.stem, None
        self.loaded.append(path.stem)

    def wait_until_loaded(self, seconds):
        if self.path.stem == "unknown":
            raise InputError(str(self.path), "cannot be loaded")
        return True

    def write(self, state, decision, line, context=None):
        if self.name not in self.loaded:
            raise WriterUnavailableError("it was ended")
        return SimpleNamespace(writer=self.name)

    def close(self):
        if self.name in self.loaded:
            self.loaded.remove(self.name)


@pytest.fixture(autouse=True)
def parts(monkeypatch):
    monkeypatch.setattr(EmbeddedWriter, "start", lambda self: None)
    monkeypatch.setattr(writer_switch, "usual_addresses", lambda own_ports: [])


@pytest.fixture
def fake_models(monkeypatch):
    FakeGguf.loaded, FakeGguf.room = [], 9
    for module in (selection, writer_switch):
        monkeypatch.setattr(module, "GgufWriter", FakeGguf)


@pytest.fixture
def ollama():
    """The address of a server that has two models."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            tags = {"models": [{"name": "qwen2.5-coder"}, {"name": "other"}]}
            content = json.dumps(tags if self.path == "/api/tags" else None).encode()
            self.send_response(200 if self.path == "/api/tags" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self):
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def make_services(paths):
    writer = ReliableWriter(None, EmbeddedWriter(None), print)
    assistance = SimpleNamespace(writer=writer, writer_failure="late", tutor=None)
    solved = SimpleNamespace(solution="x = 1")
    services = Services(
        paths,
        None,
        assistance,
        SelectedWriter(writer, "embedded", "d", ""),
        problems={"p": solved},
        settings=PersonSettings(paths.settings),
        folder=PersonFolder(paths.root),
    )
    services.notes = []
    services.writers.note = services.notes.append
    return services


@pytest.fixture
def services(tmp_path, fake_models):
    paths = DataPaths(tmp_path / "data")
    paths.writers.mkdir(parents=True)
    for name in ("one", "two", "damaged", "unknown", "huge"):
        (paths.writers / f"{name}.gguf").write_bytes(b"GGUF")
    return make_services(paths)


def file(name):
    return WriterChoice("file", file=f"{name}.gguf")


def test_a_model_takes_the_place_of_another_whose_memory_is_free_then(services):
    services.writers.choose(file("one"))
    assert (services.writer.name, FakeGguf.loaded) == ("one", ["one"]) and services.assistance.writer_failure is None
    services.writers.choose(file("two"))
    assert (services.writer.name, FakeGguf.loaded) == ("two", ["two"])
    services.writers.choose(WriterChoice("embedded"))
    assert (services.writer.name, FakeGguf.loaded) == ("embedded", []) and services.writer.hint


def test_the_embedded_writer_stays_the_same_so_that_it_forgets_nothing(services):
    embedded = services.assistance.writer.embedded
    services.writers.choose(file("one"))
    services.writers.choose(WriterChoice("embedded"))
    assert services.assistance.writer.embedded is embedded


@pytest.mark.parametrize("name", ["damaged", "unknown", "huge"])
def test_a_failure_keeps_the_writer_before_says_why_and_remembers_nothing(services, name):
    services.writers.choose(file("one"))
    with pytest.raises(ConflictError, match="; one goes on writing"):
        services.writers.choose(file(name))
    assert (services.writer.name, FakeGguf.loaded) == ("one", ["one"])
    assert services.assistance.writer.write(STATE, Decision.FILL_PARTIAL_LINE, 1).writer == "one"
    assert services.settings.current().writer == file("one")


def test_where_memory_is_enough_for_one_model_alone_the_next_takes_its_place(services):
    FakeGguf.room = 1
    services.writers.choose(file("one"))
    services.writers.choose(file("two"))
    assert (services.writer.name, FakeGguf.loaded) == ("two", ["two"])
    with pytest.raises(ConflictError, match="more memory; two goes on writing"):
        services.writers.choose(file("huge"))
    assert (services.writer.name, FakeGguf.loaded) == ("two", ["two"])


@pytest.mark.parametrize("name", ["three.gguf", "../one.gguf", "/etc/passwd", ".", ""])
def test_files_elsewhere_are_never_opened(services, name):
    with pytest.raises(NotFoundError):
        services.writers.choose(WriterChoice("file", file=name))
    assert services.writer.name == "embedded"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:3000", "is this server itself"),
        ("http://192.0.2.1:80", "not this machine"),
        ("ftp://127.0.0.1", "no address"),
        (None, "no address"),
        ("http://127.0.0.1:1", "no server of language models answers"),
    ],
)
def test_a_server_that_may_not_or_does_not_answer_is_refused(services, address, reason):
    services.writers.own_ports = {3000}
    with pytest.raises(ConflictError, match=reason):
        services.writers.choose(WriterChoice("server", address=address))
    assert services.writer.name == "embedded" and services.settings.current().writer is None


def test_a_server_is_chosen_with_its_model(services, ollama):
    services.writers.choose(WriterChoice("server", address=ollama, model="other"))
    assert services.writer.name == "Ollama: other" and isinstance(services.writers.chosen, ServerWriter)
    with pytest.raises(ConflictError, match=r"has no model 'third'.*Ollama: other goes on writing"):
        services.writers.choose(WriterChoice("server", address=ollama, model="third"))


def test_all_models_of_a_server_that_write_text_can_be_chosen(services, ollama):
    services.writers.choose(WriterChoice("server", address=ollama, model="other"))
    options = [option for option in writer_options.message(services).options if option.kind == "server"]
    assert [(option.name, option.current) for option in options] == [
        ("Ollama: other", True),
        ("Ollama: qwen2.5-coder", False),
    ]
    assert [option.good_for for option in options] == [writer_options.CONTINUES, writer_options.FILLS]
    services.writers.choose(options[1].choice)
    assert services.writer.name == "Ollama: qwen2.5-coder"


def test_a_server_that_was_chosen_is_looked_for_where_it_was_but_not_usual_there(services, ollama):
    services.writers.choose(WriterChoice("server", address=ollama))
    later = make_services(services.paths)
    assert [str(writer.server.address) for writer in later.writers.look()] == [ollama]
    later.writers.choose(WriterChoice("automatic"))
    assert not isinstance(later.writers.chosen, ServerWriter) and later.writers.look() == ()


def test_a_server_that_fails_is_not_offered_as_available(services, ollama):
    services.writers.choose(WriterChoice("server", address=ollama))
    assert services.assistance.writer.write(STATE, Decision.FILL_PARTIAL_LINE, 1).writer == "embedded"
    message = writer_options.message(services)
    (current,) = [option for option in message.options if option.current]
    assert not current.available and message.failure in current.how and current.choice is not None


def test_the_tutor_writes_beside_the_writer_before_until_another_is_chosen(services):
    services.writers.choose(file("one"))
    services.writers.choose(WriterChoice("tutor"))
    assert services.assistance.tutor is not None and services.writer.name == "one"
    assert services.settings.current().tutor and services.settings.current().writer == file("one")
    services.writers.choose(file("one"))
    assert services.assistance.tutor is None and not services.settings.current().tutor
    services.problems = {}
    with pytest.raises(ConflictError, match="no problem comes with a solution"):
        services.writers.choose(WriterChoice("tutor"))


def test_the_choice_holds_at_the_next_start(services):
    services.writers.choose(file("two"))
    services.writers.close()
    later = make_services(services.paths)
    assert later.writers.begin(None).name == later.writer.name == "two" and not later.notes


def test_a_writer_that_is_named_at_the_start_comes_before_the_choice_and_that_is_said(services):
    services.writers.choose(file("two"))
    later = make_services(services.paths)
    named = named_writer(WriterSettings(model_file=Path("mine.gguf")))
    assert later.writers.begin(named).name == "mine"
    assert len(later.notes) == 1 and "named at the start comes before the one chosen on the page" in later.notes[0]
    assert later.settings.current().writer == file("two")


def test_a_choice_that_is_gone_at_the_next_start_gives_way_to_the_usual_order_with_one_line(services):
    services.writers.choose(file("two"))
    (services.paths.writers / "two.gguf").unlink()
    later = make_services(services.paths)
    later.writers.begin(None)
    assert "cannot be used" in later.notes[0] and later.writer.name in ("one", "damaged", "huge", "unknown")
    assert later.settings.current().writer == file("two")


def test_automatic_forgets_the_choice_and_takes_the_usual_order(services):
    for name in ("two", "damaged", "unknown", "huge"):
        (services.paths.writers / f"{name}.gguf").unlink()
    services.writers.choose(WriterChoice("embedded"))
    services.writers.choose(WriterChoice("automatic"))
    assert services.writer.name == "one" and services.settings.current().writer is None


def test_the_usual_order_is_a_server_a_file_the_embedded_writer(services, ollama, monkeypatch):
    usual = [writer_switch.parse_address(ollama, "url")]
    for name in ("two", "damaged", "unknown", "huge"):
        (services.paths.writers / f"{name}.gguf").unlink()
    monkeypatch.setattr(writer_switch, "usual_addresses", lambda own_ports: usual)
    assert services.writers.begin(None).name == "Ollama: qwen2.5-coder"
    usual.clear()
    assert services.writers.begin(None).name == "one"
    (services.paths.writers / "one.gguf").unlink()
    assert services.writers.begin(None).name == "embedded" and not services.notes


def test_a_model_that_is_chosen_while_the_services_end_is_ended_too(services):
    services.writers.close()
    services.writers.choose(file("one"))
    assert FakeGguf.loaded == []


def test_a_change_does_not_wait_behind_a_model_that_is_being_loaded(services, monkeypatch):
    monkeypatch.setattr(writer_switch, "WAIT_SECONDS", 0.05)
    loading, loaded = threading.Event(), threading.Event()

    def wait_until_loaded(self, seconds):
        loading.set()
        return loaded.wait(30)

    monkeypatch.setattr(FakeGguf, "wait_until_loaded", wait_until_loaded)
    thread = threading.Thread(target=services.writers.choose, args=(file("one"),))
    thread.start()
    assert loading.wait(30)
    with pytest.raises(ConflictError, match="is being chosen just now"):
        services.writers.choose(WriterChoice("embedded"))
    loaded.set()
    thread.join(30)
    services.writers.choose(WriterChoice("embedded"))
    assert services.writer.name == "embedded"


def test_requests_that_are_under_way_are_answered_whatever_is_chosen_meanwhile(services):
    notes, failures, stop = services.notes, [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                services.assistance.writer.write(STATE, Decision.FILL_PARTIAL_LINE, 1)
            except Exception as error:
                failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for choice in [file("one"), file("two"), WriterChoice("embedded")] * 3:
        services.writers.choose(choice)
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failures and not notes


def test_a_real_models_threads_and_memory_are_gone_once_another_writes(tmp_path, smollm2):
    paths = DataPaths(tmp_path / "data")
    paths.writers.mkdir(parents=True)
    (paths.writers / smollm2.name).symlink_to(smollm2)
    services = make_services(paths)
    services.writers.choose(WriterChoice("file", file=smollm2.name))
    with_model, model = resident_memory(), services.writers.chosen
    assert services.assistance.writer.write(STATE, Decision.FILL_PARTIAL_LINE, 1).writer == model.name
    services.writers.choose(WriterChoice("embedded"))
    assert not model._thread.is_alive() and model.address is None
    deadline = time.monotonic() + 20
    while (without := resident_memory()) > with_model - 60 * 2**20 and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.1)
    assert without <= with_model - 60 * 2**20, (with_model, without)


def test_a_request_that_a_real_model_is_working_on_is_answered_when_another_takes_its_place(tmp_path, smollm2):
    paths = DataPaths(tmp_path / "data")
    paths.writers.mkdir(parents=True)
    (paths.writers / smollm2.name).symlink_to(smollm2)
    services = make_services(paths)
    services.writers.choose(WriterChoice("file", file=smollm2.name))
    lines = (*(f"value_{i} = {i} * {i * i} + other_{i}" for i in range(150)), "x = ")
    state = State(lines, 1, unedited(151), unedited(151), Cursor(True, 150, 4, 1))
    writer, answers, reading = services.assistance.writer, [], threading.Event()
    complete = writer.chosen._complete
    writer.chosen._complete = lambda *request: (reading.set(), complete(*request))[1]
    writing = threading.Thread(target=lambda: answers.append(writer.write(state, Decision.FILL_PARTIAL_LINE, 150)))
    writing.start()
    assert reading.wait(30)
    services.writers.choose(WriterChoice("embedded"))
    writing.join(30)
    assert len(answers) == 1 and answers[0].writer in ("embedded", writer.chosen.name) and not services.notes


def resident_memory():
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
