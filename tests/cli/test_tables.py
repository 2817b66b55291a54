"""Tables line up, and nothing in a cell reaches the terminal as a command."""

from cli.tables import pluralise, table


def test_the_first_column_is_to_the_left_and_the_others_to_the_right():
    assert (
        table([("name", "n"), ("a", "10"), ("long name", "9")])
        == "name        n\n-------------\na          10\nlong name   9"
    )


def test_control_characters_are_shown_and_not_obeyed():
    assert "\x1b" not in table([("name",), ("\x1b[2J",)])


def test_one_is_no_plural():
    assert [pluralise(n, "session") for n in (0, 1, 2)] == ["0 sessions", "1 session", "2 sessions"]
