"""Loading a person from outside the repository, from a module or a file. Not here: what a person is."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from errors import InputError
from simulation.person import Person


def load_person(where: str) -> Person:
    """The person that `module:attribute` or `path/to/file.py:attribute` names: an object, or a function that makes it.

    Raises:
        InputError: there is no such module or attribute, or what it names is not a person.
    """
    source, colon, attribute = where.rpartition(":")
    if not colon or not source or not attribute:
        raise InputError(where, "expected module:attribute or path/to/file.py:attribute")
    module = _load_file(where, Path(source)) if source.endswith(".py") else _load_module(where, source)
    if not hasattr(module, attribute):
        raise InputError(where, f"{source} has no {attribute}")
    person = _make(getattr(module, attribute), where)
    if not isinstance(person, Person) or not isinstance(person.name, str):
        kind = type(person).__name__
        raise InputError(where, f"a {kind} is no person: it needs a name, a policy (or None) and options")
    return person


def _make(value: Any, where: str) -> Any:
    """What a class or function makes; anything else as it is."""
    if not (isinstance(value, type) or (callable(value) and not isinstance(value, Person))):
        return value
    try:
        return value()
    except Exception as error:  # whatever is wrong with it, its author can mend
        raise InputError(where, f"cannot be made without arguments: {type(error).__name__}: {error}") from error


def _load_module(where: str, name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever is wrong with it, its author can mend
        raise InputError(where, f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def _load_file(where: str, path: Path) -> Any:
    name = f"person_{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()}"  # of two files with one stem, both stay
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InputError(where, f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look up what a file's annotations mean
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        sys.modules.pop(name, None)
        raise InputError(where, f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module
