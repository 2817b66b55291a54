"""`models`: which generations of models there are, and back to earlier ones. Not here: how they are kept."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from cli.tables import table
from errors import NotFoundError
from models import store


def models(options: argparse.Namespace) -> int:
    """Prints the kept generations, after going back to one of them if that was asked for."""
    going_back = "roll_back" in options
    if not options.pv_dir.is_dir():
        raise NotFoundError(str(options.pv_dir), "there is no such folder, so there are no models yet; train first")
    chosen = store.roll_back(options.pv_dir, options.roll_back or None) if going_back else None
    kept = store.generations(options.pv_dir)
    if options.json:
        print(json.dumps({"pv_dir": str(options.pv_dir), "generations": [asdict(one) for one in kept]}))
        return 0
    if chosen is not None:
        print(f"{chosen.id} of {chosen.created} is current now.")
    if not kept:
        print(f"No models are kept in {options.pv_dir}.")
        return 0
    rows = [["  generation", "created", "trained on", "sessions", ""]]
    for one in kept:
        words = [str(one.meta.get(key, "-")) for key in ("trained_on", "sessions")]
        rows.append([("* " if one.current else "  ") + one.id, one.created or "-", *words, "damaged" * one.damaged])
    print(table(rows))
    if not any(one.current for one in kept):
        print("\nNone of these is current; `models --roll_back [GENERATION]` goes back to one.")
    elif chosen is None and len(kept) > 1:
        print("\n* current; `models --roll_back [GENERATION]` goes back to another one.")
    return 0
