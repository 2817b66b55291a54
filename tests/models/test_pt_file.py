"""A `.pt` file is read as it was written or refused in one line; nothing in it is run or allocated for its claims."""

import errno
import io
import os
import pickle
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from errors import InputError
from files import translate_os_errors
from models import checkpoint, pt_file
from models.pt_file import atomic_torch_save, read_pt


def saved(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_a_file_that_was_cut_short_anywhere_is_refused_by_its_name(tmp_path, small):
    path, content = tmp_path / "policy.pt", saved(checkpoint.policy_checkpoint(small()[0]))
    for share in (0, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.999):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(InputError, match=r"policy\.pt: not a checkpoint"):
            checkpoint.load_policy(path)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_refused_in_one_line_or_change_nothing(tmp_path, small, changes):
    policy, _, _ = small()
    content = bytearray(saved(checkpoint.policy_checkpoint(policy)))
    for place, mask in changes:
        content[int(place * len(content))] ^= mask
    path = tmp_path / "policy.pt"
    path.write_bytes(content)
    try:
        loaded = checkpoint.load_policy(path)
    except InputError as error:
        assert str(path) in str(error) and "\n" not in str(error)
    else:
        assert same(loaded.state_dict(), policy.state_dict()) and loaded.config == policy.config


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), tail=st.binary(max_size=30))
def test_a_file_cut_short_with_anything_behind_it_is_refused(tmp_path, small, share, tail):
    content = saved(checkpoint.policy_checkpoint(small()[0]))
    path = tmp_path / "policy.pt"
    path.write_bytes(content[: int(share * (len(content) - 60))] + tail)
    with pytest.raises(InputError, match=r"policy\.pt: "):
        checkpoint.load_policy(path)


def test_every_flipped_bit_of_a_weight_is_noticed(tmp_path):
    weights = torch.randn(64)
    content = bytearray(saved({"weights": weights}))
    place = content.index(weights.numpy().tobytes())
    content[place + 100] ^= 1
    path = tmp_path / "resume.pt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"resume\.pt: damaged: .* is not what was written"):
        read_pt(path)


def rewritten(content, change=lambda name, data: data, compression=zipfile.ZIP_STORED):
    """The archive with its records changed; a record that becomes None is left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", compression) as new:
        for name in old.namelist():
            if (data := change(name, old.read(name))) is not None:
                new.writestr(name, data)
    return buffer.getvalue()


def with_claimed_size(content, record, size):
    """The archive, whose directory says that a record has `size` bytes."""
    place = content.rindex(record.encode()) - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    return content[: place + 20] + 2 * size.to_bytes(4, "little") + content[place + 28 :]


def test_an_archive_that_is_only_stored_again_is_read(tmp_path):
    (tmp_path / "whole.pt").write_bytes(rewritten(saved({"weights": torch.ones(3)})))
    assert read_pt(tmp_path / "whole.pt")["weights"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (lambda content: with_claimed_size(content, "archive/data/0", 2**31), "claims to be larger than the file"),
        (lambda content: with_claimed_size(content, "archive/data.pkl", 2**31), "claims to be larger than the file"),
        (lambda content: rewritten(content, compression=zipfile.ZIP_DEFLATED), "claims to be larger than the file"),
        (lambda content: rewritten(content, lambda name, data: None if name.endswith("data/0") else data), "not a che"),
        (lambda content: rewritten(content, lambda name, data: None if name.endswith(".pkl") else data), "not a check"),
        (lambda content: rewritten(content, lambda name, data: data[:8]), "not a checkpoint"),
    ],
    ids=["a huge tensor", "a huge pickle", "a bomb", "a tensor missing", "the pickle missing", "records cut short"],
)
def test_an_archive_that_lies_about_its_records_is_refused(tmp_path, attack, words):
    path = tmp_path / "policy.pt"
    path.write_bytes(attack(saved({"weights": torch.zeros(100_000)})))
    with pytest.raises(InputError, match=f"policy.pt: .*{words}"):
        read_pt(path)


def laughing():
    """A few bytes that say ten to the power of 30 values."""
    values = ["ha"]
    for _ in range(30):
        values = [values] * 10
    return values


def endless():
    values = []
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.zeros(1).expand(2**40), "larger than what the file has"),
        (torch.zeros(1).expand(3), "larger than what the file has"),
        (torch.zeros(4).as_strided((2**20, 2**20), (0, 0)), "larger than what the file has"),
        (torch.nn.Parameter(torch.zeros(1).expand(2**40)), "larger than what the file has"),
        (torch.zeros(2, 2).to_sparse(), "expected a dense tensor"),
        (torch.empty(2**40, device="meta"), "expected a dense tensor"),
        (laughing(), "more values than the file has bytes"),
        (endless(), "more values than the file has bytes"),
        (10**5000, "not a checkpoint"),
        (bytearray(10), "not a checkpoint"),
    ],
    ids=[
        "expanded far",
        "expanded a little",
        "strides of 0",
        "a parameter",
        "sparse",
        "meta",
        "laughing lists",
        "endless",
        "a long number",
        "a bytearray",
    ],
)
def test_values_larger_than_their_file_or_not_plain_are_refused(tmp_path, value, words):
    path = tmp_path / "resume.pt"
    path.write_bytes(saved({"phase": [{"value": value}]}))
    with pytest.raises(InputError, match=f"resume.pt: .*{words}"):
        read_pt(path)


def test_plain_values_and_views_that_fit_their_storage_are_read(tmp_path):
    table = torch.arange(12.0).view(3, 4)
    content = {
        "rows": [table[1], table.t()],
        "numbers": (1, 2.5, True, None, "text", -(2**63)),
        "empty": torch.zeros(0),
    }
    (tmp_path / "resume.pt").write_bytes(saved(content))
    loaded = read_pt(tmp_path / "resume.pt")
    assert loaded["numbers"] == content["numbers"] and torch.equal(loaded["rows"][1], table.t())


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a FIFO", "a folder"])
def test_what_is_no_regular_file_is_refused_and_not_waited_for(tmp_path, make):
    make(tmp_path / "policy.pt")
    with pytest.raises(InputError, match=r"policy\.pt: "):
        read_pt(tmp_path / "policy.pt")


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    "save", [saved, pickle.dumps, lambda content: saved({"model_state_dict": content, "config": {}})]
)
def test_code_in_a_checkpoint_is_not_run(tmp_path, save):
    path = tmp_path / "evil.pt"
    path.write_bytes(save(Evil(str(tmp_path / "owned"))))
    with pytest.raises(InputError, match=r"evil\.pt: not a checkpoint"):
        checkpoint.load_policy(path)
    assert not (tmp_path / "owned").exists()


def test_a_disk_that_is_full_is_said_in_words(tmp_path, monkeypatch):
    class Full:
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        def flush(self):
            pass

    def writing(path, write):
        with translate_os_errors(path):
            write(Full())

    monkeypatch.setattr(pt_file, "atomic_write", writing)
    with pytest.raises(InputError, match=r"state\.pt: the disk is full"):
        atomic_torch_save(tmp_path / "state.pt", {"weights": torch.zeros(1000)})


def test_an_interrupt_while_weights_are_written_is_an_interrupt(tmp_path, monkeypatch):
    class Interrupted:
        writes = 0

        def write(self, data):
            self.writes += 1
            if self.writes == 3:  # then PyTorch misses what was not written, and says that instead
                raise KeyboardInterrupt
            return len(data)

        def flush(self):
            pass

    monkeypatch.setattr(pt_file, "atomic_write", lambda path, write: write(Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        atomic_torch_save(tmp_path / "state.pt", {"weights": torch.zeros(1000)})
