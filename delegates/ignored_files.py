"""Which files no writer reads and nothing is learned from: secrets, and what the person's ignore files name.

Secrets are always ignored; no ignore file takes that back. Needs pathspec (extra `serve`), which reads patterns as git
does. Not here: reading files.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from errors import InputError
from files import read_regular_file

IGNORE_FILE = ".codeassistignore"
"""Names, in git's patterns, what neither help nor learning may look at; so does `.gitignore`. Both count in every
folder from the root down."""

IGNORE_FILES = (".gitignore", IGNORE_FILE)
"""The later one has the last word within a folder."""

_SECRET_FILES = (
    ".env", ".env.*", "*.env", ".envrc", "!.env.example", "!.env.sample", "!.env.template", "!.env.dist",
    "*.pem", "*.key", "*.p12", "*.pfx", "*.p8", "*.jks", "*.keystore", "*.kdbx", "*.kdb", "*.asc", "*.gpg", "*.ppk",
    "*.ovpn", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "!*.pub",
    "secret", "secrets", "secret.*", "secrets.*", "*secrets.py", "*_secret.*", "*_secrets.*", "client_secret*",
    "credential", "credentials", "credentials.*", "*_credentials.*", "service-account*.json", "service_account*.json",
    "password*.txt", "passwords.*", "token.json", "*.token", "*.tfvars", "*.tfstate", "*.tfstate.*",
    ".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc", ".htpasswd", ".git-credentials", ".dockercfg",
    ".docker/config.json", "kubeconfig", ".kube/", ".ssh/", ".aws/", ".azure/", ".gnupg/", ".password-store/", ".git/",
    ".bash_history", ".zsh_history", ".python_history", "shadow", "gshadow",
)  # fmt: skip

_SECRETS = GitIgnoreSpec.from_lines(_SECRET_FILES)


def is_secret_file(path: PurePosixPath | Path) -> bool:
    """Whether a file's name or folder says that it holds a secret, however its letters are spelled."""
    return bool(_SECRETS.match_file(_plainly_spelled(path.as_posix()).lstrip("/")))


def _plainly_spelled(name: str) -> str:
    """A name in small letters, without characters that are not seen: file systems may take both for the same."""
    seen = "".join([character for character in name if unicodedata.category(character) != "Cf"])
    return unicodedata.normalize("NFKC", seen).lower()


class IgnoredFiles:
    """What is ignored below one folder. Ignore files are read when they are first needed, and once."""

    def __init__(self, root: Path) -> None:
        """root: the folder that holds the person's files."""
        self._root = root
        self._specs: dict[PurePosixPath, GitIgnoreSpec | None] = {}

    @cached_property
    def _resolved_root(self) -> Path:
        return self._root.resolve()

    def ignores(self, path: Path) -> bool:
        """Whether the file, given from the root or as a whole path, is never to be read.

        A link is ignored if it or what it leads to is, and where that lies outside of the root or nowhere.
        """
        whole = self._root / path
        inside = self._below_root(whole.absolute(), self._root.absolute())
        try:
            target = self._below_root(whole.resolve(), self._resolved_root)
        except (OSError, RuntimeError, ValueError):  # links that lead in a circle, a name that cannot be
            return True
        if inside is None or target is None:
            return True
        return any(is_secret_file(place) or self._is_named(place) for place in {inside, target})

    def ignores_entry(self, path: PurePosixPath, *, is_folder: bool) -> bool:
        """Whether a file or a folder is ignored that is no link, in a folder that is not: for a walk from the root."""
        name = _plainly_spelled(path.as_posix()) + ("/" if is_folder else "")
        return bool(_SECRETS.match_file(name)) or self._decision(path, is_folder=is_folder)

    @staticmethod
    def _below_root(path: Path, root: Path) -> PurePosixPath | None:
        if not path.is_relative_to(root) or ".." in path.relative_to(root).parts:
            return None
        return PurePosixPath(path.relative_to(root).as_posix())

    def _is_named(self, path: PurePosixPath) -> bool:
        """Whether an ignore file names the path or a folder that it lies in; of several folders the deepest decides."""
        is_folder = (self._resolved_root / path).is_dir()
        folders = list(path.parents)[-2::-1]
        return any(self._decision(folder, is_folder=True) for folder in folders) or self._decision(
            path, is_folder=is_folder
        )

    def _decision(self, path: PurePosixPath, *, is_folder: bool) -> bool:
        """What the ignore files above the path say of it."""
        for folder in path.parents:
            spec = self._spec(folder)
            if spec is not None:
                name = path.relative_to(folder).as_posix()
                include = spec.check_file(name).include
                if include is None and is_folder:
                    include = spec.check_file(name + "/").include
                if include is not None:
                    return include
        return False

    def _spec(self, folder: PurePosixPath) -> GitIgnoreSpec | None:
        if folder not in self._specs:
            lines = [line for name in IGNORE_FILES for line in _lines_of(self._resolved_root / folder / name)]
            self._specs[folder] = GitIgnoreSpec.from_lines(lines) if lines else None
        return self._specs[folder]


def _lines_of(path: Path) -> Iterator[str]:
    """The patterns of an ignore file; none, if it is missing. One that cannot be read ignores its whole folder."""
    if not path.exists():
        return
    try:
        text = read_regular_file(path).decode("utf-8", "replace")
    except InputError:
        yield "*"
        return
    for line in text.splitlines():
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # no pattern that git knows
            continue
        yield line
