"""A ruleset leaves what it allows and nothing else, for the process that takes it on and its children."""

import os
import sys

import pytest

from judge.landlock import MAKE_REG, READ, READ_FILE, WRITE_FILE, Ruleset


def restricted(rights, act):
    """Whether `act` succeeds in a fork that holds to the rights."""
    try:
        ruleset = Ruleset(rights)
    except OSError as error:
        pytest.skip(f"no Landlock: {error}")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            import ctypes

            ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
            ruleset.restrict()
            act()
            code = 0
        except PermissionError:
            code = 2
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 2)
    return code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_only_what_is_allowed_can_be_done(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "file").write_text("x")
    rights = {str(mine): READ | WRITE_FILE | MAKE_REG, str(other / "file"): READ_FILE}
    assert restricted(rights, (mine / "file").read_text)
    assert restricted(rights, lambda: (mine / "new").write_text("x") and None)
    assert restricted(rights, (other / "file").read_text)
    assert not restricted(rights, lambda: list(other.iterdir()))
    assert not restricted(rights, lambda: (other / "new").write_text("x"))
    assert not restricted(rights, (mine / "folder").mkdir)
    assert not restricted(rights, (mine / "file").unlink)


def test_a_path_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(OSError, match=r"No such file|Linux|implemented|supported"):
        Ruleset({str(tmp_path / "missing"): READ})
