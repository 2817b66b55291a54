"""The page in a real browser, with the real services in this process. Debian's chromium, or CHROMIUM, is the browser.

Screenshots of every view and state go into the folder SCREENSHOTS, by default `build/screenshots`; they are for people.
"""

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from config import LoopConfig
from data_paths import DataPaths
from services.settings_messages import SettingsChange
from services.startup import RunningServices, StartOptions, start_services

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", "build/screenshots"))
STOP_SECONDS = 20


def pytest_collection_modifyitems(items):
    """Without a browser these tests are skipped, unless BROWSER_REQUIRED says that there must be one."""
    if CHROMIUM is None and not os.environ.get("BROWSER_REQUIRED"):
        skip = pytest.mark.skip(reason="no chromium: install it, or name it by CHROMIUM")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="module")
def playwright():
    """For one module: as long as it runs there is an event loop, beside which other tests could not run theirs."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright):
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser_context_args():
    """Nothing moves, so that pictures and contrasts are those of a page at rest."""
    return {"reduced_motion": "reduce"}


@dataclass
class PageServer:
    """Services in this process on a port and a data root of their own."""

    running: RunningServices
    paths: DataPaths
    finished: list

    @property
    def url(self):
        return self.running.address

    def episodes(self):
        """Snapshots of the sessions that have ended and are tested."""
        self.running.services.recorder.snapshots.wait(STOP_SECONDS)
        return [json.loads(path.read_text()) for path in sorted(self.paths.episodes.glob("*/*.json"))]

    def changes(self, episode_id):
        """All keystrokes of a session, in order."""
        lines = (self.paths.episodes / episode_id / "raw" / "changes.jsonl").read_text().splitlines()
        return [change for line in lines for change in json.loads(line)["changes"]]


@contextmanager
def serve(data_root, config=None, port=0, *, welcomed=True, **options):
    """Serves from `data_root` until the block ends. welcomed: the first visit is over."""
    paths, finished = DataPaths(data_root), []
    running = start_services(
        config or LoopConfig(),
        paths,
        StartOptions(port=port, **options),
        finish=lambda: finished.append(1),
        report=lambda _: None,
    )
    running.wait_until_ready()
    running.services.settings.update(SettingsChange(welcomed=welcomed))
    try:
        yield PageServer(running, paths, finished)
    finally:
        running.stop(STOP_SECONDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests of a module."""
    with serve(tmp_path_factory.mktemp("data")) as server:
        yield server


@pytest.fixture
def errors(page):
    """What the browser complained about: exceptions, console errors, what the content security policy kept out."""
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
    return complaints


def _is_complaint(message):
    """Not: Chromium edits a selection itself, with inline styles that the policy keeps out, before the editor puts
    that right."""
    return message.type == "error" and not message.text.startswith("Applying inline style violates")


@pytest.fixture
def opened(page, server, errors):
    """The page, loaded; at the end of the test nothing may have been complained about."""
    page.goto(server.url)
    yield page
    assert not errors


def violations(page):
    """What axe finds wrong for people who use a keyboard or a screen reader, one line each."""
    response = Axe().run(page).response
    return [f"{found['id']}: {node['html']}" for found in response["violations"] for node in found["nodes"]]


def screenshot(page, name):
    """Keeps a picture of the whole page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
