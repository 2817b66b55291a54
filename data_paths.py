"""Where files lie below the data root, the folder of everything that outlives a run. Not here: what they contain."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from errors import InputError, printable

VARIABLE = "PERSISTENT_DATA_DIR"
"""Environment variable that names the data root."""

REPOSITORY = Path(__file__).resolve().parent
"""The folder of the top-level modules: the repository's root, or `site-packages` of an installation without one."""

SAMPLES = REPOSITORY / "examples" / "sessions"
"""Two sample sessions that come with the project."""

SAMPLE_STATE = REPOSITORY / "examples" / "state.json"
"""A state to try a decision on."""


@dataclass(frozen=True)
class DataPaths:
    """The layout of one data root. Nothing is made or looked at: who writes makes missing folders."""

    root: Path

    @classmethod
    def default(cls) -> DataPaths:
        """The person's data root, whatever the current folder is.

        `PERSISTENT_DATA_DIR`; else `persistent-data` beside the repository; installed without a repository, the
        platform's folder for a person's data. Raises InputError: the variable is empty, or there is no home folder.
        """
        named = os.environ.get(VARIABLE)
        if named is None:
            return cls(_default_root())
        if not named.strip():
            raise InputError(VARIABLE, "is empty, expected a folder; unset it for the default")
        return cls(Path(named))

    def is_default(self) -> bool:
        """Whether it is the data root of whoever names none."""
        with suppress(InputError):  # without a home folder there is no default
            return self.root.absolute() == _default_root()
        return False

    @property
    def episodes(self) -> Path:
        """Sessions recorded from a person."""
        return self.root / "state-service" / "episodes"

    @property
    def simulated_episodes(self) -> Path:
        """Sessions recorded from simulated people."""
        return self.root / "state-service" / "simulated-episodes"

    @property
    def self_play_episodes(self) -> Path:
        """Episodes that self-play recorded (zero-style)."""
        return self.root / "state-service" / "shallow-zero-style-episodes"

    @property
    def session_counts(self) -> Path:
        """What was counted of the sessions recorded from a person, so that they are not read again."""
        return self.root / "state-service" / "session-counts.json"

    @property
    def session_help(self) -> Path:
        """What became of the help in the sessions recorded from a person, so that they are not read again; no texts."""
        return self.root / "state-service" / "session-help.json"

    @property
    def models(self) -> Path:
        """The current models and their stored generations."""
        return self.root / "trainer" / "models"

    @property
    def manifest(self) -> Path:
        """Which episodes trained which models, one JSON object a line."""
        return self.root / "trainer" / "manifest.jsonl"

    @property
    def run(self) -> Path:
        """Checkpoints, log and plan of the last run."""
        return self.root / "trainer" / "run"

    @property
    def telemetry(self) -> Path:
        """A record of each run."""
        return self.root / "telemetry"

    @property
    def logs(self) -> Path:
        """Unexpected errors of the services, without what a person wrote."""
        return self.root / "logs"

    @property
    def writers(self) -> Path:
        """Model files (GGUF) that may write the assistant's text, and what the embedded writer has counted."""
        return self.root / "writers"

    @property
    def problems(self) -> Path:
        """Tests of the sessions' problems (docs/formats.md)."""
        return self.root / "problems.json"

    @property
    def settings(self) -> Path:
        """What the person switched on the page."""
        return self.root / "settings.json"

    @property
    def solved(self) -> Path:
        """Which problems the person has solved."""
        return self.root / "solved.json"

    @property
    def embeddings(self) -> Path:
        """Vectors of lines that an embedding server answered."""
        return self.root / "embeddings"


def quarantine_folder(models: Path, trained_on: str) -> Path:
    """Where models go that may not replace a person's: a folder of their own beside theirs."""
    return models.parent / f"{models.name}-from-{trained_on}"


def in_repository() -> bool:
    """Whether this code runs from a checkout, not from an installed wheel."""
    return (REPOSITORY / "pyproject.toml").is_file()


def sessions_left_behind() -> str | None:
    """One line about sessions in `../persistent-data` of the current folder, where the data root once was by default.

    None: the environment names the data root, that folder is the data root, or it holds no sessions.
    """
    if VARIABLE in os.environ:
        return None
    old, current = DataPaths(Path("../persistent-data")), DataPaths.default()
    if old.root.resolve() == current.root.resolve() or not any(names for _, _, names in os.walk(old.episodes)):
        return None
    where = old.root.resolve()
    line = f"{where} holds sessions that are not read: set {VARIABLE}={where}, or move them to {current.root}."
    return printable(line)


def _default_root() -> Path:
    if in_repository():
        return REPOSITORY.parent / "persistent-data"
    if sys.platform == "darwin":
        return _home() / "Library" / "Application Support" / "codeassist-policy"
    data_home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data_home) if Path(data_home).is_absolute() else _home() / ".local" / "share"
    return base / "codeassist-policy"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise InputError(VARIABLE, "is not set, and this user has no home folder; set it to a folder") from error
