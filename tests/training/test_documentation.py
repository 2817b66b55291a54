"""docs/training.md names every key of the log, and every phase's keys are its own."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from training.train_from_episodes import train_from_episodes

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.usefixtures("short_refit")
def test_every_key_of_the_log_is_explained(small, sessions):
    named = set(re.findall(r"`(\w+)`", (DOCS / "training.md").read_text() + (DOCS / "self-play.md").read_text()))
    small = replace(
        small, bc=replace(small.bc, epochs=1), ppo=replace(small.ppo, epochs=1),
        zero_style=replace(small.zero_style, epochs=1),
    )  # fmt: skip
    sessions = sessions[:3]
    first = train_from_episodes(replace(small, run_label="first"), sessions)
    again = replace(small, init_from_pv=True, checkpoint_dir=small.checkpoint_dir / "again")
    rows = [*first.rows, *train_from_episodes(again, sessions).rows]
    assert {key for row in rows for key in row} - named == set()


def test_files_that_the_page_names_exist():
    page = (DOCS / "training.md").read_text()
    files = {path.name for pattern in ("*.py", "training/**/*.py") for path in DOCS.parent.glob(pattern)}
    named = re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", page)
    assert named and set(named) <= files
