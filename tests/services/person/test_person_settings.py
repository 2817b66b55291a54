"""The person's settings are remembered: merged with other changes, not lost by a damaged file or a full disk."""

import json
import multiprocessing
import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import InputError
from services.messages.settings_messages import Settings, SettingsChange
from services.messages.writer_messages import WriterChoice
from services.person.person_settings import PersonSettings

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "explore": st.booleans(),
        "pause": st.sampled_from(["adaptive", "key", 150, 900, 10_000]),
        "off_for": st.lists(st.sampled_from([".md", ".txt", ".d.ts"]), max_size=3),
        "theme": st.sampled_from(["system", "light", "dark"]),
        "learn_pastes": st.booleans(),
        "writer": st.sampled_from([None, {"kind": "file", "file": "a.gguf"}, {"kind": "embedded"}]),
        "paused_until": st.sampled_from([None, 0, 1_700_000_000_000]),
    },
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "root" / "settings.json"


def changed(**settings):
    return msgspec.convert(settings, SettingsChange)


def test_without_a_file_the_defaults_hold_and_nothing_is_written(path):
    assert PersonSettings(path, Settings(tutor=True)).current() == Settings(tutor=True)
    assert not path.parent.exists()


@given(changes=st.lists(CHANGES, max_size=5))
def test_every_change_is_there_after_a_restart_and_what_it_leaves_out_stays(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("settings") / "settings.json"
    settings, expected = PersonSettings(path), msgspec.to_builtins(Settings())
    for change in changes:
        expected |= change
        assert msgspec.to_builtins(settings.update(changed(**change))) == expected
    assert msgspec.to_builtins(PersonSettings(path).current()) == expected


def test_the_switch_of_earlier_versions_is_read(path):
    path.parent.mkdir()
    path.write_text('{"explore": false}')
    assert PersonSettings(path).current() == Settings(explore=False)


def test_two_servers_do_not_lose_each_others_changes(path):
    one, other = PersonSettings(path), PersonSettings(path)
    one.current(), other.current()
    one.update(changed(theme="dark"))
    other.update(changed(pause=400))
    assert one.current() == other.current() == Settings(theme="dark", pause=400)


def _set_suffixes(path, names):
    settings = PersonSettings(path)
    for name in names:
        settings.update(SettingsChange(**{name: True}))


def test_processes_that_change_settings_at_once_lose_none(path):
    names = ["subtle", "learn_pastes", "welcomed", "tutor"]
    processes = [multiprocessing.get_context("fork").Process(target=_set_suffixes, args=(path, [n])) for n in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    settings = msgspec.to_builtins(PersonSettings(path).current())
    assert all(settings[name] for name in names), settings


def test_what_another_version_remembers_stays(path):
    path.parent.mkdir()
    path.write_text('{"later": [1], "theme": "dark"}')
    PersonSettings(path).update(changed(subtle=True))
    assert json.loads(path.read_text()) == {"later": [1], "theme": "dark", "subtle": True}


@pytest.mark.parametrize("content", ["", "[]", '{"explore": 3}', "{" * 100_000, '{"pause": 20}', "\xff", '{"theme":'])
def test_a_damaged_file_says_nothing_and_is_set_aside_with_one_line(path, content):
    path.parent.mkdir()
    path.write_text(content, encoding="latin-1")
    settings, notes = PersonSettings(path), []
    assert settings.current() == Settings() and str(path) in settings.failure
    settings.set_damaged_aside(notes.append)
    assert len(notes) == 1 and "settings.damaged.json" in notes[0] and "\n" not in notes[0]
    assert settings.failure is None and not path.exists()
    assert path.with_name("settings.damaged.json").read_text(encoding="latin-1") == content
    settings.set_damaged_aside(notes.append)
    assert len(notes) == 1 and settings.update(changed(theme="dark")) == Settings(theme="dark")


def test_a_change_of_a_damaged_file_sets_it_aside(path):
    path.parent.mkdir()
    path.write_text('{"theme": "pink"}')
    assert PersonSettings(path).update(changed(subtle=True)) == Settings(subtle=True)
    assert path.with_name("settings.damaged.json").read_text() == '{"theme": "pink"}'
    assert json.loads(path.read_text()) == {"subtle": True}


def test_a_file_that_nobody_waits_for_is_no_file_of_settings(path):
    path.parent.mkdir()
    os.mkfifo(path)
    settings = PersonSettings(path)
    assert settings.current() == Settings() and "no regular file" in settings.failure


def test_this_runs_own_setting_comes_first_until_it_is_changed(path):
    PersonSettings(path).update(changed(explore=True))
    settings = PersonSettings(path, for_this_run=changed(explore=False))
    assert not settings.current().explore
    assert not settings.update(changed(theme="dark")).explore
    assert settings.update(changed(explore=True)).explore
    assert json.loads(path.read_text()) == {"explore": True, "theme": "dark"}


def test_a_disk_that_refuses_leaves_the_settings_as_they_were(path, monkeypatch):
    settings = PersonSettings(path)
    settings.update(changed(theme="dark"))

    def refuse(path, content):
        raise InputError(str(path), "the disk is full")

    monkeypatch.setattr("services.person.person_settings.atomic_write", refuse)
    with pytest.raises(InputError, match="the disk is full"):
        settings.update(changed(theme="light"))
    assert settings.current() == PersonSettings(path).current() == Settings(theme="dark")


def test_a_choice_of_a_writer_is_remembered(path):
    choice = WriterChoice("server", address="http://127.0.0.1:11434", model="m")
    PersonSettings(path).update(SettingsChange(writer=choice))
    assert PersonSettings(path).current().writer == choice
    PersonSettings(path).update(SettingsChange(writer=None))
    assert PersonSettings(path).current().writer is None
