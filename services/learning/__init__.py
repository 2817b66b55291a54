"""The models that serve, and the training that replaces them."""
