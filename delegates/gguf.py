"""A writer that runs a GGUF file in this process, by llama.cpp's Python bindings (`xllamacpp`, the extra `writer`).

The model has a thread of its own, of low priority, which answers one request after the other and reads ahead between
them: what a model has read of a file stays in its cache, so that only what changed is read before a line is written.
Reading goes in steps of `STEP_CHARACTERS`, because llama.cpp does not let go of a prompt that it has begun to read.
Not here: which file (`selection`).
"""

from __future__ import annotations

import atexit
import http.client
import importlib.util
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from actions import EXPLAIN, Decision
from alignment import common_prefix
from cpu_load import available_cores
from delegates.dialects import parse_openai_row
from delegates.fill_in_middle import tokens_of
from delegates.gguf_header import GgufHeader, read_header
from delegates.prompts import AnswerCollector, Prompt, Window, best_answer, build_prompt
from delegates.text_writer import (
    NO_CONTEXT,
    Cancellation,
    Completion,
    LateAnswerError,
    WriterUnavailableError,
    WritingContext,
)
from errors import InputError, printable
from memory_limits import available_memory
from state import State

STEP_CHARACTERS = 300
"""Of a prompt that are read at once, at most: so long nothing can be cancelled."""

CONTEXT_TOKENS = 3_072

GGUF_WINDOW = Window(before=2_400, after=300)
"""A model on a CPU reads some hundred characters a second; after a change all that follows it is read again."""

GGUF_SECONDS = 10.0
"""That a request may take, waiting for others and for the model to load included; what was read stays in the cache."""

NICENESS = 5
"""Of the model's threads: whoever types, records or decides comes first."""

_WORKING_MEMORY = 128 << 20
_END_SECONDS = 15.0


@dataclass(eq=False)
class _Request:
    """One text that is asked for."""

    text: str
    prompt: Prompt
    temperature: float
    collector: AnswerCollector
    deadline: float
    done: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    error: Exception | None = None

    def abandon(self) -> None:
        """Nobody waits for it any longer."""
        self.abandoned = True
        self.done.set()

    @property
    def is_unwanted(self) -> bool:
        return self.abandoned or time.monotonic() > self.deadline


class OutOfMemoryError(InputError):
    """A model takes more memory than is left."""


class GgufWriter:
    """A `TextWriter` that runs the model in `path`; it is loaded in the background.

    threads: that compute; None: one less than cores, at least one. seconds: that a request may take.
    To be closed; the end of the process does it otherwise.

    Raises:
        InputError: the file is missing or damaged, the extra is not installed, there is too little memory.
    """

    def __init__(
        self, path: Path, *, threads: int | None = None, window: Window = GGUF_WINDOW, seconds: float = GGUF_SECONDS
    ) -> None:
        header = read_header(path)
        self.path, self.name = path, printable(path.stem)
        self.fim_tokens = tokens_of(path.stem, header.name, vocabulary=header.vocabulary)
        self._context_tokens = _context_tokens(header)
        self._threads = threads or max(available_cores() - 1, 1)
        self._window, self._seconds = window, seconds
        if importlib.util.find_spec("xllamacpp") is None:
            raise InputError(str(path), "needs llama.cpp's Python bindings: pip install 'codeassist-policy[writer]'")
        _require_memory(path, memory_of(header))
        self._wake = threading.Condition()
        self._requests: deque[_Request] = deque()
        self._ahead: str | None = None
        self._closed = False
        self._loaded, self._load_error = threading.Event(), ""
        self._server: Any = None
        self._read_text = ""  # what the model's cache holds
        self._thread = threading.Thread(target=self._run, name=f"writer {self.name}", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def write(self, state: State, decision: Decision, line: int, context: WritingContext = NO_CONTEXT) -> Completion:
        """See `TextWriter`. All that is asked of the model for a text has its time together."""
        deadline = time.monotonic() + self._seconds
        return best_answer(
            lambda temperature, sees_after: self._write(
                state, decision, line, context, deadline, temperature=temperature, sees_after=sees_after
            ),
            state,
            line,
            context.rejected,
        )

    def read_ahead(self, state: State, context: WritingContext = NO_CONTEXT) -> None:
        """Lets the model read the file up to the cursor while it has nothing to write; returns at once.

        The newest state counts: what is left of an older one is not read.
        """
        cursor = state.cursor
        if cursor.on and 0 <= cursor.line < len(state):
            prompt = self._prompt(state, Decision.FILL_PARTIAL_LINE, cursor.line, context, self._window)
            with self._wake:
                self._ahead = self._text(prompt)
                self._wake.notify()

    def wait_until_loaded(self, seconds: float) -> bool:
        """Whether the model is loaded, after `seconds` at most. Raises InputError: it cannot be."""
        loaded = self._loaded.wait(seconds)
        if self._load_error:
            raise InputError(str(self.path), self._load_error)
        return loaded

    @property
    def fills(self) -> bool:
        """Whether the model is told what stands after the place."""
        return self.fim_tokens is not None

    @property
    def address(self) -> str | None:
        """Where llama.cpp listens, for nobody: every request needs a key that was drawn and is kept nowhere."""
        return None if self._server is None else self._server.listening_address

    def close(self) -> None:
        """Ends the model's threads, and with them its port; what is being written is given up at its next token."""
        atexit.unregister(self.close)
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not threading.current_thread():
            self._thread.join(_END_SECONDS)

    def _write(
        self,
        state: State,
        decision: Decision,
        line: int,
        context: WritingContext,
        deadline: float,
        *,
        temperature: float,
        sees_after: bool,
    ) -> Completion:
        for share in (1, 4):
            after = self._window.after // share if sees_after else 0
            window = Window(self._window.before // share, after)
            prompt = self._prompt(state, decision, line, context, window)
            collector = AnswerCollector(prompt, self.fim_tokens.ends if self.fim_tokens else ())
            request = _Request(self._text(prompt), prompt, temperature, collector, deadline)
            try:
                self._wait_for(request, context.cancellation)
            except _TooLongError:
                continue
            return collector.completion(self.name)
        raise WriterUnavailableError(f"{self.name}: this file has too many tokens around the cursor")

    def _wait_for(self, request: _Request, cancellation: Cancellation) -> None:
        cancellation.raise_if_cancelled()
        with self._wake:
            if self._closed or self._load_error:
                raise WriterUnavailableError(f"{self.name}: {self._load_error or 'it was ended'}")
            self._requests.append(request)
            self._wake.notify()
        cancellation.on_cancel(request.abandon)
        in_time = request.done.wait(max(request.deadline - time.monotonic(), 0.0))
        request.abandon()
        cancellation.raise_if_cancelled()
        if request.error is not None:
            raise request.error
        if not in_time:
            raise LateAnswerError(f"{self.name} did not write within {self._seconds:g} s")

    def _prompt(self, state: State, decision: Decision, line: int, context: WritingContext, window: Window) -> Prompt:
        # A comment behind its line shares the text before the cursor with all other prompts.
        fills = self.fim_tokens is not None and decision not in EXPLAIN
        return build_prompt(state, decision, line, context, window, fills=fills)

    def _text(self, prompt: Prompt) -> str:
        if self.fim_tokens is None:
            return prompt.text
        return self.fim_tokens.render(prompt.text, prompt.after)

    # ------------------------------------------------------------ in the model's own thread

    def _run(self) -> None:
        _lower_priority()
        try:
            self._server = self._load()
        except Exception as error:  # of a C++ library: it may be anything
            self._load_error = f"cannot be loaded: {printable(str(error)[:200])}"
        self._loaded.set()
        while not self._load_error:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or self._requests or self._ahead is not None)
                if self._closed:
                    break
                request = self._requests.popleft() if self._requests else None
                ahead = self._ahead
            if request is not None:
                self._answer(request)
            elif ahead is not None:
                self._read_on(ahead)
        self._server = None
        with self._wake:
            self._closed = True
            waiting = list(self._requests)
        for request in waiting:
            request.error = WriterUnavailableError(f"{self.name}: {self._load_error or 'it was ended'}")
            request.done.set()

    def _load(self) -> Any:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_ctx, params.n_parallel = self._context_tokens, 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = self._threads
        params.n_threads_http, params.cache_ram_mib = 1, 0
        params.hostnames, params.port = ["127.0.0.1"], 0
        params.api_keys = [secrets.token_urlsafe(32)]
        params.ui = params.warmup = params.endpoint_slots = False
        params.verbosity = -1
        server = xllamacpp.Server(params)
        _wait_until_serving(server)
        return server

    def _answer(self, request: _Request) -> None:
        def on_row(row: dict[str, Any]) -> bool:
            """Whether to stop; an exception would be lost in the library."""
            try:
                if self._closed or request.is_unwanted:
                    return True
                if "error" in row or "code" in row:
                    request.error = _error_of(row, self.name)
                    return True
                return any(request.collector.add(token) for token in parse_openai_row(row).tokens)
            except Exception as error:
                request.error = error
                return True

        try:
            if not request.is_unwanted and self._read(request.text, lambda: request.is_unwanted):
                self._complete(request.text, on_row, request.prompt.most_tokens, request.temperature)
            if self._closed:
                request.error = request.error or WriterUnavailableError(f"{self.name} is ending")
            elif request.is_unwanted:
                request.error = request.error or LateAnswerError(f"{self.name} was too slow")
        except Exception as error:
            request.error = WriterUnavailableError(f"{self.name}: {printable(str(error)[:200])}")
        request.done.set()

    def _read_on(self, text: str) -> None:
        """Reads `text` as far as nothing more urgent comes."""

        def is_unwanted() -> bool:
            return bool(self._requests) or self._ahead != text

        try:
            if self._read(text, is_unwanted) and not (self._closed or is_unwanted()):
                self._complete(text, lambda row: True, 1)
                finished = True
            else:
                finished = False
        except Exception:
            finished = True  # whoever asks for a text is told
        with self._wake:
            if finished and self._ahead == text:
                self._ahead = None

    def _read(self, text: str, is_unwanted: Callable[[], bool]) -> bool:
        """Reads all of `text` but its last step into the model's cache; False: it was given up."""
        start = common_prefix(self._read_text, text)
        for end in range(start + STEP_CHARACTERS, len(text), STEP_CHARACTERS):
            if self._closed or is_unwanted():
                return False
            self._complete(text[:end], lambda row: True, 1)
        return not (self._closed or is_unwanted())

    def _complete(
        self, text: str, on_row: Callable[[dict[str, Any]], bool], most_tokens: int, temperature: float = 0.0
    ) -> None:
        request = {
            "prompt": text, "n_predict": most_tokens, "temperature": temperature, "stream": True, "n_probs": 1,
            "cache_prompt": True,
        }  # fmt: skip
        self._server.handle_completions(request, on_row)
        self._read_text = text


def _wait_until_serving(server: Any) -> None:
    """Waits until the library's threads work.

    One that is told to end before it has begun would begin all the same, and whoever waits for its end in the
    library holds Python's lock for ever.
    """
    server.handle_completions({"prompt": "a", "n_predict": 1, "stream": True}, lambda row: True)
    host, _, port = server.listening_address.rpartition("://")[2].partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=_END_SECONDS)
    connection.request("GET", "/health")
    connection.getresponse().read()
    connection.close()


class _TooLongError(Exception):
    """A prompt has more tokens than the model's context."""


def _error_of(row: dict[str, Any], name: str) -> Exception:
    error = row.get("error", row)
    kind, message = (error.get("type"), error.get("message")) if isinstance(error, dict) else (None, error)
    if kind == "exceed_context_size_error":
        return _TooLongError()
    return WriterUnavailableError(f"{name}: {printable(str(message)[:200])}")


def memory_of(header: GgufHeader) -> int:
    """Bytes that a model takes in this process."""
    return header.memory(_context_tokens(header)) + _WORKING_MEMORY


def _context_tokens(header: GgufHeader) -> int:
    return min(CONTEXT_TOKENS, header.context_length or CONTEXT_TOKENS)


def _require_memory(path: Path, needed: int) -> None:
    available = available_memory()
    if available is not None and needed > available:
        amounts = f"needs about {needed / 2**20:,.0f} MiB of memory, but {available / 2**20:,.0f} MiB are available"
        raise OutOfMemoryError(str(path), f"{amounts}; close something, or choose a smaller model")


def _lower_priority() -> None:
    """Lowers the priority of this thread and of those that it starts (Linux; elsewhere it would be the process's)."""
    if os.uname().sysname == "Linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
