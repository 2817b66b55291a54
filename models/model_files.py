"""The three files of a set of models, to and from networks. Not here: where they lie (`store.py`)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from errors import InputError
from featurizers import Featurizer
from files import read_regular_file
from models import checkpoint
from models.generations import ASSISTANT, FEATURIZER, FILES, HUMAN, Metadata, hashes
from models.policy import Policy
from models.pt_file import read_pt


class Networks(Protocol):
    """Whatever holds two policies and the featurizer that both read from: they are published together."""

    @property
    def human(self) -> Policy: ...
    @property
    def assistant(self) -> Policy: ...
    @property
    def featurizer(self) -> Featurizer: ...


@dataclass(frozen=True, slots=True)
class Models:
    """A pair of policies and the featurizer that both read from, in eval mode.

    source: the assistant's file, or `baseline`, or `untrained`. meta: what was said when they were published, for
    example `trained_on` (person, samples, scripted), `created` and `start` (the generation that training began with).
    """

    human: Policy
    assistant: Policy
    featurizer: Featurizer
    meta: dict[str, Any]
    source: str
    generation: str | None = None


def serialize(networks: Networks, generation: str, meta: Mapping[str, Any]) -> dict[str, bytes]:
    """The contents of the three files, by file; each names the generation and what is said of it."""
    entries = {"generation": generation, "meta": dict(meta)}
    return {
        ASSISTANT: _bytes(checkpoint.policy_checkpoint(networks.assistant, agent="assistant", **entries)),
        HUMAN: _bytes(checkpoint.policy_checkpoint(networks.human, agent="human", **entries)),
        FEATURIZER: _bytes(checkpoint.featurizer_checkpoint(networks.featurizer, **entries)),
    }


def load_folder(folder: Path, metadata: Metadata | None, device: torch.device | str = "cpu") -> Models:
    """The models in a folder's three files, whose hashes are those of the metadata. Raises InputError."""
    contents = {name: read_regular_file(folder / name) for name in FILES}
    models = build_models(folder, read_contents(folder, contents), device)
    require_unchanged(folder, contents, metadata)
    return models


def read_contents(folder: Path, contents: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """The checkpoints in the three files' bytes, by file. Raises InputError that names the damaged one."""
    return {name: read_pt(folder / name, contents[name]) for name in FILES}


def build_models(
    pv_dir: Path,
    loaded: Mapping[str, dict[str, Any]],
    device: torch.device | str = "cpu",
    expect_backbone: str | None = None,
) -> Models:
    """The models in three checkpoints. Raises InputError: one is damaged, or they do not fit one another."""
    human = checkpoint.policy_from(loaded[HUMAN], str(pv_dir / HUMAN), device, expect_backbone)
    assistant = checkpoint.policy_from(loaded[ASSISTANT], str(pv_dir / ASSISTANT), device, expect_backbone)
    featurizer = checkpoint.featurizer_from(loaded[FEATURIZER], str(pv_dir / FEATURIZER), device)
    for name, policy, agent in ((HUMAN, human, "human"), (ASSISTANT, assistant, "assistant")):
        if (saved_agent := config_of(loaded[name]).get("agent", agent)) != agent:
            raise InputError(str(pv_dir / name), f"is a policy of the agent {saved_agent!r}, expected the {agent}'s")
        if policy.config.d_in != featurizer.config.d_in:
            message = f"reads {policy.config.d_in} features a line, {FEATURIZER} makes {featurizer.config.d_in}"
            raise InputError(str(pv_dir / name), message)
    config = config_of(loaded[ASSISTANT])
    imported = "format_version" not in config
    meta = {"trained_on": "imported"} if imported else config.get("meta", {})
    return Models(human, assistant, featurizer, meta, str(pv_dir / ASSISTANT), config.get("generation"))


def config_of(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """The config of a checkpoint; empty if it has none."""
    config = loaded.get("config")
    return config if isinstance(config, dict) else {}


def require_unchanged(folder: Path, contents: Mapping[str, bytes], metadata: Metadata | None) -> None:
    """Raises InputError that names a file which is not what its generation was written with (no hashes: none)."""
    if metadata is None or metadata.sha256 is None:
        return
    for name, digest in hashes(contents).items():
        if metadata.sha256[name] != digest:
            raise InputError(str(folder / name), "damaged or exchanged: its hash is not the one it was published with")


def weights_of(networks: Networks) -> Iterator[memoryview]:
    """The bytes of all weights, in a fixed order."""
    for module in (networks.human, networks.assistant, networks.featurizer):
        for value in module.state_dict().values():
            yield value.detach().cpu().contiguous().numpy().data


def _bytes(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()
