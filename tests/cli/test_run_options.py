"""The options of run.py promise: what was typed with its type, what was not as None, and the flags of a training."""

from dataclasses import fields
from pathlib import Path

import pytest

from cli.run_options import RunOptions, read_options
from cli.writer_flags import WriterFlags

NOT_TYPED = {"port", "simulate", "folder", "training_config_path", "seed", "device", "progress_fd"}


def test_what_was_not_typed_is_none_or_false():
    options = read_options([])
    values = {field.name: getattr(options, field.name) for field in fields(RunOptions)}
    assert {name for name, value in values.items() if value is None} == NOT_TYPED
    assert {name for name, value in values.items() if value not in (None, False)} == {"writer", "allowed_origins"}
    assert options.writer == WriterFlags(None, None, None, allow_remote=False) and options.allowed_origins == ()
    assert options.settings_file == "training_config.json"


def test_every_flag_is_in_the_options():
    words = (
        "--port 0 --serve --no-explore --folder mine --writer-url http://a --writer-url-model m --allow-remote-writer"
    )
    options = read_options([
        *words.split(), "--unprotected-tester", "--compat-ports", "--allow-origin", "http://b", "--allow-origin",
        "http://c", "--no-telemetry", "--training-config-path", "s.json", "--seed", "3", "--device", "cuda:1",
        "--simulate", "2", "--train-only", "--no-train", "--progress-fd", "5",
    ])  # fmt: skip
    assert options == RunOptions(
        port=0, no_train=True, train_only=True, serve=True, simulate=2, no_explore=True, folder=Path("mine"),
        writer=WriterFlags(None, "http://a", "m", allow_remote=True), unprotected_tester=True, compat_ports=True,
        allowed_origins=("http://b", "http://c"), no_telemetry=True, training_config_path=Path("s.json"), seed=3,
        device="cuda:1", progress_fd=5,
    )  # fmt: skip
    assert options.settings_file == "s.json"


@pytest.mark.parametrize(
    "words, only", [([], False), (["--train-only"], False), (["--serve"], True), (["--no-train"], True)]
)
def test_a_run_that_serves_or_is_not_to_train_records_only(words, only):
    assert read_options(words).records_only is only


@pytest.mark.parametrize("words, flags", [
    ([], ()),
    (["--serve", "--no-explore", "--port", "3001"], ()),
    (["--seed", "3", "--device", "cpu", "--no-telemetry"], ("--no-telemetry", "--seed", "3", "--device", "cpu")),
])  # fmt: skip
def test_a_training_that_a_server_starts_has_its_flags(words, flags):
    assert read_options(words).training_flags == flags


def test_a_training_that_a_server_starts_finds_its_settings_whatever_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = read_options(["--training-config-path", "mine.json"])
    assert options.training_flags == ("--training-config-path", str(tmp_path / "mine.json"))
