"""The process in which texts run: standard library only, fresh forks for each run.

It waits for a request, forks, and the fork gives up whatever it does not need and runs the text, while this process
watches from outside, kills whatever is left and answers. A fork costs a millisecond and shares nothing with the next;
cases that could see each other get one each.

Not here: what the right results are (they stay with the asker), caching.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from judge.confinement import Confinement, make_ruleset, readable_paths
from judge.messages import Requests, write_message
from judge.namespaces import enter_namespaces
from judge.program_run import answer_program
from judge.run_watch import MAX_DISK, adopt_orphans, empty_folder
from judge.text_run import answer_text

_PRELOADED = (
    "bisect", "collections", "copy", "dataclasses", "datetime", "functools", "heapq", "itertools", "operator", "re",
    "string", "typing",
)  # fmt: skip
_OOM_SCORE = "1000"
_UMASK = 0o022
"""Whatever the person's is: nobody must be able to read the folders that lead to Python's libraries."""


def main(settings: str) -> None:
    """Serves requests from standard input. settings: JSON of `{namespaces, files, filter}`, see `sandbox_level`."""
    protections = json.loads(settings)
    requests, answers = os.dup(0), os.dup(1)
    os.umask(_UMASK)
    _clear_environment()
    base_memory = _virtual_memory()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")
    own_processes = protections["namespaces"] and enter_namespaces(readable_paths(), MAX_DISK)
    folder = str(Path.cwd()) if own_processes else tempfile.mkdtemp(prefix="judge-")
    os.chdir(folder)
    filter_program = bytes.fromhex(protections["filter"]) or None
    ruleset = make_ruleset(folder) if protections["files"] else None
    confinement = _strongest(
        Confinement(
            own_processes=own_processes, base_memory=base_memory, filter_program=each_program, ruleset=each_ruleset
        )
        for each_program, each_ruleset in itertools.product((filter_program, None), (ruleset, None))
    )
    for name in _PRELOADED:
        __import__(name)
    adopt_orphans()
    gc.collect()
    gc.freeze()
    try:
        serve(Requests(requests), answers, confinement)
    finally:
        os.chdir("/")
        if not own_processes:
            shutil.rmtree(folder, ignore_errors=True)


def serve(requests: Requests, answers: int, confinement: Confinement) -> None:
    """Answers requests until the stream ends; each run finds the working directory empty.

    Raises OSError: what a run left there cannot be removed, so that no other may follow it.
    """
    while (request := requests.next()) is not None:
        message = answer(request, confinement, requests)
        empty_folder(Path())
        write_message(answers, message)


def answer(request: dict[str, Any], confinement: Confinement, requests: Requests) -> dict[str, Any]:
    """What a run gave: see `text_run` and `program_run`."""
    if request["kind"] == "program":
        return answer_program(request, confinement, requests)
    return answer_text(request, confinement, requests)


def _strongest(confinements: Iterable[Confinement]) -> Confinement:
    """The first one that can be entered here, else the last."""
    for confinement in confinements:
        if confinement.can_be_entered():
            break
    return confinement


def _clear_environment() -> None:
    """Leaves nothing of the environment but what libraries need to reserve little memory."""
    with contextlib.suppress(FileNotFoundError):  # with namespaces of its own a worker needs none
        tempfile.gettempdir()  # remembered from here on
    for name in set(os.environ) - {"OPENBLAS_NUM_THREADS"}:
        del os.environ[name]


def _virtual_memory() -> int:
    """Bytes of address space that this process has; a guess where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    return 64 * 2**20
