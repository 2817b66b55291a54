"""Several processes that share one training run."""
