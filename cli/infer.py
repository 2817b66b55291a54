"""`infer_action`: one state to one decision, as one JSON object on stdout. Not here: how it is decided."""

from __future__ import annotations

import argparse
import sys

import strict_json
from app.arguments import check_device
from app.startup import transient_line
from errors import printable
from state_adapter import read_state


def infer_action(options: argparse.Namespace) -> int:
    """Prints the answer; returns the exit code."""
    device = check_device(options.device)
    state = read_state(options.state_json)  # before torch is loaded: a bad file is refused at once
    with transient_line("loading PyTorch ..."):
        from cpu_load import set_compute_threads
        from inference import decide, open_models
        from models import store

    set_compute_threads(1)  # several add up in another order, and how many there are would depend on what else runs
    models = open_models(options.pv_dir, device)
    if models.source == "untrained":
        folder = printable(str(options.pv_dir))
        print(f"Nothing is learned yet in {folder}: the assistant stays quiet.", file=sys.stderr)
        if hint := store.rollback_hint(options.pv_dir):
            print(f"{hint[:1].upper()}{printable(hint[1:])}.", file=sys.stderr)
    (record,) = decide([state], models, h_max=options.h_max)
    print(strict_json.dumps(record.to_infer_action_json()))
    return 0
