"""The commands: `python -m cli.run_tasks infer_action | train_from_episodes | inspect | models`.

Arguments only; each command is a function that is imported when it is asked for, so that `--help` is instant.
"""

from __future__ import annotations

from app.startup import prepare_process

if __name__ == "__main__":
    prepare_process()

import argparse
from collections.abc import Sequence
from pathlib import Path

from app.arguments import Parser, boolean, count, plies, positive, seed
from app.main_wrapper import exit_with, run_command
from config import VERSION
from data_paths import DataPaths

BACKBONES = ("lg_transformer", "lstm", "bigru")
TEXT_EMBEDDERS = ("mlp", "mlp_trainable", "char_cnn", "ollama")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    return run_command(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    options = parser().parse_args(arguments)
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
        case _:
            from cli.models import models

            return models(options)


def parser() -> Parser:
    """All commands with their arguments and defaults."""
    top = Parser(prog="python -m cli.run_tasks", description="Recorded sessions to policies, policies to decisions.")
    top.add_argument("--version", action="version", version=f"codeassist-policy {VERSION}", help="print the version")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, add, needs, what in (
        ("infer_action", _infer, "--state_json FILE ", "one state to one decision, as JSON"),
        ("train_from_episodes", _train, "--episodes_dir DIR ", "recorded sessions to policies"),
        ("inspect", _inspect, "--episodes_dir DIR ", "what is in recorded sessions"),
        ("models", _models, "", "list generations of models, go back to an earlier one"),
    ):
        add(commands.add_parser(name, usage=f"{top.prog} {name} {needs}[options]", help=what, description=what))
    return top


def _infer(command: Parser) -> None:
    command.add_argument(
        "--state_json",
        type=Path,
        required=True,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="a file with one state",
    )
    command.add_argument("--h_max", type=positive, default=300, metavar="N", help="lines the network sees at most")
    _device(command)
    _pv_dir(command, "folder of the current models")


def _train(command: Parser) -> None:
    add = command.add_argument
    _episodes(command)
    add("--h_max", type=positive, default=300, metavar="N", help="lines the network sees at most")
    add("--w_max", type=positive, default=160, metavar="N", help="bytes of a line from which on it is not completed")
    add("--checkpoint_dir", type=Path, default=Path("_artifacts_v2"), metavar="DIR", help="log and checkpoints")
    _pv_dir(command, "folder of the current models, replaced at the end")
    _device(command)
    add("--backbone", choices=BACKBONES, default="lg_transformer", metavar="NAME", help=" | ".join(BACKBONES))
    add(
        "--text_embedder",
        type=_text_embedder,
        choices=TEXT_EMBEDDERS,
        default="mlp",
        metavar="NAME",
        help=" | ".join(TEXT_EMBEDDERS),
    )
    for name, default, what in (
        ("--bc_epochs", 1, "epochs of behaviour cloning, 0: none"),
        ("--ppo_epochs", 1, "epochs of PPO on the recorded decisions, 0: none"),
        ("--zero_style_epochs", 1, "epochs of self-play from recorded states, 0: none"),
    ):
        add(name, type=count, default=default, metavar="N", help=what)
    add("--ppo_steps", type=positive, default=2048, metavar="N", help="transitions in a PPO epoch at most")
    add("--zero_roots", type=positive, default=32, metavar="N", help="recorded states that an epoch plays from, or all")
    add("--zero_horizon", type=plies, default=6, metavar="N", help="turns played from each of them, at most 1000")
    add("--init-from-pv", action="store_true", help="start from the models in --pv_dir; their embedder and w_max stay")
    add("--train_text_embedder", type=boolean, default=True, metavar="BOOL", help="let cloning train the text embedder")
    add("--train_featurizer_projector", type=boolean, default=True, metavar="BOOL", help="and the projection")
    add(
        "--training-config-path",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="FILE",
        help="JSON with what has no argument here, such as bc.batch_size (docs/configuration.md)",
    )
    add("--run_label", default="", metavar="TEXT", help="a name for this run in the log")
    add("--tb_dir", default="", metavar="DIR", help="TensorBoard logs (needs the extra `tensorboard`)")
    add("--seed", type=seed, default=0, metavar="N", help="of all random choices")
    add("--resume", action="store_true", help="go on with the run that was interrupted in --checkpoint_dir")
    _strict(command)


def _inspect(command: Parser) -> None:
    _episodes(command)
    _strict(command)
    command.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def _models(command: Parser) -> None:
    _pv_dir(command, "folder of the current models")
    command.add_argument(
        "--roll_back",
        nargs="?",
        const="",
        default=argparse.SUPPRESS,
        metavar="GENERATION",
        help="make this generation the current one; without a name: the one before",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _episodes(command: Parser) -> None:
    command.add_argument(
        "--episodes_dir",
        type=Path,
        required=True,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="a folder of recorded sessions, or one file",
    )


def _strict(command: Parser) -> None:
    command.add_argument("--strict", action="store_true", help="refuse all if one file cannot be read")


def _pv_dir(command: Parser, what: str) -> None:
    command.add_argument("--pv_dir", type=Path, default=DataPaths.default().models, metavar="DIR", help=what)


def _device(command: Parser) -> None:
    command.add_argument("--device", default="cpu", metavar="NAME", help="cpu, cuda or cuda:N")


def _text_embedder(name: str) -> str:
    return "char_cnn" if name == "charcnn" else name


if __name__ == "__main__":
    exit_with(main())
