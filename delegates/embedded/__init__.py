"""The writer that is there when there is no other: it needs no model file, no server and no network."""

from delegates.embedded.writer import EmbeddedWriter

__all__ = ["EmbeddedWriter"]
