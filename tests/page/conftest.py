"""The page in a real browser, with the real services in this process: Debian's Chromium, or what CHROMIUM names.

Screenshots of every view and state go into the folder that SCREENSHOTS names, if it names one; they are for people.
"""

import json
import os
import shutil
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Error, expect, sync_playwright

from config import LoopConfig
from data_paths import DataPaths
from delegates.embedded.attributes import JediProcess
from services.messages.settings_messages import SettingsChange
from services.startup import RunningServices, StartOptions, start_services
from tests.small_library import put_small_library, start_no_jedi

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""By preference: without windows the same engine takes a quarter less time of a core for all these tests."""

CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
SCREENSHOTS = os.environ.get("SCREENSHOTS")
STOP_SECONDS = 20
WAITED_SECONDS = 30
VIEWPORT = {"width": 1280, "height": 720}

expect.set_options(timeout=30_000)  # as all else is waited for; beside other tests the page is slow


def pytest_collection_modifyitems(items):
    """Without a browser these tests are skipped, unless BROWSER_REQUIRED says that there must be one."""
    if CHROMIUM is None and not os.environ.get("BROWSER_REQUIRED"):
        skip = pytest.mark.skip(reason="no chromium: install it, or name it by CHROMIUM")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails says what its tabs showed."""
    report = yield
    if report.when == "call" and report.failed and "page" in item.funcargs:
        report.sections += [(f"tab at {tab.url}", _text_in_sight(tab)) for tab in item.funcargs["page"].context.pages]
    return report


def _text_in_sight(tab):
    try:
        return tab.locator("body").inner_text(timeout=1000)
    except Error as error:
        return str(error)


_RESOURCES = pytest.StashKey()


@pytest.fixture(scope="module")
def folder_resources(request):
    """Resources of all modules of this folder, by name; closed before the first test of another one.

    Until then there is an event loop of playwright's, beside which other tests could not run theirs.
    """
    folder = next(node for node in request.node.listchain() if node.path == Path(__file__).parent)
    if _RESOURCES not in folder.stash:
        folder.stash[_RESOURCES] = FolderResources()
        folder.addfinalizer(lambda: _close_resources(folder))
    return folder.stash[_RESOURCES]


def _close_resources(folder):
    folder.stash[_RESOURCES].close()
    del folder.stash[_RESOURCES]


class FolderResources:
    """What is made once, when it is first asked for."""

    def __init__(self):
        self._stack, self._by_name = ExitStack(), {}

    def get(self, name, make):
        """The resource of that name. make: a function that returns its context manager."""
        if name not in self._by_name:
            self._by_name[name] = self._stack.enter_context(make())
        return self._by_name[name]

    def close(self):
        self._stack.close()


@pytest.fixture(scope="module")
def playwright(folder_resources):
    return folder_resources.get("playwright", sync_playwright)


@pytest.fixture(scope="module")
def browser(playwright, folder_resources):
    # All but the first spare work: a sixth those of the GPU, a twelfth the others.
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--in-process-gpu",
        "--js-flags=--no-maglev",
        "--animation-duration-scale=0",
    ]
    return folder_resources.get("browser", lambda: playwright.chromium.launch(executable_path=CHROMIUM, args=arguments))


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
    put_small_library(paths.writers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JediProcess, "start", start_no_jedi)
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
    with complaints_of(page) as complaints:
        yield complaints


@contextmanager
def complaints_of(page):
    complaints = []

    def note_exception(error):
        complaints.append(str(error))

    def note_message(message):
        if _is_complaint(message):
            complaints.append(message.text)

    page.on("pageerror", note_exception)
    page.on("console", note_message)
    yield complaints
    page.remove_listener("pageerror", note_exception)
    page.remove_listener("console", note_message)


def _is_complaint(message):
    """Not: Chromium edits a selection itself, with inline styles that the policy keeps out, before the editor puts
    that right."""
    return message.type == "error" and not message.text.startswith("Applying inline style violates")


@pytest.fixture(scope="module")
def shared_context(browser, browser_context_args, folder_resources):
    """One for all tests that need no more: each new one costs Chromium a second."""
    return folder_resources.get("context", lambda: browser.new_context(**browser_context_args))


@pytest.fixture(scope="module")
def tab(shared_context, folder_resources):
    """One for all tests: for each new one Chromium starts processes."""
    tab = folder_resources.get("tab", lambda: closing(shared_context.new_page()))
    yield tab
    _forget(tab)


@pytest.fixture
def page(tab, request):
    """An empty tab of somebody who was never here; `own_page`, if the test uses that."""
    if "own_page" in request.fixturenames:
        yield request.getfixturevalue("own_page")
    else:
        yield tab
        _forget(tab)


@pytest.fixture
def own_page(shared_context, tab):
    """As `page`, a tab of the test's own, which it may close, crash or open others beside."""
    yield shared_context.new_page()
    for page in shared_context.pages:
        if page is not tab:
            page.close()
    _forget(tab)


@pytest.fixture(scope="module")
def _clocked_tab(browser, browser_context_args, folder_resources):
    return folder_resources.get("clocked tab", lambda: _open_clocked_tab(browser, browser_context_args))


@contextmanager
def _open_clocked_tab(browser, context_args):
    with browser.new_context(**context_args) as context:
        context.clock.install()
        yield context.new_page()


@pytest.fixture
def clocked_page(_clocked_tab):
    """As `page`, with a clock that a test may stop."""
    _clocked_tab.clock.resume()
    yield _clocked_tab
    _forget(_clocked_tab)


@pytest.fixture
def watched(page):
    """The tab, still empty; nothing may be complained about until the test ends."""
    with complaints_of(page) as complaints:
        yield page
        _leave(page)
    assert not complaints


@pytest.fixture
def opened(watched, server):
    """The page, loaded; nothing may be complained about until the test ends."""
    watched.goto(server.url)
    return watched


def _leave(page):
    """Whatever is not saved."""
    if page.url == "about:blank":
        return
    page.once("dialog", accept := lambda dialog: dialog.accept())
    page.goto("about:blank")
    page.remove_listener("dialog", accept)


def _forget(tab):
    """Leaves the page, and takes back what the last test has stored, set and asked for."""
    _leave(tab)
    tab.unroute_all()
    tab.context.set_offline(False)
    session = tab.context.new_cdp_session(tab)
    session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    session.detach()
    tab.set_viewport_size(VIEWPORT)
    tab.emulate_media(color_scheme="light", forced_colors="none", reduced_motion="reduce")


def wait_until(page, holds):
    """Lets the page work until the server or the disk has what it should."""
    deadline = time.monotonic() + WAITED_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def violations(page, **options):
    """What axe finds wrong for people who use a keyboard or a screen reader, one line each. options: of `axe.run`."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(options)", {"resultTypes": ["violations"], **options})["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


def screenshot(page, name):
    """Keeps a picture of the whole page for people, if they want them."""
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
