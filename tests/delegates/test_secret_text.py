"""Keys and passwords are found in a text, ordinary code is not taken for them."""

import pytest

from delegates.secret_text import holds_secret


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----", "key = 'AKIAABCDEFGHIJKLMNOP'", "ghp_" + "a" * 36,
        'PASSWORD = "hunter2hunter2"',         "config['api_key'] = 'x8f7d6s5a4'", "sk-" + "A1b2" * 8,
        '{"db_password": "correcthorse"}', "github_pat_" + "a" * 22, "xoxb-" + "1" * 10, "AIza" + "a-_" * 12,
        "glpat-" + "a" * 20, "hf_" + "a" * 30, "pypi-" + "a" * 50, "eyJ" + "a" * 10 + ".eyJ" + "b" * 10,
    ],
)  # fmt: skip
def test_keys_and_passwords_are_found_in_text(text):
    assert holds_secret(text)


@pytest.mark.parametrize("text", ["password = input()", "def secret(x): return x", "key = 'name'", "token_count = 3"])
def test_ordinary_code_holds_no_secret(text):
    assert not holds_secret(text)
