"""Comparing tensors. Not here: what they mean."""

import torch


def assert_close(actual, expected, *, rtol=1.3e-6, atol=1e-5):
    """As `torch.testing.assert_close` of float32, which would load sympy in half a second of a core."""
    kinds = [(tensor.shape, tensor.dtype, tensor.device) for tensor in (actual, expected)]
    assert kinds[0] == kinds[1], f"{kinds[0]} is not {kinds[1]}"
    close = torch.isclose(actual, expected, rtol=rtol, atol=atol)
    largest = float((actual - expected).detach().abs().max()) if close.numel() else 0.0
    assert close.all(), f"{int((~close).sum())} of {close.numel()} elements differ, by {largest} at most"
