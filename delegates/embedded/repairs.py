"""Small repairs of a line that is certainly wrong: a colon, bracket, quote or blanks that are missing, a misspelt name.

A repair is proposed only if the line is wrong without it and right with it. Not here: rewriting code that is right.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from delegates.python_lexer import CLOSING, PARTNER, PREDEFINED, line_tokens, open_brackets
from delegates.syntax import MOST_LINES, fits, opens_block, parses
from indentation import DEFAULT_WIDTH, indent_style, indentation

_HEADER = re.compile(r"\s*(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b")
_CONDITION = re.compile(r"(\s*(?:if|elif|while)\b.*?[^=!<>:])=([^=].*)")
_SIMILAR = 0.75
"""Similarity from which a name that nothing defines is taken for another one, misspelt."""


def repaired_lines(lines: Sequence[str], line: int) -> Iterator[str]:
    """What the line may have been meant to be, the likeliest first; nothing, if nothing is certainly wrong with it."""
    text = lines[line]
    if not text.strip() or len(lines) > MOST_LINES:
        return
    if parses("\n".join(lines)):
        if "\r" not in "".join(lines):  # at which Python would end a line, so that its rows are others
            yield from _respelled(lines, line)
        return
    if not fits(lines, line, line + 1, [text]):
        for repair in _syntax_repairs(text):
            if repair != text and _fits_there(lines, line, repair):
                yield repair
    for indent in _other_indents(lines, line):
        repair = indent + text.lstrip()
        if repair != text and parses("\n".join([*lines[:line], repair, *lines[line + 1 :]])):
            yield repair


def _fits_there(lines: Sequence[str], line: int, repair: str) -> bool:
    return fits([*lines[:line], repair, *lines[line + 1 :]], line, line + 1, [lines[line]])


def _syntax_repairs(text: str) -> Iterator[str]:
    code = text.rstrip()
    header = bool(_HEADER.match(code))
    body = code.removesuffix(":") if header else code
    colon = ":" if header else ""
    closing = "".join(PARTNER[bracket] for bracket in reversed(open_brackets(line_tokens(body))))
    quote = _open_quote(body)
    if header and not opens_block(code):
        yield code + ":"
    if quote:
        yield body + quote + colon
        ends = body.rstrip(CLOSING)
        yield ends + quote + body[len(ends) :] + colon
        yield body + quote + closing + colon
    if closing:
        yield body + closing + colon
    if body[-1:] in CLOSING and body:
        yield body[:-1] + colon
    if "else if " in code:
        yield code.replace("else if ", "elif ", 1)
    if equals := _CONDITION.match(code):
        yield f"{equals[1]}=={equals[2]}"
        yield f"{equals[1]}=={equals[2]}".removesuffix(":") + ":"


def _open_quote(text: str) -> str:
    """The quote that opens a string in the line and is missing at its end; "": none is."""
    tokens = line_tokens(text)
    last = tokens[-1].lstrip("rRbBuUfF") if tokens else ""
    is_open = last[:1] in ("'", '"') and (len(last) == 1 or last[-1] != last[0])
    return last[0] if is_open and not last.startswith(('"""', "'''")) else ""


def _other_indents(lines: Sequence[str], line: int) -> Iterator[str]:
    """Indentations that a line below the one above can have, the nearest to the present one first."""
    above = next((text for text in reversed(lines[:line]) if text.strip()), "")
    style = indent_style(tuple(lines))
    unit = style.unit if style else " " * DEFAULT_WIDTH
    indents = {indentation(above) + unit} if opens_block(above) else {indentation(above)}
    outer = {indentation(text) for text in lines[:line] if opens_block(text)}
    indents |= {outer_indent for outer_indent in outer if len(outer_indent) < len(indentation(above))}
    yield from sorted(indents, key=lambda indent: abs(len(indent) - len(indentation(lines[line]))))


def _respelled(lines: Sequence[str], line: int) -> Iterator[str]:
    """The line with a name that nothing defines replaced by a similar one of the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse("\n".join(lines))
    defined = _defined_names(tree)
    if "*" in defined:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.lineno == line + 1 and isinstance(node.ctx, ast.Load):
            names = defined | PREDEFINED
            if len(node.id) > 2 and node.id not in names:
                for other in get_close_matches(node.id, sorted(names), n=1, cutoff=_SIMILAR):
                    start = len(lines[line].encode()[: node.col_offset].decode())
                    yield lines[line][:start] + other + lines[line][start + len(node.id) :]


def _defined_names(tree: ast.Module) -> set[str]:
    """Every name that something in the file defines, whatever its scope; "*" stands for those of `import *`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                names.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name.partition(".")[0])
            case ast.Global(names=several) | ast.Nonlocal(names=several):
                names.update(several)
    return names
