"""A command to copy does the same in any terminal."""

import os
import subprocess

from app.command_names import copyable_command, data_root_prefix
from data_paths import VARIABLE, DataPaths


def test_a_copied_command_works_in_another_folder_and_is_for_the_same_data_root(tmp_path):
    root = tmp_path / "my data"
    command = copyable_command("writers --get qwen2.5-coder-0.5b", DataPaths(root))
    environment = {name: value for name, value in os.environ.items() if name not in (VARIABLE, "PATH")}
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and f"mkdir -p '{root}/writers'" in done.stdout


def test_the_usual_data_root_is_not_named(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert data_root_prefix(DataPaths.default()) == ""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "data")
    assert data_root_prefix(DataPaths.default()) == f"{VARIABLE}={tmp_path / 'data'} "
