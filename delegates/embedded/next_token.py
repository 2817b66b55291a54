"""How probable each next token of a program is: the standard library, the person's own text and the open file, mixed.

Of each order from the highest down, first the open file, then the person's own text, then the standard library take
the share of the probability that they have earned there (Witten-Bell smoothing, nested as in Hellendoorn and Devanbu
2017, "Are Deep Neural Networks the Best Choice for Modeling Source Code?"). Names that cannot be meant, as nothing
defines them, give their share to names of the file that were used lately. Not here: choosing a line.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from delegates.embedded.ngram_model import NgramModel
from delegates.embedded.recent_text import ORDER, RecentText
from delegates.embedded.vocabulary import DEDENT, INDENT, LINE_END, NAME, NUMBER, RARE, STRING
from delegates.python_lexer import is_name

BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__"}

_DISTINCT_WEIGHT = {"file": 1.0, "earlier": 1.0, "library": 3.0}
"""How much each different token that followed a context counts against the counts: more, the less they are trusted."""

_INSTANCES = ("self", "cls")
"""Names that only methods have."""

_LEAST_MASS = 0.002
"""Probability that is still to be given below which lower orders are not asked."""

_DECAY = 80.0
"""Tokens after which a name used in the file counts 1/e."""

_NOTHING_KNOWN = {NAME: 0.4, LINE_END: 0.1}
"""What is expected where no context tells."""

_RECENT_TOKENS = 1500
_NEW_NAME_AFTER = frozenset({"def", "class", "import", "from", "as", "for", "global", "nonlocal", "lambda"})
_LINE_STARTS = frozenset({LINE_END, INDENT, DEDENT})


@dataclass(frozen=True, eq=False)
class NextToken:
    """The mixture for one open file.

    before: the file's tokens up to the place, which `file` ends with or before. names: what the file uses.
    """

    file: RecentText
    before: tuple[str, ...]
    earlier: RecentText | None = None
    library: NgramModel | None = None
    cache: dict[tuple[str, ...], dict[str, float]] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that stand in the file."""
        return frozenset(token for token in self.file.positions if is_name(token))

    @cached_property
    def usable_names(self) -> frozenset[str]:
        """Names that may be used."""
        return self.names | BUILTINS

    @cached_property
    def variables(self) -> dict[str, float]:
        """Names of the file that are no attributes: what share of the latest use each has."""
        return _recent_shares(self.before, lambda before: before[-1:] not in ((".",), ("def",), ("class",)))

    @cached_property
    def attributes(self) -> dict[str, float]:
        """What stands after a dot: what share of the latest use each has."""
        return _recent_shares(self.before, lambda before: before[-1:] == (".",))

    @cached_property
    def own_attributes(self) -> dict[str, float]:
        """What stands after `self.`, and methods: what share of the latest use each has."""
        return _recent_shares(self.before, lambda before: before == ("self", ".") or before[-1:] == ("def",))

    def probabilities(self, context: Sequence[str]) -> Mapping[str, float]:
        """Each likely next token's probability; what is missing to 1 is tokens that nobody can name."""
        key = tuple(context[-ORDER:])
        if key not in self.cache:
            self.cache[key] = self._with_names_of_the_file(self._mixed(key), context)
        return self.cache[key]

    def _mixed(self, context: Sequence[str]) -> dict[str, float]:
        recent = {
            "file": self.file.successors(context),
            "earlier": self.earlier.successors(context) if self.earlier else [],
        }
        library = self.library.ranges(context) if self.library else []
        mixed: dict[str, float] = {}
        mass, seen = 1.0, {"file": 0, "earlier": 0, "library": 0}
        for order in range(max(len(library), *map(len, recent.values())), 0, -1):
            for source, by_order in recent.items():
                if order <= len(by_order) and (total := sum(by_order[order - 1].values())) > seen[source]:
                    seen[source] = total
                    mass = _give(mixed, mass, by_order[order - 1], total, _DISTINCT_WEIGHT[source])
            if self.library and order <= len(library) and (total := len(library[order - 1])) > seen["library"]:
                seen["library"] = total
                mass = _give(mixed, mass, self.library.counts(library[order - 1]), total, _DISTINCT_WEIGHT["library"])
            if mass < _LEAST_MASS:
                return mixed
        for token, share in _NOTHING_KNOWN.items():
            mixed[token] = mixed.get(token, 0.0) + mass * share
        return mixed

    def _with_names_of_the_file(self, mixed: dict[str, float], context: Sequence[str]) -> dict[str, float]:
        """Gives what is unknown here to names that are used here."""
        last = context[-1] if context else LINE_END
        shares, allowed = self._shares(last, context[-2] if len(context) > 1 else "")
        result: dict[str, float] = {}
        unknown_share = 0.0
        for token, share in mixed.items():
            is_foreign = (
                token not in self.names if token in _INSTANCES else allowed is not None and token not in allowed
            )
            if token in RARE or (is_foreign and is_name(token)):
                unknown_share += share if token not in (NUMBER, STRING) else 0.0
            else:
                result[token] = share
        for token, share in shares.items():
            result[token] = result.get(token, 0.0) + unknown_share * share
        return result

    def _shares(self, last: str, before_last: str) -> tuple[Mapping[str, float], frozenset[str] | None]:
        """The names that may be meant after a token, and all that are known there; None: any name may stand there."""
        if last in _NEW_NAME_AFTER:
            return {}, None
        if last == ".":
            is_self = before_last == "self"
            return (self.own_attributes, frozenset(self.own_attributes)) if is_self else (self.attributes, None)
        return self.variables, None if last in _LINE_STARTS else self.usable_names


def _give(mixed: dict[str, float], mass: float, counts: Mapping[str, float], total: float, weight: float) -> float:
    """Gives the share of `mass` that the counts have earned to their tokens; returns what is left."""
    earned = mass * total / (total + weight * len(counts))
    for token, count in counts.items():
        mixed[token] = mixed.get(token, 0.0) + earned * count / total
    return mass - earned


def _recent_shares(tokens: Sequence[str], belongs: Callable[[tuple[str, ...]], bool]) -> dict[str, float]:
    """Of each name among the last tokens the share of use, the latest counting most.

    belongs: whether a name counts, by the two tokens before it.
    """
    weights: dict[str, float] = {}
    recent = tuple(tokens[-_RECENT_TOKENS:])
    for i, token in enumerate(recent):
        if is_name(token) and token != "self" and belongs(recent[max(i - 2, 0) : i]):
            weights[token] = weights.get(token, 0.0) + math.exp((i - len(recent)) / _DECAY)
    total = sum(weights.values())
    return {token: weight / total for token, weight in weights.items()}
