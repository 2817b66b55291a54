import assert from "node:assert/strict";
import { test } from "node:test";
import { redo, undo } from "@codemirror/commands";
import { freshEdits, isUndecided } from "../../src/assistant/placed-edits";
import { keepPart, nextPart, takeOut } from "../../src/assistant/taking-back";
import { editing, type Editing } from "./editing";

function keepNext(editor: Editing, unit: "word" | "line"): Editing {
  const part = nextPart(editor.edit, unit);
  assert.ok(part);
  return editor.follow(keepPart(editor.state, editor.edit, part));
}

test("all edits are taken out, wherever a later one stands", () => {
  const editor = editing("a\nb\nc").place("a\nb\nc = 3").place("a = 1\nb\nc = 3").place("a = 1\nx\nb\nc = 3");
  editor.type("# ", 0);
  while (freshEdits(editor.state).length) editor.follow(takeOut(editor.state, editor.edit));
  assert.equal(editor.text, "# a\nb\nc");
});

test("the latest step is taken out by undoing it, which the person's redo brings back; the cursor stays", () => {
  const editor = editing().type("x").place("# why\nx");
  editor.change({ selection: { anchor: 0 } });
  editor.follow(takeOut(editor.state, editor.edit));
  assert.deepEqual([editor.text, editor.state.selection.main.head, editor.origins.at(-1)], ["x", 0, "undo"]);
});

test("what is taken out after the person went on is a step of its own", () => {
  const editor = editing("a\nb").place("a\nb = 1").type("0", 0);
  editor.follow(takeOut(editor.state, editor.edit));
  assert.deepEqual([editor.text, editor.origins.at(-1)], ["0a\nb", "undo"]);
  assert.equal(editor.run(undo).text, "0a\nb = 1");
});

test("a part that is kept is the assistant's, and one step", () => {
  const editor = editing("def f(a):\n    ").place("def f(a):\n    for x in a:\n        print(x)\n    return a");
  keepNext(editor, "line");
  assert.equal(editor.text, "def f(a):\n    for x in a:");
  keepNext(editor, "line");
  assert.equal(editor.text, "def f(a):\n    for x in a:\n        print(x)");
  assert.deepEqual(new Set(editor.origins), new Set(["assistant"]));
  assert.equal(editor.run(undo).text, "def f(a):\n    ");
});

test("undo straight after a word was kept takes it back and nothing of the person's; redo brings it again", () => {
  const editor = editing().type("x").place("x = 1\ny = 2");
  keepNext(editor, "word");
  assert.equal(editor.run(undo).text, "x");
  assert.equal(editor.run(redo).text, "x =");
  editor.run(undo);
  assert.equal(editor.run(undo).text, "");
});

test("words go on to lines, and at its end all of it is kept", () => {
  const editor = editing("x").place("x = 1\ny = 2");
  keepNext(editor, "word");
  assert.equal(editor.text, "x =");
  keepNext(editor, "line");
  assert.equal(editor.text, "x = 1");
  keepNext(editor, "line");
  assert.equal(editor.text, "x = 1\ny = 2");
  assert.equal(nextPart(editor.edit, "line"), null);
});

test("a part can be kept after the person went on elsewhere", () => {
  const editor = editing("a\nb").place("a\nb = 1\nc = 2").type("0", 0);
  keepNext(editor, "line");
  assert.equal(editor.text, "0a\nb = 1");
  assert.equal(editor.run(undo).text, "0a\nb = 1\nc = 2");
});

test("the latest text is undecided until a part of it is kept, or another answer came", () => {
  const editor = editing().type("x").place("x = 1\ny = 2");
  const { requestId } = editor.edit;
  assert.ok(isUndecided(editor.state, requestId));
  assert.ok(!isUndecided(editor.state, "later"));
  keepNext(editor, "word");
  editor.type("\n");
  assert.equal(freshEdits(editor.state).length, 1);
  assert.ok(!isUndecided(editor.state, requestId));
});

/** What is typed at the cursor, as the person would. */
function typeAtCursor(editor: Editing, text: string): string {
  return editor.type(text, editor.state.selection.main.head).text;
}

test("the cursor goes behind a part that is kept at it, and one more part each time", () => {
  const editor = editing().type("def f(a):\n    ").place("def f(a):\n    for x in a:\n        print(x)\n    return a");
  keepNext(editor, "word");
  assert.equal(editor.state.selection.main.head, "def f(a):\n    for".length);
  keepNext(editor, "line");
  assert.equal(typeAtCursor(editor, "X"), "def f(a):\n    for x in a:X");
});

test("the cursor goes behind a part that is kept on the line after it", () => {
  const editor = editing("a = 1\nb = 2\n").change({ selection: { anchor: 5 } }).place("a = 1\nc = 3\nd = 4\nb = 2\n");
  keepNext(editor, "line");
  assert.equal(typeAtCursor(editor, "X"), "a = 1\nc = 3X\nb = 2\n");
});

test("the cursor goes behind a part though the person went on elsewhere", () => {
  const editor = editing("a\n").type("b").place("a\nb = 1\nc = 2").type("0", 0).change({ selection: { anchor: 4 } });
  keepNext(editor, "line");
  assert.equal(typeAtCursor(editor, "X"), "0a\nb = 1X");
});

test("the cursor stays where it is while a part is kept on another line", () => {
  const editor = editing("a\nb\nc\n").type("end").place("a = 1\nb = 2\nc\nend");
  editor.change({ selection: { anchor: editor.text.length - 1 } });
  keepNext(editor, "line");
  assert.equal(typeAtCursor(editor, "X"), "a = 1\nb\nc\nenXd");
});
