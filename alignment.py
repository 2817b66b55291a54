"""Which line of one text is which line of another, and what changed inside a line.

Equal lines are found first, in their order (anchored on unique lines, as in patience diff) and then where they moved
to; what is left is paired by similarity. Near-linear in the number of lines: no step compares every line with every
other. Not here: attribution, rewards, what an edit means.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IN_PLACE_SIMILARITY = 0.6
"""Similarity from which two lines of one gap are one line, rewritten; of lines near each other in code 7 % have it."""

MOVED_SIMILARITY = 0.7
"""Similarity from which a line was rewritten and moved: it is not in its place, so it must be more alike."""

_EXACT_CELLS = 1024
"""Table size up to which equal lines in order are found exactly."""

_EXACT_CHARACTERS = 1000
"""Characters in dispute up to which they are compared in order."""

_MOST_PAIRS = 1024
"""Pairs of lines of a gap that are compared at most (or two a line, in a longer gap)."""

_DEEPEST = 32
"""Splits at unique lines within each other at most; real texts need three or four."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where each line of the new text came from.

    source: `(len(new),)` the old line that each new line is, each used once; -1: a new line.
    equal: `(len(new),)` whether its text is unchanged (line ends do not count).
    removed: old lines that are nowhere in the new text, in order.
    """

    source: NDArray[np.int64]
    equal: NDArray[np.bool_]
    removed: tuple[int, ...]


def align(old: Sequence[str], new: Sequence[str]) -> Alignment:
    """The alignment of two texts given as lines.

    In this order: lines equal at both ends; equal lines in order; equal lines that moved (blank ones do not move);
    similar lines within a gap between equal ones, then across gaps; last, what is unmatched in a gap in which as many
    lines were inserted as deleted is paired by position, and a deleted blank line is what was written there first.
    """
    head, tail = _equal_ends(old, new, (0, len(old), 0, len(new)))
    match = np.full(len(new), -1, dtype=np.int64)
    match[:head] = np.arange(head)
    match[len(new) - tail :] = np.arange(len(old) - tail, len(old))
    equal = match >= 0
    deleted, inserted = len(old) - head - tail, len(new) - head - tail
    if deleted == inserted == 1:  # the commonest edit; the only two lines are paired however they differ
        match[head], equal[head] = head, strip_line_end(old[head]) == strip_line_end(new[head])
    elif deleted and inserted:
        region = _RegionAligner(
            _strip_line_ends(old[head : head + deleted]), _strip_line_ends(new[head : head + inserted])
        )
        source, same = region.aligned()
        match[head : head + inserted] = np.where(source >= 0, source + head, -1)
        equal[head : head + inserted] = same
    is_removed = np.ones(len(old), dtype=np.bool_)
    is_removed[match[match >= 0]] = False
    match.flags.writeable = equal.flags.writeable = False
    return Alignment(match, equal, tuple(np.flatnonzero(is_removed).tolist()))


def similarity(a: str, b: str) -> float:
    """Twice the length of the longest common subsequence over the sum of lengths: 1 equal, 0 nothing in common.

    The caller strips the texts. Above some length in dispute it is an upper bound (`lcs_length`), so it stays linear.
    """
    if a == b:
        return 1.0
    return 2 * lcs_length(a, b) / (len(a) + len(b))


def lcs_length(a: str, b: str) -> int:
    """Characters that two texts share: the length of their longest common subsequence.

    Bit-parallel (Hyyro 2004, "Bit-parallel LCS-length computation revisited"), common ends apart. Where more than
    1,000 characters are in dispute on both sides, the characters shared in any order: an upper bound, but linear.
    """
    ends = common_prefix(a, b)
    a, b = a[ends:], b[ends:]
    tail = _common_suffix(a, b)
    a, b = a[: len(a) - tail], b[: len(b) - tail]
    ends += tail
    if len(a) > len(b):
        a, b = b, a
    if not a:
        return ends
    if len(a) > _EXACT_CHARACTERS:
        return ends + (Counter(a) & Counter(b)).total()
    positions_of: dict[str, int] = {}
    for i, character in enumerate(a):
        positions_of[character] = positions_of.get(character, 0) | 1 << i
    every = (1 << len(a)) - 1
    zeros = every
    for character in b:
        if positions := positions_of.get(character):
            hit = zeros & positions
            zeros = (zeros + hit | zeros - hit) & every
    return ends + len(a) - zeros.bit_count()


class ChangedSpan(NamedTuple):
    """The half-open span of a text that an edit changed, and how many characters it added to and deleted from it."""

    start: int
    end: int
    added: int
    deleted: int


def changed_span(old: str, new: str) -> ChangedSpan:
    """The span of `new` that is not common with `old` at either end. Equal texts: an empty span at the end."""
    start = common_prefix(old, new)
    tail = _common_suffix(old[start:], new[start:])
    end = len(new) - tail
    return ChangedSpan(start, end, end - start, len(old) - tail - start)


def strip_line_end(line: str) -> str:
    """A line's text without its line end."""
    return line.rstrip("\r\n")


def _strip_line_ends(lines: Sequence[str]) -> list[str]:
    return [line.rstrip("\r\n") for line in lines]


def common_prefix(a: str, b: str) -> int:
    """Length of the longest text that both start with, by bisection: slices compare fast, single characters do not."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(a: str, b: str) -> int:
    return common_prefix(a[::-1], b[::-1])


Block = tuple[int, int, int, int]
"""Part of two sequences: old from, old to, new from, new to."""


def _equal_ends(old: Sequence[object], new: Sequence[object], block: Block) -> tuple[int, int]:
    """How many items are equal at the start and, apart from these, at the end of a block."""
    a0, a1, b0, b1 = block
    short = min(a1 - a0, b1 - b0)
    head = 0
    while head < short and old[a0 + head] == new[b0 + head]:
        head += 1
    tail = 0
    while tail < short - head and old[a1 - 1 - tail] == new[b1 - 1 - tail]:
        tail += 1
    return head, tail


class _RegionAligner:
    """Aligns what differs between two texts: lines without line ends. match: old line of each new one, -1: none."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        self.old, self.new = old, new
        self.match = [-1] * len(new)
        self.used = [False] * len(old)

    def aligned(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """`(source, equal)` of the new lines, numbered within the region."""
        anchors = common_subsequence(self.old, self.new)
        self._match_pairs(anchors)
        self._match_moved()
        equal = np.array(self.match, dtype=np.int64) >= 0
        gaps = self._gaps(anchors)
        for deleted, inserted in gaps:
            self._match_pairs(_match_similar(self.old, self.new, deleted, inserted, IN_PLACE_SIMILARITY))
        deleted, inserted = self._unmatched(range(len(self.old)), range(len(self.new)))
        if len(gaps) > 1:
            self._match_pairs(_match_similar(self.old, self.new, deleted, inserted, MOVED_SIMILARITY))
        for deleted, inserted in gaps:
            self._match_by_position(deleted, inserted)
        return np.array(self.match, dtype=np.int64), equal

    def _match_pairs(self, pairs: Sequence[tuple[int, int]]) -> None:
        for i, j in pairs:
            self.used[i], self.match[j] = True, i

    def _unmatched(self, deleted: Sequence[int], inserted: Sequence[int]) -> tuple[list[int], list[int]]:
        return [i for i in deleted if not self.used[i]], [j for j in inserted if self.match[j] < 0]

    def _match_moved(self) -> None:
        """Equal lines wherever they are, the first with the first."""
        deleted, inserted = self._unmatched(range(len(self.old)), range(len(self.new)))
        positions_of: defaultdict[str, deque[int]] = defaultdict(deque)
        for i in deleted:
            if self.old[i].strip():
                positions_of[self.old[i]].append(i)
        self._match_pairs([(positions_of[self.new[j]].popleft(), j) for j in inserted if positions_of.get(self.new[j])])

    def _gaps(self, anchors: Sequence[tuple[int, int]]) -> list[tuple[list[int], list[int]]]:
        """The unmatched lines between each two equal ones in order: deleted old lines, inserted new lines."""
        ends = [(-1, -1), *anchors, (len(self.old), len(self.new))]
        gaps = (self._unmatched(range(a + 1, c), range(b + 1, d)) for (a, b), (c, d) in pairwise(ends))
        return [gap for gap in gaps if gap[0] or gap[1]]

    def _match_by_position(self, deleted: list[int], inserted: list[int]) -> None:
        as_many = len(deleted) == len(inserted)
        deleted, inserted = self._unmatched(deleted, inserted)
        if not as_many:
            deleted = [i for i in deleted if not self.old[i].strip()]
        self._match_pairs(list(zip(deleted, inserted, strict=False)))


def common_subsequence(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs `(i, j)` of equal lines, rising in both: close to the longest such list, exactly it for small texts."""
    pairs: list[tuple[int, int]] = []
    work = [(0, (0, len(old), 0, len(new)))]
    while work:
        depth, block = work.pop()
        head, tail = _equal_ends(old, new, block)
        a0, a1, b0, b1 = block
        pairs += zip(range(a0, a0 + head), range(b0, b0 + head), strict=True)
        pairs += zip(range(a1 - tail, a1), range(b1 - tail, b1), strict=True)
        a0, a1, b0, b1 = a0 + head, a1 - tail, b0 + head, b1 - tail
        if a0 == a1 or b0 == b1:
            continue
        if (a1 - a0) * (b1 - b0) <= _EXACT_CELLS:
            pairs += ((a0 + i, b0 + j) for i, j in _longest_common(old[a0:a1], new[b0:b1]))
        elif depth < _DEEPEST and (anchors := _anchors(old, new, (a0, a1, b0, b1))):
            pairs += anchors
            ends = [(a0 - 1, b0 - 1), *anchors, (a1, b1)]
            work += ((depth + 1, (a + 1, c, b + 1, d)) for (a, b), (c, d) in pairwise(ends))
    return sorted(pairs)


def _longest_common(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """A longest common subsequence by the table; of several the same one, whichever text is called the old one."""
    table = [[0] * (len(new) + 1)]
    for a in reversed(old):
        below, row = table[-1], [0] * (len(new) + 1)
        for j in range(len(new) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if a == new[j] else max(row[j + 1], below[j])
        table.append(row)
    table.reverse()
    i = j = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            yield i, j
            i, j = i + 1, j + 1
        elif (table[i + 1][j], new[j]) > (table[i][j + 1], old[i]):
            i += 1
        else:
            j += 1


def _anchors(old: Sequence[str], new: Sequence[str], block: Block) -> list[tuple[int, int]]:
    """The longest rising list of pairs of lines that are unique in the block; without any, of n-th with n-th ones."""
    a0, a1, b0, b1 = block
    in_old, in_new = Counter(old[a0:a1]), Counter(new[b0:b1])
    unique = any(count == 1 and in_new.get(line) == 1 for line, count in in_old.items())
    positions_of: defaultdict[str, deque[int]] = defaultdict(deque)
    for j in range(b0, b1):
        if not unique or in_new[new[j]] == 1:
            positions_of[new[j]].append(j)
    candidates = [
        (i, positions_of[old[i]].popleft())
        for i in range(a0, a1)
        if (not unique or in_old[old[i]] == 1) and positions_of.get(old[i])
    ]
    return longest_increasing_subsequence(candidates)


def longest_increasing_subsequence(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs (rising in the first) that rises in the second: patience sorting."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int] = []
    for k, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        before.append(piles[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [j]
        piles[pile : pile + 1] = [k]
    rising = []
    k = piles[-1] if piles else -1
    while k >= 0:
        rising.append(pairs[k])
        k = before[k]
    return rising[::-1]


def _match_similar(
    old: Sequence[str], new: Sequence[str], deleted: Sequence[int], inserted: Sequence[int], least: float
) -> list[tuple[int, int]]:
    """Pairs of lines at least so similar, the most similar first, each line once; near ones before far ones.

    In one place, a line that goes on as another began is just so similar, however much was typed. A pair waits in the
    heap under an upper bound (by length) until it comes up; only then it is compared.
    """
    lines = {(0, i): text for i in deleted if (text := old[i].strip())} | {
        (1, j): text for j in inserted if (text := new[j].strip())
    }
    heap: list[tuple[float, bool, int, int, int]] = []
    for p, q in _candidates(len(deleted), len(inserted)):
        a, b = lines.get((0, deleted[p])), lines.get((1, inserted[q]))
        if a and b:
            bound = 2 * min(len(a), len(b)) / (len(a) + len(b))
            if bound >= least or (least == IN_PLACE_SIMILARITY and _continues(a, b)):
                heap.append((-max(bound, least), True, abs(p - q), deleted[p], inserted[q]))
    heapify(heap)
    free_old, free_new = set(deleted), set(inserted)
    pairs = []
    while heap:
        _, bound_only, distance, i, j = heappop(heap)
        if i not in free_old or j not in free_new:
            continue
        if bound_only:
            a, b = lines[0, i], lines[1, j]
            exact = similarity(a, b)
            if exact >= least or (least == IN_PLACE_SIMILARITY and _continues(a, b)):
                heappush(heap, (-max(exact, least), False, distance, i, j))
            continue
        pairs.append((i, j))
        free_old.remove(i)
        free_new.remove(j)
    return pairs


def _continues(a: str, b: str) -> bool:
    return a.startswith(b) or b.startswith(a)


def _candidates(deleted: int, inserted: int) -> Iterator[tuple[int, int]]:
    """Places `(p, q)` to compare: all of them, or in a large gap those near the same relative place."""
    if deleted * inserted <= _MOST_PAIRS:
        yield from ((p, q) for p in range(deleted) for q in range(inserted))
        return
    width = max(_MOST_PAIRS // deleted, 2)
    for p in range(deleted):
        first = max(min(p * inserted // deleted - width // 2, inserted - width), 0)
        yield from ((p, q) for q in range(first, min(first + width, inserted)))
