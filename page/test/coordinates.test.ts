import assert from "node:assert/strict";
import { test } from "node:test";
import { history, redo, undo } from "@codemirror/commands";
import { EditorState, type Transaction, type TransactionSpec } from "@codemirror/state";
import { applyChanges, fileChanges } from "../src/editor/changes";
import { countCharacters, documentPosition, filePosition, fileSlice, fileText, newLineEnd, openFile, replaceFile } from "../src/editor/coordinates";
import { choose, PIECES, randomNumbers, randomText } from "./random";

const SEEDS = [1, 2, 3, 4, 5];
const STEPS = 1500;

function opened(text: string): EditorState {
  const { doc, extension } = openFile(text);
  return EditorState.create({ doc, extensions: [extension, history(), EditorState.allowMultipleSelections.of(true)] });
}

/** An editor whose every transaction is noted. */
class Editing {
  readonly transactions: Transaction[] = [];

  constructor(public state: EditorState) {}

  readonly dispatch = (transaction: Transaction): void => {
    this.transactions.push(transaction);
    this.state = transaction.state;
  };

  change(spec: TransactionSpec): void {
    this.dispatch(this.state.update(spec));
  }
}

function randomChanges(state: EditorState, random: () => number): TransactionSpec {
  const count = random() < 0.2 ? Math.ceil(random() * 4) : 1;
  const places = Array.from({ length: 2 * count }, () => Math.floor(random() * (state.doc.length + 1))).sort((a, b) => a - b);
  const changes = Array.from({ length: count }, (_, i) => {
    const from = places[2 * i]!;
    const to = random() < 0.5 ? from : Math.min(places[2 * i + 1]!, from + 6);
    return { from, to: Math.min(to, places[2 * i + 2] ?? state.doc.length), insert: state.toText(random() < 0.3 ? "" : choose(random, PIECES)) };
  });
  return { changes, userEvent: "input" };
}

function randomStep(editing: Editing, random: () => number): void {
  const chance = random();
  if (chance < 0.12) undo(editing);
  else if (chance < 0.2) redo(editing);
  else if (chance < 0.25) {
    const spec = replaceFile(editing.state, randomText(random, 3) + fileText(editing.state).slice(Math.floor(random() * 4)));
    if (spec) editing.change(spec);
  } else editing.change(randomChanges(editing.state, random));
}

test("a file is what was opened, to the last line end", () => {
  for (const text of ["", "\n", "\r\n", "a\r\nb\nc\r\n", "\ufeffa\r\n", "a\r", "\r\r\n\n\r", "😀\r\n\ud83d\n\ude00", "\ufeff"]) {
    assert.equal(fileText(opened(text)), text);
  }
});

test("new lines end as most of the file's lines do", () => {
  const ends = { "": "\n", "a\r\nb": "\r\n", "a\nb\r\nc": "\n", "a\r\nb\nc\r\n": "\r\n", "a\rb": "\n" };
  for (const [text, end] of Object.entries(ends)) {
    const state = opened(text);
    assert.equal(newLineEnd(state), end);
    assert.equal(fileText(state.update({ changes: { from: 0, insert: state.toText("x\n") } }).state), `x${end}${text}`);
  }
});

test("a new line anywhere in a file of mixed line ends leaves the end of every other line as it is", () => {
  for (const text of ["a\r\nb\n\r\nc\n\nd", "a\nb\r\n\nc\r\n\r\nd"]) {
    const state = opened(text);
    for (let position = 0; position <= state.doc.length; position += 1) {
      const { state: changed } = state.update({ changes: { from: position, insert: state.toText("\n") } });
      const before = fileSlice(state, 0, position);
      assert.equal(fileText(changed), before + newLineEnd(state) + text.slice(before.length), `${JSON.stringify(text)}, position ${position}`);
    }
  }
});

test("the changes of random edits, undone and done again, lead to the file's exact text", () => {
  for (const seed of SEEDS) {
    const random = randomNumbers(seed);
    const editing = new Editing(opened(randomText(random, 30)));
    let text = fileText(editing.state);
    for (let step = 0; step < STEPS; step += 1) {
      randomStep(editing, random);
      for (const transaction of editing.transactions.splice(0)) text = applyChanges(text, fileChanges(transaction));
      assert.equal(text, fileText(editing.state), `seed ${seed}, step ${step}`);
      if (step % 100 === 0) checkPositions(editing.state);
      if (editing.state.doc.length > 400) editing.change({ changes: { from: 100, to: editing.state.doc.length } });
    }
  }
});

// Against counting the text itself.
function checkPositions(state: EditorState): void {
  const start = fileText(state).length - fileSlice(state, 0, state.doc.length).length;
  for (let position = 0; position <= state.doc.length; position += 1) {
    if (/^[\ud800-\udbff][\udc00-\udfff]$/.test(state.doc.sliceString(position - 1, position + 1))) continue;
    const characters = start + countCharacters(fileSlice(state, 0, position));
    assert.equal(filePosition(state, position), characters);
    assert.equal(documentPosition(state, characters), position);
  }
}

test("every line keeps its own end over edits that are undone", () => {
  const text = "a\r\nb\nc\r\nd\ne\r\nf\n";
  for (const seed of SEEDS) {
    const random = randomNumbers(seed);
    const editing = new Editing(opened(text));
    for (let step = 0; step < 60; step += 1) editing.change({ ...randomChanges(editing.state, random), annotations: [] });
    while (undo(editing));
    assert.equal(fileText(editing.state), text);
    const forth = editing.transactions.length;
    while (redo(editing));
    while (undo(editing));
    assert.ok(editing.transactions.length > forth);
    assert.equal(fileText(editing.state), text);
  }
});

test("a change inside of a character is sent as one of whole characters", () => {
  const cases: [string, number, number, string, object][] = [
    ["a😀b", 2, 3, "", { position: 1, deleted: 1, inserted: "\ud83d" }],
    ["a😀b", 1, 2, "", { position: 1, deleted: 1, inserted: "\ude00" }],
    ["a\ud83db", 2, 2, "\ude00", { position: 1, deleted: 1, inserted: "😀" }],
    ["\ud83dx\ude00", 1, 2, "", { position: 0, deleted: 3, inserted: "😀" }],
    ["😀", 1, 1, "x", { position: 0, deleted: 1, inserted: "\ud83dx\ude00" }],
    ["a\r\nb", 1, 2, "", { position: 1, deleted: 2, inserted: "" }],
    ["😀\r\nb", 4, 4, "c", { position: 4, deleted: 0, inserted: "c" }],
  ];
  for (const [text, from, to, insert, expected] of cases) {
    assert.deepEqual(fileChanges(opened(text).update({ changes: { from, to, insert } })), [expected], JSON.stringify(text));
  }
});

test("several changes of one transaction have positions that are right in sequence", () => {
  const changes = [{ from: 0, to: 1, insert: "xyz" }, { from: 2, insert: "😀" }, { from: 3, to: 4 }];
  assert.deepEqual(fileChanges(opened("a\nbcd").update({ changes })), [
    { position: 0, deleted: 1, inserted: "xyz" }, { position: 4, deleted: 0, inserted: "😀" }, { position: 6, deleted: 1, inserted: "" },
  ]);
});

test("a keystroke in a file of 5,000 lines is counted within a frame", () => {
  for (const line of ["x = compute(value)\n", "x = compute(value)\r\n", "x = '😀'\n"]) {
    const editing = new Editing(opened(line.repeat(5000)));
    const times = Array.from({ length: 50 }, () => {
      const started = performance.now();
      editing.change({ changes: { from: editing.state.doc.length - 30, insert: "y" } });
      fileChanges(editing.transactions.at(-1)!);
      filePosition(editing.state, editing.state.doc.length);
      return performance.now() - started;
    });
    assert.ok(times.sort((a, b) => a - b)[25]! < 8);
  }
});
