"""The glossary is short, and no public name uses a word that it retired."""

import ast
import re

import pytest

MAX_LINES = 40
STANDARD_TERMS = re.compile("held_out|not_found|last_known|kept_|_kept")
"""In which a retired word is part of a term; `kept` as in p(kept), and in keys of recordings, logs and checkpoints."""


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
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                yield statement.name
            if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
                parameters = statement.args
                yield from (a.arg for a in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs))
            elif isinstance(statement, ast.Assign | ast.AnnAssign):
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                yield from (target.id for target in targets if isinstance(target, ast.Name))


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
    ["found = 1", "def told(): ...", "def f(*, held): ...", "class Fate: ...", "class Row:\n    known_row: int"],
)
def test_a_retired_word_is_noticed(source):
    assert names_with_retired_words(source, {"found", "told", "held", "fate", "known"})


@pytest.mark.parametrize("source", ["held_out_share = 0.2", "class NotFoundError: ...", "def _told(): ..."])
def test_a_standard_term_or_a_private_name_is_none(source):
    assert not names_with_retired_words(source, {"found", "told", "held"})
