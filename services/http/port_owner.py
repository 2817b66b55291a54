"""Which program listens on a port of this machine, as far as Linux says. Not here: listening."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_LISTENS = "0A"
"""State of a socket that listens, as the kernel writes it."""


def program_on_port(port: int, proc: Path = _PROC) -> str | None:
    """`name (process N)` of the program that listens on a TCP port; None: it is not to be seen, as another user's."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening_inodes(proc / "net" / table, port)}
    links = {f"socket:[{inode}]" for inode in inodes}
    for folder in proc.glob("[0-9]*/fd") if links else ():
        if _has_open(folder, links):
            return f"{_name_of(folder.parent)} (process {folder.parent.name})"
    return None


def _listening_inodes(table: Path, port: int) -> list[str]:
    """Inodes of the sockets of one table that listen on the port; columns as in proc(5)."""
    with suppress(OSError):
        rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
        return [row[9] for row in rows if row[3] == _LISTENS and int(row[1].rpartition(":")[2], 16) == port]
    return []


def _has_open(descriptors: Path, links: set[str]) -> bool:
    with suppress(OSError):  # another user's process, or one that has just ended
        for descriptor in descriptors.iterdir():
            with suppress(OSError):
                if str(descriptor.readlink()) in links:
                    return True
    return False


def _name_of(process: Path) -> str:
    """The command's own words, so that `python run.py` does not read `python`."""
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        return " ".join([Path(words[0]).name, *filter(None, words[1:3])])[:60]
    return "a program"
