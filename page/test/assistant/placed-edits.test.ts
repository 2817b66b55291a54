import assert from "node:assert/strict";
import { test } from "node:test";
import { history, redo, undo } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import { fileText, openFile } from "../../src/editor/coordinates";
import { freshEdits, inverseChanges, isLatestChange, placedEdits } from "../../src/assistant/placed-edits";
import { editing, Editing } from "./editing";

test("undoing takes back exactly the edit, typing before stays one group, and redo brings both back", () => {
  const editor = editing();
  for (const character of "x = 1") editor.type(character);
  editor.place("x = 1\ny = 2");
  for (const character of "\nz") editor.type(character);
  assert.equal(editor.run(undo).text, "x = 1\ny = 2");
  assert.equal(editor.run(undo).text, "x = 1");
  assert.equal(editor.run(undo).text, "");
  assert.equal(editor.run(redo).text, "x = 1");
  assert.equal(editor.run(redo).text, "x = 1\ny = 2");
  assert.equal(editor.run(redo).text, "x = 1\ny = 2\nz");
});

test("the cursor stays before a text that comes at its place", () => {
  const editor = editing().type("x");
  editor.place("x = 1");
  assert.equal(editor.state.selection.main.head, 1);
});

test("an edit is the latest step until something else is changed, and again after that is undone", () => {
  const editor = editing().type("x").place("x = 1");
  const [edit] = freshEdits(editor.state);
  assert.ok(edit);
  assert.ok(isLatestChange(editor.state, edit));
  editor.type("# ", 0);
  assert.ok(!isLatestChange(editor.state, edit));
  editor.run(undo);
  assert.ok(isLatestChange(editor.state, edit));
});

test("after more steps than the history keeps, an edit is still taken back exactly", () => {
  const editor = editing();
  for (let i = 0; i < 300; i += 1) editor.change({ changes: { from: 0, insert: `${i}\n` }, userEvent: `step${i}` });
  const before = editor.text;
  editor.place(`${before}end\n`);
  const [edit] = freshEdits(editor.state);
  assert.ok(edit && isLatestChange(editor.state, edit));
  assert.equal(editor.run(undo).text, before);
});

test("the inverse takes an edit out wherever the person has gone on", () => {
  const editor = editing("a = 1\nb = 2\n").place("a = 1\nc = 3\nb = 20\n").type("d", 0).type("e");
  const [edit] = freshEdits(editor.state);
  assert.ok(edit);
  editor.change({ changes: inverseChanges(edit) });
  assert.equal(editor.text, "da = 1\nb = 2\ne");
});

test("what the person does to an edit is told apart", () => {
  const undone = editing().type("x").place("x = 1").run(undo);
  assert.deepEqual(undone.fates, ["undone"]);
  const deleted = editing("x").place("x\ny = 1").change({ changes: { from: 1, to: 7 } });
  assert.deepEqual(deleted.fates, ["deleted"]);
  const changed = editing("x").place("x\ny = 1").change({ changes: { from: 3, insert: "z" } });
  assert.deepEqual(changed.fates, ["changed"]);
  assert.deepEqual(changed.change({ changes: { from: 1, to: 8 } }).fates, ["changed", "deleted"]);
});

test("an edit that takes text away is undone as any other", () => {
  assert.deepEqual(editing("x = 1\ny = 2\n").place("x = 1\n").run(undo).fates, ["undone"]);
});

test("typing elsewhere, where the cursor stayed before the text, and on a new line after it leaves an edit fresh", () => {
  const editor = editing("a\nb").place("a = 1\nb").type("x", 0).type("!", 2).type("end");
  editor.type("\n    c", editor.text.indexOf("\n"));
  assert.deepEqual(editor.fates, []);
  assert.equal(freshEdits(editor.state).length, 1);
  editor.type("0", editor.text.indexOf("\n"));
  assert.deepEqual(editor.fates, ["changed"]);
});

test("a file keeps its line ends and its byte order mark around what is placed", () => {
  for (const [before, after] of [
    ["a\r\nb\r\n", "a\r\nx\r\ny\r\nb\r\n"], ["\ufeffa\r\nb", "\ufeffa\r\nb = 1\r\nc"], ["a\nb\r\nc\n", "a\nx\nb\r\nc\n"],
  ] as const) {
    const { doc, extension } = openFile(before);
    const editor = new Editing(EditorState.create({ doc, extensions: [history(), placedEdits, extension] }));
    editor.place(openFile(after).doc.toString());
    assert.equal(fileText(editor.state), after);
    assert.equal(fileText(editor.run(undo).state), before);
  }
});

test("whatever the person types elsewhere, taking an edit out leaves exactly what they typed", () => {
  const random = randomNumbers(7);
  for (let round = 0; round < 200; round += 1) {
    const lines = Array.from({ length: 2 + random(8) }, () => "abc = 1".slice(0, 1 + random(7)));
    const editor = editing(lines.join("\n"));
    const at = random(lines.length);
    const answer = lines.toSpliced(at, random(2), ...["new line", "  another"].slice(0, 1 + random(2))).join("\n");
    if (answer === editor.text) continue;
    editor.place(answer);
    const person = new Editing(EditorState.create({ doc: lines.join("\n"), extensions: [history(), placedEdits] }));
    for (let step = 0; step < 5; step += 1) {
      const [edit] = freshEdits(editor.state);
      if (edit === undefined) break;
      const line = editor.state.doc.line(1 + random(editor.state.doc.lines));
      const isNear = edit.hunks.some((hunk) => line.from <= hunk.to && line.to >= hunk.from);
      if (isNear) continue;
      const behind = edit.hunks.filter((hunk) => hunk.to <= line.from).reduce((sum, hunk) => sum + hunk.inserted.length - hunk.removed.length, 0);
      editor.change({ changes: { from: line.from, insert: `${step}` }, userEvent: "input.type" });
      person.change({ changes: { from: line.from - behind, insert: `${step}` }, userEvent: "input.type" });
    }
    const [edit] = freshEdits(editor.state);
    assert.ok(edit);
    assert.equal(editor.change({ changes: inverseChanges(edit) }).text, person.text);
  }
});

function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}
