"""The writers that a person can choose from, each with what it is good for and what it costs. Not here: choosing."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from app.command_names import copyable_command
from delegates.fill_in_middle import tokens_of
from delegates.gguf import GgufWriter, memory_of
from delegates.gguf_header import read_header
from delegates.obtainable_models import LARGER_MODELS, SMALL_MODEL, SMALL_MODEL_MEGABYTES
from delegates.selection import ReliableWriter, stored_files
from delegates.server_writer import ServerWriter
from errors import InputError, printable
from services.learning.current_models import file_stamp
from services.messages.writer_messages import WriterChoice, WriterOption, WritersMessage

if TYPE_CHECKING:
    from services.services import Services

FILLS = "Lines and blocks that fit what stands before and after the cursor."
CONTINUES = "Lines and blocks that go on from what stands before the cursor; it is not told what follows."
SMALL = "Trying out a model: it runs everywhere, and writes little better than the embedded writer."
EMBEDDED = "Names, ends of lines and lines that follow by a rule, from your text and the standard library; no model."
TUTOR = (
    "Learning: in the built-in problems it writes the next missing piece of a solution that passes, with your names. "
    "It knows the solution; elsewhere the writer that was chosen before writes."
)
MOST_MODELS = 20
"""Of one server that are listed."""

OLLAMA = "ollama pull qwen2.5-coder:1.5b-base"
SERVE = "Start llama.cpp or LM Studio with a code model, or Ollama with the one that this gets; then look again."
RUN = "Run this in a terminal; then it can be chosen here."
INSTALL = f"{quote(sys.executable)} -m pip install xllamacpp"


def message(services: Services) -> WritersMessage:
    """All writers for a page."""
    named = services.writers.named.model_file or services.writers.named.url
    return WritersMessage(
        list(_options(services)),
        services.writer.name,
        services.writer.description,
        services.writer.hint,
        _failure(services),
        automatic=services.settings.current().writer is None,
        named_at_start=None if named is None else printable(str(named)),
    )


def _failure(services: Services) -> str | None:
    """Why whoever writes does not write at the moment; None: it does, as far as is known."""
    writer = services.assistance.writer
    unavailable = writer.unavailable if isinstance(writer, ReliableWriter) else None
    return services.assistance.writer_failure or unavailable


def _options(services: Services) -> Iterator[WriterOption]:
    yield from _servers(services)
    yield from _files(services)
    yield from _obtainable_files(services)
    yield _tutor(services)
    yield WriterOption(
        "embedded",
        "embedded",
        available=True,
        current=not _is_tutored(services) and services.writers.chosen is None and services.writer.name == "embedded",
        good_for=EMBEDDED,
        costs="About 70 MB of memory, less than a tenth of a second a text, some 10 MB on the disk.",
        choice=WriterChoice("embedded"),
    )


def _servers(services: Services) -> Iterator[WriterOption]:
    chosen, is_tutored = services.writers.chosen, _is_tutored(services)
    current = (str(chosen.server.address), chosen.model) if isinstance(chosen, ServerWriter) else None
    writers = {str(writer.server.address): writer for writer in services.writers.servers}
    if isinstance(chosen, ServerWriter):
        writers[str(chosen.server.address)] = chosen
    for address, writer in writers.items():
        for model in writer.offered[:MOST_MODELS]:
            is_current = current == (address, model)
            failure = _failure(services) if is_current else None
            yield WriterOption(
                "server",
                printable(f"{writer.dialect.name}: {model}"),
                available=failure is None,
                current=is_current and not is_tutored,
                good_for=FILLS if tokens_of(model) is not None else CONTINUES,
                costs=f"Memory, disk and time are the server's, at {printable(address)}; your code is sent there.",
                how="" if failure is None else f"See whether it still runs: {failure}",
                choice=WriterChoice("server", address=address, model=model),
            )
    if not writers:
        yield WriterOption(
            "server",
            "a server of language models",
            available=False,
            current=False,
            good_for=FILLS,
            costs="Some gigabytes of memory and disk, depending on the model; with a graphics card it is the fastest.",
            how=SERVE,
            command=OLLAMA,
        )


def _files(services: Services) -> Iterator[WriterOption]:
    chosen, is_tutored = services.writers.chosen, _is_tutored(services)
    paths = stored_files(services.paths.writers)
    if isinstance(chosen, GgufWriter) and chosen.path not in paths:
        paths.insert(0, chosen.path)
    for path in paths:
        is_current = not is_tutored and isinstance(chosen, GgufWriter) and chosen.path == path
        yield _file(path, is_current)


def _file(path: Path, is_current: bool) -> WriterOption:
    name = printable(path.stem)
    try:
        size, memory, fills = _needs(path, file_stamp(path))
    except InputError as error:
        return WriterOption("file", name, False, is_current, FILLS, "", how=error.reason)
    is_installed = importlib.util.find_spec("xllamacpp") is not None
    megabytes = f"About {memory // 10**6:,} MB of memory and {size // 10**6:,} MB on the disk"
    return WriterOption(
        "file",
        name,
        available=is_installed,
        current=is_current,
        good_for=FILLS if fills else CONTINUES,
        costs=f"{megabytes}; on a processor alone a line takes from a third of a second to some seconds.",
        how="" if is_installed else "Running it needs llama.cpp's Python bindings; install them, then start again.",
        command="" if is_installed else INSTALL,
        choice=WriterChoice("file", file=path.name) if is_installed else None,
        size=size,
    )


@lru_cache(maxsize=64)
def _needs(path: Path, stamp: object) -> tuple[int, int, bool]:
    """Bytes on the disk and in memory, and whether it fills in the middle. Raises InputError: it is no model."""
    header = read_header(path)
    return header.size, memory_of(header), tokens_of(path.stem, header.name, vocabulary=header.vocabulary) is not None


def _obtainable_files(services: Services) -> Iterator[WriterOption]:
    folder = services.paths.writers.absolute()
    names = [path.name for path in stored_files(folder)]
    if not any("smollm2" in name.lower() for name in names):
        command = printable(copyable_command(f"writers --get {SMALL_MODEL}", services.paths))
        yield _obtainable("SmolLM2-135M-Instruct", SMALL, SMALL_MODEL_MEGABYTES, command)
    for name, model in LARGER_MODELS.items():
        if model.file not in names:
            yield _obtainable(name, FILLS, model.megabytes, printable(model.command(folder)))


def _obtainable(name: str, good_for: str, megabytes: int, command: str) -> WriterOption:
    costs = f"{megabytes:,} MB to fetch and on the disk, somewhat more of memory."
    return WriterOption("file", name, False, False, good_for, costs, how=RUN, size=megabytes * 10**6, command=command)


def _tutor(services: Services) -> WriterOption:
    count = services.count_solutions()
    return WriterOption(
        "tutor",
        "tutor",
        available=count > 0,
        current=_is_tutored(services),
        good_for=TUTOR,
        costs="No memory and no time to speak of; what you keep of its text says nothing about other writers.",
        how="" if count else "No problem comes with a solution.",
        choice=WriterChoice("tutor") if count else None,
    )


def _is_tutored(services: Services) -> bool:
    return services.assistance.tutor is not None
