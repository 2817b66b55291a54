"""Secrets are never read, nor what an ignore file names, whatever way leads there."""

from pathlib import Path, PurePosixPath

import pytest

from delegates.ignored_files import IgnoredFiles, is_secret_file


@pytest.mark.parametrize(
    "name",
    [
        ".env", "app/.env.local", "prod.env", ".ENV", "server.pem", "id_rsa", "keys/id_ed25519", ".ssh/config",
        "home/.aws/credentials", "credentials.json", "conf/secrets.yaml", "my_secrets.py", ".netrc", "a/.git/config",
        ".\u212aube/config", "．ｅｎｖ", ".e\u200dnv", "\ufeff.env",
        "x.p12", "ID_RSA", "service-account-1.json", "/etc/shadow", "secrets/readme.txt",
    ],
)  # fmt: skip
def test_secrets_are_known_by_their_names(name):
    assert is_secret_file(PurePosixPath(name))


@pytest.mark.parametrize("name", ["main.py", ".env.example", "environment.py", "keys.py", "secretary.py", "id_rsa.pub"])
def test_ordinary_files_are_no_secrets(name):
    assert not is_secret_file(PurePosixPath(name))


@pytest.fixture
def project(tmp_path):
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "private").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n*.log\n!keep.log\n")
    (tmp_path / ".codeassistignore").write_text("# mine\nprivate/\n/only_here.py\n!.env\n[\n")
    (tmp_path / "sub" / ".codeassistignore").write_text("draft_*.py\n!../x\n!special.log\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("main.py", False), ("only_here.py", True), ("sub/only_here.py", False), ("private/a/b.py", True),
        ("a.log", True), ("keep.log", False), ("sub/special.log", False), ("sub/draft_1.py", True),
        ("draft_1.py", False), ("sub/deep/draft_2.py", True), ("build/x.py", True), (".env", True),
        ("../outside.py", True),
        ("/etc/passwd", True),
    ],
)  # fmt: skip
def test_ignore_files_are_read_as_git_reads_them(project, path, ignored):
    assert IgnoredFiles(project).ignores(Path(path)) is ignored


def test_a_link_does_not_lead_to_what_is_ignored(project):
    (project / "private" / "a.py").write_text("x = 1")
    (project / "link.py").symlink_to(project / "private" / "a.py")
    (project / "away.py").symlink_to("/etc/passwd")
    assert IgnoredFiles(project).ignores(Path("link.py")) and IgnoredFiles(project).ignores(Path("away.py"))


def test_an_ignore_file_that_is_none_hides_its_folder(project):
    (project / "sub" / "deep" / ".codeassistignore").mkdir()
    assert IgnoredFiles(project).ignores(Path("sub/deep/x.py"))
    assert not IgnoredFiles(project).ignores(Path("sub/x.py"))


def test_links_that_lead_in_a_circle_are_ignored(project):
    (project / "one.py").symlink_to("two.py")
    (project / "two.py").symlink_to("one.py")
    assert IgnoredFiles(project).ignores(Path("one.py"))


@pytest.mark.parametrize(
    ("path", "is_folder", "ignored"),
    [
        ("build", True, True), ("build", False, False), ("private", True, True), (".git", True, True),
        (".SSH", True, True), ("sub/.aws", True, True), ("sub", True, False), ("secret", True, True),
        ("a.log", False, True), ("sub/special.log", False, False), ("sub/draft_1.py", False, True),
        (".env", False, True), ("main.py", False, False),
    ],
)  # fmt: skip
def test_a_walk_is_told_what_to_leave_out(project, path, is_folder, ignored):
    assert IgnoredFiles(project).ignores_entry(PurePosixPath(path), is_folder=is_folder) is ignored
