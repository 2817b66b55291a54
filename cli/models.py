"""`models`: the stored models, and back to earlier ones. Not here: how they are stored."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import strict_json
from app.main_wrapper import output_after
from app.startup import transient_line
from cli.tables import table
from errors import NotFoundError, printable
from files import is_folder

if TYPE_CHECKING:
    from models.store import Generation


def models(options: argparse.Namespace) -> int:
    """Prints the stored generations, after going back to one of them if that was asked for."""
    if not is_folder(options.pv_dir):
        raise NotFoundError(str(options.pv_dir), "there is no such folder, so there are no models yet; train first")
    with transient_line("loading PyTorch ..."):
        from models import store

    if "roll_back" not in options:
        return _print(options, None)
    restored = store.roll_back(options.pv_dir, options.roll_back)
    with output_after(f"{restored.id} is current now"):
        return _print(options, restored)


def _print(options: argparse.Namespace, restored: Generation | None) -> int:
    from models import store

    generations = store.generations(options.pv_dir)
    if options.json:
        rows = [asdict(generation) for generation in generations]
        print(strict_json.dumps({"pv_dir": str(options.pv_dir), "generations": rows}))
        return 0
    if restored is not None:
        print(printable(f"{restored.id} of {restored.created} is current now."))
    print(_overview(generations) if generations else f"No models are stored in {printable(str(options.pv_dir))}.")
    if hint := _hint(generations, restored is not None):
        print(f"\n{hint}")
    return 0


def _overview(generations: Sequence[Generation]) -> str:
    rows = [["  generation", "created", "trained on", "sessions", ""]]
    for generation in generations:
        mark = "* " if generation.current else "  "
        about = [str(generation.meta.get(key, "-")) for key in ("trained_on", "sessions")]
        notes = ["damaged"] * generation.damaged + ["start of training"] * generation.protected
        rows.append([mark + generation.id, generation.created or "-", *about, ", ".join(notes)])
    return table(rows)


def _hint(generations: Sequence[Generation], was_restored: bool) -> str:
    if generations and not any(generation.current for generation in generations):
        return "None of these is current; `models --roll_back [GENERATION]` goes back to one."
    if len(generations) > 1 and not was_restored:
        return "* current; `models --roll_back [GENERATION]` goes back to another one."
    return ""
