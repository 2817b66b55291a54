"""The glossary is short, and no public name uses a word that it retired."""

import ast
import re

import pytest

MAX_LINES = 40
STANDARD_TERMS = re.compile("held_out|not_found|last_known|kept_|_kept")
"""In which a retired word is part of a term; `kept` as in p(kept), and in keys of recordings, logs and checkpoints."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture(scope="module")
def glossary(root):
    return (root / "docs" / "glossary.md").read_text(encoding="utf-8")


def retired_words(glossary):
    (line,) = [line for line in glossary.splitlines() if line.startswith("Retired: ")]
    return set(line.removeprefix("Retired: ").split(", "))


def words_of(name):
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.findall(r"[a-z0-9]+", STANDARD_TERMS.sub("", words))


def public_names(tree):
    """Names of modules' and classes' functions, classes, constants and fields, and of the functions' parameters."""
    for node in [tree, *(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]:
        for statement in statements_of(node.body):
            if isinstance(statement, FUNCTIONS):
                yield from names_of_function(statement)
            elif isinstance(statement, ast.ClassDef):
                yield statement.name
            else:
                yield from assigned_names(statement)


def statements_of(body):
    """The statements of a body, also inside `if`, `try`, `with` and loops, but not those of functions and classes."""
    for statement in body:
        yield statement
        if not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            for part in ("body", "orelse", "finalbody"):
                yield from statements_of(getattr(statement, part, []))
            for branch in (*getattr(statement, "handlers", []), *getattr(statement, "cases", [])):
                yield from statements_of(branch.body)


def names_of_function(function):
    """Its own, those of its parameters unless it is private, and those of the attributes that it sets on `self`."""
    yield function.name
    if not function.name.startswith("_"):
        a = function.args
        parameters = (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg)
        yield from (parameter.arg for parameter in parameters if parameter is not None)
    for node in ast.walk(function):
        match node:
            case ast.Attribute(ast.Name("self"), attribute, ast.Store()):
                yield attribute


def assigned_names(statement):
    """Of a statement that assigns, also to several names at once."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    for node in (node for target in targets if target is not None for node in ast.walk(target)):
        match node:
            case ast.Name(name, ast.Store()):
                yield name


def names_with_retired_words(source, retired):
    names = {name for name in public_names(ast.parse(source)) if not name.startswith("_")}
    return sorted(name for name in names if retired & set(words_of(name)))


def test_it_fits_on_a_page(glossary):
    assert len(glossary.splitlines()) <= MAX_LINES


def test_no_public_name_uses_a_retired_word(root, glossary):
    retired = retired_words(glossary)
    sources = [p for p in root.rglob("*.py") if not {"tests", "build"} & set(p.parts) and ".venv" not in p.parts]
    offenders = {
        str(path.relative_to(root)): names
        for path in sources
        if (names := names_with_retired_words(path.read_text(encoding="utf-8"), retired))
    }
    assert not offenders


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "total, found = 1, 2",
        "[first, *found] = 1, 2",
        "if True:\n    pass\nelse:\n    found = 1",
        "try:\n    pass\nexcept OSError:\n    def found(): ...",
        "for found in range(3): ...",
        "def told(): ...",
        "async def told(): ...",
        "if True:\n    def told(): ...",
        "def f(*, held): ...",
        "async def f(held): ...",
        "def f(*held): ...",
        "class Fate: ...",
        "class Row:\n    known_row: int",
        "class Row:\n    def __init__(self): self.known_row = 1",
        "class Row:\n    def _set(self): self.x, self.known_row = 1, 2",
    ],
)
def test_a_retired_word_is_noticed(source):
    assert names_with_retired_words(source, {"found", "told", "held", "fate", "known"})


@pytest.mark.parametrize(
    "source",
    [
        "held_out_share = 0.2",
        "class NotFoundError: ...",
        "def _told(): ...",
        "def f():\n    found = 1",
        "row.found = 1",
    ],
)
def test_a_standard_term_or_a_private_name_is_none(source):
    assert not names_with_retired_words(source, {"found", "told", "held"})
