"""The code or comment in what a language model answers: without fences, chat phrases and special tokens.

Not here: where the text is to stand, whether it is right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from delegates.syntax import parses

_SPECIAL_TOKEN = re.compile(r"<\|[\w▁-]{1,40}\|>|<｜[^｜\n]{1,40}｜>|</?s>|<EOT>|</?(?:fim_\w+|file_sep|eos|bos|pad)>")
"""What models end or divide their answers with; no Python program has it outside of strings."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")
_LINE_END = re.compile(r"\r\n?")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_OPENING_PHRASE = re.compile(
    r"\s*(?:sure\b|certainly\b|of course\b|absolutely\b|great\b|okay\b|ok\b|here(?:'s|’s| is| are)\b|below is\b"
    r"|th(?:is|e) (?:following|complete|corrected|updated|fixed|missing|next|rewritten|code|line|answer|solution)\w*\b"
    r"|i(?:'ve|’ve| have|'ll| will| would)\b|let(?:'s| me)\b|to (?:complete|fix|solve)\b|you (?:can|could|should)\b"
    r"|(?:answer|output|code|completion|solution|result|explanation|comment|note)\s*:\s*$)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^\s*(?:#\s*)?(?:answer|explanation|comment|summary|output)\s*:\s+", re.IGNORECASE)
_QUOTES = ("`", '"""', "'''")


def answer_code(text: str) -> str:
    """The code in a model's answer; its first line keeps the blanks that it begins with."""
    lines = _fenced(_plain(text).split("\n"))
    chatty = _chat_lines(lines)
    return _without_backticks("\n".join(lines[chatty:]) if chatty else "\n".join(lines))


def answer_comment(text: str) -> str:
    """The words of a comment in a model's answer: its comment lines if there are any, else its prose."""
    text = _plain(text)
    lines = text.split("\n")
    if comments := [line for line in lines if line.lstrip().startswith("#") and not line.lstrip().startswith("#!")]:
        return "\n".join(comments)
    lines = [line for line in _without_fenced(lines) if line.strip()]
    lines = lines[_chat_lines(lines) :] if len(lines) > 1 else lines
    words = _LABEL.sub("", "\n".join(lines).strip(), count=1)
    for quote in _QUOTES:
        if words.startswith(quote):
            words = words.removeprefix(quote).removesuffix(quote)
    return words.strip()


def _plain(text: str) -> str:
    """Without special tokens and what follows one, and without characters that no program has."""
    start = _SPECIAL_TOKEN.match(text)
    text = text[start.end() :] if start else text
    return _UNPRINTABLE.sub("", _LINE_END.sub("\n", _SPECIAL_TOKEN.split(text, maxsplit=1)[0]))


def _fenced(lines: Sequence[str]) -> list[str]:
    """What the first fence encloses; where only a closing one is, what stands before it; without fences all."""
    fences = [i for i, line in enumerate(lines) if _FENCE.match(line)]
    if not fences:
        return list(lines)
    first, before = fences[0], lines[: fences[0]]
    if len(fences) == 1 and any(line.strip() for line in before) and not _is_chat(before):
        return list(before)
    return list(lines[first + 1 : fences[1] if len(fences) > 1 else len(lines)])


def _without_fenced(lines: Sequence[str]) -> list[str]:
    """The lines outside of fences."""
    is_outside, lines_outside = True, list[str]()
    for line in lines:
        if _FENCE.match(line):
            is_outside = not is_outside
        elif is_outside:
            lines_outside.append(line)
    return lines_outside


def _is_chat(lines: Sequence[str]) -> bool:
    filled = [line for line in lines if line.strip()]
    return bool(_OPENING_PHRASE.match(filled[0])) and not parses("\n".join(filled))


def _chat_lines(lines: Sequence[str]) -> int:
    """How many lines at the start talk to the reader; a line that is Python by itself does not."""
    chatty = 0
    for i, line in enumerate(lines):
        if line.strip():
            if not _OPENING_PHRASE.match(line) or parses(line.strip()):
                break
            chatty = i + 1
    return chatty


def _without_backticks(text: str) -> str:
    """Without the single backticks around all of it, which Python has nowhere."""
    stripped = text.strip()
    if len(stripped) > 2 and stripped[0] == stripped[-1] == "`" and "`" not in stripped[1:-1]:
        return stripped[1:-1]
    return text
