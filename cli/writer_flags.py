"""The flags that say who writes the assistant's text. Not here: what they choose (`delegates.selection`)."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.arguments import path

if TYPE_CHECKING:
    from delegates.selection import WriterSettings


def add_writer_flags(command: argparse.ArgumentParser) -> None:
    """Adds them; `writer_settings` reads them."""
    one = command.add_mutually_exclusive_group()
    one.add_argument(
        "--writer-model",
        type=path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="a GGUF file that writes, in this process (needs the extra `writer`)",
    )
    one.add_argument(
        "--writer-server",
        default=argparse.SUPPRESS,
        metavar="URL",
        help="a server that writes: Ollama, llama.cpp, or one with OpenAI-compatible completions",
    )
    command.add_argument(
        "--writer-server-model", default=argparse.SUPPRESS, metavar="NAME", help="a model of --writer-server"
    )
    command.add_argument(
        "--allow-remote-writer",
        action="store_true",
        help="let --writer-server be another machine, which your code is sent to",
    )


def writer_settings(options: argparse.Namespace) -> WriterSettings:
    """What the flags say."""
    from delegates.selection import WriterSettings

    return WriterSettings(
        model_file=getattr(options, "writer_model", None),
        server=getattr(options, "writer_server", None),
        server_model=getattr(options, "writer_server_model", None),
        allow_remote=options.allow_remote_writer,
    )
