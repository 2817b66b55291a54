"""Whatever becomes of a run's own files is one line that names the file; nothing is deleted or overwritten."""

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import InputError
from training.runs import run_folder
from training.runs.damaged_files import DamagedFileError, has_structure, set_aside
from training.runs.run_folder import RunFolder, SavedRun
from training.runs.run_plan import RunPlan, read_plan_or_set_aside, write_plan
from training.runs.training_manifest import ManifestEntry, append_entry, read_manifest
from training.train_from_episodes import train_from_episodes

STATE = SavedRun("id", {"seed": "0"}, ['{"run_id": "id"}'], ["human_policy_e1.pt"], "bc", {"epoch": 1}, {"a": {}}, True)
PLAN = RunPlan("id", "fingerprint", "fresh", None, 3, ("a", "b"))
ENTRY = ManifestEntry("000001-a", "models", ("a",), ("b",), ("c",), "fingerprint")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
REUSED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@REUSED
@given(name=st.sampled_from([*vars(STATE), "version"]), value=JSON)
def test_a_state_with_one_part_of_another_kind_is_refused_in_one_line(tmp_path, name, value):
    folder = RunFolder(tmp_path)
    folder.save(STATE)
    saved = torch.load(folder.state_path, weights_only=True)
    torch.save({**saved, name: value}, folder.state_path)
    try:
        loaded = folder.load()
    except DamagedFileError as error:
        assert str(error).startswith(f"{folder.state_path}: ") and "\n" not in str(error)
    else:
        assert all(type(part) is type(getattr(STATE, key)) for key, part in vars(loaded).items())


@pytest.mark.parametrize("name", list(vars(STATE)))
def test_a_state_that_lacks_a_part_is_refused(tmp_path, name):
    folder = RunFolder(tmp_path)
    folder.save(STATE)
    saved = torch.load(folder.state_path, weights_only=True)
    del saved[name]
    torch.save(saved, folder.state_path)
    with pytest.raises(DamagedFileError, match=f"{name} is missing or damaged"):
        folder.load()


def test_a_checkpoint_cannot_be_named_outside_the_folder(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save(replace(STATE, checkpoints=["../human_policy_e1.pt"]))
    with pytest.raises(DamagedFileError, match="checkpoints"):
        folder.load()


def test_a_state_that_does_not_fit_into_memory_is_one_line(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.save(STATE)

    def read(path):
        raise MemoryError

    monkeypatch.setattr(run_folder, "read_regular_file", read)
    with pytest.raises(DamagedFileError, match="does not fit into memory"):
        folder.load()


BAD_PHASES = {
    "nothing": {},
    "an epoch in words": {"epoch": "one"},
    "no optimiser": "optimiser",
    "a tensor larger than its file": {"start": torch.zeros(1).expand(2**40)},
}


@pytest.mark.parametrize("change", BAD_PHASES.values(), ids=BAD_PHASES.keys())
def test_a_run_with_a_damaged_state_is_one_line_and_its_files_stay(small, sessions, change):
    short = replace(small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=0))
    config = replace(short, zero_style=replace(small.zero_style, epochs=0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "append_log", lambda folder, line: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train_from_episodes(config, sessions[:2])
    path = config.checkpoint_dir / "resume.pt"
    saved = torch.load(path, weights_only=True)
    if isinstance(change, str):
        del saved["phase_state"][change]
    else:
        saved["phase_state"] = {**saved["phase_state"], **change} if change else {}
    torch.save(saved, path)
    before = {file.name: file.read_bytes() for file in config.checkpoint_dir.iterdir() if file.is_file()}
    with pytest.raises(DamagedFileError) as refused:
        train_from_episodes(replace(config, resume=True), sessions[:2])
    assert "resume.pt" in str(refused.value) and "\n" not in str(refused.value)
    assert before == {file.name: file.read_bytes() for file in config.checkpoint_dir.iterdir() if file.is_file()}


@REUSED
@given(content=st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_content_of_a_plan_is_set_aside_in_one_line(tmp_path, content):
    path, messages = tmp_path / "plan.json", []
    path.write_bytes(content)
    assert read_plan_or_set_aside(path, messages.append) is None
    (line,) = messages
    assert line.startswith(f"{path}: ") and not path.exists()
    (aside,) = tmp_path.glob("plan.json.damaged*")
    assert aside.read_bytes() == content
    aside.unlink()


@REUSED
@given(name=st.sampled_from(list(vars(PLAN))), value=JSON)
def test_a_plan_with_one_value_of_another_kind_is_no_plan(tmp_path, name, value):
    path, messages = tmp_path / "plan.json", []
    write_plan(path, PLAN)
    assert read_plan_or_set_aside(path, messages.append) == PLAN and not messages
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    plan = read_plan_or_set_aside(path, messages.append)
    if plan is None:
        assert len(messages) == 1 and not path.exists()
        next(tmp_path.glob("plan.json.damaged*")).unlink()
    else:
        assert isinstance(getattr(plan, name), type(getattr(PLAN, name))) or name == "compared_with"


@REUSED
@given(content=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_line_of_the_manifest_takes_the_others_with_it(tmp_path, content):
    path, messages = tmp_path / "manifest.jsonl", []
    path.write_bytes(content.replace(b"\r", b""))
    append_entry(path, ENTRY)
    append_entry(path, ENTRY)
    assert read_manifest(path, messages.append) == [ENTRY, ENTRY]
    assert all("damaged and left out" in line and "\n" not in line for line in messages)


@REUSED
@given(name=st.sampled_from(list(vars(ENTRY))), value=JSON)
def test_a_manifest_line_with_one_value_of_another_kind_is_left_out(tmp_path, name, value):
    path = tmp_path / "manifest.jsonl"
    path.write_text(json.dumps({**vars(ENTRY), name: value}) + "\n")
    for entry in read_manifest(path):
        assert type(getattr(entry, name)) is type(getattr(ENTRY, name))
        assert isinstance(getattr(entry, name), str) or all(isinstance(one, str) for one in getattr(entry, name))


def test_a_folder_where_the_manifest_belongs_is_one_line(tmp_path):
    (tmp_path / "manifest.jsonl").mkdir()
    with pytest.raises(InputError, match=r"manifest\.jsonl"):
        read_manifest(tmp_path / "manifest.jsonl")


@pytest.mark.parametrize(
    ("value", "template", "fits"),
    [
        (3, 0, True), (-1, 0, False), (True, 0, False), (1.0, 0, False), (1, 0.5, True), ("1", 0.5, False),
        ({}, {}, True), ({"a": 1, "b": 2}, {"a": 0}, True), ({"b": 2}, {"a": 0}, False), ([1], [], True),
        ({}, [], False), ("x", None, True),
        (torch.zeros(2), torch.ones(2), True), (torch.zeros(3), torch.ones(2), False), ([0.0], torch.ones(1), False),
        (True, False, True), (0, False, False), ({"a": {"b": ""}}, {"a": {"b": 0}}, False),
    ],
)  # fmt: skip
def test_a_saved_value_has_the_structure_of_a_fresh_one(value, template, fits):
    assert has_structure(value, template) is fits


def test_what_was_set_aside_before_is_not_overwritten(tmp_path):
    path, messages = tmp_path / "plan.json", []
    for content in ("first", "second", "third"):
        path.write_text(content)
        set_aside(path, "is damaged", messages.append)
    assert sorted(file.read_text() for file in tmp_path.iterdir()) == ["first", "second", "third"]
    assert len(messages) == 3
