"""Who writes the text that carries out an assistant's decision: what every such writer answers and how it is asked."""

from delegates.text_writer import (
    NO_CONTEXT,
    Cancellation,
    Completion,
    TextWriter,
    WriterUnavailableError,
    WritingCancelledError,
    WritingContext,
)

__all__ = [
    "NO_CONTEXT", "Cancellation", "Completion", "TextWriter", "WriterUnavailableError", "WritingCancelledError",
    "WritingContext",
]  # fmt: skip
