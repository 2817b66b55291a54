"""Loss terms, returns, and the optimizer's step."""
