"""What a run writes to with others: locks on its folders, and the models that it makes current. Not here: learning.

Under `torchrun` all processes call these together and rank 0 writes; an error there is everybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from errors import ConflictError
from files import lock
from models import store
from models.provenance import NOTHING
from training.distributed.process_group import DistributedContext
from training.runs.run_files import models_lock, run_lock
from training.runs.run_inputs import RunInputs, file_versions


@contextmanager
def locked_folders(inputs: RunInputs, distributed: DistributedContext, *, publish: bool) -> Iterator[None]:
    """Collective. For the block no other run writes to the run's folders.

    Raises ConflictError if another run is working there, or has replaced what this one has started from.
    """
    config = inputs.config
    with ExitStack() as locks:
        with distributed.errors_on_all_ranks():
            if distributed.is_main:
                locks.enter_context(lock(run_lock(config.checkpoint_dir)))
                if publish and config.pv_dir.resolve() != config.checkpoint_dir.resolve():
                    locks.enter_context(lock(models_lock(config.pv_dir)))
                _require_unchanged(inputs)
        yield


def _require_unchanged(inputs: RunInputs) -> None:
    if file_versions(inputs.config) != inputs.versions:
        reason = "another run has ended here since this one began; start it again"
        raise ConflictError(str(inputs.config.checkpoint_dir), reason)


def model_meta(inputs: RunInputs) -> dict[str, object]:
    """What is said of the models that a run makes."""
    config = inputs.config
    return {
        "run_id": inputs.run_id,
        "trained_on": config.trained_on if config.learns else NOTHING,
        "start": inputs.start,
        "sessions": len({episode.session for episode in inputs.episodes}),
        "seed": config.seed,
        **inputs.label,
    }


def publish_models(inputs: RunInputs, distributed: DistributedContext) -> str | None:
    """Collective. Makes the run's models current and returns their generation.

    None: nothing was learned, and there are models already, which stay.
    """
    generation = None
    with distributed.errors_on_all_ranks():
        if distributed.is_main:
            generation = _published_generation(inputs) or _publish(inputs)
    return distributed.all_gather(generation)[0]


def _published_generation(inputs: RunInputs) -> str | None:
    """The current generation, if it is this run's: the run had ended already."""
    generations = store.generations(inputs.config.pv_dir) if inputs.saved is not None else []
    generations_of_run = (entry for entry in generations if entry.current and entry.meta.get("run_id") == inputs.run_id)
    return next((entry.id for entry in generations_of_run), None)


def _publish(inputs: RunInputs) -> str | None:
    pv_dir = inputs.config.pv_dir
    if not inputs.config.learns and store.load(pv_dir) is not None:
        return None
    return store.publish(pv_dir, inputs.networks, model_meta(inputs))
