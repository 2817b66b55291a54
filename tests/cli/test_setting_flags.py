"""Each flag sets the one setting that it names, and shows the default that holds without it."""

import argparse

import pytest

from cli.setting_flags import DEFAULTS, SETTING_FLAGS, add_setting_flags, override

OTHER = {"NAME": "lstm", "BOOL": "false", "N": "7"}


@pytest.fixture(scope="module")
def parser():
    command = argparse.ArgumentParser()
    add_setting_flags(command)
    return command


def test_what_is_not_typed_changes_nothing(parser):
    assert override(DEFAULTS, parser.parse_args([])) == DEFAULTS


@pytest.mark.parametrize("flag", SETTING_FLAGS, ids=lambda flag: flag.flag)
def test_a_flag_sets_its_setting_and_no_other(parser, flag):
    settings = override(DEFAULTS, parser.parse_args([flag.flag, OTHER[flag.metavar]]))
    expected = {"NAME": "lstm", "BOOL": False, "N": 7}[flag.metavar]
    assert flag.value(settings) == expected != flag.default
    assert [each for each in SETTING_FLAGS if each.value(settings) != each.default] == [flag]
