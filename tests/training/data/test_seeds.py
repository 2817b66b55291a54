"""Seeds follow from named parts, and differ where the parts do."""

import torch
import torch.nn.functional as F

from training.data.seeds import derived_seed, generator, seed_dropout


def test_seeds_are_63_bits_and_differ_where_parts_do():
    parts = [(1, "a"), ("1a",), (1, "b"), (2, "a"), ("\ud800",)]
    seeds = {derived_seed(*each) for each in parts}
    assert len(seeds) == len(parts) and all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_stay_what_they_were():
    """A run that was interrupted under an earlier version would go on differently."""
    assert derived_seed(0, "bc", 1) == 4017017359099661358


def test_a_stream_follows_from_its_parts():
    first, again, other = (torch.rand(4, generator=generator("x", n)).tolist() for n in (1, 1, 2))
    assert first == again != other


def test_dropout_is_seeded_by_the_parts_as_the_global_generator_is():
    def mask(*parts):
        seed_dropout(torch.device("cpu"), *parts)
        return F.dropout(torch.ones(64))

    first = mask(0, "bc", 1)
    assert torch.equal(first, mask(0, "bc", 1)) and not torch.equal(first, mask(0, "bc", 2))
    torch.manual_seed(derived_seed(0, "bc", 1))
    assert torch.equal(first, F.dropout(torch.ones(64)))
