"""infer_action promises: one strict JSON object on stdout, the same for the same input, quickly."""

import json
import math
import subprocess
import sys

import pytest
import torch

from cli.run_tasks import main
from inference import fresh_models
from models import store

NEVER = {"t_last": -1, "span": [0, 0], "flags": [0, 0, 0]}
FIXED = {"t_last": 0, "span": [4, 10], "flags": [1, 0, 0]}
STATE = {
    "t": 0,
    "line_tuples": [
        ["def two_sum(a, b):", NEVER, NEVER, {"on": False}],
        ["    s = a + b", FIXED, NEVER, {"on": False}],
        ["    return s", FIXED, NEVER, {"on": True, "line": 2, "char": 12, "last_t": 0}],
    ],
}


@pytest.fixture
def infer(tmp_path, capsys):
    def run(state, *words):
        path = tmp_path / "state.json"
        path.write_text(json.dumps(state))
        code = main(["infer_action", "--state_json", str(path), "--pv_dir", str(tmp_path / "models"), *words])
        out = capsys.readouterr().out
        return code, json.loads(out, parse_constant=pytest.fail) if out else None

    return run


def test_the_answer_has_the_documented_shape(infer):
    code, answer = infer(STATE)
    debug = answer["debug"]
    assert code == 0 and set(answer) == {"action_idx", "line_idx", "debug"}
    assert set(debug) == {"action_logits", "line_logits_for_action", "h", "first_line", "model"}
    assert len(debug["action_logits"]) == 7 and len(debug["line_logits_for_action"]) == 3
    assert (debug["h"], debug["first_line"], debug["model"]) == (3, 0, "untrained")
    if answer["action_idx"]:
        assert answer["line_idx"] == 0  # the others are protected
        assert [value is None for value in debug["line_logits_for_action"]] == [False, True, True]
    assert infer(STATE)[1] == answer


def test_the_answer_is_computed_by_one_thread_whatever_else_runs(infer):
    try:
        torch.set_num_threads(2)
        assert infer(STATE)[0] == 0 and torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(1)


def test_without_models_the_answer_is_the_fixed_quiet_policy(infer):
    lines = [["def f(x):", {}, {}, {}], ["    y = x", {}, {}, {"on": True, "char": 9, "last_t": 1}]]
    _, answer = infer({"t": 1, "line_tuples": lines})
    debug = answer["debug"]
    assert (answer["action_idx"], answer["line_idx"], debug["model"]) == (0, -1, "untrained")
    assert debug["action_logits"] == pytest.approx([math.log(0.94)] + [math.log(0.01)] * 6)
    assert debug["line_logits_for_action"] == [0.0, 0.0]


def test_without_models_a_warning_says_that_nothing_is_learned(tmp_path, capsys):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(STATE))
    assert main(["infer_action", "--state_json", str(path), "--pv_dir", str(tmp_path / "modles")]) == 0
    assert "modles: the assistant stays quiet." in capsys.readouterr().err


def test_where_models_are_kept_and_none_is_current_the_way_back_is_named(tmp_path, capsys):
    path, folder, made = tmp_path / "state.json", tmp_path / "models", fresh_models()
    path.write_text(json.dumps(STATE))
    store.publish(folder, made, {"trained_on": "person"})
    for file in folder.glob("asm_*.pt"):
        file.unlink()
    words = ["infer_action", "--state_json", str(path), "--pv_dir", str(folder)]
    assert main(words) == 0
    out, error = capsys.readouterr()
    command = error.split("`")[1].removeprefix("python -m cli.run_tasks ").split()
    assert json.loads(out)["debug"]["model"] == "untrained"
    assert main(command) == 0 and main(words) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["debug"]["model"].startswith(str(folder))


def test_a_file_without_lines_has_nothing_to_do(infer):
    code, answer = infer({"t": 3, "line_tuples": []})
    assert code == 0 and (answer["action_idx"], answer["line_idx"], answer["debug"]["h"]) == (0, -1, 0)
    assert answer["debug"]["action_logits"][1:] == [None] * 6


def test_a_long_file_is_seen_around_the_cursor(infer):
    on = {"on": True, "line": 90, "char": 1, "last_t": 4}
    lines = [[f"x{i} = 1", NEVER, NEVER, on if i == 90 else {}] for i in range(100)]
    code, answer = infer({"t": 4, "line_tuples": lines}, "--h_max", "20")
    debug = answer["debug"]
    assert (code, debug["h"], debug["first_line"], len(debug["line_logits_for_action"])) == (0, 20, 80, 20)
    assert answer["line_idx"] == -1 or 80 <= answer["line_idx"] < 100


def test_a_damaged_checkpoint_is_refused_and_not_replaced(infer, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "asm_assistant_model.pt").write_bytes(b"no checkpoint")
    assert infer(STATE) == (2, None)
    assert [path.name for path in folder.iterdir()] == ["asm_assistant_model.pt"]


def test_as_a_process_it_loads_torch_and_little_else(tmp_path, root):
    path = tmp_path / "state.json"
    path.write_text(json.dumps(STATE))
    code = (
        "import sys, torch; before = set(sys.modules); from cli.run_tasks import main; code = main(sys.argv[1:])\n"
        "print(code, *{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    words = ["infer_action", "--state_json", str(path)]
    done = subprocess.run([sys.executable, "-c", code, *words], cwd=root, check=True, capture_output=True, text=True)
    code, *loaded = done.stdout.splitlines()[1].split()
    foreign = [name for name in loaded if not (root / name).is_dir() and not (root / f"{name}.py").is_file()]
    assert code == "0" and set(foreign) <= {"numpy", *sys.stdlib_module_names}
