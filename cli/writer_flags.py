"""The flags that say who writes the assistant's text, before the settings that do (`config.ServeConfig`).

Not here: what they choose (`delegates.selection`).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.arguments import add_path
from config import ServeConfig

if TYPE_CHECKING:
    from delegates.selection import WriterSettings


@dataclass(frozen=True, slots=True)
class WriterFlags:
    """What the flags say; None: the flag was not typed."""

    model_file: Path | None
    url: str | None
    url_model: str | None
    allow_remote: bool

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> WriterFlags:
        """The flags among the arguments of a command that has them."""
        return cls(
            model_file=getattr(arguments, "writer_model", None),
            url=getattr(arguments, "writer_url", None),
            url_model=getattr(arguments, "writer_url_model", None),
            allow_remote=arguments.allow_remote_writer,
        )


def add_writer_flags(command: argparse.ArgumentParser) -> None:
    """Adds them; `WriterFlags` reads them."""
    writer = command.add_mutually_exclusive_group()
    add_path(writer, "--writer-model", "a GGUF file that writes, in this process (needs the extra `writer`)")
    writer.add_argument(
        "--writer-url",
        default=argparse.SUPPRESS,
        metavar="URL",
        help="a server that writes: Ollama, llama.cpp, or one with OpenAI-compatible completions",
    )
    command.add_argument(
        "--writer-url-model", default=argparse.SUPPRESS, metavar="NAME", help="a model of --writer-url"
    )
    command.add_argument(
        "--allow-remote-writer",
        action="store_true",
        help="let --writer-url be another machine, which your code is sent to",
    )


def writer_settings(flags: WriterFlags, serve: ServeConfig) -> WriterSettings:
    """What the flags say, and where they say nothing the settings `serve`."""
    from delegates.selection import WriterSettings

    model_file, url = flags.model_file, flags.url
    if model_file is None and url is None:
        model_file, url = Path(serve.writer_model) if serve.writer_model else None, serve.writer_url
    return WriterSettings(
        model_file=model_file,
        url=url,
        url_model=flags.url_model,
        allow_remote=flags.allow_remote or serve.allow_remote_writer,
    )
