"""`.pt` files: written whole or not at all, read without running or allocating what they claim.

A file is a zip archive as `torch.save` writes it. Before PyTorch reads it the archive is checked (nothing compressed,
no record longer than the file, checksums); afterwards its values are (only tensors that are as large as their storage,
and plain values). Not here: what is in a checkpoint (`checkpoint.py`), which files there are.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor, nn

from errors import InputError
from files import atomic_write, read_regular_file

NOT_A_CHECKPOINT = "not a checkpoint: damaged, cut short, or with more in it than tensors and plain values"

_PLAIN_TYPES = (str, float, bool, type(None), torch.Size, torch.dtype)
_INT_BITS = 4096


def atomic_torch_save(path: Path, content: object) -> None:
    """`torch.save`, whole or not at all. Raises InputError (disk full, read-only)."""

    def write(file: BinaryIO) -> None:
        try:
            torch.save(content, file)
        except RuntimeError as error:  # which hides that the disk is full, or an interrupt
            if isinstance(error.__context__, OSError | KeyboardInterrupt):
                raise error.__context__ from None
            raise

    atomic_write(path, write)


def read_pt(path: Path, content: bytes | None = None) -> dict[str, Any]:
    """The dict in a `.pt` file (or in `content`, read from it before); code in its pickle is never run.

    Raises InputError that names the file: missing, no regular file, damaged (also by one bit), cut short, with more in
    it than tensors and plain values, or with values larger than the file.
    """
    if content is None:
        content = read_regular_file(path)
    pickle_size = _check_archive(content, str(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler raises nearly anything on damaged bytes
        raise InputError(str(path), NOT_A_CHECKPOINT) from error
    if not isinstance(loaded, dict):
        raise InputError(str(path), f"holds a {type(loaded).__name__}; a checkpoint is a dict")
    _check_values(loaded, pickle_size, str(path))
    return loaded


def _check_archive(content: bytes, where: str) -> int:
    """Bytes of the archive's pickle. Raises InputError: no archive of `torch.save`, or one that lies about its size."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            if any(not _is_stored(entry) for entry in entries) or sum(e.file_size for e in entries) > len(content):
                raise InputError(where, "not a checkpoint: it claims to be larger than the file is")
            damaged = [entry for entry in entries if entry.CRC] and archive.testzip()
            if damaged:
                raise InputError(where, f"damaged: {damaged} is not what was written (its checksum differs)")
            return sum(entry.file_size for entry in entries if entry.filename.endswith(".pkl"))
    except InputError:
        raise
    except Exception as error:  # zipfile raises nearly anything on damaged bytes
        raise InputError(where, NOT_A_CHECKPOINT) from error


def _is_stored(entry: zipfile.ZipInfo) -> bool:
    return entry.compress_type == zipfile.ZIP_STORED and entry.compress_size == entry.file_size


def _check_values(root: dict[str, Any], most: int, where: str) -> None:
    """Raises InputError unless all that is in `root` is plain, and no more than a pickle of `most` bytes says.

    A pickle names a value twice without repeating it, so that a few bytes may stand for endless lists.
    """
    waiting: list[object] = [root]
    count = 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count > most:
            raise InputError(where, "not a checkpoint: it claims to hold more values than the file has bytes")
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | tuple | set):
            waiting += value
        elif isinstance(value, Tensor):
            _check_tensor(value, where)
        elif not isinstance(value, _PLAIN_TYPES) and not _is_small_int(value):
            raise InputError(where, NOT_A_CHECKPOINT)


def _is_small_int(value: object) -> bool:
    return isinstance(value, int) and value.bit_length() <= _INT_BITS


def _check_tensor(value: Tensor, where: str) -> None:
    dense = type(value) in (Tensor, nn.Parameter) and not value.is_nested and value.layout == torch.strided
    if not dense or value.is_quantized or value.device.type != "cpu":
        raise InputError(where, "holds a tensor of another layout or device, expected a dense tensor in memory")
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise InputError(where, f"holds a tensor of shape {list(value.shape)}, which is larger than what the file has")
