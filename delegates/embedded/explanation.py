"""A short true sentence about a statement that says what its code does not: what it is for. Else nothing is said.

What the problem's statement says of the same things comes first, then what well-known forms of statements are for. A
sentence that only reads the code aloud helps nobody. Not here: where the sentence is written.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from delegates.embedded.purpose import stated_purpose
from delegates.python_lexer import lines_within_statements
from delegates.syntax import opens_block
from indentation import indentation

_LONGEST = 40
"""Characters of code that a sentence quotes at most."""


def explain_statement(lines: Sequence[str], line: int, stated: str = "") -> str:
    """What the statement at `line` is for, in one sentence; "": nothing certain can be said that is not in it.

    stated: what the problem asks for, in prose.
    """
    rows = _statement_rows(lines, line)
    statement = _parsed(rows) if rows else None
    if statement is None or isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return ""
    code = "\n".join(rows)
    sentence = stated_purpose(code, stated) or next(_known_forms(statement), "")
    return "" if _is_said(sentence, lines) else sentence


def explain_block(lines: Sequence[str], line: int, stated: str = "") -> list[str]:
    """What the statement at `line` with its block is for; empty: nothing certain can be said that is not in it."""
    rows = _statement_rows(lines, line)
    if not rows:
        return []
    if sentence := explain_statement(lines, line, stated):
        return [sentence]
    block = _block_below(lines, line + 1, indentation(rows[0])) if opens_block(rows[-1]) else []
    code = textwrap.dedent("\n".join([*rows, *block]))
    sentence = stated_purpose(code, stated)
    return [sentence] if sentence and not _is_said(sentence, lines) else []


def _is_said(sentence: str, lines: Sequence[str]) -> bool:
    """Whether the file says so already, in a comment or a docstring."""
    return bool(sentence) and _plain(sentence) in _plain("\n".join(lines))


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", " ", text).lower().strip()


def _statement_rows(lines: Sequence[str], line: int) -> list[str]:
    """The rows of the statement's line that the row `line` belongs to."""
    within = lines_within_statements(lines)
    start = line
    while start > 0 and within[start]:
        start -= 1
    end = start + 1
    while end < len(lines) and within[end]:
        end += 1
    return list(lines[start:end]) if lines[start].strip() else []


def _block_below(lines: Sequence[str], start: int, indent: str) -> list[str]:
    block = []
    for line in lines[start : start + 60]:
        if line.strip() and len(indentation(line)) <= len(indent):
            break
        block.append(line)
    return block


def _parsed(rows: Sequence[str]) -> ast.stmt | None:
    """The statement, of one with a block its header with a `pass`; None: it is no Python, or a mere clause."""
    text = textwrap.dedent("\n".join(rows))
    word = text.split(maxsplit=1)[0].rstrip(":")
    above = "if x:\n    pass\n" if word == "elif" else ""
    if opens_block(text):
        text += " pass"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(above + text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    if word == "elif" and tree and isinstance(tree[0], ast.If):
        return tree[0].orelse[0] if tree[0].orelse else None
    return tree[0] if len(tree) == 1 else None


# Forms that everybody writes for the same end


_FORMS: tuple[tuple[str, str], ...] = (
    ("A, B = B, A % B", "A step of Euclid's algorithm: the greatest common divisor stays the same"),
    ("A, B = B, A + B", "The next number is the sum of the two before it"),
    ("A = max(A, X)", "The largest {X} so far"),
    ("A = max(X, A)", "The largest {X} so far"),
    ("A = min(A, X)", "The smallest {X} so far"),
    ("A = min(X, A)", "The smallest {X} so far"),
    ("M[K] = M.get(K, 0) + 1", "One more {K} was seen"),
    ("N //= 10", "Drops the last digit of {N}"),
    ("D = N % 10", "The last digit of {N}"),
    ("T += N % 10", "The last digit of {N} counts too"),
    ("M = (A + B) // 2", "The middle between {A} and {B}"),
    ("S.append(S[-1] + X)", "Running totals: each is the one before and {X}"),
    ("for X in zip(S, S[1:]): pass", "Each of {S} with the one after it"),
    ("for X in pairwise(S): pass", "Each of {S} with the one after it"),
    ("for I in range(S, -1, -1): pass", "Backwards, from {S} down to 0"),
    ("for J in range(I + 1, N): pass", "Only what comes after {I}, so that no pair comes twice"),
    ("while left < right: pass", "Until left and right meet"),
    ("while low < high: pass", "Until low and high meet"),
    ("while low <= high: pass", "Until nothing is left between low and high"),
    ("while left <= right: pass", "Until nothing is left between left and right"),
    ("if __name__ == '__main__': pass", "Only when this file is run, not when it is imported"),
    ("A = float('inf')", "Larger than any number that comes, so that the first one replaces it"),
    ("A = -float('inf')", "Smaller than any number that comes, so that the first one replaces it"),
    ("A = float('-inf')", "Smaller than any number that comes, so that the first one replaces it"),
    ("S == S[::-1]", "{S} reads the same backwards"),
    ("S[::-1]", "{S} from its end to its beginning"),
    ("N % 2 == 0", "{N} is even"),
    ("N % 2 != 0", "{N} is odd"),
    ("N % 2 == 1", "{N} is odd"),
    ("len(set(S)) == len(S)", "Nothing in {S} comes twice"),
    ("len(set(S)) != len(S)", "Something in {S} comes twice"),
    ("len(set(S)) < len(S)", "Something in {S} comes twice"),
    ("sorted(S, key=len)", "The shortest first"),
    ("sorted(S, key=len, reverse=True)", "The longest first"),
    ("sorted(S, reverse=True)", "The largest first"),
    ("S.sort(key=len)", "The shortest first"),
    ("S.sort(reverse=True)", "The largest first"),
    ("-(-A // B)", "{A} divided by {B}, rounded up"),
    ("(A + B - 1) // B", "{A} divided by {B}, rounded up"),
    ("ord(C) - ord('a')", "The place of {C} in the alphabet, from 0"),
    ("[[X] * N for _ in range(M)]", "A table of {M} rows and {N} columns"),
    ("(I + 1) % len(S)", "After the last of {S} comes the first again"),
)
"""Forms of statements and expressions and what they are for, the most telling first; capitals stand for any code."""


def _known_forms(statement: ast.stmt) -> Iterator[str]:
    """What the statement is for, by its form or that of a part of it; the most telling first."""
    nodes = [statement, *(node for node in ast.walk(statement) if isinstance(node, ast.expr))]
    for form, sentence in _parsed_forms():
        for node in nodes:
            parts: dict[str, str] = {}
            if _matches(form, node, parts) and max(map(len, parts.values()), default=0) <= _LONGEST:
                yield sentence.format(**parts)


@lru_cache(maxsize=1)
def _parsed_forms() -> tuple[tuple[ast.AST, str], ...]:
    forms = [(ast.parse(form).body[0], sentence) for form, sentence in _FORMS]
    return tuple((form.value if isinstance(form, ast.Expr) else form, sentence) for form, sentence in forms)


def _matches(form: Any, node: Any, parts: dict[str, str]) -> bool:
    """Whether a node has the form; what its capitals stand for is added to `parts`. Blocks are not compared."""
    if isinstance(form, ast.Name) and len(form.id) == 1 and form.id.isupper() and isinstance(node, ast.expr):
        code = ast.unparse(node)
        return parts.setdefault(form.id, code) == code
    if isinstance(form, ast.AST):
        fields = [name for name in form._fields if name not in ("body", "orelse", "ctx", "kind", "type_comment")]
        return type(form) is type(node) and all(
            _matches(getattr(form, name), getattr(node, name), parts) for name in fields
        )
    if isinstance(form, list):
        same_length = isinstance(node, list) and len(form) == len(node)
        return same_length and all(_matches(*pair, parts) for pair in zip(form, node, strict=True))
    return bool(form == node)
