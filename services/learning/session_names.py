"""Recordings in sentences of a training, by the ids under which the page lists them. Not here: the list itself."""

from __future__ import annotations

import re
from pathlib import Path

from errors import printable
from sessions.session_files import session_id


def with_session_ids(text: str, folder: Path) -> str:
    """The text with `session ID` in place of each path of a recording below the folder of all."""
    roots = {folder, folder.absolute()}
    for root in sorted(roots, key=lambda root: len(str(root)), reverse=True):
        path = re.compile(rf"{re.escape(printable(str(root)))}/.+?\.jsonl?\b")
        text = path.sub(lambda match, root=root: f"session {session_id(root, Path(match[0]))}", text)  # type: ignore[misc]
    return text
