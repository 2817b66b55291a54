"""`models` promises: lists what is kept, goes back, and says what it did."""

import json
from pathlib import Path

import pytest

from cli.run_tasks import main
from config import FeaturizerConfig, ModelConfig
from inference import fresh_models
from models import store


@pytest.fixture
def folder(tmp_path):
    """Two generations of models."""
    for seed, kind in ((1, "samples"), (2, "person")):
        made = fresh_models(
            seed=seed,
            model=ModelConfig(d_in=8, d_model=8, n_heads=2, n_layers=1, hidden=8),
            featurizer=FeaturizerConfig(d_in=8, char_dim=4),
        )
        store.publish(tmp_path, made, {"trained_on": kind, "sessions": seed})
    return tmp_path


def models(folder, capsys, *words):
    code = main(["models", "--pv_dir", str(folder), *words])
    return code, *capsys.readouterr()


def test_the_list_marks_the_current_models(folder, capsys):
    first, second = (one.id for one in store.generations(folder))
    code, out, _ = models(folder, capsys)
    assert code == 0
    rows = out.splitlines()
    assert rows[2].split()[0] == first and rows[3].split()[:2] == ["*", second]
    assert "samples" in rows[2] and "person" in rows[3] and "--roll_back" in out


def test_rolling_back_and_forth(folder, capsys):
    first, second = (one.id for one in store.generations(folder))
    code, out, _ = models(folder, capsys, "--roll_back")
    assert code == 0 and out.startswith(f"{first} of ") and store.load(folder).generation == first
    code, _, _ = models(folder, capsys, "--roll_back", second)
    assert code == 0 and store.load(folder).generation == second


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_stdout_does_not_hide_that_the_change_was_made(folder, warm_python):
    first = store.generations(folder)[0].id
    words = ["-m", "cli.run_tasks", "models", "--pv_dir", folder]
    for more, clause in ((["--roll_back"], f"; {first} is current now"), ([], "")):
        process = warm_python([*words, *more], stdout=Path("/dev/full"))
        assert process.wait(60) == 2
        assert process.stderr.read_text() == f"error: output: No space left on device{clause}\n"
    assert store.load(folder).generation == first


def test_what_is_not_there_cannot_be_gone_back_to(folder, capsys, tmp_path):
    code, _, error = models(folder, capsys, "--roll_back", "000009-absent")
    assert code == 2 and "000009-absent" in error
    models(folder, capsys, "--roll_back")
    code, _, error = models(folder, capsys, "--roll_back")
    assert code == 2 and "no earlier models" in error


def test_kept_models_of_which_none_is_current_are_said_to_be_so(folder, capsys):
    for file in folder.glob("asm_*.pt"):
        file.unlink()
    code, out, _ = models(folder, capsys)
    assert code == 0 and "None of these is current" in out


def test_a_damaged_one_is_marked(folder, capsys):
    first, second = (one.id for one in store.generations(folder))
    (folder / "generations" / first / "about.json").write_text("{")
    code, out, _ = models(folder, capsys)
    rows = out.splitlines()[2:4]
    assert code == 0 and first in rows[0] and second in rows[1]
    assert [row.endswith("damaged") for row in rows] == [True, False]


def test_as_json(folder, capsys):
    code, out, _ = models(folder, capsys, "--json")
    assert code == 0 and [one["current"] for one in json.loads(out)["generations"]] == [False, True]


def test_an_empty_folder_has_none(tmp_path, capsys):
    code, out, _ = models(tmp_path, capsys)
    assert code == 0 and "No models" in out


def test_the_beginning_of_a_name_or_its_number_is_enough(folder, capsys):
    first, second = (generation.id for generation in store.generations(folder))
    assert models(folder, capsys, "--roll_back", first[:7])[0] == 0 and store.load(folder).generation == first
    assert models(folder, capsys, "--roll_back", "2")[0] == 0 and store.load(folder).generation == second
    code, out, error = models(folder, capsys, "--roll_back", "0000")
    assert code == 2 and not out and error.count("\n") == 1 and f"{first} or {second}" in error


def test_control_characters_of_a_file_never_reach_the_terminal(folder, capsys):
    first = store.generations(folder)[0].id
    path = folder / "generations" / first / "about.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps({**about, "created": "\x1b[2J", "meta": {"trained_on": "a\nb", "sessions": "\ud800"}}))
    code, out, _ = models(folder, capsys)
    assert code == 0 and "\x1b" not in out and r"\x1b[2J" in out and r"a\nb" in out and r"\ud800" in out


def test_the_start_of_training_is_marked(folder, capsys):
    start = store.load(folder)
    store.keep_start(folder, start, {"trained_on": "nothing"})
    _, out, _ = models(folder, capsys)
    assert "start of training" in out.splitlines()[4]


def test_control_characters_of_files_never_reach_the_terminal(folder, capsys):
    first, _ = (generation.id for generation in store.generations(folder))
    path = folder / "generations" / first / "about.json"
    about = json.loads(path.read_text())
    about["meta"] |= {"trained_on": "\x1b[2Jperson", "sessions": 1e999}
    path.write_text(json.dumps(about).replace("Infinity", "1e999"))
    code, out, _ = models(folder, capsys)
    assert code == 0 and "\\x1b[2Jperson" in out and all(line.isprintable() for line in out.splitlines())
    code, out, _ = models(folder, capsys, "--json")
    assert code == 0 and json.loads(out, parse_constant=pytest.fail)
