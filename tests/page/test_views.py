"""The first visit, settings and health in a browser; every view in light and dark, narrow and large, by keyboard."""

from playwright.sync_api import expect

from services.messages.settings_messages import SettingsChange

from .conftest import screenshot, serve, violations, wait_until

VIEWS = ("welcome", "solve", "sessions", "learning", "models", "health", "settings")
WIDTHS = (320, 640, 768, 1280, 2560)
"""640: what is left of 1280 at 200 %."""


def test_a_first_visit_explains_itself_and_lets_the_person_choose_who_writes(page, tmp_path, errors):
    with serve(tmp_path / "data", welcomed=False) as server:
        page.goto(server.url)
        page.get_by_role("heading", name="Write code; it learns when to help you").wait_for()
        page.get_by_text("✓ writes now").wait_for()
        assert violations(page) == []
        page.get_by_role("button", name="Let it write: tutor").click()
        page.get_by_text("From now on").wait_for()
        page.get_by_role("button", name="Start writing").click()
        page.get_by_role("heading", name="Problems").wait_for()
        page.goto(server.url)
        page.get_by_role("heading", name="Problems").wait_for()
        assert server.running.services.settings.current().tutor
    assert not errors


def test_settings_hold_at_once_and_after_a_reload(watched, server):
    watched.goto(server.url + "#/settings")
    watched.get_by_label("dark").check()
    expect(watched.locator("body")).to_have_css("color-scheme", "dark")
    watched.get_by_label("Learn from large pastes too").check()
    with watched.expect_response(lambda response: "explore" in (response.request.post_data or "")):
        watched.get_by_label("Try help at random").uncheck()
    watched.reload()
    expect(watched.locator("html")).to_have_attribute("data-theme", "dark")
    expect(watched.get_by_label("Learn from large pastes too")).to_be_checked()
    assert not server.running.services.assistance.models.explore
    watched.get_by_label("as the system").check()
    wait_until(watched, lambda: server.running.services.settings.current().theme == "system")


def test_erasing_needs_the_words_and_nothing_more_and_leaves_nothing(page, tmp_path, errors):
    with serve(tmp_path / "data") as server:
        left = server.paths.episodes / "s" / "s.json"
        left.parent.mkdir(parents=True)
        left.write_text("{}")
        page.goto(server.url + "#/solve/warmest-day")
        page.locator(".cm-content").click()
        page.keyboard.type("secret")
        page.goto(server.url + "#/settings")
        page.locator("summary", has_text="Erase everything").click()
        button = page.locator("details button")
        assert button.is_disabled()
        page.get_by_label("type").fill("erase everything")
        button.click()
        page.get_by_role("heading", name="Write code; it learns when to help you").wait_for()
        assert not left.exists()
        kept = page.evaluate("[...Object.values(localStorage), ...Object.values(sessionStorage)].join()")
        assert "secret" not in kept and "warmest" not in kept
        assert list(server.paths.episodes.glob("*")) == []
    assert not errors


def test_help_that_is_off_for_a_kind_of_file_is_switched_on_again_in_the_settings(watched, server):
    server.running.services.settings.update(SettingsChange(off_for=[".md"]))
    watched.goto(server.url + "#/settings")
    watched.get_by_role("button", name="Help again in .md files").click()
    watched.get_by_text("none; switch it off").wait_for()
    wait_until(watched, lambda: not server.running.services.settings.current().off_for)


def test_health_says_what_to_do(watched, server, monkeypatch):
    monkeypatch.setattr(server.running.services.recorder, "problem_of_disk", "the disk is full")
    watched.goto(server.url + "#/health")
    watched.get_by_text("Parts that need attention: 1 of").wait_for()
    watched.get_by_text("the disk is full").wait_for()
    assert violations(watched) == []
    screenshot(watched, "health-wrong")


def test_the_page_ends_recording(page, tmp_path, errors):
    with serve(tmp_path / "data", trains=False) as server:
        page.goto(server.url + "#/settings")
        page.get_by_role("button", name="Stop recording").click()
        page.get_by_text("The server ends").wait_for()
        assert server.finished == [1]
    assert not errors


def test_every_view_is_accessible_in_light_and_dark_and_fits_every_width(watched, server):
    for view in VIEWS:
        watched.goto(f"{server.url}#/{view}")
        watched.locator("main h1").wait_for()
        watched.wait_for_load_state("networkidle")
        for width in WIDTHS:
            watched.set_viewport_size({"width": width, "height": 900})
            overflow = watched.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, (view, width, overflow)
        for scheme, widths, rules in (
            ("light", (320, 1280), {}),
            ("dark", (1280, 320), {"runOnly": ["color-contrast"]}),
        ):
            watched.emulate_media(color_scheme=scheme)
            for width in widths:
                watched.set_viewport_size({"width": width, "height": 900})
                screenshot(watched, f"{view}-{scheme}-{width}")
            assert violations(watched, **rules) == [], (view, scheme)


def test_the_views_are_reached_by_keyboard_alone(opened):
    opened.locator("main h1").wait_for()
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "To the content"
    opened.keyboard.press("Enter")
    assert opened.evaluate("document.activeElement.id") == "main"
    for _ in range(3):
        opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Enter")
    opened.locator("main h1").wait_for()


def test_a_command_is_copied_by_keyboard_and_selected_where_the_browser_refuses(watched, server):
    watched.goto(server.url + "#/settings")
    button = watched.get_by_role("button", name="Copy the command for SmolLM2")
    told = watched.locator(".command", has=button).get_by_role("status")
    command = watched.locator(".command", has=button).locator("code").inner_text()
    assert "writers --get smollm2" in command
    watched.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    button.press("Enter")
    expect(told).to_have_text("Copied.")
    assert watched.evaluate("navigator.clipboard.readText()") == command
    watched.context.clear_permissions()
    watched.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    button.press("Enter")
    expect(told).to_have_text("It is selected: press Ctrl+C.")
    assert watched.evaluate("String(getSelection())") == command
    assert violations(watched) == []


def test_on_a_phone_every_view_is_in_sight_and_so_are_the_signs_wherever_it_is_scrolled(watched, server):
    watched.goto(server.url + "#/solve/warmest-day")
    watched.locator(".cm-content").wait_for()
    signs = watched.locator(".signs")
    for width in (320, 390):
        watched.set_viewport_size({"width": width, "height": 844})
        watched.evaluate("scrollTo(0, 0)")
        for link in watched.get_by_role("navigation", name="Views").get_by_role("link").all():
            expect(link).to_be_in_viewport(ratio=1)
        for scroll in ("scrollTo(0, 0)", "scrollTo(0, document.body.scrollHeight)"):
            watched.evaluate(scroll)
            expect(signs.get_by_text("Recording", exact=True)).to_be_in_viewport(ratio=1)
            expect(signs.get_by_text("Looks on")).to_be_in_viewport(ratio=1)
    assert violations(watched) == []
    watched.evaluate("scrollTo(0, 0)")
    screenshot(watched, "solve-phone")
    watched.get_by_role("button", name="End the session").click()
    watched.get_by_role("heading", name="Problems").wait_for()


def test_an_address_that_changes_while_the_page_loads_is_followed(own_page, server):
    own_page.add_init_script("addEventListener('DOMContentLoaded', () => { location.hash = '#/health'; })")
    own_page.goto(server.url + "#/models")
    own_page.get_by_role("heading", name="Health", level=1).wait_for()
