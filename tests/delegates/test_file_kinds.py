"""Help is written in Python alone: in files that say so, and in texts without a name."""

import pytest

from delegates.file_kinds import is_python_file


@pytest.mark.parametrize(
    ("path", "first_line", "is_python"),
    [
        (None, "", True),
        ("a.py", "", True),
        ("src/A.PYW", "", True),
        ("typed.pyi", "", True),
        ("notes.md", "", False),
        ("page.ts", "#!/usr/bin/python3", False),
        ("Makefile", "all:", False),
        ("bin/tool", "#!/usr/bin/env python3", True),
        ("bin/tool", "#!/bin/sh", False),
        (".py", "", False),
    ],
)
def test_a_file_is_python_by_its_name_or_as_a_script_by_its_first_line(path, first_line, is_python):
    assert is_python_file(path, first_line) is is_python
