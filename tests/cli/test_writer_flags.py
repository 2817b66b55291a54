"""Who writes: flags come before settings, and name one writer."""

import argparse
from pathlib import Path

import pytest

from cli.writer_flags import WriterFlags, add_writer_flags, writer_settings
from config import ServeConfig

SERVE = ServeConfig(writer_url="http://127.0.0.1:9", writer_model="set.gguf", allow_remote_writer=True)


def settings(words, serve):
    parser = argparse.ArgumentParser()
    add_writer_flags(parser)
    return writer_settings(WriterFlags.from_arguments(parser.parse_args(words)), serve)


@pytest.mark.parametrize(
    ("words", "model_file", "url"),
    [
        ([], Path("set.gguf"), "http://127.0.0.1:9"),
        (["--writer-model", "flag.gguf"], Path("flag.gguf"), None),
        (["--writer-url", "127.0.0.1:8"], None, "127.0.0.1:8"),
    ],
)
def test_a_flag_comes_before_the_settings(words, model_file, url):
    chosen = settings(words, SERVE)
    assert (chosen.model_file, chosen.url, chosen.allow_remote) == (model_file, url, True)


def test_without_both_nothing_is_named_and_no_other_machine_allowed():
    chosen = settings([], ServeConfig())
    assert (chosen.model_file, chosen.url, chosen.url_model, chosen.allow_remote) == (None, None, None, False)
