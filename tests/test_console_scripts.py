"""The console scripts' path of imports; what they do is tested in test_packaging.py."""

import sys

import console_scripts


def test_the_current_folder_comes_last_and_our_modules_before_it(monkeypatch, tmp_path, root):
    monkeypatch.setattr(console_scripts, "prepare_process", lambda: None)
    monkeypatch.chdir(tmp_path)
    for path in ([], ["/usr/lib/python"], [str(root)]):
        monkeypatch.setattr(sys, "path", list(path))
        console_scripts._prepare()
        assert sys.path == [*dict.fromkeys([*path, str(root)]), str(tmp_path)]


def test_a_current_folder_that_was_removed_is_left_out(monkeypatch, tmp_path, root):
    monkeypatch.setattr(console_scripts, "prepare_process", lambda: None)
    monkeypatch.chdir(tmp_path)
    tmp_path.rmdir()
    monkeypatch.setattr(sys, "path", [])
    console_scripts._prepare()
    assert sys.path == [str(root)]
