"""What a run needs of the machine is checked without writing anything."""

import os

import pytest
import torch

from errors import InputError
from training.runs.requirements import require_writable, usable_device


@pytest.mark.parametrize("denied", [os.W_OK, os.X_OK])
def test_a_folder_to_come_is_judged_by_the_nearest_one_that_exists(tmp_path, monkeypatch, denied):
    require_writable(tmp_path / "a" / "b")
    require_writable(tmp_path)
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: not (path == tmp_path and mode & denied) and access(path, mode)
    )
    with pytest.raises(InputError, match=f"^{tmp_path / 'a' / 'b'}: cannot be written"):
        require_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_file_on_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"^{tmp_path / 'file'}: is a file, expected a folder"):
        require_writable(tmp_path / "file" / "deeper" / "still")


def test_a_name_that_is_too_long_is_refused_also_below_folders_to_come(tmp_path):
    for path in (tmp_path / ("\u00e9" * 200), tmp_path / "new" / ("a" * 300) / "deeper"):
        with pytest.raises(InputError, match=f"^{path}: .*(too long|more than)"):
            require_writable(path)
    require_writable(tmp_path / "new" / ("a" * 100))


def test_a_device_is_usable_only_if_a_tensor_can_be_put_there():
    assert usable_device("cpu") == torch.device("cpu")
    for name in ("cuda:99", "toaster", "cpu:"):
        with pytest.raises(InputError, match=f"^device: {name} cannot be used: ") as refused:
            usable_device(name)
        assert "\n" not in str(refused.value)
