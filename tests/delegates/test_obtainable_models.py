"""The commands that fetch larger models are for a shell, whatever the folder is called."""

import shlex
from pathlib import Path

import pytest

from delegates.obtainable_models import LARGER_MODELS


@pytest.mark.parametrize("model", LARGER_MODELS.values())
def test_a_command_makes_the_folder_and_fetches_the_file_into_it(model):
    folder = Path("/tmp/the cat's; rm -rf x")
    words = shlex.split(model.command(folder))
    assert words[:3] == ["mkdir", "-p", str(folder)]
    assert words[words.index("-o") + 1] == str(folder / model.file)
    assert words[-1] == f"https://huggingface.co/{model.repository}/resolve/main/{model.file}"
