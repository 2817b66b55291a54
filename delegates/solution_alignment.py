"""Which lines of a person's text are which lines of a problem's solution, also where names differ.

Statements are compared by tokens. A name that the solution binds may be called otherwise in the text; which is which is
voted by the statements that are alike, and the alignment is computed again with these names until nothing changes.
Not here: what follows for an assistant's text (`delegates.tutor`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from alignment import similarity
from delegates.python_lexer import BUILTINS, CLOSING, OPENING, is_name
from delegates.statements import Solution, Statement, code_tokens, normal_form

LEAST_SIMILARITY = 0.6
"""Share of tokens from which a statement that is not the solution's may be meant to be it."""

ROUNDS = 4
"""How often names are voted at most."""

_SHORT = 5
"""Tokens of a statement up to which it may be like another one by chance, if nothing but its form is the same."""

_EXACT = 3.0
"""Score of a statement that says the same; a similar one has at most 1."""


@dataclass(frozen=True, eq=False)
class SolutionAlignment:
    """A text of n statements beside a solution of g statements.

    of_text: (n,) the solution's statement that each is or is meant to become; -1: none.
    of_solution: (g,) the text's statement that is it, or is meant to become it; -1: none.
    exact: (g,) whether the text's statement says the same. weight: (g,) how much that tells: 0.5 for a short
    one of new names only, such as `x = 0`, else 1. elsewhere: the solution's statements that an unmatched one of the
    text says, so that they stand in another order. names: the text's name for names of the solution.
    """

    statements: tuple[Statement, ...]
    solution: Solution
    of_text: tuple[int, ...]
    of_solution: tuple[int, ...]
    exact: tuple[bool, ...]
    weight: tuple[float, ...]
    elsewhere: frozenset[int]
    names: Mapping[str, str]

    @cached_property
    def new_names(self) -> Mapping[str, str]:
        """What the solution's other names are to be called in the text: themselves, unless the text has another use."""
        used = {token.text for statement in self.statements for token in statement.tokens if token.variable}
        names = dict(self.names)
        for name in sorted(self.solution.bound - set(names)):
            names[name] = next(free for free in _variants(name) if free not in used)
            used.add(names[name])
        return names

    def rendered(self, j: int) -> list[str]:
        """The rows of the solution's statement `j` with the text's names, the first one without indentation."""
        statement = self.solution.statements[j]
        renamed = rename("\n".join(statement.lines), self.new_names).split("\n")
        return [line.removeprefix(statement.indent) for line in renamed]


@dataclass(frozen=True, slots=True)
class Continuation:
    """What is missing of a statement that is begun; names: the text's names with those that its beginning adds."""

    remainder: str
    names: Mapping[str, str]


def continuation(typed: str, j: int, alignment: SolutionAlignment) -> Continuation | None:
    """How `typed`, without indentation, goes on to be the solution's statement `j`; None: it is no beginning of it.

    The last word may be half written. A name that is new in the text is what the solution calls otherwise.
    """
    typed_tokens, solution_tokens = code_tokens(typed), alignment.solution.statements[j].tokens
    if not 0 < len(typed_tokens) <= len(solution_tokens):
        return None
    names = dict(alignment.names)
    rest_of_word = ""
    for i, (token, other) in enumerate(zip(typed_tokens, solution_tokens, strict=False)):
        is_last = i == len(typed_tokens) - 1 and token.end == len(typed)
        free = other.variable and other.text in alignment.solution.bound and other.text not in names
        expected = {**alignment.new_names, **names}.get(other.text, other.text) if other.variable else other.text
        if normal_form(token.text) == normal_form(expected):
            names |= {other.text: token.text} if free else {}
        elif is_last and expected.startswith(token.text):
            rest_of_word = expected[len(token.text) :]
        elif free and token.variable and _is_new_name(token.text, alignment, names):
            names[other.text] = token.text
        else:
            return None
    code = "\n".join(alignment.solution.statements[j].lines)
    remainder = rest_of_word + rename(code, {**alignment.new_names, **names}, len(typed_tokens))
    return Continuation(remainder.lstrip() if typed[-1:].isspace() else remainder, names)


def _is_new_name(word: str, alignment: SolutionAlignment, names: Mapping[str, str]) -> bool:
    """Whether a word names nothing else: no builtin, no other name of the text's that the solution has, too."""
    return word not in BUILTINS and word not in names.values()


def rename(code: str, names: Mapping[str, str], tokens: int = 0) -> str:
    """The code behind its first `tokens` tokens, with other names for its variables."""
    all_tokens = code_tokens(code)
    parts, done = [], all_tokens[tokens - 1].end if tokens else 0
    for token in all_tokens[tokens:]:
        parts += [code[done : token.start], names.get(token.text, token.text) if token.variable else token.text]
        done = token.end
    return "".join([*parts, code[done:]])


def _variants(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def align_with_solution(statements: Sequence[Statement], solution: Solution) -> SolutionAlignment:
    """The alignment of a text's statements with a solution's; both in order."""
    names: dict[str, str] = {}
    pairs: list[tuple[int, int]] = []
    for _ in range(ROUNDS):
        comparison = _Comparison(statements, solution, names)
        new_pairs = _best_pairs(comparison, len(statements), len(solution.statements))
        voted = _vote([comparison.unified(i, j) for i, j in new_pairs])
        if new_pairs == pairs and voted == names:
            break
        names, pairs = voted, new_pairs
    return _alignment(_Comparison(statements, solution, names), pairs)


def _alignment(comparison: _Comparison, pairs: Sequence[tuple[int, int]]) -> SolutionAlignment:
    statements, solution = comparison.statements, comparison.solution
    of_text, of_solution = [-1] * len(statements), [-1] * len(solution.statements)
    exact, weight = [False] * len(of_solution), [1.0] * len(of_solution)
    exact_names = {j: comparison.unified(i, j) or {} for i, j in pairs if comparison.says_the_same(i, j)}
    times = Counter(pair for names in exact_names.values() for pair in names.items())
    for i, j in pairs:
        of_text[i], of_solution[j], exact[j] = j, i, j in exact_names
        new_names = [pair[0] != pair[1] and times[pair] == 1 for pair in exact_names.get(j, {}).items()]
        if new_names and all(new_names) and len(solution.statements[j].words) <= _SHORT:
            weight[j] = 0.5
    return SolutionAlignment(
        tuple(statements),
        solution,
        tuple(of_text),
        tuple(of_solution),
        tuple(exact),
        tuple(weight),
        frozenset(_in_other_order(comparison, of_text, of_solution)),
        comparison.names,
    )


def _in_other_order(comparison: _Comparison, of_text: Sequence[int], of_solution: Sequence[int]) -> Iterator[int]:
    """Unmatched statements of the solution that say what an unmatched one of the text says."""
    unmatched = [i for i, j in enumerate(of_text) if j < 0]
    for j, i in enumerate(of_solution):
        if i < 0 and any(comparison.may_say_the_same(other, j) for other in unmatched):
            yield j


@dataclass(frozen=True, eq=False)
class _Comparison:
    """Statements of a text and of a solution, compared with the names known so far."""

    statements: Sequence[Statement]
    solution: Solution
    names: Mapping[str, str]
    _characters: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _solution_name(self) -> dict[str, str]:
        return {text_name: solution_name for solution_name, text_name in self.names.items()}

    def unified(self, i: int, j: int) -> dict[str, str] | None:
        """The text's name for each variable of the solution's statement if both say the same; None: they do not."""
        statement, solution_statement = self.statements[i], self.solution.statements[j]
        if statement.words[0] == solution_statement.words[0] == "def":
            return _same_definition(statement.words, solution_statement.words, self.solution.bound)
        if len(statement.words) != len(solution_statement.words):
            return None
        names: dict[str, str] = {}
        for word, token, other, other_token in zip(
            statement.words, statement.tokens, solution_statement.words, solution_statement.tokens, strict=True
        ):
            if other_token.variable and other in self.solution.bound:
                if not token.variable or (word in BUILTINS and word != other) or names.setdefault(other, word) != word:
                    return None
            elif word != other:
                return None
        return names if len(set(names.values())) == len(names) else None

    def says_the_same(self, i: int, j: int) -> bool:
        """Whether both statements say the same, in blocks of one depth and with the names as they are known."""
        names = self.unified(i, j)
        same_depth = self.statements[i].depth == self.solution.statements[j].depth
        return names is not None and same_depth and all(self.names.get(a) == b for a, b in names.items())

    def may_say_the_same(self, i: int, j: int) -> bool:
        """Whether both say the same but for the depth and for names that are not known."""
        names = self.unified(i, j)
        return names is not None and all(self._agreement(a, b) >= 0 for a, b in names.items())

    def score(self, i: int, j: int) -> float:
        """How good a match is; 0: none."""
        statement, solution_statement = self.statements[i], self.solution.statements[j]
        names = self.unified(i, j)
        if names is not None:
            agreeing = [self._agreement(a, b) for a, b in names.items()]
            if min(agreeing, default=1.0) >= 0:
                share = sum(agreeing) / len(agreeing) if agreeing else 1.0
                return _EXACT + share - (statement.depth != solution_statement.depth)
        alike = _similarity(self._text_codes[i], self._solution_codes[j])
        return alike if alike >= LEAST_SIMILARITY else 0.0

    def _agreement(self, solution_name: str, text_name: str) -> float:
        """1: known to be the same name, 0.5: spelled alike, 0: unknown, -1: known to be another one."""
        name = self.names.get(solution_name)
        if name is None and text_name not in self._solution_name:
            return 0.5 if solution_name == text_name else 0.0
        return 1.0 if name == text_name else -1.0

    @cached_property
    def _text_codes(self) -> list[str]:
        """Each of the text's statements with a character for each token, its names turned into the solution's."""
        return [
            self._code([self._solution_name.get(token.text, word) if token.variable else word for word, token in pairs])
            for pairs in (zip(statement.words, statement.tokens, strict=True) for statement in self.statements)
        ]

    @cached_property
    def _solution_codes(self) -> list[str]:
        return [self._code(statement.words) for statement in self.solution.statements]

    def _code(self, words: Sequence[str]) -> str:
        return "".join([self._characters.setdefault(word, chr(0x100 + len(self._characters))) for word in words])


def _similarity(a: str, b: str) -> float:
    """As `alignment.similarity`, but 0 where counting the characters that both have shows that it is too low."""
    shared = min(sum(map(b.__contains__, a)), sum(map(a.__contains__, b)))
    return similarity(a, b) if 2 * shared >= LEAST_SIMILARITY * (len(a) + len(b)) else 0.0


def _same_definition(
    words: Sequence[str], solution_words: Sequence[str], bound: frozenset[str]
) -> dict[str, str] | None:
    """The names of two `def` lines if they differ at most in names and annotations; None: in more."""
    if len(words) < 3 or len(solution_words) < 3:
        return None
    parameters, solution_parameters = _parameters(words), _parameters(solution_words)
    if len(parameters) != len(solution_parameters) or (
        words[1] != solution_words[1] and solution_words[1] not in bound
    ):
        return None
    named = zip([solution_words[1], *solution_parameters], [words[1], *parameters], strict=True)
    return {solution_name: name for solution_name, name in named if solution_name in bound}


def _parameters(definition: Sequence[str]) -> list[str]:
    """Names of the parameters of a `def` line's words."""
    names, depth = [], 0
    for before, word in pairwise(definition):
        depth += (word in OPENING) - (word in CLOSING)
        if depth == 1 and before in ("(", ",", "*", "**") and is_name(word):
            names.append(word)
    return names


def _best_pairs(comparison: _Comparison, rows: int, columns: int) -> list[tuple[int, int]]:
    """Pairs that rise in both and have the greatest sum of scores; of equal ones the earliest of the solution."""
    scores = [[comparison.score(i, j) for j in range(columns)] for i in range(rows)]
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            matched = scores[i][j] + best[i + 1][j + 1] if scores[i][j] else 0.0
            best[i][j] = max(matched, best[i + 1][j], best[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < rows and j < columns:
        if scores[i][j] and best[i][j] == scores[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _vote(unified: Sequence[dict[str, str] | None]) -> dict[str, str]:
    """The text's name for each name of the solution, each at most once, by how many statements say so."""
    votes: Counter[tuple[str, str]] = Counter()
    for names in unified:
        votes.update(names.items() if names else ())
    chosen: dict[str, str] = {}
    for solution_name, text_name in sorted(votes, key=lambda pair: (-votes[pair], pair[0] != pair[1], pair)):
        if solution_name not in chosen and text_name not in chosen.values():
            chosen[solution_name] = text_name
    return chosen
