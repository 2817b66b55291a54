"""The flags of `run.py`, and what somebody typed as one typed object. Not here: which flags go together (`run`)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.arguments import Parser, add_path, descriptor, path, port, positive, seed
from app.command_names import RUN
from cli.writer_flags import WriterFlags, add_writer_flags
from config import VERSION


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run was asked for, a field for each flag; None: the flag was not typed, and the settings file decides.

    simulate: sessions that scripted people are to record. progress_fd: the descriptor that is told of progress.
    """

    port: int | None
    no_train: bool
    train_only: bool
    serve: bool
    simulate: int | None
    no_explore: bool
    folder: Path | None
    writer: WriterFlags
    unprotected_tester: bool
    compat_ports: bool
    allowed_origins: tuple[str, ...]
    no_telemetry: bool
    training_config_path: Path | None
    seed: int | None
    device: str | None
    progress_fd: int | None

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> RunOptions:
        """The options among the arguments that `parser` has parsed."""
        return cls(
            port=arguments.port,
            no_train=arguments.no_train,
            train_only=arguments.train_only,
            serve=arguments.serve,
            simulate=arguments.simulate,
            no_explore=arguments.no_explore,
            folder=getattr(arguments, "folder", None),
            writer=WriterFlags.from_arguments(arguments),
            unprotected_tester=arguments.unprotected_tester,
            compat_ports=arguments.compat_ports,
            allowed_origins=tuple(getattr(arguments, "allow_origin", ())),
            no_telemetry=arguments.no_telemetry,
            training_config_path=getattr(arguments, "training_config_path", None),
            seed=getattr(arguments, "seed", None),
            device=getattr(arguments, "device", None),
            progress_fd=arguments.progress_fd,
        )

    @property
    def records_only(self) -> bool:
        """Whether nothing is to be learned when recording has ended."""
        return self.serve or self.no_train

    @property
    def page_flags(self) -> tuple[str, ...]:
        """The flags that were typed and say something only where a person records."""
        typed = {
            "--folder": self.folder is not None,
            "--writer-model": self.writer.model_file is not None,
            "--writer-url": self.writer.url is not None,
            "--writer-url-model": self.writer.url_model is not None,
            "--allow-remote-writer": self.writer.allow_remote,
            "--compat-ports": self.compat_ports,
            "--unprotected-tester": self.unprotected_tester,
        }
        return tuple([flag for flag, is_typed in typed.items() if is_typed])

    @property
    def settings_file(self) -> str:
        """The name of the settings' file, for messages."""
        return str(self.training_config_path or "training_config.json")

    @property
    def training_flags(self) -> tuple[str, ...]:
        """Flags with which a process learns as this one would, from whatever folder it is started."""
        flags = ["--no-telemetry"] if self.no_telemetry else []
        if self.training_config_path is not None:
            flags += ["--training-config-path", str(self.training_config_path.absolute())]
        for flag, value in (("--seed", self.seed), ("--device", self.device)):
            flags += [] if value is None else [flag, str(value)]
        return tuple(flags)


def read_options(arguments: Sequence[str] | None) -> RunOptions:
    """The options among words of a command line; None: those of this process. Raises InputError."""
    return RunOptions.from_arguments(parser().parse_args(arguments))


def parser() -> Parser:
    """The flags."""
    top = Parser(prog=RUN, description="Record sessions with the assistant, learn from them, compare, replace.")
    add = top.add_argument
    add("--port", type=port, metavar="N", help="of the page; 0: a free one (default: 3000 or the next free one)")
    add("--no-train", action="store_true", help="record sessions, learn from them later")
    add("--train-only", action="store_true", help="train on the recorded sessions and end")
    add("--serve", action="store_true", help="record until a signal ends it, without training")
    add("--simulate", type=positive, metavar="N", help="scripted people record N sessions, which are learned from")
    add("--no-explore", action="store_true", help="keep quiet until three sessions are learned from")
    add("--folder", type=path, metavar="DIR", default=argparse.SUPPRESS, help="of your own files, to edit on the page")
    add_writer_flags(top)
    add("--unprotected-tester", action="store_true", help="run your code also where this system grants no protection")
    add("--compat-ports", action="store_true", help="serve clients of the existing system too: 8000, 8008, 8001")
    add(
        "--allow-origin",
        action="append",
        default=argparse.SUPPRESS,
        metavar="ORIGIN",
        help="a page elsewhere, such as http://localhost:5173, that may ask; with --compat-ports",
    )
    add("--no-telemetry", action="store_true", help="keep no record of this run, also not on this machine")
    add_path(
        top, "--training-config-path", "JSON, see docs/configuration.md (default: training_config.json if there is one)"
    )
    add("--seed", type=seed, metavar="N", default=argparse.SUPPRESS, help="of all random choices (default: 0)")
    add("--device", metavar="NAME", default=argparse.SUPPRESS, help="cpu, cuda or cuda:N (default: cpu)")
    add(
        "--progress-fd",
        type=descriptor,
        metavar="N",
        help="with --train-only, for a program that starts it: tells its progress on this descriptor in lines of JSON, "
        "leaves out the session that is being recorded, and ends with that program",
    )
    add("--version", action="version", version=f"codeassist-policy {VERSION}", help="print the version")
    return top
