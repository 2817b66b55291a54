"""Help is off for the files whose names end so, whatever else is known of their kind."""

import pytest

from services.recording.quiet_files import quiet_suffix


@pytest.mark.parametrize(
    ("off_for", "file", "file_type", "suffix"),
    [
        ([], "a.py", "python", None),
        ([".pyi"], "stubs/a.pyi", None, ".pyi"),
        ([".pyi"], "stubs/a.py", None, None),
        ([".PYI"], "A.pyi", None, ".PYI"),
        ([".md", ".test.py"], "a.test.py", "python", ".test.py"),
        ([".md"], "a.py", "markdown", None),
        ([".md"], None, "markdown", ".md"),
        ([".py"], None, "python", ".py"),
        ([".py"], None, ".PY", ".py"),
        ([".py"], None, " py ", ".py"),
        ([".py"], None, "setup.py", ".py"),
        ([".py"], None, None, None),
        ([".py"], None, "", None),
        ([".py"], "py", None, None),
    ],
)
def test_a_files_name_counts_before_what_a_client_says_of_its_kind(off_for, file, file_type, suffix):
    assert quiet_suffix(off_for, file, file_type) == suffix
