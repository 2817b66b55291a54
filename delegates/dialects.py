"""What servers of language models are asked and answer: Ollama, llama.cpp, and OpenAI-compatible completions.

Not here: connections (`http_stream`), which of a server's ways work (`server_writer`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from delegates.fill_in_middle import FimTokens
from delegates.prompts import AnswerToken, Prompt
from delegates.text_writer import WriterUnavailableError


class Way(Enum):
    """How a server is told what stands after the place: by its own infill request, by special tokens in the prompt, by
    the parameter `suffix`, or not at all."""

    INFILL = "infill"
    TOKENS = "tokens"
    SUFFIX = "suffix"
    PREFIX = "prefix"


@dataclass(frozen=True, slots=True)
class Question:
    """One request for text. log_probs: whether log-probabilities of the tokens are asked for."""

    prompt: Prompt
    model: str
    way: Way
    tokens: FimTokens | None
    log_probs: bool = True
    temperature: float = 0.0

    @property
    def text(self) -> str:
        """The prompt as one text; what stands after the place is in it only with special tokens."""
        if self.way == Way.TOKENS and self.tokens is not None:
            return self.tokens.render(self.prompt.text, self.prompt.after)
        return self.prompt.text

    @property
    def stops(self) -> list[str]:
        """Texts at which the server is to stop."""
        runs_on = self.prompt.is_block or self.prompt.skips_blank_lines
        return [*([] if runs_on else ["\n"]), *(self.tokens.ends[:3] if self.tokens else ())]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A line of a streamed answer. is_last: the server says that it has ended."""

    tokens: tuple[AnswerToken, ...] = ()
    is_last: bool = False


class Dialect(Protocol):
    """A kind of server."""

    name: str

    def ways(self, tokens: FimTokens | None) -> tuple[Way, ...]:
        """The ways that are worth a try, the best one first."""
        ...

    def request(self, question: Question) -> tuple[str, dict[str, Any]]:
        """Path and body of a POST."""
        ...

    def loading(self, model: str) -> tuple[str, dict[str, Any]] | None:
        """Path and body of a POST that makes the server load a model; None: it has loaded it already."""
        ...

    def parse(self, line: bytes) -> Chunk:
        """What a line of the answer says. Raises WriterUnavailableError: it is none, or an error."""
        ...


class Ollama:
    """`/api/generate`. Special tokens of the model's family need no template; `suffix` needs one that can insert, and
    is left out where it is empty."""

    name = "Ollama"

    def ways(self, tokens: FimTokens | None) -> tuple[Way, ...]:
        return _tokens_or_suffix(tokens)

    def request(self, question: Question) -> tuple[str, dict[str, Any]]:
        body = _streamed(question) | {
            "options": {
                "temperature": question.temperature,
                "num_predict": question.prompt.most_tokens,
                "stop": question.stops,
            },
        }
        body |= {"suffix": question.prompt.after} if question.way == Way.SUFFIX else {"raw": True}
        if question.log_probs:
            body["logprobs"] = True
        return "/api/generate", body

    def loading(self, model: str) -> tuple[str, dict[str, Any]] | None:
        return "/api/generate", {"model": model, "stream": False}

    def parse(self, line: bytes) -> Chunk:
        row = _row(line)
        tokens = _tokens(str(row.get("response") or ""), row.get("logprobs"))
        return Chunk(tokens, is_last=row.get("done") is True)


class LlamaCpp:
    """llama.cpp's own requests: `/infill`, and `/completion` for prompts with special tokens or without."""

    name = "llama.cpp"

    def ways(self, tokens: FimTokens | None) -> tuple[Way, ...]:
        return (Way.INFILL, *([Way.TOKENS] if tokens else []), Way.PREFIX)

    def request(self, question: Question) -> tuple[str, dict[str, Any]]:
        body: dict[str, Any] = {
            "stream": True,
            "temperature": question.temperature,
            "n_predict": question.prompt.most_tokens,
            "stop": question.stops,
            "cache_prompt": True,
        }
        if question.log_probs:
            body["n_probs"] = 1
        if question.way == Way.INFILL:
            around = {"input_prefix": question.prompt.text, "input_suffix": question.prompt.after}
            return "/infill", body | around
        return "/completion", body | {"prompt": question.text}

    def loading(self, model: str) -> tuple[str, dict[str, Any]] | None:
        return None

    def parse(self, line: bytes) -> Chunk:
        if (payload := _event_data(line)) is None:
            return Chunk()
        row = _row(payload)
        tokens = _tokens(str(row.get("content") or ""), row.get("completion_probabilities"))
        return Chunk(tokens, is_last=row.get("stop") is True)


class OpenAi:
    """`/v1/completions` of vLLM, LM Studio and others.

    Special tokens come before `suffix`: a server that does not know `suffix` may leave it out without a word.
    """

    name = "OpenAI-compatible"

    def ways(self, tokens: FimTokens | None) -> tuple[Way, ...]:
        return _tokens_or_suffix(tokens)

    def request(self, question: Question) -> tuple[str, dict[str, Any]]:
        body = _streamed(question) | {
            "temperature": question.temperature,
            "max_tokens": question.prompt.most_tokens,
        }
        if stops := question.stops[:4]:  # the service that all imitate takes four at most
            body["stop"] = stops
        if question.way == Way.SUFFIX:
            body["suffix"] = question.prompt.after
        if question.log_probs:
            body["logprobs"] = 1
        return "/v1/completions", body

    def loading(self, model: str) -> tuple[str, dict[str, Any]] | None:
        return None

    def parse(self, line: bytes) -> Chunk:
        payload = _event_data(line)
        if payload is None:
            return Chunk()
        if payload == b"[DONE]":
            return Chunk(is_last=True)
        return parse_openai_row(_row(payload))


def _tokens_or_suffix(tokens: FimTokens | None) -> tuple[Way, ...]:
    """The ways of a server without an infill request of its own."""
    return (Way.TOKENS if tokens else Way.SUFFIX, Way.PREFIX)


def _streamed(question: Question) -> dict[str, Any]:
    """What the body of a request begins with: which model goes on with which text, piece by piece."""
    return {"model": question.model, "prompt": question.text, "stream": True}


def parse_openai_row(row: dict[str, Any]) -> Chunk:
    """A row of `/v1/completions`, with log-probabilities in either of the two forms that servers use."""
    choices = row.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    log_probs = choice.get("logprobs")
    if isinstance(log_probs, dict):
        pairs = zip(_list(log_probs.get("tokens")), _list(log_probs.get("token_logprobs")), strict=False)
        entries = log_probs.get("content") or [{"token": token, "logprob": number} for token, number in pairs]
    else:
        entries = None
    return Chunk(_tokens(str(choice.get("text") or ""), entries), is_last=choice.get("finish_reason") is not None)


def _tokens(text: str, entries: object) -> tuple[AnswerToken, ...]:
    """The pieces of `text` with their log-probabilities: a piece for each entry, as far as the entries spell it."""
    rows = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    numbers = [_number(row.get("logprob")) for row in rows]
    pieces = [str(row.get("token") or "") for row in rows]
    if not rows:
        return (AnswerToken(text),) if text else ()
    if "".join(pieces) != text:  # half a character, or a stop that was held back
        pieces = [text] + [""] * (len(rows) - 1)
    return tuple(AnswerToken(piece, number) for piece, number in zip(pieces, numbers, strict=True))


_ROUNDING = 1e-3
"""By which a probability in single precision may exceed 1 at most."""


def _number(value: object) -> float | None:
    """A log-probability, which rounding may have put above 0; None: it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and -1e4 < value <= _ROUNDING:
        return min(float(value), 0.0)
    return None


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _event_data(line: bytes) -> bytes | None:
    """The data of a line of a server-sent event; None: a comment or another field. A bare object is one, too."""
    if line.startswith(b"data:"):
        return line[5:].strip()
    return line if line.startswith(b"{") else None


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WriterUnavailableError("the server answers with a line that is no JSON") from error
    if not isinstance(row, dict):
        raise WriterUnavailableError("the server answers with a line that is no object")
    if message := row.get("error"):
        message = message.get("message", message) if isinstance(message, dict) else message
        raise WriterUnavailableError(f"the server says: {str(message)[:200]}")
    return row
