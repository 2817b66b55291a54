"""An n-gram model of unbounded order over a fixed corpus of tokens, in two arrays.

The corpus is kept as token numbers. Its positions are sorted by the tokens before them, the nearest first, so that the
positions that follow a context are a range, and a longer context is a range within it (the suffix array of Liu et al.
2024, "Infini-gram", read backwards). Not here: mixing it with other models, text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from delegates.embedded.vocabulary import LINE_END, RARE, STRUCTURE, rare_kind

ORDER = 7
"""Tokens of context that positions are sorted by."""

_MOST_TOKENS = 60_000
"""Size of the vocabulary at most: numbers are of 16 bits."""

_SAMPLE = 120
"""Positions of a range that are looked at, evenly spaced: enough for the probabilities that matter."""


@dataclass(frozen=True, eq=False)
class NgramModel:
    """words: the vocabulary, by number. tokens: `(N,)` uint16, the corpus."""

    words: tuple[str, ...]
    tokens: NDArray[np.uint16]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def _sorted(self) -> NDArray[np.int32]:
        """`(N,)` positions sorted by the tokens before them: least significant first, so each sort is stable."""
        order = np.arange(len(self.tokens), dtype=np.int32)
        for distance in range(ORDER, 0, -1):
            order = order[np.argsort(self.tokens[order - distance], kind="stable")]
        return order

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """`(V + 1,)` where the positions that follow each token begin in `_sorted`."""
        counts = np.bincount(np.roll(self.tokens, 1), minlength=len(self.words))
        return np.concatenate([[0], np.cumsum(counts)])

    def prepare(self) -> None:
        """Sorts, which takes most of a second for a million tokens; else the first question does."""
        _ = self._sorted, self._starts, self.numbers

    def number(self, token: str) -> int:
        """The token's number, or that of its kind where it is not known; -1: neither."""
        number = self.numbers.get(token)
        if number is None:
            number = self.numbers.get(rare_kind(token) or "", -1)
        return number

    def ranges(self, context: Sequence[str]) -> list[range]:
        """The places that follow the context's last token, last two tokens and so on, as long as they occur."""
        ranges: list[range] = []
        low, high = 0, len(self.tokens)
        for distance, token in enumerate(reversed(context[-ORDER:]), 1):
            number = self.number(token)
            if number < 0:
                break
            if distance == 1:
                low, high = int(self._starts[number]), int(self._starts[number + 1])
            else:
                low, high = self._narrow(low, high, distance, number)
            if high <= low:
                break
            ranges.append(range(low, high))
        return ranges

    def counts(self, places: range) -> dict[str, float]:
        """How often each token stands at the places; of many, as a sample has it."""
        positions = self._sorted[places.start : places.stop : max(len(places) // _SAMPLE, 1)]
        sample = self.tokens[positions]
        sample.sort()
        first = np.flatnonzero(np.concatenate([[True], sample[1:] != sample[:-1]]))
        counts = np.diff(first, append=len(sample)) * (len(places) / len(sample))
        words = self.words
        return {words[number]: count for number, count in zip(sample[first].tolist(), counts.tolist(), strict=True)}

    def _narrow(self, low: int, high: int, distance: int, number: int) -> tuple[int, int]:
        """The part of a range where `number` stands `distance` tokens before."""
        if high - low <= 4096:
            column = self.tokens[self._sorted[low:high] - distance]
            first, last = np.searchsorted(column, [number, number + 1])
            return low + int(first), low + int(last)
        first = self._bisect(low, high, distance, number)
        return first, self._bisect(first, high, distance, number + 1)

    def _bisect(self, low: int, high: int, distance: int, number: int) -> int:
        tokens, order = self.tokens, self._sorted
        while low < high:
            middle = (low + high) // 2
            if tokens[order[middle] - distance] < number:
                low = middle + 1
            else:
                high = middle
        return low

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` makes the model of, for a file."""
        words = np.frombuffer("\0".join(self.words).encode("utf-8", "surrogatepass"), dtype=np.uint8)
        return {"words": words, "tokens": self.tokens}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> NgramModel:
        """Raises ValueError, KeyError: these are not the arrays of a model."""
        words = tuple(arrays["words"].tobytes().decode("utf-8", "surrogatepass").split("\0"))
        tokens = arrays["tokens"]
        if tokens.dtype != np.uint16 or tokens.ndim != 1 or len(tokens) <= ORDER or int(tokens.max()) >= len(words):
            raise ValueError("not the tokens of a model")
        return cls(words, tokens)


def count_tokens(streams: Iterable[Sequence[str]]) -> NgramModel:
    """The model of programs given as `token_stream`s. A token of only one program is known by its kind alone."""
    programs = list(streams)
    programs_with = Counter(token for program in programs for token in set(program))
    shared = [token for token, count in programs_with.most_common() if count > 1 or rare_kind(token) is None]
    signs = (*STRUCTURE, *RARE)
    words = (*signs, *[token for token in shared if token not in signs])[:_MOST_TOKENS]
    numbers = {word: number for number, word in enumerate(words)}
    corpus = [
        numbers.get(token, numbers.get(rare_kind(token) or "", numbers[NAME_OF_UNKNOWN]))
        for program in programs
        for token in (LINE_END, *program)
    ]
    corpus += [numbers[LINE_END]] * (ORDER + 1 - len(corpus))  # so that each position has a whole context
    return NgramModel(words, np.array(corpus, dtype=np.uint16))


NAME_OF_UNKNOWN = RARE[0]
