"""An installed wheel is whole, and works from any folder, whatever modules lie in it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from data_paths import DataPaths
from tests.small_library import put_small_library

OURS = {".ci", ".git", ".venv", "benchmarks", "build", "dist", "docs", "page", "tests"}
"""Folders of the repository that an installation does not need."""

TINY = {
    "featurizer": {"d_in": 24, "char_dim": 8},
    "model": {"d_in": 24, "d_model": 16, "n_layers": 1, "n_heads": 2, "hidden": 16},
    "bc": {"epochs": 1},
    "ppo": {"epochs": 1},
    "zero_style": {"epochs": 1, "roots": 2, "horizon": 2, "simulations": 2, "passes": 1},
}


def test_every_module_is_listed(root):
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert sorted(listed["py-modules"]) == sorted(path.stem for path in root.glob("*.py"))
    folders = {path.parent.relative_to(root) for path in root.rglob("*.py")} - {Path()}
    packages = {".".join(folder.parts) for folder in folders if not OURS & set(folder.parts)}
    assert sorted(listed["packages"]) == sorted(packages)


@pytest.fixture(scope="module")
def installation(tmp_path_factory, root):
    """Folder that the wheel is installed into, built from a copy: a build leaves things behind."""
    folder = tmp_path_factory.mktemp("installation")
    source = folder / "source"
    shutil.copytree(root, source, ignore=shutil.ignore_patterns(*OURS, "*.egg-info", "__pycache__", ".*_cache"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q", "--no-compile"]
    words = ["--no-deps", "--no-build-isolation", "--target", folder / "site", source]
    subprocess.run([*pip, *words], check=True, capture_output=True)
    return folder / "site"


@pytest.fixture
def command(installation, tmp_path):
    """Runs a console script in a folder whose modules have the names of ours; PyTorch comes from outside."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("config", "state", "run", "files", "errors", "models/__init__", "cli/__init__", "app/__init__"):
        (work / name).parent.mkdir(exist_ok=True)
        (work / f"{name}.py").write_text("raise SystemExit('a module of the current folder was imported')\n")
    (work / "my_plugin.py").write_text("print('the plug-in was found')\n")

    def run(script, *words, **variables):
        environment = {**os.environ, "PYTHONPATH": str(installation), "XDG_DATA_HOME": str(tmp_path / "share")}
        environment |= {"HOME": str(tmp_path), **variables}
        environment.pop("PERSISTENT_DATA_DIR", None)
        line = [sys.executable, installation / "bin" / script, *map(str, words)]
        return subprocess.run(line, cwd=work, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("script", ["codeassist", "codeassist-tasks", "codeassist-verify"])
def test_the_commands_start_under_their_own_names(command, script):
    done = command(script, "--help")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(f"usage: {script} ")


def test_what_packages_hold_beside_modules_is_in_it(installation, root):
    listed = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    top = {name.partition(".")[0] for name in listed}
    tracked = subprocess.run(["git", "ls-files", *top], cwd=root, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("no checkout")
    beside = [path for path in tracked.stdout.splitlines() if not path.endswith(".py")]
    assert {"services/static/index.html", "judge/problems/data/bus-load.toml"} <= set(beside)
    assert [path for path in beside if not (installation / path).is_file()] == []


def test_the_extra_for_the_page_takes_at_most_50_megabytes(root):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    core = {_name(requirement) for requirement in project["dependencies"]}
    waiting, sizes = [_name(requirement) for requirement in project["optional-dependencies"]["serve"]], {}
    while waiting:
        name = waiting.pop()
        if name in sizes or name in core:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # of another system
            continue
        paths = [file.locate() for file in distribution.files or ()]
        sizes[name] = sum(Path(path).stat().st_size for path in paths if Path(path).is_file())
        waiting += [_name(each) for each in distribution.requires or () if "extra ==" not in each]
    assert {"starlette", "uvicorn", "msgspec", "jedi"} <= set(sizes)
    assert sum(sizes.values()) < 50e6, sizes


def _name(requirement):
    return re.match(r"[\w.-]+", requirement)[0].lower()


def test_the_samples_are_in_it(command, installation):
    done = command("codeassist-tasks", "inspect", "--episodes_dir", installation / "examples" / "sessions")
    assert done.returncode == 0 and "2 sessions, 58 states" in done.stdout


def test_the_problems_are_in_it(command, root):
    done = command("codeassist-tasks", "problems", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == len(list((root / "judge" / "problems" / "data").glob("*.toml")))


def test_plug_ins_of_the_current_folder_are_found(command):
    done = command("codeassist-tasks", "inspect", "--episodes_dir", "absent", CODEASSIST_MODULES="my_plugin")
    assert done.returncode == 2 and done.stdout == "the plug-in was found\n" and "absent" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="another data root")
def test_it_learns_from_simulated_people_and_decides(command, tmp_path):
    (tmp_path / "work" / "training_config.json").write_text(json.dumps(TINY))
    (tmp_path / "work" / "without_jedi.py").write_text("import sys\nsys.modules['jedi'] = None\n")
    paths = DataPaths(tmp_path / "share" / "codeassist-policy")
    put_small_library(paths.writers)
    done = command("codeassist", "--simulate", 1, CODEASSIST_MODULES="without_jedi")
    assert done.returncode == 0, done.stderr
    assert paths.run.is_dir()
    (line,) = [line for line in done.stdout.splitlines() if "ask for a decision" in line]
    script, *words = shlex.split(line.removeprefix("  ask for a decision   "))
    done = command(script, *words)
    assert done.returncode == 0 and "untrained" not in done.stdout and "action_idx" in json.loads(done.stdout)
