"""How soon the page can be used, how fast it takes keys, whether it grows: in a headless Chromium, with a real server.

    python -m benchmarks.page [--loads 5] [--keys 400] [--changes 30000] [--decisions 500] [--chromium FILE] [--json]

Loads are cold: a new browser context each, from the address to the first problem that can be chosen, and to an editor
that takes keys. Keys are typed into a file of 300 lines, 12 a second with pauses in which the assistant is asked, while
everything is recorded; processing is what Event Timing says of each keydown, beforeinput, input and keyup, which it
reports from 16 ms on. Beside them the same keys in a bare text field. The heap is measured after a collection: with a
tenth of the changes and decisions, and with all of them, and what of it is data and not compiled code. Needs the extra
`dev` and Chromium. Not here: the services (`services.py`), recording under load (`recording.py`).
"""

from __future__ import annotations

from benchmarks import command_lines

if __name__ == "__main__":
    OPTIONS = command_lines.read_options(command_lines.page(__doc__))

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from benchmarks.arguments import run_study
from benchmarks.recording import running_server
from benchmarks.services import program
from data_paths import DataPaths
from errors import InputError

PROBLEM, LINES = "warmest-day", 300
KEY_MS, PAUSE_EVERY, PAUSE_MS = 80, 40, 1500
LONGEST_MS = 16.0
DATA = ("object", "array", "string", "concatenated string", "sliced string", "closure", "number", "symbol", "regexp")
"""Kinds of nodes in a snapshot of the heap that are the page's data."""
ROUND = 60
"""Changes between two decisions: half of them type, the others delete, so that the file stays as long."""

OBSERVE = """
window.measured = { problem: null, editor: null, slow: [] };
new MutationObserver(() => {
  const now = performance.now();
  if (document.querySelector(".problem-list a")) window.measured.problem ??= now;
  if (document.querySelector(".cm-content")) window.measured.editor ??= now;
}).observe(document, { childList: true, subtree: true });
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const spent = entry.processingEnd - entry.processingStart;
    if (spent > LONGEST && ["keydown", "beforeinput", "input", "keyup"].includes(entry.name)) {
      window.measured.slow.push(spent); // no others: there are enough to be seen in the heap
    }
  }
}).observe({ type: "event", durationThreshold: 16, buffered: true });
""".replace("LONGEST", str(LONGEST_MS))
EVENTS = """["keydown", "beforeinput", "input", "keyup"]
  .reduce((count, name) => count + (performance.eventCounts.get(name) ?? 0), 0)"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """What the table shows. Raises InputError: there is no Chromium."""
    chromium = options.chromium or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise InputError("--chromium", "there is no Chromium on the path, expected the browser's file")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(DataPaths(Path(folder))) as (_, port),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        address = f"http://127.0.0.1:{port}/"
        _begin_visits(browser, address)
        rows = {
            "loads": [_load(browser, address) for _ in range(options.loads)],
            "page": _type(browser, address, options.keys),
            "text field": _type(browser, None, options.keys),
            "heap": _grow(browser, address, options.changes, options.decisions),
        }
        browser.close()
    return rows


def _begin_visits(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name="Begin").click()
        page.locator(".problem-list a").first.wait_for()


def _load(browser: Browser, address: str) -> dict[str, float]:
    """Milliseconds from the address to the first paint, to a problem to choose, and to an editor that takes keys."""
    with browser.new_context() as context:
        page = _page(context, address)
        page.locator(".problem-list a").first.wait_for()
        first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null")
        problem = page.evaluate("measured.problem")
    with browser.new_context() as context:
        page = _page(context, f"{address}#/solve/{PROBLEM}")
        page.locator(".cm-content").wait_for()
        return {"first paint": first, "problems": problem, "editor": page.evaluate("measured.editor")}


def _type(browser: Browser, address: str | None, keys: int) -> dict[str, float]:
    """Events of typing so many keys, and those whose processing was too long. address: None: a bare text field."""
    with browser.new_context() as context:
        page = _editor(context, address)
        words = "value = total + 1 # count it\n"
        before = page.evaluate(EVENTS)
        for i in range(keys):
            page.keyboard.type(words[i % len(words)])
            page.wait_for_timeout(PAUSE_MS if (i + 1) % PAUSE_EVERY == 0 else KEY_MS)
        slow = page.evaluate("measured.slow")
        events = page.evaluate(EVENTS) - before
        return {"events": events, "too long": len(slow), "longest ms": round(max(slow, default=0.0), 1)}


def _grow(browser: Browser, address: str, changes: int, decisions: int) -> dict[str, float]:
    """Megabytes of the heap, and of the data there, after a tenth of the changes and decisions, and after all."""
    rounds = min(decisions, changes // ROUND)
    with browser.new_context() as context:
        page = _editor(context, address)
        session = context.new_cdp_session(page)
        page.get_by_label("When it looks").select_option("key")
        sizes, data = {}, {}
        for i in range(rounds):
            page.keyboard.type("x" * (changes // rounds // 2))
            for _ in range(changes // rounds // 2):
                page.keyboard.press("Backspace")
            with page.expect_response("**/inference"):
                page.keyboard.press("Alt+Enter")
            if i + 1 in (rounds // 10, rounds):
                page.wait_for_timeout(PAUSE_MS)
                session.send("HeapProfiler.collectGarbage")
                sizes[i + 1] = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
                data[i + 1] = _data_bytes(session) / 1e6
        return {"changes": changes, "decisions": rounds, **_growth("", sizes), **_growth("data ", data)}


def _growth(name: str, sizes: Mapping[int, float]) -> dict[str, float]:
    """Of megabytes early and late."""
    tenth, whole = sizes.values()
    return {
        f"{name}tenth MB": round(tenth, 2),
        f"{name}whole MB": round(whole, 2),
        f"{name}ratio": round(whole / tenth, 3),
    }


def _data_bytes(session: CDPSession) -> int:
    """Bytes of objects, arrays, texts and closures on the heap: without the code that the browser has compiled."""
    chunks: list[str] = []
    session.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    session.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    heap = json.loads("".join(chunks))
    meta, nodes = heap["snapshot"]["meta"], heap["nodes"]
    fields, kinds = meta["node_fields"], meta["node_types"][0]
    own = {i for i, kind in enumerate(kinds) if kind in DATA}
    width, size = len(fields), fields.index("self_size")
    return sum(nodes[i + size] for i in range(0, len(nodes), width) if nodes[i + fields.index("type")] in own)


def _page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.add_init_script(OBSERVE)
    page.goto(address)
    return page


def _editor(context: BrowserContext, address: str | None) -> Page:
    """A page whose file of 300 lines has the focus."""
    text = program(LINES)
    if address is None:
        page = _page(context, "about:blank")
        page.evaluate("document.body.append(document.createElement('textarea'))")
        page.locator("textarea").fill(text)
        page.locator("textarea").focus()
    else:
        page = _page(context, address)
        page.evaluate("([id, text]) => localStorage.setItem(`codeassist.draft.${id}`, text)", [PROBLEM, text])
        page.goto(f"{address}#/solve/{PROBLEM}")
        page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    return page


def table(rows: dict[str, Any]) -> str:
    """The results for a person."""
    lines = ["| cold load, ms | median | longest |", "|---|---|---|"]
    for name in rows["loads"][0]:
        spent = [load[name] for load in rows["loads"]]
        lines.append(f"| {name} | {statistics.median(spent):.0f} | {max(spent):.0f} |")
    lines += ["", "| typing | events | processed in more than 16 ms | longest ms |", "|---|---|---|---|"]
    for name in ("page", "text field"):
        row = rows[name]
        share = row["too long"] / max(row["events"], 1)
        lines.append(f"| {name} | {row['events']} | {row['too long']} ({share:.1%}) | {row['longest ms']} |")
    heap = rows["heap"]
    lines += ["", f"heap after {heap['changes']:,} changes and {heap['decisions']} decisions: {heap['whole MB']} MB, "
                  f"{heap['ratio']} times that after a tenth of them ({heap['tenth MB']} MB)",
              f"of it data, without compiled code: {heap['data whole MB']} MB, {heap['data ratio']} times "
              f"that after a tenth ({heap['data tenth MB']} MB)"]  # fmt: skip
    return "\n".join(lines)


def main(options: argparse.Namespace) -> None:
    """Measures and prints."""
    rows = measure(options)
    print(json.dumps(rows) if options.json else table(rows))


if __name__ == "__main__":
    run_study(lambda: main(OPTIONS))
