"""A child process that answers by jedi which names may stand at a place of a text: `python jedi_process.py FOLDER`.

It is a process of its own because jedi computes for tenths of a second, during which no decision could be answered.
A question is a line of JSON, `[code, line, column]`; the answer is one, a list of names. It ends at once when its
input does, as when the parent is killed. It imports nothing of the project, and nothing of the person's is run: jedi
reads the text that it is given and the standard library's source.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import sys
import sysconfig
import threading
import time
from pathlib import Path

_WARM_UP = ("[].", "import os\nos.path.", "import re\nre.match('', '').", "import collections\ncollections.", "''.")
"""What is asked first, so that jedi has read the types that are asked about most."""


def main(folder: Path) -> None:
    """Answers until the input ends. folder: of jedi's cache."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's
    with contextlib.suppress(OSError, AttributeError):
        os.nice(5)
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(questions,), daemon=True).start()
    threading.Thread(target=_watch, args=(os.getppid(),), daemon=True).start()
    names = _Names(folder)
    for text in _WARM_UP:
        names.at(text, text.count("\n") + 1, len(text) - text.rfind("\n") - 1)
    while True:
        code, line, column = json.loads(questions.get())
        sys.stdout.write(json.dumps(names.at(code, line, column)) + "\n")
        sys.stdout.flush()


def _read(questions: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        questions.put(line)
    os._exit(0)  # also out of a long computation


def _watch(parent: int) -> None:
    """Ends the process when the parent has, also where another process holds the input open."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


class _Names:
    def __init__(self, folder: Path) -> None:
        import jedi  # type: ignore[import-untyped]
        from jedi.api.environment import InterpreterEnvironment  # type: ignore[import-untyped]

        self._cache = folder
        jedi.settings.cache_directory = str(folder)
        library = sorted({sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["platstdlib"]})
        nowhere = folder / "no-project"
        self._project = jedi.Project(nowhere, sys_path=library, smart_sys_path=False, load_unsafe_extensions=False)
        self._environment = InterpreterEnvironment()  # in this process: jedi starts no child
        self._path = nowhere / "open_file.py"  # where no file is: jedi parses again only what changed
        self._script = jedi.Script

    def at(self, code: str, line: int, column: int) -> list[str]:
        """The names; none where jedi fails, as it does in many ways on text that is half written."""
        for _ in range(2):
            try:
                script = self._script(code, path=self._path, project=self._project, environment=self._environment)
                return [str(name.name) for name in script.complete(line, column)]
            except (EOFError, pickle.UnpicklingError):  # jedi would fail at this file for good
                _remove_torn_files(self._cache)
            except Exception:
                break
        return []


def _remove_torn_files(cache: Path) -> None:
    """Removes what a process that was killed, or a full disk, left half written in jedi's cache."""
    for path in cache.glob("*/*.pkl"):
        try:
            with path.open("rb") as file:
                pickle.load(file)
        except Exception:
            with contextlib.suppress(OSError):
                path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
