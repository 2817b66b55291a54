"""The page's bundle is what its sources make, and small."""

import fcntl
import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC, PAGE = ROOT / "services" / "static", ROOT / "page"
MOST_BYTES = 250_000

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None and not os.environ.get("BROWSER_REQUIRED"), reason="no npm: nothing is built here"
)


@pytest.fixture(scope="module")
def packages():
    """What the lock file names, installed beside the sources unless it is there. Skips without a network."""
    stamp, lock = PAGE / "node_modules" / ".lock-built", PAGE / "package-lock.json"
    with lock.open("rb") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)  # other workers of this run install into the same folder
        if not stamp.is_file() or stamp.read_bytes() != lock.read_bytes():
            words = ["npm", "ci", "--no-audit", "--no-fund", "--silent"]
            installed = subprocess.run(words, cwd=PAGE, check=False, timeout=300).returncode == 0
            if not installed and not os.environ.get("BROWSER_REQUIRED"):
                pytest.skip("npm cannot install what the page is built of")
            assert installed, "npm ci fails: cd page && npm ci"
            stamp.write_bytes(lock.read_bytes())


@needs_npm
@pytest.mark.usefixtures("packages")
def test_the_bundle_is_what_the_sources_make(tmp_path):
    subprocess.run(["node", "build.mjs", "--into", str(tmp_path)], cwd=PAGE, check=True, timeout=120)
    for name in ("page.js", "page.css", "licences.txt"):
        assert (STATIC / name).read_bytes() == (tmp_path / name).read_bytes(), f"{name}: cd page && npm run build"


@needs_npm
@pytest.mark.usefixtures("packages")
def test_the_sources_pass_their_own_tests():
    outcome = subprocess.run(
        ["npm", "run", "--silent", "test"], cwd=PAGE, check=False, capture_output=True, text=True, timeout=300
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_the_bundle_is_small():
    assert sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in ("page.js", "page.css")) < MOST_BYTES


def test_every_package_in_the_bundle_has_its_licence_beside_it():
    licences = (STATIC / "licences.txt").read_text(encoding="utf-8")
    for name in ("@codemirror/view", "@codemirror/state", "preact", "@lezer/python"):
        assert f"\n{name} " in f"\n{licences}"
    assert "Permission is hereby granted" in licences


def test_every_measure_of_a_training_has_its_meaning_in_words():
    table = (ROOT / "training" / "evaluation" / "comparison_table.py").read_text(encoding="utf-8")
    page = (PAGE / "src" / "views" / "learning" / "comparison-table.tsx").read_text(encoding="utf-8")
    names = re.findall(r'_row\(\s*"([^"]+)"', table)
    assert len(names) >= 7 and all(f'"{name}": ' in page for name in names)
