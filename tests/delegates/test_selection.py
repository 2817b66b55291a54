"""The writer that a person names, the files of the data root, and what happens when the chosen one fails."""

import pytest

from actions import Decision
from data_paths import DataPaths
from delegates import Completion, WriterUnavailableError, WritingCancelledError, selection
from delegates.embedded import EmbeddedWriter
from delegates.selection import (
    FIRST_PAUSE,
    ReliableWriter,
    WriterSettings,
    describe,
    named_writer,
    select,
    stored_files,
    stored_writer,
)
from errors import InputError


class FakeGguf:
    """Stands for a model in this process."""

    fills = True

    def __init__(self, path):
        if path.stem == "damaged":
            raise InputError(str(path), "is a damaged GGUF file")
        self.path, self.name = path, path.stem

    def read_ahead(self, state, context):
        self.state = state

    def close(self):
        self.path = None


@pytest.fixture(autouse=True)
def parts(monkeypatch):
    monkeypatch.setattr(selection, "GgufWriter", FakeGguf)
    monkeypatch.setattr(EmbeddedWriter, "start", lambda self: None)


@pytest.fixture
def paths(tmp_path):
    return DataPaths(tmp_path)


def put(paths, name):
    paths.writers.mkdir(parents=True, exist_ok=True)
    (paths.writers / name).write_bytes(b"GGUF")
    return paths.writers / name


def selected_of(chosen):
    return select(chosen, EmbeddedWriter(), print)


def test_the_embedded_writer_says_how_to_get_a_better_one():
    selected = describe(ReliableWriter(None, EmbeddedWriter(), print))
    assert selected.name == "embedded" and "--writer-model" in selected.hint and "\n" not in selected.description


def test_a_file_in_the_data_root_is_a_model_in_this_process(paths):
    put(paths, "qwen2.5-coder.gguf")
    selected = selected_of(stored_writer(paths.writers, print))
    assert selected.name == "qwen2.5-coder" and selected.hint == "" and "in this process" in selected.description


def test_nobody_is_named_or_a_file_or_none_that_can_be_used(tmp_path):
    assert named_writer(WriterSettings()) is None
    assert named_writer(WriterSettings(model_file=tmp_path / "mine.gguf")).name == "mine"
    with pytest.raises(InputError, match="damaged"):
        named_writer(WriterSettings(model_file=tmp_path / "damaged.gguf"))


def test_a_file_of_the_data_root_that_cannot_be_used_is_noted_and_the_next_one_taken(paths):
    put(paths, "poet.gguf")
    put(paths, "damaged.gguf")
    notes = []
    assert stored_writer(paths.writers, notes.append).name == "poet"
    assert all("damaged" in note for note in notes)


def test_files_whose_names_tell_that_they_fill_in_come_first(paths):
    coder = put(paths, "starcoder2.gguf")
    put(paths, "poet.gguf")
    put(paths, "notes.txt")
    assert [path.name for path in stored_files(paths.writers)] == [coder.name, "poet.gguf"]
    assert stored_files(paths.root / "nowhere") == []


def test_a_named_server_is_asked_and_must_answer(fake_server):
    server = fake_server(pages={"/v1/models": {"data": [{"id": "mine"}]}})
    selected = selected_of(named_writer(WriterSettings(url=server.url)))
    assert selected.name == "OpenAI-compatible: mine" and selected.hint and server.url in selected.description
    with pytest.raises(InputError, match="no server of language models answers"):
        named_writer(WriterSettings(url=fake_server().url))


def test_a_named_server_on_another_machine_needs_the_setting():
    with pytest.raises(InputError, match="allow-remote"):
        named_writer(WriterSettings(url="http://192.0.2.1:8080"))


# A writer that fails


class Sometimes:
    """Writes, or raises what it is given."""

    name, error = "chosen", None

    def __init__(self):
        self.calls = 0

    def write(self, *arguments):
        self.calls += 1
        if self.error:
            raise self.error
        return Completion("text", self.name)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def failing():
    chosen, clock, notes = Sometimes(), Clock(), []
    chosen.error = WriterUnavailableError("gone")
    return chosen, clock, notes, ReliableWriter(chosen, EmbeddedWriter(), notes.append, clock)


def write(writer, state_of):
    return writer.write(state_of("x = 1"), Decision.FILL_PARTIAL_LINE, 0).writer


def test_the_embedded_writer_stands_in_and_one_note_says_so(failing, state_of):
    chosen, _, notes, writer = failing
    assert [write(writer, state_of) for _ in range(3)] == ["embedded"] * 3
    assert chosen.calls == 1 and notes == ["gone; the embedded writer stands in"]
    assert (writer.name, writer.unavailable) == ("embedded", "gone")


def test_a_fault_of_the_writers_own_is_a_failure_and_no_silence(failing, state_of):
    chosen, _, notes, writer = failing
    chosen.error = IndexError("list index\nout of range")
    assert write(writer, state_of) == "embedded"
    assert writer.unavailable == "IndexError: list index\\nout of range" and len(notes) == 1


def test_it_is_asked_again_after_a_while_and_ever_more_rarely(failing, state_of):
    chosen, clock, notes, writer = failing
    for seconds in range(0, int(FIRST_PAUSE * 7), 10):
        clock.now = float(seconds)
        write(writer, state_of)
    assert chosen.calls == 3 and len(notes) == 1  # at 0, 30 and 90 s


def test_once_it_writes_again_it_is_the_writer_again(failing, state_of):
    chosen, clock, _, writer = failing
    write(writer, state_of)
    chosen.error, clock.now = None, FIRST_PAUSE
    assert write(writer, state_of) == "chosen" and writer.unavailable is None and writer.name == "chosen"


def test_a_cancelled_text_is_no_failure(failing, state_of):
    chosen, _, notes, writer = failing
    chosen.error = WritingCancelledError()
    with pytest.raises(WritingCancelledError):
        write(writer, state_of)
    assert notes == [] and writer.unavailable is None


def test_a_model_in_this_process_reads_ahead_and_is_ended_with_the_services(paths, state_of):
    put(paths, "qwen2.5-coder.gguf")
    writer, state = selected_of(stored_writer(paths.writers, print)).writer, state_of("x = 1")
    writer.read_ahead(state)
    assert writer.chosen.state is state
    writer.close()
    assert writer.chosen.path is None


def test_the_embedded_writer_and_servers_do_not_read_ahead(fake_server, state_of):
    server = fake_server(pages={"/api/tags": {"models": [{"name": "qwen2.5-coder"}]}})
    for chosen in (None, named_writer(WriterSettings(url=server.url))):
        writer = selected_of(chosen).writer
        writer.read_ahead(state_of("x = 1"))
        writer.close()
    assert all("prompt" not in body for _, body in server.requests)
