"""Phase `zero_style`: self-play by search."""
