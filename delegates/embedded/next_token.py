"""How probable each next token of a program is: the standard library, the person's own text and the open file, mixed.

Of each order from the highest down, first the open file, then the person's own text, then the standard library take
the share of the probability that they have earned there (Witten-Bell smoothing, nested as in Hellendoorn and Devanbu
2017, "Are Deep Neural Networks the Best Choice for Modeling Source Code?"). Names that cannot be meant, as nothing
defines them, give their share to names of the file that were used lately. Not here: choosing a line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from delegates.embedded.ngram_model import NgramModel
from delegates.embedded.recent_text import ORDER, RecentText
from delegates.embedded.variables import VariableCoder, coded_stream
from delegates.embedded.vocabulary import DEDENT, INDENT, LINE_END, NAME, NUMBER, RARE, STRING
from delegates.python_lexer import PREDEFINED, is_name

_INSTANCES = ("self", "cls")
"""Names that only methods have."""

_LEAST_MASS = 0.002
"""Probability that is still to be given below which lower orders are not asked."""

_DECAY = 80.0
"""Tokens after which a name used in the file counts 1/e."""

_NOTHING_KNOWN = {NAME: 0.4, LINE_END: 0.1}
"""What is expected where no context tells."""

_NEW_NAME = "<new name>"
"""What no name of the file is meant by: a new one."""

_SHORT_LITERAL = 3
"""Characters of a number or text, quotes included, that any program may have."""

_RECENT_TOKENS = 1500
_NEW_NAME_AFTER = frozenset({"def", "class", "import", "from", "as", "for", "global", "nonlocal", "lambda"})
_LINE_STARTS = frozenset({LINE_END, INDENT, DEDENT})


@dataclass(frozen=True, slots=True)
class _Source:
    """What followed a context somewhere. totals: how often, by order from the lowest. counts: of an order (from 0).

    distinct_weight: how much each different token counts against the counts: more, the less they are trusted.
    """

    totals: Sequence[int]
    counts: Callable[[int], Mapping[str, float]]
    distinct_weight: float


@dataclass(frozen=True, eq=False)
class NextToken:
    """The mixture for one open file.

    before: the file's tokens up to the place, which `file` ends with or before. earlier, earlier_coded: the person's
    earlier text, and the codes of it (`variables`). idioms, library: models of codes.
    """

    file: RecentText
    before: tuple[str, ...]
    earlier: RecentText | None = None
    library: NgramModel | None = None
    earlier_coded: RecentText | None = None
    idioms: NgramModel | None = None
    cache: dict[tuple[str, ...], dict[str, float]] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that stand in the file."""
        return frozenset(token for token in self.file.positions if is_name(token))

    @cached_property
    def usable_names(self) -> frozenset[str]:
        """Names that may be used."""
        return self.names | PREDEFINED

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

    @cached_property
    def _coder(self) -> VariableCoder:
        """Of the file's tokens up to the place."""
        coder = VariableCoder()
        coded_stream(self.before, coder)
        return coder

    @cached_property
    def _coded(self) -> RecentText:
        """The codes of the file's tokens up to the place."""
        text = RecentText()
        text.add(coded_stream(self.before))
        return text

    def probabilities(self, context: Sequence[str]) -> Mapping[str, float]:
        """Each likely next token's probability; what is missing to 1 is tokens that nobody can name.

        context: all tokens before it; if they begin with `before`, its variables are known.
        """
        size = len(self.before)
        goes_on = tuple(context[:size]) == self.before
        coder = self._coder.copy() if goes_on else VariableCoder()
        codes = [*self._coded.tokens[-ORDER:], *coded_stream(context[size:] if goes_on else context, coder)][-ORDER:]
        key = (*context[-ORDER:], *codes, *coder.names)
        if key not in self.cache:
            self.cache[key] = self._with_names_of_the_file(self._mixed(context[-ORDER:], codes, coder), context)
        return self.cache[key]

    def _mixed(self, context: Sequence[str], codes: Sequence[str], coder: VariableCoder) -> dict[str, float]:
        """What the sources say, mixed. context: the last tokens; codes: theirs; coder: after them."""
        sources = self._sources(context, codes, coder)
        mixed: dict[str, float] = {}
        mass, seen = 1.0, [0] * len(sources)
        for order in range(max(len(source.totals) for source in sources), 0, -1):
            for i, source in enumerate(sources):
                if order <= len(source.totals) and (total := source.totals[order - 1]) > seen[i]:
                    seen[i] = total
                    mass = _give(mixed, mass, source.counts(order - 1), total, source.distinct_weight)
            if mass < _LEAST_MASS:
                return mixed
        for token, share in _NOTHING_KNOWN.items():
            mixed[token] = mixed.get(token, 0.0) + mass * share
        return mixed

    def _sources(self, context: Sequence[str], codes: Sequence[str], coder: VariableCoder) -> list[_Source]:
        """In the order in which they take their share: by names first, then by how lately variables were used."""
        by_name = [text.successors(context) for text in (self.file, self.earlier) if text is not None]
        by_use = [text.successors(codes) for text in (self._coded, self.earlier_coded) if text is not None]
        sources = [_Source([sum(counts.values()) for counts in orders], orders.__getitem__, 1.0) for orders in by_name]
        sources += [
            _Source([sum(counts.values()) for counts in orders], partial(_decoded_order, orders, coder), 1.0)
            for orders in by_use
        ]
        for model, weight in ((self.idioms, 1.0), (self.library, 3.0)):
            if model is not None:
                ranges = model.ranges(codes)
                counts = partial(_decoded_counts, model, ranges, coder)
                sources.append(_Source([len(places) for places in ranges], counts, weight))
        return sources

    def _with_names_of_the_file(self, mixed: dict[str, float], context: Sequence[str]) -> dict[str, float]:
        """Gives what is unknown here to names that are used here."""
        last = context[-1] if context else LINE_END
        if last == "for":
            return self._loop_names(mixed)
        if last == "in" and len(context) > 2 and context[-3] == "for":
            mixed = self._with_plural(mixed, context[-2])
        shares, allowed = self._shares(last, context[-2] if len(context) > 1 else "")
        result: dict[str, float] = {}
        unknown_share = 0.0
        for token, share in mixed.items():
            is_foreign = (
                token not in self.names if token in _INSTANCES else allowed is not None and token not in allowed
            )
            if token == _NEW_NAME:
                continue
            if token in RARE or (is_foreign and is_name(token)):
                unknown_share += share if token not in (NUMBER, STRING) else 0.0
            elif self._is_foreign_literal(token):
                continue
            else:
                result[token] = share
        for token, share in shares.items():
            result[token] = result.get(token, 0.0) + unknown_share * share
        return result

    def _loop_names(self, mixed: Mapping[str, float]) -> dict[str, float]:
        """What a loop's variable may be called: not as something else is, but as one of what is gone through."""
        bound = set(self._coder.names)
        result = {
            token: share for token, share in mixed.items() if token not in bound and token not in (*RARE, _NEW_NAME)
        }
        new_share = max(1.0 - sum(result.values()), 0.0) / 2
        singulars = {name: singular(name) for name in self._coder.names if singular(name) not in {"", *bound}}
        weights = {element: self.variables.get(name, 0.01) + 0.01 for name, element in singulars.items()}
        for element, weight in weights.items():
            result[element] = result.get(element, 0.0) + new_share * weight / sum(weights.values())
        return result

    def _with_plural(self, mixed: Mapping[str, float], target: str) -> dict[str, float]:
        """With at least half of the probability for what the loop's variable is one of, if that is there."""
        plurals = [name for name in self._coder.names if singular(name) == target]
        result = {token: share * 0.5 for token, share in mixed.items()} if plurals else dict(mixed)
        for name in plurals:
            result[name] = result.get(name, 0.0) + 0.5 / len(plurals)
        return result

    def _is_foreign_literal(self, token: str) -> bool:
        """Whether a text or number is one of another program's: long, and nowhere in this file."""
        is_literal = token[0].isdigit() or token[-1] in "\"'"
        return is_literal and len(token) > _SHORT_LITERAL and token not in self.file.positions

    def _shares(self, last: str, before_last: str) -> tuple[Mapping[str, float], frozenset[str] | None]:
        """The names that may be meant after a token, and all that are known there; None: any name may stand there."""
        if last in _NEW_NAME_AFTER:
            return {}, None
        if last == ".":
            is_self = before_last == "self"
            return (self.own_attributes, frozenset(self.own_attributes)) if is_self else (self.attributes, None)
        return self.variables, None if last in _LINE_STARTS else self.usable_names


def singular(name: str) -> str:
    """What one of several things of this name is called; "": it is no plural."""
    last = name.rpartition("_")[2]
    if len(last) < 3 or not last.endswith("s") or last.endswith(("ss", "us", "is")):
        return ""
    for ending, replacement in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("sses", "ss")):
        if last.endswith(ending) and len(last) > len(ending) + 1:
            return name.removesuffix(ending) + replacement
    return name[:-1]


def _decoded_order(orders: Sequence[Mapping[str, float]], coder: VariableCoder, order: int) -> dict[str, float]:
    return _decoded(orders[order], coder)


def _decoded_counts(model: NgramModel, ranges: Sequence[range], coder: VariableCoder, order: int) -> dict[str, float]:
    return _decoded(model.counts(ranges[order]), coder)


def _decoded(counts: Mapping[str, float], coder: VariableCoder) -> dict[str, float]:
    """The counts of the tokens that codes stand for; a new name's under `NAME`."""
    decoded: dict[str, float] = {}
    for code, count in counts.items():
        token = coder.decode(code) or _NEW_NAME
        decoded[token] = decoded.get(token, 0.0) + count
    return decoded


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
