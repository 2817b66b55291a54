"""Seeds and generators that follow from named parts, so that nothing of a random stream has to be stored."""

from __future__ import annotations

import hashlib

import torch


def derived_seed(*parts: int | str) -> int:
    """A seed of 63 bits that is different for different parts."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def seed_dropout(device: torch.device, *parts: int | str) -> None:
    """Seeds the generators that dropout on the device draws from, by the parts."""
    seed = derived_seed(*parts)
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` formats a stack trace for each kind of GPU
    else:
        torch.manual_seed(seed)


def generator(*parts: int | str) -> torch.Generator:
    """A generator whose stream follows from the parts."""
    return torch.Generator().manual_seed(derived_seed(*parts))
