"""A model in this process ends with the services, so that training has its memory; one embedded writer is enough."""

import pytest

from config import LoopConfig
from data_paths import DataPaths
from delegates import selection
from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter
from delegates.selection import WriterSettings
from services.startup import StartOptions, start_services
from services.writers import writer_switch


class Idle(GgufWriter):
    """Runs no model."""

    closed = False

    def __init__(self, path):
        self.path, self.name, self.fim_tokens = path, path.stem, None

    def close(self):
        self.closed = True


@pytest.fixture
def embedded_writers(monkeypatch):
    made, init = [], EmbeddedWriter.__init__
    monkeypatch.setattr(EmbeddedWriter, "__init__", lambda self, *a: (made.append(self), init(self, *a))[1])
    monkeypatch.setattr(EmbeddedWriter, "start", lambda self: None)
    monkeypatch.setattr(selection, "GgufWriter", Idle)
    monkeypatch.setattr(writer_switch, "usual_addresses", lambda own_ports: [])
    return made


def test_it_is_chosen_while_the_services_start_and_ends_with_them(tmp_path, embedded_writers):
    paths = DataPaths(tmp_path)
    paths.writers.mkdir()
    (paths.writers / "small.gguf").write_bytes(b"GGUF")
    running = start_services(
        LoopConfig(),
        paths,
        StartOptions(port=0, writer=WriterSettings()),
        finish=lambda: None,
        report=lambda line: None,
    )
    try:
        running.wait_until_ready()
        chosen = running.services.assistance.writer.chosen
        assert (running.services.writer.name, chosen.closed) == ("small", False)
    finally:
        running.stop(30.0)
    assert chosen.closed and len(embedded_writers) == 1
