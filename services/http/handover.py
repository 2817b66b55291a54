"""The services' log as a text to hand over: what runs where, how the parts are, and where unexpected errors happened.

It has nothing that a person wrote, no token, and no name of the home folder. Not here: what an error leaves in the log
(`failure_log`).
"""

from __future__ import annotations

from pathlib import Path

from services.failure_log import OLDER_FILES
from services.http import health
from services.services import Services

MOST_BYTES = 2**20
"""Of the log, the latest."""


def log_text(services: Services) -> str:
    """The text, the latest lines last."""
    lines = [f"{name}: {number}" for name, number in health.versions().items()]
    lines += [f"sandbox level: {int(services.tester.sandbox.level)}", f"data root: {services.paths.root}"]
    lines += [f"{part.name}: {'works' if part.ok else 'does not work'}" for part in health.parts(services)]
    lines += ["", "Unexpected errors, of earlier starts too:" if (log := _log(services.failures.path)) else _NOTHING]
    return without_home("\n".join(lines) + "\n" + log)


_NOTHING = "No unexpected error."


def without_home(text: str) -> str:
    """The text with `~` for this user's home folder."""
    try:
        homes = {str(Path.home()), str(Path.home().resolve())}
    except RuntimeError:
        return text
    for home in homes - {"/"}:
        text = text.replace(home, "~")
    return text


def _log(path: Path | None) -> str:
    """The end of the log's files, the oldest first."""
    if path is None:
        return ""
    files = [*(path.with_name(f"{path.name}.{i}") for i in range(OLDER_FILES, 0, -1)), path]
    content = b"".join(_content(file) for file in files)[-MOST_BYTES:]
    return content.decode("utf-8", "replace")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
