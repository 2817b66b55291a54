"""The networks that a training begins with. Not here: what initialises fresh ones (`initialisation.py`)."""

from __future__ import annotations

from config import TrainConfig
from errors import InputError, NotFoundError
from models import store
from training.networks.training_networks import TrainingNetworks


def starting_networks(config: TrainConfig) -> TrainingNetworks:
    """Fresh networks, or (`init_from_pv`) those in `pv_dir`.

    Raises NotFoundError if there are none in `pv_dir`, and InputError if they are damaged or of another backbone.
    """
    if not config.init_from_pv:
        return TrainingNetworks.fresh(config.model, config.featurizer, config.seed)
    models = store.load(config.pv_dir, "cpu")
    if models is None:
        raise NotFoundError(str(config.pv_dir), "--init-from-pv: there are no current models to start from")
    for policy in (models.human, models.assistant):
        if policy.config.backbone != config.model.backbone:
            reason = f"the current backbone is {policy.config.backbone}, asked for is {config.model.backbone}"
            raise InputError(str(config.pv_dir), reason)
    return TrainingNetworks.from_models(models.human, models.assistant, models.featurizer, config.featurizer)
