"""What a problem's statement says about a line of a program: the sentence that speaks of the same things.

A sentence is said of a line only if it shares a rare word or number with it, and more than any other sentence does.
Not here: what the line's code means by itself (`delegates.embedded.explanation`).
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections import Counter
from functools import lru_cache

from delegates.python_lexer import KEYWORDS

LONGEST = 110
"""Characters of a sentence that is quoted; of a longer one, a part between semicolons or colons."""

_LEAST_SCORE = 2.0
"""What a line and a sentence must share: two words that no other sentence has, or a number and a word."""

_LEAST_LEAD = 0.75
"""By how much more than the next best sentence."""

_NEW_WORDS = 3
"""Words of a sentence that the line does not have: else it only repeats the line."""

_EXAMPLE = re.compile(r"^\s*(?:>>>|\.\.\.).*(?:\n(?!\s*\n|\s*>>>).+)*", re.MULTILINE)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z`\"'0-9])|\n\s*\n")
_WORD = re.compile(r"-?\d+|[A-Za-z]+")
_NUMBER_WORDS = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "twelve": "12",
}
_EMPTY_WORDS = frozenset([
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "has", "have", "how", "if",
    "in", "is", "it", "its", "no", "not", "of", "on", "or", "so", "than", "that", "the", "then", "there", "they",
    "this", "to", "was", "what", "when", "which", "with", "you", "each", "every", "all", "any", "given", "list",
    "return", "int", "str", "bool", "len", "range", "set", "dict", "none", "true", "false", "function", "value",
])  # fmt: skip


def stated_purpose(code: str, statement: str) -> str:
    """The sentence of `statement` that tells why `code`, a line or a statement, is there; "": none does so surely."""
    sentences = _sentences(statement)
    words = set(_stems(_of_code(code)))
    scores = [_score(words, sentence.stems, _rarity(statement)) for sentence in sentences]
    if not scores or (best := max(scores)) < _LEAST_SCORE:
        return ""
    lower_scores = [score for score in scores if score < best]
    if scores.count(best) > 1 or (lower_scores and best - max(lower_scores) < _LEAST_LEAD):
        return ""
    sentence = sentences[scores.index(best)]
    return sentence.text if len(sentence.stems - words) >= _NEW_WORDS else ""


class _Sentence:
    def __init__(self, text: str) -> None:
        self.text = text
        self.stems = frozenset(_stems(text))


@lru_cache(maxsize=16)
def _sentences(statement: str) -> tuple[_Sentence, ...]:
    prose = _EXAMPLE.sub("\n\n", statement)
    sentences = [" ".join(part.split()) for part in _SENTENCE_END.split(prose)]
    parts = [part for sentence in sentences for part in _short_parts(sentence)]
    statements = [_without_connective(part).rstrip(".:;, ") for part in parts if not part.endswith("?")]
    return tuple(_Sentence(part) for part in statements if len(_stems(part)) >= _NEW_WORDS)


def _without_connective(part: str) -> str:
    part = re.sub(r"^(?:and|but|or|so|then|which)\s+", "", part, flags=re.IGNORECASE)
    return part[:1].upper() + part[1:]


def _short_parts(sentence: str) -> list[str]:
    if len(sentence) <= LONGEST:
        return [sentence]
    parts = [part.strip() for part in re.split(r"[;:]\s|,\s(?=but|or|and|which|so)\b", sentence)]
    return [part for part in parts if 20 <= len(part) <= LONGEST]


@lru_cache(maxsize=16)
def _rarity(statement: str) -> dict[str, float]:
    """How much a shared word tells: 1 where one sentence has it, less where several do."""
    counts = Counter(stem for sentence in _sentences(statement) for stem in sentence.stems)
    return {stem: 1.0 / count for stem, count in counts.items()}


def _score(words: set[str], stems: frozenset[str], rarity: dict[str, float]) -> float:
    shared = words & stems
    return math.fsum((1.5 if _is_telling_number(word) else 1.0) * rarity[word] for word in shared)


def _is_telling_number(word: str) -> bool:
    return word.lstrip("-").isdigit() and word not in ("0", "1", "2")


def _of_code(code: str) -> str:
    """The words of a line's names, numbers and texts, without keywords."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(code.strip() + (" pass" if code.rstrip().endswith(":") else ""))
        except (SyntaxError, ValueError):
            return " ".join(word for word in re.findall(r"\w+", code) if word not in KEYWORDS)
    parts = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                parts.append(name.replace("_", " "))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(number))):
                parts.append(f"-{number}")
            case ast.Constant(value=value) if value is not None and not isinstance(value, bool):
                parts.append(str(value))
    return " ".join(parts)


def _stems(text: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))]
    stems = [_NUMBER_WORDS.get(word) or _stem(word) for word in words if word not in _EMPTY_WORDS]
    return [stem for stem in stems if len(stem) > 2 or stem.lstrip("-").isdigit()]


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word
