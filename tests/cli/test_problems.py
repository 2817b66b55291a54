"""`problems` promises: lists and shows what there is without giving hidden cases away, and takes over files."""

import gzip
import json

import pytest

from cli.run_tasks import main
from judge.problems import catalogue
from simulation.problem_loader import load_problems

THRICE = {
    "task_id": "thrice", "entry_point": "thrice", "starter_code": "def thrice(n):\n    ",
    "solution": "def thrice(n): ...",
    "input_output": [{"input": "n = 2", "output": "6"}, {"input": "n = 77", "output": "231", "hidden": True}],
}  # fmt: skip
HUMAN_EVAL = {
    "task_id": "HumanEval/7", "prompt": "def f(n):\n", "entry_point": "f", "canonical_solution": "    return n\n",
    "test": "def check(candidate):\n    assert candidate(1) == 1\n    assert abs(candidate(2)) < 3\n",
}  # fmt: skip


@pytest.fixture(autouse=True)
def data_root(tmp_path, monkeypatch):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def problems(capsys, *words):
    code = main(["problems", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_list_has_the_catalogue(capsys):
    code, out, _ = problems(capsys)
    assert code == 0 and all(problem_id in out for problem_id in catalogue())
    assert f"{len(catalogue())} problems" in out
    code, out, _ = problems(capsys, "--json")
    assert code == 0 and [record["task_id"] for record in json.loads(out)] == list(catalogue())


def test_one_problem_is_shown_without_its_hidden_cases(capsys, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(THRICE))
    assert problems(capsys, "--import", path)[0] == 0
    for words in ((), ("--json",)):
        code, out, _ = problems(capsys, "--show", "thrice", *words)
        assert code == 0 and "def thrice(n):" in out and "n = 2" in out
        assert "77" not in out and "231" not in out and "..." not in out


def test_an_imported_file_is_known_to_sessions_and_keeps_what_was_there(capsys, tmp_path, data_root):
    data_root.mkdir()
    (data_root / "problems.json").write_text(json.dumps([{"id": "old", "name": "f", "cases": [], "mine": 1}, THRICE]))
    path = tmp_path / "HumanEval.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, [HUMAN_EVAL, THRICE])).encode()))
    code, out, _ = problems(capsys, "--import", path)
    assert code == 0
    assert "HumanEval/7: 1 test left out: a test allows a tolerance" in out
    assert "1 new problem, 1 replaced, 0 left out" in out
    loaded = load_problems(data_root / "problems.json")
    assert {"old", "thrice", "HumanEval/7"} <= set(loaded)
    assert loaded["HumanEval/7"].cases[0].arguments == (1,)
    assert loaded["thrice"].cases[1].hidden and loaded["thrice"].solution
    assert json.loads((data_root / "problems.json").read_text())[0]["mine"] == 1


@pytest.mark.parametrize(
    "content", ["", " \n", "[]", "{", "[3]", '{"id": "a"}', '[{"id": "a", "name": "b", "cases": [3]}]']
)
def test_a_bad_file_is_one_line_and_changes_nothing(capsys, tmp_path, data_root, content):
    path = tmp_path / "bad.json"
    path.write_text(content)
    code, out, err = problems(capsys, "--import", path)
    assert (code, out) == (2, "") and str(path) in err and err.count("\n") == 1
    assert not (data_root / "problems.json").exists()


def test_a_data_root_with_a_broken_file_is_left_as_it_is(capsys, tmp_path, data_root):
    data_root.mkdir()
    (data_root / "problems.json").write_text("[{]")
    path = tmp_path / "a.json"
    path.write_text(json.dumps(THRICE))
    for words in (("--import", path), ()):
        code, _, err = problems(capsys, *words)
        assert code == 2 and "problems.json" in err and err.count("\n") == 1
    assert (data_root / "problems.json").read_text() == "[{]"


def test_a_misspelt_id_names_the_nearest(capsys):
    code, _, err = problems(capsys, "--show", "snake-row")
    assert code == 2 and "did you mean snake-rows?" in err
    assert problems(capsys, "--show", "%%%")[0] == 2
    assert "argument --show: '' is empty, expected a name" in problems(capsys, "--show", "")[2]


def test_what_a_terminal_would_obey_is_escaped(capsys, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**THRICE, "problem_description": "a\x1b[2Jb\nc", "title": "\x1b"}))
    assert problems(capsys, "--import", path)[0] == 0
    assert "\x1b" not in problems(capsys, "--show", "thrice")[1] + problems(capsys)[1]
