"""The networks of a training run, how they begin, and what they predict."""
