"""The version of the code that learns: another digest for other code, and no module is forgotten."""

import tomllib

from config import VERSION
from training.runs import code_version

OTHERS = {
    "app", "benchmarks", "cli", "config_bounds", "console_scripts", "cpu_load", "data_paths", "errors", "files",
    "examples", "memory_limits", "run", "services", "sessions", "strict_json", "verify",
}  # fmt: skip
"""Modules that decide nothing that is learned."""


def test_every_module_of_the_project_is_in_the_digest_or_decides_nothing(root):
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    modules = {name.partition(".")[0] for name in (*listed["py-modules"], *listed["packages"])}
    learning = {name.removesuffix(".py") for name in code_version.LEARNING_CODE}
    assert modules - OTHERS == learning
    assert all((code_version.ROOT / name).exists() for name in code_version.LEARNING_CODE)


def test_other_code_is_another_version(tmp_path, monkeypatch):
    monkeypatch.setattr(code_version, "ROOT", tmp_path)
    versions = set()
    for text in ("x = 1", "x = 2"):
        (tmp_path / "rewards.py").write_text(text)
        versions.add(code_version.code_version.__wrapped__())
    assert len(versions) == 2 and all(version.startswith(VERSION) for version in versions)
