"""`writers`: who could write the assistant's text, each tried on ten lines, and fetching a small model.

Not here: how they write, the order among them (`delegates.selection`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import strict_json
from app.command_names import TASKS
from app.startup import transient_line
from cli.model_download import SMOLLM2, fetch
from cli.tables import table
from cli.writer_flags import WriterFlags, writer_settings
from cli.writer_trial import Trial, median_ms, ten_lines, try_lines
from config import ServeConfig
from data_paths import DataPaths
from delegates import TextWriter, WriterUnavailableError
from delegates.embedded import EmbeddedWriter
from delegates.gguf import GgufWriter
from delegates.http_stream import ModelServer, parse_address
from delegates.obtainable_models import LARGER_MODELS
from delegates.selection import BETTER_WRITER, LOADING_SECONDS, WriterSettings, stored_files
from delegates.server_search import probe, search_servers, usual_addresses
from delegates.server_writer import ServerWriter
from errors import InputError, printable


def writers(options: argparse.Namespace) -> int:
    """Prints the writers, or fetches a model."""
    paths = DataPaths.default()
    if "get" in options:
        return _get(options.get, paths.writers)
    settings = writer_settings(WriterFlags.from_arguments(options), ServeConfig())
    rows = [_measure(name, where, writer) for name, where, writer in _available(paths, settings)]
    if options.json:
        print(strict_json.dumps(rows))
        return 0
    head = ["writer", "right of 10", "ms a line", "log-probs", "where"]
    print(table([head, *([str(row[key]) for key in ("writer", "right", "ms", "log_probs", "where")] for row in rows)]))
    if len(rows) == 1:
        print(f"\n{BETTER_WRITER[0].upper()}{BETTER_WRITER[1:]}.")
        print(f"`{TASKS} writers --get smollm2` fetches a small model;")
        print("`--get NAME` of a larger one prints the command.")
    return 0


def _get(name: str, folder: Path) -> int:
    if (model := LARGER_MODELS.get(name)) is not None:
        print(printable(model.command(folder.absolute())))
        print(f"# {model.megabytes} MB; with Ollama instead: {model.ollama}")
        return 0
    path = fetch(SMOLLM2, folder)
    print(printable(f"{path} is there ({SMOLLM2.licence}); the next start takes it if no server answers."))
    return 0


def _available(paths: DataPaths, settings: WriterSettings) -> Iterator[tuple[str, str, TextWriter | InputError]]:
    """Name, place, and the writer or why it cannot be used, one after the other; each is closed before the next."""
    files = stored_files(paths.writers)
    if settings.model_file is not None:
        files.insert(0, settings.model_file)
    for server in _servers(settings):
        yield server.name, str(server.server.address), server
    for path in files:
        with _opened(path) as writer:
            yield path.stem, str(path), writer
    embedded = EmbeddedWriter(paths.writers)
    embedded.start()
    with transient_line("counting the standard library ..."):
        embedded.wait(LOADING_SECONDS)
    yield embedded.name, "comes with this project", embedded
    embedded.close()


def _servers(settings: WriterSettings) -> list[ServerWriter]:
    if settings.url is None:
        return search_servers(usual_addresses(), settings.limits)
    address = parse_address(settings.url, "--writer-url")
    server = ModelServer(address, settings.limits, allow_remote=settings.allow_remote)
    return [probe(server, settings.url_model)]


@contextmanager
def _opened(path: Path) -> Iterator[GgufWriter | InputError]:
    try:
        writer = GgufWriter(path)
        writer.wait_until_loaded(LOADING_SECONDS)
    except InputError as error:
        yield error
        return
    try:
        yield writer
    finally:
        writer.close()


def _measure(name: str, where: str, writer: TextWriter | InputError) -> dict[str, object]:
    row: dict[str, object] = {"writer": name, "right": "-", "ms": "-", "log_probs": "-", "where": where}
    if isinstance(writer, InputError):
        return row | {"where": f"{where} ({writer.reason})"}
    try:
        with transient_line(f"trying {name} ..."):
            trials = try_lines(writer, ten_lines())
    except WriterUnavailableError as error:
        return row | {"where": f"{where} ({error})"}
    return row | _summary(trials)


def _summary(trials: list[Trial]) -> dict[str, object]:
    sure = all(trial.completion.token_log_probs is not None for trial in trials if trial.text)
    right = sum(trial.right for trial in trials)
    return {"right": right, "ms": round(median_ms(trials)), "log_probs": "yes" if sure else "no"}
