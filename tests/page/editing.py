"""Edits the page's editor as people do, and as browsers do behind their backs. Not here: what that must come to.

The editor's view is reached as CodeMirror itself finds it, through its element.
"""

import json
import random
from functools import cached_property

VIEW = "document.querySelector('.cm-content').cmTile.root.view"
TEXTS = (
    "x",
    "v = 1",
    "if x:",
    "(a)",
    "  ",
    "# ü",
    "😀",
    "👩‍👩‍👧",
    "e\u0301",
    "日本",
    "'",
    "\u2028",
)
PASTES = (
    "pasted",
    "one\r\ntwo\r\n",
    "😀\n",
    "def f():\n    return 1\n",
    "\n".join(f"line_{i} = {i}" for i in range(12)),
    "\ttab\r\n",
)
KEYS = (
    "Enter", "Tab", "Shift+Tab", "Backspace", "Delete", "Control+Backspace", "Control+Delete", "Alt+ArrowUp",
    "Alt+ArrowDown", "Shift+Alt+ArrowDown", "Control+/", "Control+[", "Control+]", "Control+Shift+K",
)  # fmt: skip
MOVES = (
    "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "Control+Home", "Control+End",
    "Control+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowDown", "Shift+End", "Control+Shift+ArrowRight",
)  # fmt: skip


class Editor:
    """The page's editor, and how to drive it."""

    def __init__(self, page):
        self.page, self.content = page, page.locator(".cm-content")

    @cached_property
    def devtools(self):
        return self.page.context.new_cdp_session(self.page)

    def text(self):
        """The document, half characters as they are."""
        return json.loads(self.page.evaluate(f"JSON.stringify({VIEW}.state.doc.toString())"))

    def cursor(self):
        """Of the main selection, its two ends in the document's own units."""
        return self.page.evaluate(f"(({{anchor, head}}) => [anchor, head])({VIEW}.state.selection.main)")

    def paste(self, text, kind="paste"):
        """From elsewhere: `paste` at the cursor, `drop` in the middle of what is seen."""
        self.content.evaluate(
            """(content, [kind, text]) => {
                const data = new DataTransfer();
                data.setData('text/plain', text);
                const box = content.getBoundingClientRect();
                const place = {clientX: box.x + 60, clientY: box.y + Math.min(box.height / 2, 60)};
                const options = {bubbles: true, cancelable: true};
                content.dispatchEvent(kind === 'paste' ? new ClipboardEvent('paste', {...options, clipboardData: data})
                    : new DragEvent('drop', {...options, ...place, dataTransfer: data}));
            }""",
            [kind, text],
        )

    def compose(self, *stages, end=None):
        """Composes as an input method does; end: what it comes to, None: the last stage."""
        for stage in stages:
            at = {"selectionStart": len(stage), "selectionEnd": len(stage)}
            self.devtools.send("Input.imeSetComposition", {"text": stage, **at})
        self.devtools.send("Input.insertText", {"text": stages[-1] if end is None else end})

    def replace(self, searched, replacement):
        """Finds and replaces all."""
        self.page.keyboard.press("Control+F")
        self.page.locator(".cm-search input[name=search]").fill(searched)
        self.page.locator(".cm-search input[name=replace]").fill(replacement)
        self.page.locator(".cm-search [name=replaceAll]").click()
        self.page.keyboard.press("Escape")
        self.content.focus()

    def change(self, start, end, text):
        """As a browser does behind the editor's back, in half characters if it must be."""
        self.page.evaluate(
            f"([from, to, insert]) => {VIEW}.dispatch({{changes: {{from, to, insert: JSON.parse(insert)}}}})",
            [start, end, json.dumps(text)],
        )


class RandomEditing:
    """Steps by chance, the same for the same seed as long as the page does the same."""

    def __init__(self, editor, seed):
        self.editor, self.page, self.chance = editor, editor.page, random.Random(seed)
        self._steps = {
            self._type: 30, self._press: 16, self._move: 14, self._undo: 8, self._copy: 5, self._paste: 6,
            self._drop: 4, self._drag: 4, self._cursors: 5, self._replace: 4, self._compose: 6, self._halve: 6,
            self._click: 3,
        }  # fmt: skip

    def step(self):
        """One thing that a person may do."""
        self.editor.content.focus()  # Tab after Escape has left it
        steps = list(self._steps)
        self.chance.choices(steps, list(self._steps.values()))[0]()

    def _type(self):
        text = self.chance.choice(TEXTS)
        if text.isascii():
            self.page.keyboard.type(text)
        else:
            self.page.keyboard.insert_text(text)

    def _press(self):
        self.page.keyboard.press(self.chance.choice(KEYS))

    def _move(self):
        self.page.keyboard.press(self.chance.choice(MOVES))

    def _undo(self):
        self.page.keyboard.press(self.chance.choice(("Control+Z", "Control+Z", "Control+Y")))

    def _copy(self):
        self.page.keyboard.press("Shift+ArrowUp")
        self.page.keyboard.press(self.chance.choice(("Control+C", "Control+X")))
        self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Control+V")

    def _paste(self):
        self.editor.paste(self.chance.choice(PASTES))

    def _drop(self):
        self.editor.paste(self.chance.choice(PASTES), "drop")

    def _drag(self):
        """A word with the mouse to another line."""
        (source_x, source_y), (target_x, target_y) = self._place_in_sight(), self._place_in_sight()
        mouse = self.page.mouse
        mouse.dblclick(source_x, source_y)
        mouse.move(source_x, source_y)
        mouse.down()
        mouse.move(target_x, target_y, steps=3)
        mouse.move(target_x + 4, target_y)
        mouse.up()

    def _place_in_sight(self):
        """Somewhere on a line that is shown."""
        frame = self.page.locator(".cm-scroller").bounding_box()
        lines = self.page.locator(".cm-line")
        line = lines.nth(self.chance.randrange(lines.count())).bounding_box() or frame
        bottom = min(frame["y"] + frame["height"], self.page.viewport_size["height"]) - 12
        return line["x"] + self.chance.choice((12, 40)), min(max(line["y"] + 8, frame["y"] + 8), bottom)

    def _cursors(self):
        self.page.keyboard.press(self.chance.choice(("Control+Alt+ArrowUp", "Control+Alt+ArrowDown", "Control+D")))
        self.page.keyboard.type(self.chance.choice(("ab", "#", "()")))
        if self.chance.random() < 0.5:
            self.page.keyboard.press("Escape")

    def _replace(self):
        self.editor.replace(self.chance.choice(("a", "e\u0301", "1", "😀")), self.chance.choice(("bc", "", "😁", "ü")))

    def _compose(self):
        self.editor.compose(*self.chance.choice((("に", "にほ", "日本"), ("´", "é"), ("ㅎ", "하", "한"))))

    def _halve(self):
        """Takes away or puts in half of an emoji, or joins two halves."""
        text, half = self.editor.text().encode("utf-16-le", "surrogatepass"), self.chance.choice(("\ud83d", "\ude00"))
        units = [text[i : i + 2] for i in range(0, len(text), 2)]
        pairs = [i for i, unit in enumerate(units) if 0xD8 <= unit[1] < 0xE0]
        place = self.chance.choice(pairs) if pairs else len(units)
        self.editor.change(place, place + bool(pairs and self.chance.random() < 0.6), self.chance.choice(("", half)))

    def _click(self):
        modifier = self.chance.choice(("", "Control", "Shift"))
        if modifier:
            self.page.keyboard.down(modifier)
        self.page.mouse.click(*self._place_in_sight())
        if modifier:
            self.page.keyboard.up(modifier)
