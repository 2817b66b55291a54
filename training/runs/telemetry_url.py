"""Which addresses records of runs can be sent to. Not here: sending."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from errors import InputError

_ALLOWED = re.compile(r"[!-~]+")
"""What an address may consist of besides its host: printable ASCII without blanks."""


def check_telemetry_url(url: str, where: str = "telemetry url") -> str:
    """The address, if it is one that records can be sent to. Raises InputError, naming `where`."""
    try:
        parts = urlsplit(url)
        problem = _problem(url, parts)
    except ValueError as error:  # brackets that do not match, a port that is none
        problem = str(error)
    if problem:
        raise InputError(where, f"{url!r} is no address ({problem}), expected http://... or https://...")
    return url


def _problem(url: str, parts: SplitResult) -> str:
    """What is wrong with an address, "" if nothing is. Raises ValueError if it cannot be taken apart."""
    if parts.scheme not in ("http", "https"):
        return "not http or https"
    if not parts.hostname:
        return "no host"
    if parts.username is not None:
        return "a user name, which is not sent"
    if parts.port == 0 or parts.netloc.endswith(":"):
        return "no port"
    if not _ALLOWED.fullmatch(url.replace(parts.netloc, "", 1)) or " " in url or not url.isprintable():
        return "a blank, a control character or a letter that is not ASCII"
    return _host_problem(parts.hostname)


def _host_problem(host: str) -> str:
    """A name that no name server can be asked for."""
    try:
        encoded = host.encode("idna")
    except UnicodeError:
        return "no name of a host"
    return "" if re.fullmatch(rb"[0-9A-Za-z._:%-]+", encoded) else "no name of a host"
