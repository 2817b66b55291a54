"""The examples of docs/simulation.md and docs/search.md run as they stand, in the order of the page."""

import re
import shutil
from pathlib import Path

import pytest

from state_adapter import read_episodes

PAGES = Path(__file__).parents[2] / "docs"


def examples(page):
    found = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)
    return [code for code in found if not code.startswith("# strict.py")]  # a file: see test_people.py


@pytest.mark.parametrize(("page", "count"), [("simulation.md", 3), ("search.md", 1)])
def test_examples_run_as_they_stand(page, count, tmp_path, monkeypatch, sample_sessions):
    monkeypatch.setenv("PERSISTENT_DATA_DIR", str(tmp_path))
    shutil.copytree(sample_sessions, tmp_path / "state-service" / "episodes")
    assert len(examples(page)) == count
    names = {}
    for code in examples(page):
        exec(code, names)
    if page == "search.md":
        assert names["result"].decisions.shape == names["result"].lines.shape == (3,)
    else:
        assert names["person"].name == "me"
        assert len(read_episodes(tmp_path / "scripted-sessions", strict=True)[0]) == 5
