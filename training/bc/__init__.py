"""Phase `bc`: behaviour cloning of the human."""
