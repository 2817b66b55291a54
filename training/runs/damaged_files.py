"""Damaged files of ours, where a run can go on without them: they are set aside, never deleted or overwritten."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import InputError
from files import translate_os_errors


class DamagedFileError(InputError):
    """A file that we wrote is not what we wrote any more."""


_UNUSABLE = (InputError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError, MemoryError)
"""What code raises that takes over a state of another shape than it has saved."""


@contextmanager
def damaged_if_unusable(where: str) -> Iterator[None]:
    """Turns whatever the block raises while it takes over a saved state into a DamagedFileError that names `where`."""
    try:
        yield
    except DamagedFileError:
        raise
    except _UNUSABLE as error:
        reason = error.reason if isinstance(error, InputError) else "is no state of a run like this one"
        raise DamagedFileError(where, reason) from error


def has_structure(value: object, template: object) -> bool:
    """Whether a saved value can stand where `template` does: same kinds, all keys, counters not below 0.

    None in the template stands for what is not known yet, an empty dict or list for any number of entries.
    """
    from torch import Tensor  # whoever only reads the manifest need not load it

    if isinstance(template, dict):
        return isinstance(value, dict) and all(
            key in value and has_structure(value[key], inner) for key, inner in template.items()
        )
    if isinstance(template, Tensor):
        return isinstance(value, Tensor) and value.shape == template.shape
    if type(template) is int:
        return type(value) is int and value >= min(template, 0)
    if isinstance(template, float):
        return type(value) in (int, float)
    return template is None or isinstance(value, type(template))


def set_aside(path: Path, reason: str, report: Callable[[str], None]) -> Path:
    """Renames a damaged file so that nothing reads it again, and reports that in one line. Returns its new path.

    Raises InputError if it cannot be renamed.
    """
    candidates = (path.with_name(f"{path.name}.damaged{suffix}") for suffix in ("", *_numbers()))
    free = next(candidate for candidate in candidates if not candidate.exists() and not candidate.is_symlink())
    with translate_os_errors(path):
        path.rename(free)
    report(f"{path}: {reason}; set aside as {free.name}, and the run begins anew")
    return free


def _numbers() -> map[str]:
    return map("-{}".format, itertools.islice(itertools.count(2), 10_000))
