"""`infer_action`: one state to one decision, as one JSON object on stdout. Not here: how it is decided."""

from __future__ import annotations

import argparse
import json
import sys

from app.arguments import check_device
from state_adapter import read_state


def infer_action(options: argparse.Namespace) -> int:
    """Prints the answer; returns the exit code."""
    device = check_device(options.device)
    state = read_state(options.state_json)  # before torch is loaded: a bad file is refused at once
    from cpu_load import set_compute_threads
    from inference import decide, open_models
    from models import store

    set_compute_threads(1)  # several add up in another order, and how many there are would hang on what else runs
    models = open_models(options.pv_dir, device)
    if models.source == "untrained":
        hint = store.rollback_hint(options.pv_dir)
        print(f"Nothing is learned yet in {options.pv_dir}: the assistant stays quiet.", file=sys.stderr)
        if hint:
            print(f"{hint[:1].upper()}{hint[1:]}.", file=sys.stderr)
    (record,) = decide([state], models, h_max=options.h_max)
    print(json.dumps(record.to_infer_action_json(), allow_nan=False))
    return 0
