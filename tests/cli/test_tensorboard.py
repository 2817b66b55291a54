"""Where TensorBoard's files go."""

import importlib.util

import pytest

from cli import tensorboard


@pytest.mark.parametrize("label", ["", "evening", "/etc", "..", "../../x", "a/b", "."])
def test_a_label_never_leads_out_of_the_folder(monkeypatch, tmp_path, label):
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: importlib.util.find_spec("json"))
    path = tensorboard.TensorBoard(str(tmp_path), label).path.resolve()
    assert tmp_path in (path, path.parent)
