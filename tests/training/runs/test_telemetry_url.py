"""An address that records could never be sent to is refused where it is configured, in one line."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from errors import InputError
from training.runs.config_file import parse_config
from training.runs.telemetry_url import check_telemetry_url

POSSIBLE = [
    "http://127.0.0.1:9/a", "https://example.org", "http://localhost:8080/runs?key=1", "http://[::1]:80/", "http://m\u00fcller.de/x",
]  # fmt: skip
IMPOSSIBLE = [
    "", "example.org", "file:///etc/passwd", "http://", "http://:80", "http://a:99999", "http://a:b", "http://a:0/", "http://a:/",
    "http://[broken", "http://a b", "http://a/b c", "http://a/\x00", "http://a\n.b", "http://user:word@a", "http://a..b",
    "http://a/\u00fc",
    "ftp://a", "http://" + "x" * 70, "http:///path", "http://a,b", "http://[::1", "http://a\u2028b",
]  # fmt: skip


@pytest.mark.parametrize("url", POSSIBLE)
def test_what_can_be_sent_to_is_accepted(url):
    assert check_telemetry_url(url) == url


@pytest.mark.parametrize("url", IMPOSSIBLE)
def test_what_cannot_be_sent_to_is_refused(url):
    with pytest.raises(InputError, match="expected http"):
        check_telemetry_url(url)


@given(st.text(max_size=20))
@example("http://[v1.x]")
def test_any_text_is_accepted_or_refused_in_one_line(text):
    for url in (text, f"http://{text}"):
        try:
            check_telemetry_url(url)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert url.isprintable() and " " not in url


def test_a_settings_file_is_refused_where_it_is_read():
    with pytest.raises(InputError, match=r"config\.json, telemetry_url: 'http://a:99999'"):
        parse_config({"telemetry_url": "http://a:99999"}, "config.json")
    assert parse_config({"telemetry_url": None}, "config.json").telemetry_url is None
