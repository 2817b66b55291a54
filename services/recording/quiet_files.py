"""Files for which a person wants no help, by the ends of their names. Not here: where the setting is kept."""

from __future__ import annotations

from collections.abc import Iterable

_SUFFIXES = {
    "bash": ".sh", "c++": ".cpp", "csharp": ".cs", "go": ".go", "java": ".java", "javascript": ".js", "json": ".json",
    "kotlin": ".kt", "markdown": ".md", "plaintext": ".txt", "python": ".py", "ruby": ".rb", "rust": ".rs",
    "shell": ".sh", "text": ".txt", "typescript": ".ts", "yaml": ".yml",
}  # fmt: skip
"""Suffix of the kinds of files that clients name in words."""


def quiet_suffix(off_for: Iterable[str], file: str | None, file_type: str | None) -> str | None:
    """The suffix for which help is off, if this file has it; None: it has none of them.

    file: its name; None: unknown, then `file_type` counts, which is a suffix with or without its dot, a kind in words,
    or a file's name.
    """
    name = (file if file is not None else _name_of_kind(file_type or "")).lower()
    return next((suffix for suffix in off_for if name.endswith(suffix.lower())), None)


def _name_of_kind(kind: str) -> str:
    kind = kind.strip().lower()
    return _SUFFIXES.get(kind, kind if "." in kind else f".{kind}")
