"""Which attributes an object has, by jedi's static inference, within a given time.

jedi runs in a child process (`jedi_process`). What takes longer than one may wait is known the next time it is asked.
Without jedi (extra `serve`) only the types of literals are known. Not here: which attribute is meant.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SCRIPT = Path(__file__).with_name("jedi_process.py")

_MOST_LINES = 150
"""Lines above the cursor that are given to jedi, beside the file's imports."""

_REMEMBERED = 64
"""Questions whose answers are kept."""

_STARTS = 3
"""Child processes that are started at most, if they are killed."""

Complete = Callable[["NameQuery"], tuple[str, ...] | None]
"""The names that may stand at a place; None: nobody is there to be asked."""


@dataclass(frozen=True, slots=True)
class NameQuery:
    """Which names may stand at a line (from 1) and column of a text?"""

    code: str
    line: int
    column: int


@dataclass
class _Answers:
    """The latest answers, by question."""

    by_question: OrderedDict[NameQuery, tuple[str, ...]] = field(default_factory=OrderedDict)

    def get(self, question: NameQuery) -> tuple[str, ...] | None:
        return self.by_question.get(question)

    def put(self, question: NameQuery, names: tuple[str, ...]) -> None:
        self.by_question[question] = names
        while len(self.by_question) > _REMEMBERED:
            self.by_question.popitem(last=False)


class JediProcess:
    """The child process; where jedi is not installed there is none."""

    def __init__(self, folder: Path | None) -> None:
        """folder: where jedi keeps what it has read between runs; None: nowhere."""
        self._folder = folder
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._starts = 0
        self._lock = threading.Lock()
        self._closed = False

    @property
    def process_id(self) -> int | None:
        """Of the child; None: there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Starts the child."""
        with self._lock:
            if self._closed or self._starts == _STARTS or importlib.util.find_spec("jedi") is None:
                return
            self._starts += 1
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_SCRIPT), str(self._cache_folder())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                errors="surrogatepass",
            )

    def complete(self, question: NameQuery) -> tuple[str, ...] | None:
        """The child's answer, after a new start if it was killed; none if it dies again."""
        for _ in range(2):
            if self._process is None:
                return None
            try:
                return _exchange(self._process, question)
            except (OSError, ValueError):
                self._end()
                self.start()
        return ()

    def close(self) -> None:
        """Ends the child."""
        with self._lock:
            self._closed = True
        self._end()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _end(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def _cache_folder(self) -> Path:
        if self._folder is not None:
            return self._folder / "jedi"
        self._temporary = self._temporary or tempfile.TemporaryDirectory(prefix="codeassist-names-")
        return Path(self._temporary.name)


def _exchange(process: subprocess.Popen[str], question: NameQuery) -> tuple[str, ...]:
    """Raises OSError, ValueError: the child has died."""
    if process.stdin is None or process.stdout is None:
        raise ValueError("the child has no pipes")
    process.stdin.write(json.dumps([question.code, question.line, question.column]) + "\n")
    process.stdin.flush()
    return tuple(json.loads(process.stdout.readline()))


class AttributeFinder:
    """Asks jedi in one thread of its own; while it is busy with one question, only the latest other one waits."""

    def __init__(self, folder: Path | None = None, complete: Complete | None = None) -> None:
        """folder: where jedi keeps what it has read between runs; None: nowhere. complete: asked in jedi's place."""
        self._jedi = JediProcess(folder)
        self._complete = complete or self._jedi.complete
        self._answers = _Answers()
        self._waiting: NameQuery | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self) -> None:
        """Starts the child process, which begins to read the commonest types, unless it has been started."""
        with self._changed:
            if self._thread is None and not self._closed:
                self._jedi.start()
                self._thread = threading.Thread(target=self._work, name="embedded-writer-names", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends the child process and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._jedi.close()
        if self._thread is not None:
            self._thread.join()

    @property
    def process_id(self) -> int | None:
        """Of the child process; None: there is none."""
        return self._jedi.process_id

    def attributes(self, lines: Sequence[str], line: int, receiver: str, seconds: float) -> tuple[str, ...] | None:
        """The attributes of what `receiver`, the text up to a dot at the end of which `line` stands, is.

        lines: of the file. line: from 0; what stands on it and below is not looked at. seconds: how long one waits at
        most. None: not known in that time, or not at all.
        """
        if names := _of_literal(lines[:line], receiver):
            return names
        question = _question(lines, line, receiver)
        with self._changed:
            if self._thread is None or self._closed:
                return None
            if self._answers.get(question) is None:
                self._waiting = question
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._closed or self._answers.get(question) is not None, seconds)
            return self._answers.get(question) or None

    def _work(self) -> None:
        while (question := self._next()) is not None:
            names = self._complete(question)
            with self._changed:
                if names is None:
                    self._closed = True  # so that nobody waits for an answer
                else:
                    self._answers.put(question, names)
                self._changed.notify_all()

    def _next(self) -> NameQuery | None:
        """The latest question, when there is one; None: it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is not None or self._closed)
            question, self._waiting = self._waiting, None
            return None if self._closed else question


def _question(lines: Sequence[str], line: int, receiver: str) -> NameQuery:
    start = max(line - _MOST_LINES, 0)
    imports = [text for text in lines[:start] if text.startswith(("import ", "from "))]
    code = "\n".join([*imports, *lines[start:line], receiver])
    return NameQuery(code, code.count("\n") + 1, len(receiver))


_LITERAL_TYPES: tuple[tuple[str, type], ...] = (
    (r"\[|list\(|sorted\(", list),
    (r"\{\}|dict\(|\{[^{}:]+:", dict),
    (r"set\(|\{[^{}:]+[,}]", set),
    (r"[rRuU]?['\"]|[fF]['\"]|str\(|input\(", str),
    (r"[bB]['\"]|bytes\(", bytes),
)


def _of_literal(above: Sequence[str], receiver: str) -> tuple[str, ...]:
    """The attributes of a variable whose last assignment above is a literal; (): it is none."""
    name = re.search(r"(?<![\w.\])])([A-Za-z_]\w*)\.\Z", receiver)
    if name is None:
        return ()
    assigned = re.compile(rf"\s*{name[1]}\s*(?::[^=]+)?=(?!=)\s*(.*)")
    used = re.compile(rf"\b{name[1]}\b")
    for line in reversed(above[-_MOST_LINES:]):
        if not used.search(line):
            continue
        if match := assigned.match(line):
            return _of_value(match[1])
        if re.match(r"\s*(?:def|for|with|class|global|import|from)\b|.*[,(]\s*" + name[1] + r"\s*[,)]?.*=[^=]", line):
            return ()
    return ()


def _of_value(value: str) -> tuple[str, ...]:
    for pattern, kind in _LITERAL_TYPES:
        if re.match(pattern, value) and not re.search(r"[\])}'\"]\s*[\[.]|\b(?:if|or|and|for)\b.*\belse\b", value):
            return tuple(attribute for attribute in dir(kind) if not attribute.startswith("_"))
    return ()
