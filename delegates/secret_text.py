"""Which text shows a key or a password, so that nothing is learned from it.

Not here: which files do (`ignored_files`).
"""

from __future__ import annotations

import re

_SECRET_TEXT = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36}|\bgithub_pat_\w{22,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bsk-[\w-]{20,}|\bAIza[\w-]{35}|\bglpat-[\w-]{20}|\bhf_[A-Za-z]{30,}|\bpypi-[\w-]{50,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}"
    r"|(?i:\b\w*(?:passw(?:or)?d|secret|api_?key|access_?key|auth_?token|private_?key)\w*)['\"]?\]?\s*[:=]\s*[rRbBuU]?"
    r"(?P<quote>['\"])(?!(?P=quote))[^'\"\s]{8,}(?P=quote)"
)
"""Keys of well-known services, and long values of variables that are called a password, a secret or a key."""


def holds_secret(text: str) -> bool:
    """Whether a text shows a key or a password."""
    return _SECRET_TEXT.search(text) is not None
