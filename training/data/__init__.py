"""Recordings as tensors: transitions, targets, minibatches, the behaviour policy."""
