"""Where TensorBoard's files go."""

import importlib.util

import pytest

from cli import tensorboard
from errors import InputError


@pytest.mark.parametrize("label", ["", "evening", "/etc", "..", "../../x", "a/b", "."])
def test_a_label_never_leads_out_of_the_folder(monkeypatch, tmp_path, label):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: importlib.util.find_spec("json"))
    path = tensorboard.TensorBoard(str(tmp_path), label).path.resolve()
    assert tmp_path in (path, path.parent)


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_learned(monkeypatch, tmp_path):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: importlib.util.find_spec("json"))
    with pytest.raises(InputError, match=f"^{tmp_path}/"):
        tensorboard.TensorBoard(str(tmp_path / ("a" * 300)), "")
    assert not list(tmp_path.iterdir())
